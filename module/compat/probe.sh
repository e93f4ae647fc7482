#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# probe.sh KDIR TREE: find out what the kernel of KDIR offers, and write it to
# TREE/module/compat/features.h, one FZ_HAVE_<NAME> for each tests/<name>.c that
# compiles.  One run of kbuild compiles all tests.  The result is kept until the
# headers, the compiler or the tests change.  Only an error of the compiler is a no: a
# compiler that was killed is a failure.  The script refuses a kernel older than META
# allows, one for another processor than x86-64 and arm64, and one with other pages than
# those of 4 KiB.  It warns of one newer than those tested.  LLVM in the environment is
# for kbuild, for a kernel that clang has built.
set -eu
# The script reads English messages from the log, and kbuild unsets LC_ALL.
export LC_ALL=C LC_MESSAGES=C

kdir=$1
compat=$(cd "$2/module/compat" && pwd)
work=$compat/probe
out=$compat/features.h
# shellcheck source=META
. "$compat/../../META"

# older A B: A and B are versions, A is the older one.
older()
{
	[ "$1" != "$2" ] &&
		[ "$(printf '%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]
}

uts=$kdir/include/generated/utsrelease.h
release=$(sed -n 's/.*UTS_RELEASE "\(.*\)".*/\1/p' "$uts" 2>/dev/null || :)
series=$(echo "$release" | sed -n 's/^\([0-9]*\.[0-9]*\).*/\1/p')
if [ -z "$series" ]; then
	echo "probe.sh: $kdir is not the build directory of a kernel" >&2
	exit 1
fi
if older "$series" "$FZ_KERNEL_MIN"; then
	echo "probe.sh: fastzero $FZ_VERSION is for kernels from $FZ_KERNEL_MIN on," \
		"this is $release" >&2
	exit 1
fi
if older "$FZ_KERNEL_TESTED" "$series"; then
	echo "probe.sh: warning: fastzero $FZ_VERSION was tested on kernels up to" \
		"$FZ_KERNEL_TESTED, this is $release" >&2
fi

config=$kdir/include/generated/autoconf.h
# set_in_config NAME
set_in_config()
{
	grep -qx "#define CONFIG_$1 1" "$config"
}

# refuse TEXT
refuse()
{
	echo "probe.sh: fastzero $FZ_VERSION is for $1 $release" >&2
	exit 1
}

if [ -e "$config" ]; then
	set_in_config X86_64 || set_in_config ARM64 ||
		refuse "x86-64 and arm64; this kernel is for another processor:"
	! set_in_config CPU_BIG_ENDIAN ||
		refuse "little-endian processors; this kernel is big-endian:"
	shift=$(sed -n 's/^#define CONFIG_\(ARM64_\)\{0,1\}PAGE_SHIFT //p' "$config" |
		head -n 1)
	[ "${shift:-12}" = 12 ] ||
		refuse "pages of 4 KiB; this kernel has pages of $(((1 << shift) / 1024)) KiB:"
fi

# show: which features there are.
show()
{
	echo "features of $release ($1):"
	sed -n 's/.*FZ_HAVE_\([A-Z0-9_]*\) 1.*/  has \1/p
		s/.*no FZ_HAVE_\([A-Z0-9_]*\).*/  no  \1/p' "$out"
}

# Debian's headers ask for the compiler that compiled the kernel.
compiler=$(sed -n 's/.* CONFIG_CC_VERSION_TEXT "\([^ "]*\).*/\1/p' "$config" 2>/dev/null || :)
key=$({
	echo "$kdir"
	cat "$uts" "$config" "$kdir/Module.symvers" "$0" 2>/dev/null
	cd "$compat/tests" && cksum ./*.c
	"${CC:-gcc}" --version
	case ${LLVM-} in
	'')	;;
	-*)	"clang$LLVM" --version 2>/dev/null || : ;;
	*)	clang --version 2>/dev/null || : ;;
	esac
	[ -z "$compiler" ] || "$compiler" --version 2>/dev/null || :
} | cksum)
if [ -e "$out" ] && grep -qxF "/* Key: $key */" "$out"; then
	show 'found earlier'
	exit
fi

rm -rf "$work"
mkdir -p "$work"
cp "$compat"/tests/*.c "$work"/

# One must compile and one must not, or the results say nothing.
echo '#include <linux/mm.h>' >"$work/sane.c"
echo '#error "must not compile"' >"$work/insane.c"

objects=
for c in "$work"/*.c; do
	objects="$objects $(basename "$c" .c).o"
done
echo "obj-m :=$objects" >"$work/Kbuild"
# shellcheck disable=SC2086	# a list
${MAKE:-make} -k -C "$kdir" M="$work" $objects >"$work/log" 2>&1 || true

# The messages of a shell, and of make when it runs a command without a shell.
missing=$(sed -n -e 's/^[^ ]*sh: .*: \([^ :]*\): \(command \)*not found$/\1/p' \
	-e 's/^make[^ ]*: \([^ :]*\): No such file or directory$/\1/p' "$work/log" |
	head -n 1)
if [ -n "$missing" ]; then
	echo "probe.sh: $missing is not found; it is what modules for $release" \
		"are compiled with" >&2
	exit 1
fi

# cannot WHAT
cannot()
{
	echo "probe.sh: cannot $1:" >&2
	tail -n 20 "$work/log" >&2
	exit 1
}

# answer NAME: sets it to yes or no.
answer()
{
	if [ -e "$work/$1.o" ]; then
		answer=yes
	elif grep -qE "(^|[/ ])$1\.c:[0-9]+(:[0-9]+)?: (fatal )?error: " "$work/log"; then
		answer=no
	else
		cannot "tell whether there is $1, the compiler ended early"
	fi
}

# A full disk looks like an error of the compiler.
if grep -qE 'No space left|error: error (writing|closing)' "$work/log"; then
	cannot "write what the compiler makes"
fi
if [ ! -e "$work/sane.o" ] || [ -e "$work/insane.o" ]; then
	cannot "compile against $kdir"
fi

{
	echo '/* Written by probe.sh. */'
	echo "/* Key: $key */"
	for c in "$compat"/tests/*.c; do
		name=$(basename "$c" .c)
		upper=$(echo "$name" | tr '[:lower:]' '[:upper:]')
		answer "$name"
		if [ $answer = yes ]; then
			echo "#define FZ_HAVE_$upper 1"
		else
			echo "/* no FZ_HAVE_$upper */"
		fi
	done
} >"$out.new"
mv "$out.new" "$out"
rm -rf "$work"
show 'compiled now'

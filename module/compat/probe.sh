#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# probe.sh KDIR TREE: find out what the kernel of KDIR offers, and write it to
# TREE/module/compat/features.h, one FZ_HAVE_<NAME> for each tests/<name>.c that
# compiles.  All are compiled in one run of kbuild; the result is kept until the
# headers, the compiler or the tests change.  A kernel older than META allows is
# refused, one newer than it was tested on gets a warning.
set -eu

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

# show: which features there are.
show()
{
	echo "features of $release ($1):"
	sed -n 's/.*FZ_HAVE_\([A-Z0-9_]*\) 1.*/  has \1/p
		s/.*no FZ_HAVE_\([A-Z0-9_]*\).*/  no  \1/p' "$out"
}

key=$({
	echo "$kdir"
	cat "$uts" "$kdir/include/generated/autoconf.h" \
		"$kdir/Module.symvers" "$0" "$compat"/tests/*.c 2>/dev/null
	"${CC:-gcc}" --version
} | cksum)
if [ -e "$out" ] && grep -qxF "/* Key: $key */" "$out"; then
	show 'found earlier'
	exit
fi

rm -rf "$work"
mkdir -p "$work"
cp "$compat"/tests/*.c "$work"/

# One that must compile and one that must not: else we learn nothing.
echo '#include <linux/mm.h>' >"$work/sane.c"
echo '#error "must not compile"' >"$work/insane.c"

objects=
for c in "$work"/*.c; do
	objects="$objects $(basename "$c" .c).o"
done
echo "obj-m :=$objects" >"$work/Kbuild"
# shellcheck disable=SC2086	# a list
${MAKE:-make} -k -C "$kdir" M="$work" $objects >"$work/log" 2>&1 || true

if [ ! -e "$work/sane.o" ] || [ -e "$work/insane.o" ]; then
	echo "probe.sh: cannot compile against $kdir:" >&2
	tail -n 20 "$work/log" >&2
	exit 1
fi

{
	echo '/* Written by probe.sh. */'
	echo "/* Key: $key */"
	for c in "$compat"/tests/*.c; do
		name=$(basename "$c" .c)
		upper=$(echo "$name" | tr '[:lower:]' '[:upper:]')
		if [ -e "$work/$name.o" ]; then
			echo "#define FZ_HAVE_$upper 1"
		else
			echo "/* no FZ_HAVE_$upper */"
		fi
	done
} >"$out.new"
mv "$out.new" "$out"
rm -rf "$work"
show 'compiled now'

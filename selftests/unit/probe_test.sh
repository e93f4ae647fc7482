#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Tests of module/compat/probe.sh: which kernels it takes, what it finds, and
# that it finds it only once.
#
#	probe_test.sh KDIR		headers of a kernel that we build for

[ $# = 1 ] || { sed -n 's/^#\t/\t/p' "$0" >&2; exit 2; }
kdir=$1
# shellcheck source=selftests/unit/unit.sh
. "$(dirname "$0")/unit.sh"
# shellcheck source=META
. "$top/META"
mkdir -p "$tmp/tree/module" "$tmp/kernel/include/generated"
cp -r "$top/META" "$tmp/tree"
cp -r "$top/module/compat" "$tmp/tree/module"
rm -f "$tmp/tree/module/compat/features.h"
# A few features are enough, and each probe compiles all of them.
find "$tmp/tree/module/compat/tests" -name '*.c' | sort | tail -n +4 | xargs rm

# check WHAT STATUS
check()
{
	ktap_test_equal "$1" 0 "$2"
}

# probe KDIR: what it says goes to $tmp/said.
probe()
{
	sh "$tmp/tree/module/compat/probe.sh" "$1" "$tmp/tree" > "$tmp/said" 2>&1
}

# says TEXT
says()
{
	grep -qF "$1" "$tmp/said"
}

# A kernel that is nothing but a release.
pretend()
{
	echo "#define UTS_RELEASE \"$1\"" > "$tmp/kernel/include/generated/utsrelease.h"
}

for release in 5.10.0-39-amd64 6.0.19 6.0; do
	pretend $release
	! probe "$tmp/kernel" && says "is for kernels from $FZ_KERNEL_MIN on, this is $release"
	check "$release is refused" $?
done
for release in "$FZ_KERNEL_MIN" "$FZ_KERNEL_MIN.9-x" 6.12.95+deb12-amd64 "$FZ_KERNEL_TESTED"; do
	pretend "$release"
	# There is nothing to compile against, which is another matter.
	! probe "$tmp/kernel" && says 'cannot compile' && ! says warning &&
		! says 'is for kernels'
	check "$release is neither too old nor too new" $?
done
pretend 99.1
! probe "$tmp/kernel" && says "warning: fastzero $FZ_VERSION was tested on kernels up to $FZ_KERNEL_TESTED, this is 99.1"
check "a newer one gets a warning" $?
! probe "$tmp" && says 'not the build directory of a kernel'
check "no kernel at all" $?

# refused WHAT TEXT CONFIG...: a kernel with this configuration.
refused()
{
	what=$1 text=$2
	shift 2
	pretend "$FZ_KERNEL_MIN"
	printf '#define CONFIG_%s\n' "$@" > "$tmp/kernel/include/generated/autoconf.h"
	! probe "$tmp/kernel" && says "$text" && says "$FZ_KERNEL_MIN" && ! says 'cannot compile'
	check "$what is refused" $?
}
refused "riscv64" 'is for x86-64 and arm64; this kernel is for another processor: ' \
	'64BIT 1' 'RISCV 1' 'PAGE_SHIFT 12'
refused "x86 of 32 bits" 'for another processor' 'X86 1' 'X86_32 1'
refused "big endian" 'this kernel is big-endian' 'ARM64 1' 'CPU_BIG_ENDIAN 1'
refused "pages of 16 KiB" 'has pages of 16 KiB' 'ARM64 1' 'ARM64_PAGE_SHIFT 14'
refused "pages of 64 KiB" 'has pages of 64 KiB' 'ARM64 1' 'PAGE_SHIFT 16'
for config in X86_64 ARM64; do
	printf '#define CONFIG_%s\n' "$config 1" 'PAGE_SHIFT 12' \
		> "$tmp/kernel/include/generated/autoconf.h"
	! probe "$tmp/kernel" && says 'cannot compile'
	check "$config is not" $?
done
rm "$tmp/kernel/include/generated/autoconf.h"

# An API of one kernel only, as any other feature.
cat > "$tmp/tree/module/compat/tests/no_such_thing.c" <<END
#include <linux/mm.h>
void test(void);
void test(void) { fz_no_such_function(); }
END
probe "$kdir" && says 'compiled now' && says 'no  NO_SUCH_THING'
check "features are found" $?
grep -q '^/\* no FZ_HAVE_NO_SUCH_THING \*/$' "$tmp/tree/module/compat/features.h"
check "and written down" $?
probe "$kdir" && says 'found earlier' && says 'no  NO_SUCH_THING'
check "the second time they are known" $?
echo 'int now_there_is;' > "$tmp/tree/module/compat/tests/no_such_thing.c"
probe "$kdir" && says 'compiled now' && says 'has NO_SUCH_THING'
check "until a test changes" $?

mv "$tmp/tree/module/compat/tests/no_such_thing.c" "$tmp/tree/module/compat/tests/other_name.c"
probe "$kdir" && says 'compiled now' && says 'has OTHER_NAME' && ! says NO_SUCH_THING
check "or its name" $?

# A compiler that ends without a word, as one that was killed does.
cat > "$tmp/cc" <<END
#!/bin/sh
case " \$* " in
*other_name.c*)	kill -KILL \$\$ ;;
esac
exec gcc "\$@"
END
chmod +x "$tmp/cc"
echo 'int changed;' >> "$tmp/tree/module/compat/tests/other_name.c"
rm -f "$tmp/tree/module/compat/features.h"
for _ in once again; do
	! MAKEFLAGS="CC=$tmp/cc" probe "$kdir" && says 'whether there is other_name' &&
		[ ! -e "$tmp/tree/module/compat/features.h" ]
	check "a compiler that is killed is no answer" $?
done
# One that has no room for what it makes says so in the words of an error.
cat > "$tmp/cc" <<END
#!/bin/sh
case " \$* " in
*other_name.c*)
	echo "x/other_name.c:1:1: fatal error: error closing a.s: No space left on device" >&2
	exit 1 ;;
esac
exec gcc "\$@"
END
! MAKEFLAGS="CC=$tmp/cc" probe "$kdir" && says 'cannot write what the compiler makes' &&
	[ ! -e "$tmp/tree/module/compat/features.h" ]
check "a full disk is no answer" $?
! MAKEFLAGS=CC=fz-no-such-gcc probe "$kdir" &&
	says 'fz-no-such-gcc is not found' && [ "$(wc -l < "$tmp/said")" = 1 ]
check "a compiler that is not there is named" $?

# A kernel that clang has built, as far as its configuration says; the compilers are
# pretended, the second of them is that of the kernel's version.
mkdir "$tmp/clang" "$tmp/bin" "$tmp/versioned"
ln -s "$kdir"/* "$tmp/clang"
sed 's/^CONFIG_CC_IS_GCC=y/CONFIG_CC_IS_CLANG=y/; s/^CONFIG_CLANG_VERSION=.*/CONFIG_CLANG_VERSION=140006/' \
	"$kdir/.config" > "$tmp/clang/.config"
for tool in clang ld.lld llvm-ar llvm-nm llvm-objcopy llvm-objdump llvm-readelf llvm-strip; do
	case $tool in
	clang)	real=gcc ;;
	ld.lld)	real=ld ;;
	*)	real=${tool#llvm-} ;;
	esac
	# shellcheck disable=SC2016 # for that shell
	printf '#!/bin/sh\necho "$0 $*" >> "%s"\nexec %s "$@"\n' "$tmp/calls" "$real" > "$tmp/bin/$tool"
	cp "$tmp/bin/$tool" "$tmp/versioned/$tool-14"
done
chmod +x "$tmp"/bin/* "$tmp"/versioned/*
unset LLVM
# asked LLVM TARGET NAME=VALUE: what make TARGET, in this environment, hands to kbuild
# and to the probe.
asked()
{
	env "$3" make -n -C "$top" "$2" KDIR="$tmp/clang" OUT="$tmp/out" > "$tmp/said" 2>&1
	[ "$(grep -cE "(LLVM=$1 sh [^ ]*probe.sh|make -C [^ ]*clang LLVM=$1 M=)" "$tmp/said")" = 2 ]
}
# Without the compilers of this machine.
for tool in sh sed grep make dirname pwd cat sort head mkdir rm cp; do
	ln -s "$(command -v $tool)" "$tmp/bin/"
done
for target in module dkms; do
	asked 1 $target PATH="$tmp/bin"
	check "make $target: a kernel of clang's is for LLVM=1" $?
	asked -14 $target PATH="$tmp/versioned:$PATH"
	check "make $target: or for clang of its version, if that is there" $?
	asked -77 $target LLVM=-77
	check "make $target: unless LLVM says what" $?
done
rm -f "$tmp/calls"
LLVM=1 PATH=$tmp/bin:$PATH probe "$tmp/clang" && says 'compiled now' &&
	grep -q "clang .*/probe/sane" "$tmp/calls"
check "the probe compiles by clang then" $?
make -n -C "$top" module KDIR="$kdir" OUT="$tmp/out" > "$tmp/said" 2>&1
says probe.sh && ! says LLVM
check "and any other kernel is not" $?

ktap_finished

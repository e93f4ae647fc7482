#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Tests of module/compat/probe.sh: which kernels it takes, what it finds, and
# that it finds it only once.
#
#	probe_test.sh KDIR		headers of a kernel that we build for

set -u

[ $# = 1 ] || { sed -n 's/^#\t/\t/p' "$0" >&2; exit 2; }
kdir=$1
unset CDPATH
top=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=META
. "$top/META"
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
mkdir -p "$tmp/tree/module" "$tmp/kernel/include/generated"
cp -r "$top/META" "$tmp/tree"
cp -r "$top/module/compat" "$tmp/tree/module"
rm -f "$tmp/tree/module/compat/features.h"
# shellcheck source=selftests/lib.sh
. "$top/selftests/lib.sh"
KTAP_SHOW=$tmp/said
ktap_print_header

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

ktap_finished

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# probe.sh KDIR TREE: find out what the kernel of KDIR offers, and write it to
# TREE/module/compat/features.h, one FZ_HAVE_<NAME> for each tests/<name>.c that
# compiles.  All are compiled in one run of kbuild.
set -eu

kdir=$1
compat=$(cd "$2/module/compat" && pwd)
work=$compat/probe
out=$compat/features.h

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
rm -rf "$work"
cmp -s "$out.new" "$out" || mv "$out.new" "$out"
rm -f "$out.new"
sed -n 's/.*FZ_HAVE_\([A-Z0-9_]*\) 1.*/  has \1/p; s/.*no FZ_HAVE_\([A-Z0-9_]*\).*/  no  \1/p' "$out"

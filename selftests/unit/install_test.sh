#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Tests of make install and uninstall: what is there afterwards, by lists of a root
# before and after; and that what is installed for a host names all that there is.

# shellcheck source=selftests/unit/unit.sh
. "$(dirname "$0")/unit.sh"
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES DESTDIR PREFIX

# check WHAT STATUS
check()
{
	ktap_test_equal "$1" 0 "$2"
}

# list ROOT: every path, with what it is.
list()
{
	(cd "$1" && find . -printf '%p %y %m %l\n' | sort)
}

# has PATH...: in the root
has()
{
	for path; do
		[ -s "$root$path" ] || { echo "no $path" > "$tmp/said"; return 1; }
	done
}

# run ARGUMENT...: make
run()
{
	make -s -C "$top" "$@" DESTDIR="$root" > "$tmp/said" 2>&1
}

root=$tmp/root
for prefix in /usr /opt/some; do
	rm -rf "$root"
	# A system has these, and files of others in them.
	mkdir -p "$root$prefix/bin" "$root$prefix/share/doc" "$root$prefix/lib/udev/rules.d"
	touch "$root$prefix/bin/other" "$root$prefix/share/doc/fastzero-of-others"
	list "$root" > "$tmp/before"
	run install PREFIX=$prefix
	check "$prefix: installs" $?
	has $prefix/lib/libfastzero.so.0 $prefix/include/fastzero.h $prefix/bin/fastzero-bench \
		$prefix/share/doc/fastzero/README.md $prefix/share/doc/fastzero/docs/host.md \
		$prefix/share/doc/fastzero/LICENSES/GPL-2.0 \
		$prefix/lib/udev/rules.d/60-fastzero.rules $prefix/lib/sysusers.d/fastzero.conf
	check "$prefix: library, tools, udev rule, documents and licences are there" $?
	list "$root" | grep -v "^\./*\($(echo ${prefix#/} | sed 's|/.*||')\| \)" > "$tmp/said"
	[ ! -s "$tmp/said" ]
	check "$prefix: nothing lies elsewhere" $?
	grep -rlF -e "$tmp" -e "$top" "$root$prefix/lib/pkgconfig" \
		"$root$prefix/lib/udev" > "$tmp/said"
	[ ! -s "$tmp/said" ]
	check "$prefix: no file names DESTDIR or the tree" $?
	run uninstall PREFIX=$prefix
	check "$prefix: uninstalls" $?
	# Directories that every system has may stay.
	list "$root" | diff "$tmp/before" - | grep '^[<>]' | grep -v '^> [^ ]* d ' > "$tmp/said"
	list "$root" | diff "$tmp/before" - | grep '^> .*fastzero' >> "$tmp/said"
	[ ! -s "$tmp/said" ]
	check "$prefix: nothing is left, and nothing of others is gone" $?
done

rm -rf "$root"
mkdir "$root"
run install_source
check "sources for DKMS" $?
# shellcheck source=META
. "$top/META"
src=/usr/src/fastzero-$FZ_VERSION
has $src/dkms.conf $src/META $src/Kbuild $src/Makefile $src/module/main.c \
	$src/module/compat/probe.sh $src/uapi/linux/fastzero.h
check "all that is built from" $?
(cd "$root$src" && find . -type f) | sed 's|^\./||' | sort > "$tmp/got"
(cd "$top" && git ls-files 2> /dev/null) | sort > "$tmp/tracked"
if [ -s "$tmp/tracked" ]; then
	comm -23 "$tmp/got" "$tmp/tracked" > "$tmp/said"
	[ ! -s "$tmp/said" ]
	check "and nothing that a build has left" $?
	grep -E '^(module|uapi)/' "$tmp/tracked" | comm -13 "$tmp/got" - > "$tmp/said"
	[ ! -s "$tmp/said" ]
	check "and all of module and uapi" $?
fi
run uninstall_source
find "$root" ! -type d > "$tmp/said"
[ ! -s "$tmp/said" ] && [ ! -e "$root$src" ]
check "and they go, too" $?

# Every parameter of the module is in the sample, and no other.  Those of the watched
# build are for tests.
sample=$top/packaging/host/modprobe.conf
files=$(find "$top/module" -name '*.c' ! -name quarantine.c)
# shellcheck disable=SC2086 # a list
perl -0777 -ne 'while (/MODULE_PARM_DESC\(\s*(\w+),\s*((?:"[^"]*"\s*)+)/g) {
	print "$1 ", $2 =~ /\(read only\)/ ? "read" : "set", "\n" }' \
	$files | sort > "$tmp/module"
{
	sed -n 's/^#options fastzero \([a-z_]*\)=.*/\1 set/p' "$sample"
	sed -n 's/^#   \([a-z_]*\)  .*/\1 read/p' "$sample"
} | sort > "$tmp/sample"
diff "$tmp/module" "$tmp/sample" > "$tmp/said" && [ -s "$tmp/module" ]
check "the sample of modprobe.d has each parameter" $?
sed -n 's/^#options fastzero \([a-z_]*\)=.*/\1/p' "$sample" | while read -r name; do
	grep -q "^# \**$name: " "$sample" || echo "$name"
done > "$tmp/said"
[ ! -s "$tmp/said" ]
check "and explains it" $?
# "*" is for those that can be written later.
# shellcheck disable=SC2086 # a list
perl -0777 -ne 'while (/module_param(?:_named|_cb)?\(\s*(\w+),[^;]*?(0[0-7]{3})\)/g) {
	print "$1\n" if oct($2) & 0200 }' \
	$files | sort > "$tmp/module"
sed -n 's/^# \*\([a-z_]*\): .*/\1/p' "$sample" | sort | diff "$tmp/module" - > "$tmp/said"
check "and says which can be changed later" $?

ktap_finished

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Tests of scripts/release: that it finds every place that names the version.  make
# check-packages has the rest of it.

# shellcheck source=selftests/unit/unit.sh
. "$(dirname "$0")/unit.sh"

# check WHAT STATUS
check()
{
	ktap_test_equal "$1" 0 "$2"
}

# release ARGUMENT...
release()
{
	"$top/scripts/release" "$@" > "$tmp/said" 2>&1
}

mkdir "$tmp/tree"
(cd "$top" && find . '(' -path ./build -o -path ./.git ')' -prune -o ! -type d -print0 |
	tar --null -T - -c) | tar -x -C "$tmp/tree"
release --check "$tmp/tree"
check "all places of the tree agree" $?
release --set 98.76.54 "$tmp/tree" && release --check "$tmp/tree"
check "a version is set everywhere" $?
(cd "$tmp/tree" && grep -rlF --exclude=release_test.sh 98.76.54 . | sort) > "$tmp/places"
while read -r place; do
	cp "$tmp/tree/$place" "$tmp/kept"
	sed -i 's/98\.76\.54/98.76.53/' "$tmp/tree/$place"
	! release --check "$tmp/tree"
	check "another version in $place is found" $?
	cp "$tmp/kept" "$tmp/tree/$place"
done < "$tmp/places"
# Where it is not about what is installed, an old version is history.
grep -rnE "fastzero[-_/]$(sed -n 's/^FZ_VERSION=//p' "$top/META" | sed 's/\./\\./g')" \
	"$tmp/tree" --include='*.md' --include='*.conf' --include='*.h' > "$tmp/said"
[ ! -s "$tmp/said" ]
check "no document names the old one" $?
release --set 98.76.54 "$tmp/tree" && release --check "$tmp/tree"
check "the same version once more is no change" $?
! release --set 1.2 "$tmp/tree" && grep -q "is no version" "$tmp/said"
check "what is no version is refused" $?

ktap_finished

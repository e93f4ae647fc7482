#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# abi.sh MAP LIBRARY HEADER...: the functions that the headers declare, those that
# the version map lists and those that the library exports are the same.
set -eu

map=$1 library=$2
shift 2
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# A declaration begins a line; comments and members do not.
sed -n 's/^[a-z][a-z0-9_ *]*[ *]\(fastzero_[a-z0-9_]*\)(.*/\1/p' "$@" |
	sort >"$tmp/header"
sed -n 's/^[[:space:]]*\(fastzero_[a-z0-9_]*\);$/\1/p' "$map" |
	sort >"$tmp/map"
nm -D --defined-only "$library" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' |
	sort >"$tmp/library"

if ! [ -s "$tmp/header" ]; then
	echo "abi.sh: no function found in $*" >&2
	exit 1
fi
status=0
for other in map library; do
	if ! diff -u "$tmp/header" "$tmp/$other"; then
		echo "abi.sh: the headers and the $other differ" >&2
		status=1
	fi
done
[ $status -eq 0 ] &&
	echo "abi: $(wc -l <"$tmp/header") functions, the same in headers, map and library"
exit $status

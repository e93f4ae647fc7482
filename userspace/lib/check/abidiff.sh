#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
#	abidiff.sh check|update DUMP LIBRARY HEADER...
#
# Whether a program that was built with the library of DUMP runs with LIBRARY: what the
# public headers declare is still there, and means the same.  New functions, and members
# at the end of structures, which have sizes, are none of a program's business.
#
# After a release, and where a difference is meant, update makes DUMP anew.
set -eu

verb=$1 dump=$2 library=$3
shift 3
hidden=$(dirname "$0")/abidiff.supp

# A directory with the public headers and no other.
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
number=0
for header; do
	number=$((number + 1))
	mkdir -p "$tmp/public/$number"
	cp "$header" "$tmp/public/$number/"
done

# dump_of FILE: what the library is.
dump_of()
{
	abidw --exported-interfaces-only --drop-private-types --no-show-locs \
		--no-corpus-path --no-comp-dir-path --no-elf-needed \
		--headers-dir "$tmp/public" --out-file "$1" "$library"
}

case $verb in
update)
	dump_of "$dump"
	;;
check)
	# Two dumps: of a library itself abidiff 2.2 dies by the file of suppressions.
	dump_of "$tmp/now.abi"
	if ! abidiff --no-added-syms --suppressions "$hidden" "$dump" "$tmp/now.abi"; then
		echo "abidiff.sh: $library does not do what $dump promises" >&2
		exit 1
	fi
	echo "abidiff: as in ${dump##*/}"
	;;
*)
	sed -n 's/^#\t/\t/p' "$0" >&2
	exit 2
	;;
esac

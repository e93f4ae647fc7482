#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Does charts say what is wrong, with status 2?  It draws nothing here.
#
#	charts.sh CHARTS

set -u

charts=$1
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
# shellcheck source=selftests/lib.sh
. "$(dirname "$0")/../../../selftests/lib.sh"
ktap_print_header

# refused TEXT ARGUMENT...
refused()
{
	text=$1
	shift
	said=$(perl "$charts" "$@" 2>&1)
	status=$?
	ktap_test_equal "$text" "2: charts: $text" "$status: $said"
}

echo '{"schema": 1}' > "$tmp/other"
echo '{"schema": 0, "program": "fastzero-bench", "rows": []}' > "$tmp/old"
echo 'Dear all,' > "$tmp/letter"
echo '{"schema": 1, "program": "fastzero-bench", "rows": []}' > "$tmp/empty"

refused "usage: charts RESULT.json DIRECTORY"
refused "$tmp/none: No such file or directory" "$tmp/none" "$tmp"
refused "$tmp/other: not a result of fastzero-bench" "$tmp/other" "$tmp"
refused "$tmp/old: its schema is 0, not 1" "$tmp/old" "$tmp"
refused "$tmp/letter: not a result of fastzero-bench" "$tmp/letter" "$tmp"
refused "$tmp/no/dir: No such file or directory" "$tmp/empty" "$tmp/no/dir"
refused "$tmp/empty: nothing to draw: no row of random writes to 64 MiB, to 113 pages, or by threads" \
	"$tmp/empty" "$tmp/made"
ktap_test_result "the directory is made" [ -d "$tmp/made" ]
ktap_finished

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
failed=0

# refused TEXT ARGUMENT...
refused()
{
	text=$1
	shift
	said=$(perl "$charts" "$@" 2>&1)
	status=$?
	if [ "$status-$said" = "2-charts: $text" ]; then
		echo "ok: charts: $text"
	else
		echo "not ok: charts: $text: status $status: $said"
		failed=1
	fi
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
if [ -d "$tmp/made" ]; then
	echo "ok: charts: the directory is made"
else
	echo "not ok: charts: the directory is not made"
	failed=1
fi
exit $failed

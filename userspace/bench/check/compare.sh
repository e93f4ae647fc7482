#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Does compare --guard say no when it should?
#
#	compare.sh COMPARE

set -u

compare=$1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
failed=0

# result FILE KERNEL SUM-OF-FASTZERO SUM-OF-DONTNEED [STALE]
result()
{
	cat > "$tmp/$1" <<END
{"schema": 1, "unit": "instructions", "overhead": {"process": 20}, "machine": {"kernel": "$2"},
 "rows": [
  {"user": "guest", "threads": 1, "size": 1048576, "pages": 17, "pattern": "random",
   "touch": "write", "peer": "dontneed", "sum": {"p50": $4}, "stale": 0},
  {"user": "guest", "threads": 1, "size": 1048576, "pages": 17, "pattern": "random",
   "touch": "write", "peer": "fz-auto", "sum": {"p50": $3}, "stale": ${5-0}}
 ], "responses": []}
END
}

# expect STATUS WHAT FILE [REFERENCE]
expect()
{
	perl "$compare" --guard "$tmp/${4-ref}" "$tmp/$3" > "$tmp/out" 2>&1
	status=$?
	if [ $status = "$1" ]; then
		echo "ok: $2"
	else
		echo "not ok: $2: status $status"
		cat "$tmp/out"
		failed=1
	fi
}

result ref a 1000 5000
result same a 1000 5000
result three a 1029 5000
result four a 1031 5000
result small-ref a 100 5000
result small a 115 5000
result better a 500 9000
result stale a 1000 5000 1
result other b 1090 5000
result other-faster b 500 2500
result other-worse b 1110 5000
sed 's/fz-auto/fz-gone/' "$tmp/same" > "$tmp/gone"

expect 0 "the same" same
expect 0 "2.9 % worse" three
expect 1 "3.1 % worse" four
expect 0 "15 % worse, but less than an empty cycle" small small-ref
expect 0 "better" better
expect 1 "stale pages" stale
expect 1 "a row that is gone" gone
expect 0 "another kernel, 9 % worse to the yardstick" other
expect 0 "another kernel, all faster" other-faster
expect 1 "another kernel, 11 % worse" other-worse

# says WHAT PATTERN A B: a line of plain compare
says()
{
	if perl "$compare" "$tmp/$3" "$tmp/$4" | grep -q "$2"; then
		echo "ok: $1"
	else
		echo "not ok: $1"
		perl "$compare" "$tmp/$3" "$tmp/$4"
		failed=1
	fi
}

result half a 1005 5000
says "0.5 % is no change" '^0 changes' ref half
says "2.9 % is one" 'fz-auto: sum: 1000 -> 1029 (+2.9 %)' ref three
says "a row that is new" 'fz-gone: new' ref gone
sed 's/"kernel": "a"/&, "module_compiler": "x"/' "$tmp/four" > "$tmp/compiler"
expect 0 "another compiler, 3.1 % worse" compiler
exit $failed

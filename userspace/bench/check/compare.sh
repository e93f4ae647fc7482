#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Does compare --guard say no when it should, and compare what differs?
#
#	compare.sh COMPARE

set -u

compare=$(readlink -f "$1")
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
# shellcheck source=selftests/lib.sh
. "$(dirname "$0")/../../../selftests/lib.sh"
KTAP_SHOW=$tmp/out
ktap_print_header

# result FILE KERNEL SUM-OF-FASTZERO SUM-OF-DONTNEED [STALE]
result()
{
	cat > "$tmp/$1" <<END
{"schema": 1, "program": "fastzero-bench", "unit": "instructions", "overhead": {"process": 20}, "machine": {"kernel": "$2"},
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
	ktap_test_equal "$2" "$1" $status
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
sed 's/"dontneed"/"none"/' "$tmp/same" > "$tmp/bare"
sed 's/"dontneed"/"none"/' "$tmp/other-worse" > "$tmp/other-bare"

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
expect 1 "another kernel, and no yardstick" other-bare
expect 1 "another kernel, and no yardstick in the reference" other-bare bare

# says WHAT PATTERN A B: a line of plain compare
says()
{
	what=$1 pattern=$2
	shift 2
	perl "$compare" "$@" > "$tmp/out" 2>&1
	status=$?
	found=no
	! grep -qe "$pattern" "$tmp/out" || found=yes
	ktap_test_equal "$what" "status ${expected-0}, found: yes" "status $status, found: $found"
}

cd "$tmp" || exit 1
result half a 1005 5000
says "0.5 % is no change" '^0 changes' ref half
says "2.9 % is one" 'fz-auto: sum: 1000 -> 1029 (+2.9 %)' ref three
says "a row that is new" 'fz-gone: new' ref gone
sed 's/"kernel": "a"/&, "module_compiler": "x"/' "$tmp/four" > "$tmp/compiler"
expect 0 "another compiler, 3.1 % worse" compiler

says "which compiler" '^differs: module_compiler: ? -> x' ref compiler
says "which kernel" '^differs: kernel: a -> b' ref other
sed 's/"sum": {"p50": 1000}, "stale": 0/"missing": "no module"/' same > missing
says "what is not there any more" 'fz-auto: not measured any more' ref missing
says "what is there now" 'fz-auto: measured now' missing ref

result 4-better a 969 5000
result 2-better a 971 5000
result small-better a 85 5000
result other-better b 890 5000
result other-near b 910 5000
says "3.1 % better" '^better: .*fz-auto: sum 1000 -> 969 (-3.1 %)' --guard ref 4-better
says "and how to keep that" '^1 rows .* more than 3 %; .* scripts/bench update' \
	--guard ref 4-better
says "another kernel, 11 % better" '^better: .*fz-auto: sum / dontneed' --guard ref other-better

# nothing WHAT PATTERN FILE...: nothing is said of that
nothing()
{
	what=$1 pattern=$2
	shift 2
	perl "$compare" "$@" > "$tmp/out" 2>&1
	ktap_test_equal "$what" "" "$(grep -e "$pattern" "$tmp/out")"
}

sed 's/"stale": 0/&, "faults": 0, "tlb_flushes": null/' same > faults-0
sed 's/"faults": 0, "tlb_flushes": null/"faults": 7, "tlb_flushes": 0/' faults-0 > faults-7
says "from nothing there are no percent" 'fz-auto: faults: 0 -> 7 (from none)' faults-0 faults-7
says "a figure that is new" 'fz-auto: tlb_flushes: none -> 0' faults-0 faults-7
sed 's/"rows"/"cycles": 5, &/' same > cycles-5
sed 's/"rows"/"cycles": 1, &/' same > cycles-1
says "other cycles" '^differs: cycles: 5 -> 1' cycles-5 cycles-1
sed 's/"rows"/"total_cpu": true, &/' same > total
says "another aim" '^differs: total_cpu: ? -> 1' same total
sed 's/"rows": \[/&{"user": "guest", "threads": 1, "size": 4096, "pages": 1, "pattern": "random",\
 "touch": "write", "peer": "fz-auto", "sum": {"p50": 9}},/' same > 'more'
sed 's/"sum": {"p50": 9}/"missing": "why not"/' more > more-missing
says "a row that the guard cannot judge" '^not in the reference: .* 4 KiB .*fz-auto' --guard ref more
says "one that could not be had" '^not in the reference: .* 4 KiB .*fz-auto' --guard more-missing more

says "what cannot be judged well is skipped" '^1 passed, 0 failed, 1 skipped$' --guard ref other
says "and loudly" '^WARNING: NO REFERENCE OF THIS kernel:' --guard ref other
says "nothing else is" '^1 passed, 0 failed, 0 skipped$' --guard ref three

# Courses: their figures are numbers.
for n in 1000 1020 1040; do
	sed 's/"responses": \[\]/&, "courses": [{"course": "drift", "user": "process", "size": 4096,\
 "pages": 1, "cycles": 120, "peer": "fz-auto", "run": 1, "reset": 2, "sum": 3, "cpu": 4, "last": 5, "worst": 6,\
 "held_kib": '$n', "stale": 0}, {"course": "drift", "user": "process", "size": 4096, "pages": 1,\
 "peer": "dontneed", "sum": '$n'}]/' same > course-$n
done
sed 's/"sum": 3/"sum": 33/' course-1000 > course-sum
sed 's/"held_kib": 1000, "stale": 0/"held_kib": 1000, "stale": 1/' course-1000 > course-stale
expect 0 "a course, 2 % more is held" course-1020 course-1000
expect 1 "a course, 4 % more is held" course-1040 course-1000
expect 1 "a course, a dearer cycle" course-sum course-1000
expect 1 "a course, stale pages" course-stale course-1000
for figure in '"sum": 3' '"worst": 6' '"cpu": 4'; do
	sed 's/"course": "drift"/"course": "back-to-back"/' course-1000 > pause
	sed "s/$figure/&00/" pause > pause-more
	case $figure in
	*cpu*)	expect 1 "without a pause, more CPU" pause-more pause ;;
	*)	expect 0 "without a pause, $figure" pause-more pause ;;
	esac
done
expect 1 "a course that is gone" same course-1000
expect 0 "a course that is new" course-1000 same
says "is named" '^not in the reference: course drift, process, 4 KiB 1 pages: fz-auto' --guard same course-1000
says "what is held" 'course drift, .*: fz-auto: held_kib: 1000 -> 1040 (+4.0 %)' course-1000 course-1040

nothing "the same machine" '^differs' ref three
nothing "nothing new" '^not in the reference' --guard ref same
nothing "2.9 % better is no news" 'better' --guard ref 2-better
nothing "15 % better, but less than an empty cycle" 'better' --guard small-ref small-better
nothing "another kernel, 9 % better" 'better' --guard ref other-near

# What cannot be compared: always 2, which is not the guard's no.
expected=2
echo '["a"]' > array
echo 'Dear all,' > letter
sed 's/"schema": 1/"schema": 2/' same > schema
sed 's/instructions/ns/' same > ns
sed 's/"schema": 1, //' same > no-schema
echo '{"schema": 1, "program": "fastzero-bench", "unit": "ns", "rows": [], "responses": []}' > no-rows
for guard in '' --guard; do
	# shellcheck disable=SC2086 # nothing or a word
	{
	says "no files" '^compare: usage: make bench-compare A=' $guard
	says "one file" '^compare: usage: make bench-compare A=' $guard ref
	says "no such file" '^compare: none: No such file or directory$' $guard ref none
	says "a directory" '^compare: /: not a result of fastzero-bench$' $guard / ref
	says "JSON of another kind" '^compare: array: not a result of fastzero-bench$' $guard ref array
	says "no JSON" '^compare: letter: not a result of fastzero-bench$' $guard letter ref
	says "another schema" '^compare: schema: its schema is 2, not 1$' $guard ref schema
	says "no schema" '^compare: no-schema: its schema is ?, not 1$' $guard ref no-schema
	says "no rows" '^compare: no-rows: no rows, no unit' $guard no-rows ref
	says "another unit" '^compare: ref is in instructions, ns in ns' $guard ref ns
	}
done
says "the guard wants the same cycles" '^compare: cycles-1 was not measured as the reference' \
	--guard cycles-5 cycles-1
ktap_finished

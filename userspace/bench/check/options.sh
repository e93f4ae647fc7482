#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Does the benchmark do what its options say, and refuse what makes no sense
# before it touches a device?
#
#	options.sh FASTZERO_BENCH

set -u

bench=$1
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
# shellcheck source=selftests/lib.sh
. "$(dirname "$0")/../../../selftests/lib.sh"
ktap_print_header

# run OPTION...: leaves $status, and what was said in $tmp/out and $tmp/err
run()
{
	did=$(echo "$*" | tr '\n' ' ')
	timeout 60 "$bench" "$@" > "$tmp/out" 2> "$tmp/err"
	status=$?
}

# verdict WHAT COMMAND...: the last run is as it should be if COMMAND says so.
verdict()
{
	what=$1
	shift
	head -n 20 "$tmp/out" "$tmp/err" > "$tmp/both"
	KTAP_SHOW=$tmp/both
	ktap_test_result "$did: $what, exit $status" "$@"
}

# refused TEXT OPTION...: exit 2, with nothing but this line, and at once
refused()
{
	text=$1
	shift
	run "$@"
	verdict "refused" is_refused
}

# shellcheck disable=SC2317 # called by verdict
is_refused()
{
	[ "$status" = 2 ] && [ ! -s "$tmp/out" ] &&
		[ "$(cat "$tmp/err")" = "fastzero-bench: $text" ]
}

refused "--size: bad value '0'; try --help" --size 0
refused "--size: bad value '1Q'; try --help" -s1Q
refused "--pages: bad value '0'; try --help" --pages=0
refused "--pages: wants a value; try --help" -p
refused "--user: bad value 'process guest'; try --help" --user 'process guest'
refused "--user: bad value ''; try --help" --user=
refused "--pattern: bad value 'rand'; try --help" --pattern rand
refused "--cycles: bad value '0'; try --help" -c 0
refused "--requests: bad value '1000001'; try --help" -r 1000001
refused "--note: bad value 'a\"b=c'; try --help" --note 'a"b=c'
refused "--note: bad value 'a
b=c'; try --help" --note 'a
b=c'
refused "--note: bad value 'kernel=9.9'; try --help" --note kernel=9.9
refused "--note: bad value 'a=2'; try --help" --note a=1 --note a=2
refused "--json: bad value ''; try --help" --json ''
refused "--quick: takes no value; try --help" --quick=yes
refused "--nonsense: no such option; try --help" --nonsense
refused "-x: no such option; try --help" -x
refused "guest: not an option; try --help" guest

refused "no peer is called 'nonsense'; --list shows them" --only nonsense
refused "no peer is called 'fzz'; --list shows them" --only dontneed,fzz
refused "no peer is called ''; --list shows them" --only ''
refused "no peer is called 'munmap'; --list shows them" --demo --only munmap
refused "no course is called 'nonsense'; --list shows them" --course drift,nonsense
refused "no course is called 'driftwood'; --list shows them" --course driftwood
refused "no course is called ''; --list shows them" --course ''
refused "no cell of the grid is like that; --list shows them" --course drift --user threads
refused "no cell of the grid is like that; --list shows them" --course drift --demo
refused "no cell of the grid is like that; --list shows them" --size 3M
refused "no cell of the grid is like that; --list shows them" --pages 7777 --list
refused "no cell of the grid is like that; --list shows them" --demo --user process

# listed STATUS WHAT PATTERN OPTION...: does a line of --list match?
listed()
{
	expected=$1 text=$2 pattern=$3
	shift 3
	run --list "$@"
	verdict "$text" lists
}

# shellcheck disable=SC2317 # called by verdict
lists()
{
	grep -q "$pattern" "$tmp/out"
	[ $? = "$expected" ] && [ "$status" = 0 ]
}

to='^time to responsiveness'
listed 0 "all peers" '^dontneed '
listed 1 "no other peer" '^dontneed ' --only fz
listed 0 "that peer" '^fz-auto ' --only fz
listed 1 "no other size" '64 MiB' --size 8M
listed 0 "requests are served" "$to"
listed 0 "requests are served" "$to" --quick
listed 0 "requests are served" "$to" --user guest --size 8M --pages 113 --pattern random
listed 1 "no requests" "$to" --requests 0
listed 1 "no requests in a process" "$to" --user process
listed 1 "no requests of this size" "$to" --size 64M
listed 1 "no requests of these pages" "$to" --pages 581
listed 1 "no requests of this pattern" "$to" --pattern dense
listed 1 "no requests without a reset" "$to" --only =none
listed 1 "no requests" "$to" --demo
listed 0 "another aim for AUTO" '^fz-auto ' --total-cpu

listed 0 "courses" '^drift .*64 MiB, 581 pages'
listed 0 "small courses" '^drift .*8 MiB, 113 pages' --quick
listed 1 "those of one user" '^reads .*process' --quick
listed 1 "no course" '^drift' --course none
listed 0 "but the grid" 'guest, 8 MiB, 113 pages' --course none
listed 1 "no course of a size" '^drift' --size 64M
listed 0 "that course" '^drift .*process' --course =drift
listed 0 "of both users" '^drift .*guest' --course =drift
listed 1 "no other course" '^scan' --course =drift,idle
listed 1 "no cell" '^process,' --course =drift
listed 1 "no requests" "$to" --course =drift
listed 0 "all courses" '^scan' --course all
listed 1 "no cell" '^process,' --course all
listed 1 "no course of processes" ' process' --course all --user guest

# measured STATUS WHAT PATTERN OPTION...: a short run, and a line that it says
measured()
{
	expected=$1 text=$2 pattern=$3
	shift 3
	run --user process --size 288K --pages 1 --cycles 1 --device "$tmp/none" "$@"
	verdict "$text" says
}

# shellcheck disable=SC2317 # called by verdict
says()
{
	grep -qe "$pattern" "$tmp/out" "$tmp/err" && [ "$status" = "$expected" ]
}

# shellcheck disable=SC2317 # called by verdict
lacks()
{
	! grep -q "^  $1" "$tmp/out"
}

# shellcheck disable=SC2317 # called by verdict
is_quiet()
{
	[ ! -s "$tmp/err" ]
}

# shellcheck disable=SC2317 # called by verdict
is_short()
{
	! grep -q '^of the benchmark' "$tmp/out"
}

# shellcheck disable=SC2317 # called by verdict
says_full()
{
	[ "$status" = 2 ] && grep -q 'standard output cannot be written' "$tmp/err"
}

# shellcheck disable=SC2317 # called by verdict
is_utf8()
{
	perl -MJSON::PP -0777 -ne '
		exit(decode_json($_)->{machine}{x} ne "\x{e9}?\"")' "$tmp/utf8"
}

missing="$tmp/none: No such file or directory; is the module loaded?"
measured 0 "no guest" 'empty cycle of a process [0-9,]*, of a guest -'
measured 0 "the module is missing" "$missing"
measured 0 "--strict is named" 'WARNING: .*--strict'
measured 2 "that is an error" "$missing" --strict
measured 2 "that is an error" "$missing" --only dontneed,fz-auto
verdict "nothing was measured" is_short
measured 0 "nobody misses it" '^\* dontneed ' --only =dontneed
verdict "no warning" is_quiet
measured 2 "not a device" "Inappropriate ioctl" --only fz --device "$tmp/out"

# Courses.
did="courses"
"$bench" --quick --user process --course drift,first,many --only =none,=dontneed --json "$tmp/courses" \
	> "$tmp/out" 2> "$tmp/err"
status=$?
verdict "are measured" test $status = 0
verdict "have tables" test "$(grep -c '^  dontneed ' "$tmp/out")" = 3
verdict "no others take part" lacks memset
# shellcheck disable=SC2016 # for perl
verdict "are in the JSON" perl -MJSON::PP -0777 -ne '
	%c = map { ("$_->{course} $_->{peer}" => $_) } @{decode_json($_)->{courses}};
	exit(!($c{"drift none"}{cycles} == 120 && $c{"drift none"}{held_kib} > 2 * 452 &&
	       $c{"first dontneed"}{held_kib} == 0 && $c{"first dontneed"}{run} &&
	       $c{"many none"}{held_kib} == 4))' "$tmp/courses"
run --user process --course first --only fz-auto --device "$tmp/none" --quick
verdict "without the module are trouble" test $status = 2

# The result: the old one stays until there is a new one.
echo old > "$tmp/result"
measured 2 "no JSON yet" "$missing" --only fz --json "$tmp/result"
verdict "the old result is there" grep -qx old "$tmp/result"
measured 0 "JSON" '^\* dontneed ' --only =dontneed --json "$tmp/result"
verdict "the new result is there" grep -q '"program": "fastzero-bench"' "$tmp/result"
verdict "and no other file" test ! -e "$tmp/result.new"
measured 2 "no such directory" "$tmp/none/result.new: No such file" --json "$tmp/none/result"
verdict "nothing was measured" is_short
measured 2 "no space" '/dev/full: No space' --only =dontneed --json /dev/full
verdict "the device is there" test -c /dev/full
measured 0 "a part of a part" '^not in it: .* part of the quick part' --quick --pages 72 --only =dontneed

# Not whole, so no result.
did="standard output is full"
for option in --list "--only =dontneed --user process --size 288K --pages 1 --cycles 1"; do
	status=0
	# shellcheck disable=SC2086 # words
	"$bench" $option > /dev/full 2> "$tmp/err" || status=$?
	: > "$tmp/out"
	verdict "status 2" says_full
done

# JSON is UTF-8, whatever was said.
measured 0 "JSON" '^\* dontneed ' --only =dontneed --json "$tmp/utf8" \
	--note "$(printf 'x=\303\251\377"')"
verdict "JSON is valid" is_utf8

# An interrupted run leaves no half of a file.
did="interrupted"
echo old > "$tmp/result"
"$bench" --user process --size 64M --cycles 100000 --only =dontneed \
	--json "$tmp/result" > "$tmp/out" 2> "$tmp/err" &
pid=$!
n=0
until [ -e "$tmp/result.new" ] || [ $n = 100 ]; do
	sleep 0.1
	n=$((n + 1))
done
sleep 0.1
kill $pid
status=0
wait $pid || status=$?
verdict "by the signal" test $status = 143
verdict "the old result is there" grep -qx old "$tmp/result"
verdict "and no other file" test ! -e "$tmp/result.new"

ln -s result "$tmp/link"
measured 0 "JSON" '^\* dontneed ' --only =dontneed --json "$tmp/link"
verdict "the link is there" test -L "$tmp/link"
ktap_finished

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Does the benchmark do what its options say, and refuse what makes no sense
# before it touches a device?
#
#	options.sh FASTZERO_BENCH

set -u

bench=$1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
failed=0

# run OPTION...: leaves $status, and what was said in $tmp/out and $tmp/err
run()
{
	did=$*
	timeout 60 "$bench" "$@" > "$tmp/out" 2> "$tmp/err"
	status=$?
}

# verdict WHAT COMMAND...: the last run is as it should be if COMMAND says so.
verdict()
{
	what=$1
	shift
	if "$@"; then
		echo "ok: $did: $what"
	else
		echo "not ok: $did: $what: exit $status"
		head -n 40 "$tmp/out" "$tmp/err"
		failed=1
	fi
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
refused "--quick: takes no value; try --help" --quick=yes
refused "--nonsense: no such option; try --help" --nonsense
refused "-x: no such option; try --help" -x
refused "guest: not an option; try --help" guest

refused "no peer has a name like that; --list shows them" --only nonsense
refused "no cell of the grid is like that; --list shows them" --size 3M
refused "no cell of the grid is like that; --list shows them" --pages 7777
exit $failed

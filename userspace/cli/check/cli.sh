#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What can be checked of the fastzero command without the module: usage, help, its manual
# page, completion, JSON.
#
#	cli.sh FASTZERO MANUAL COMPLETION
#
# Programs of other shells and of perl:
# shellcheck disable=SC2016

set -u

cli=$1 manual=$2 completion=$3
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
# shellcheck source=selftests/lib.sh
. "$(dirname "$0")/../../../selftests/lib.sh"
ktap_print_header

# run ARGUMENT...: leaves $status, and what was said in $tmp/out and $tmp/err
run()
{
	did=$(echo "$*" | tr '\n' ' ')
	status=0
	timeout 60 "$cli" "$@" > "$tmp/out" 2> "$tmp/err" < /dev/null || status=$?
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

# shellcheck disable=SC2317 # called by verdict
is_refused()
{
	[ "$status" = 2 ] && [ ! -s "$tmp/out" ] && [ "$(cat "$tmp/err")" = "$text" ]
}

# refused TEXT ARGUMENT...: exit 2, with nothing but this line
refused()
{
	text=$1
	shift
	run "$@"
	verdict "refused" is_refused
}

# says STATUS PATTERN ARGUMENT...
says()
{
	expected=$1 pattern=$2
	shift 2
	run "$@"
	verdict "says '$pattern'" is_said
}

# shellcheck disable=SC2317 # called by verdict
is_said()
{
	[ "$status" = "$expected" ] && grep -qe "$pattern" "$tmp/out" "$tmp/err"
}

says 2 '^usage: fastzero COMMAND'
says 0 '^usage: fastzero COMMAND' --help
says 0 '^usage: fastzero reset --pid PID' help reset
says 0 '^fastzero [0-9.]*$' --version
refused "fastzero: there is no command 'nonsense'; try --help" nonsense

refused "fastzero doctor: --nonsense: no such option; try --help" doctor --nonsense
refused "fastzero doctor: --pool: bad value '1Q'; try --help" doctor --pool 1Q
refused "fastzero doctor: --pool: wants a value; try --help" doctor --pool
refused "fastzero doctor: --quiet does not go with --json; try --help" doctor --json --quiet
refused "fastzero doctor: 'x': not an option; try --help" doctor x
refused "fastzero stat: --interval: bad value '-1'; try --help" stat --interval -1
refused "fastzero stat: --interval: bad value '1s'; try --help" stat --interval=1s
refused "fastzero top: --delay: bad value '0'; try --help" top --delay 0
refused "fastzero top: --count: bad value ''; try --help" top --count ''
refused "fastzero holders: --context: bad value 'x'; try --help" holders --context x
refused "fastzero exec: --size is missing; try --help" exec -- true {}
refused "fastzero exec: no program was named; try --help" exec --size 1M
refused "fastzero exec: --size: bad value ''; try --help" exec --size '' -- true {}
refused "fastzero exec: --size: bad value '99999999T'; try --help" \
	exec --size 99999999T -- true {}
refused "fastzero exec: --pages: bad value '1g'; try --help" exec --size 1M --pages 1g -- a {}
refused "fastzero exec: --node: bad value '-1'; try --help" exec --size 1M --node -1 -- a {}
refused "fastzero exec: no {} among the arguments: a would not find the scratch; try --help" \
	exec --size 1M -- a b
refused "fastzero reset: --pid is missing; try --help" reset
refused "fastzero reset: --pid: bad value '1x'; try --help" reset --pid 1x
refused "fastzero reset: --mode: bad value 'fast'; try --help" reset --pid 1 --mode fast
for range in 1 1: :1 1:0 1:1:1 x:1 1:x ''; do
	refused "fastzero reset: --range: bad value '$range'; try --help" \
		reset --pid 1 --range "$range"
done
refused "fastzero pool: --pid is missing; try --help" pool --target 1M
refused "fastzero pool: --pages: bad value 'auto'; try --help" \
	pool --pid 1 --target 1M --pages auto
refused "fastzero pool: --node and --wait go with --target; try --help" pool --pid 1 --wait
refused "fastzero workset: '': not save, load or clear; try --help" workset --pid 1 x
refused "fastzero workset: 'keep': not save, load or clear; try --help" workset keep --pid 1
refused "fastzero workset: names one FILE; try --help" workset save --pid 1
refused "fastzero workset: clear takes no FILE; try --help" workset clear --pid 1 x
refused "fastzero workset: --populate goes with load; try --help" \
	workset save --pid 1 --populate x
says 125 "$tmp/none: ENOENT (2): " exec --size 1M --device "$tmp/none" -- a {}
says 125 '/dev/null: ENOTTY (25): ' \
	exec --size 1M --device /dev/null -- a {}
says 1 'process 4194305: ' reset --pid 4194305

# What cannot be written is an error.
did='--help > /dev/full'
"$cli" --help > /dev/full 2> "$tmp/err" && status=0 || status=$?
verdict "fails" test "$status" = 1

# Each command: help with examples and exit status, in the manual page and completed.
commands=$("$cli" --help | sed -n 's/^  \([a-z]*\)  .*/\1/p')
did=commands
verdict "are nine" test "$(echo "$commands" | wc -l)" = 9

# completes WORD...: what bash would offer for the last of them
completes()
{
	bash -c '. "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _fastzero
		printf "%s\n" "${COMPREPLY[@]}"' "$completion" "$cli" "$@"
}

# The manual's words, without its macros.
sed -n 's/^\.It Cm \([a-z]*\)$/command \1/p; s/\<Fl -/\n--/gp' "$manual" |
	sed 's/^\(--[a-z-]*\).*/\1/' > "$tmp/manual"
for command in $commands; do
	says 0 '^Examples:$' "$command" --help
	says 0 '^Exit status: 0\|^Exit status: that of' "$command" --help
	did="manual of $command"
	verdict "is there" grep -qx "command $command" "$tmp/manual"
	did="completion of $command"
	completes "$command" > "$tmp/out"
	verdict "is there" grep -qx "$command" "$tmp/out"
	"$cli" "$command" --help | sed -n 's/^  \(--[a-z]*\).*/\1/p' > "$tmp/options"
	completes "$command" -- > "$tmp/out"
	while read -r option; do
		did="manual of $command $option"
		verdict "is there" grep -qxe "$option" "$tmp/manual"
		did="completion of $command $option"
		verdict "is there" grep -qxe "$option" "$tmp/out"
	done < "$tmp/options"
done
did="completion of values"
completes reset --mode in > "$tmp/out"
verdict "is there" grep -qx inplace "$tmp/out"
completes workset '' > "$tmp/out"
verdict "is there" grep -qx save "$tmp/out"

did="mandoc $manual"
mandoc -T lint -W warning "$manual" > "$tmp/out" 2>&1
verdict "is clean" test ! -s "$tmp/out"

# is_json PERL: the last output is JSON, of which PERL is true
# shellcheck disable=SC2317 # called by verdict
is_json()
{
	EXPRESSION=$1 perl -MJSON::PP -0777 -ne '
		$_ = decode_json($_); exit(!eval($ENV{EXPRESSION}))' "$tmp/out"
}

# A host with nothing, and one with a module that is too old and a name that is no UTF-8.
mkdir -p "$tmp/root/sys/module/fastzero" "$tmp/root/proc"
run doctor --root "$tmp/root" --json
verdict "is JSON" is_json '@{$_->{checks}} == 17 && $_->{checks}[0]{id} eq "FZ001" &&
	$_->{checks}[0]{status} eq "FAIL" && $_->{checks}[0]{remedy} =~ /CONFIG_MODULES/'
verdict "fails" test "$status" = 1
: > "$tmp/root/proc/modules"
printf '0.0.\377"1\n' > "$tmp/root/sys/module/fastzero/version"
run doctor --root "$tmp/root" --json
verdict "is JSON" is_json '$_->{checks}[1]{text} =~ /version 0\.0\.\?"1,/'
mkdir -p "$tmp/root/dev"
run doctor --root "$tmp/root" --quiet
verdict "says nothing of what it skips" test "$(grep -c '^FZ' "$tmp/out")" = \
	"$(grep -c '^FZ[0-9]* \(WARN\|FAIL\) ' "$tmp/out")"
run holders --json
verdict "is JSON" is_json '$_->{schema} == 1 && ref($_->{holders}) eq "ARRAY"'

ktap_finished

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Runs the selftests, as root, on a machine that may be brought down: the test VM.

usage()
{
	cat <<END
usage: run.sh [option]...

  --dir DIR            the test programs (FZ_BUILD, build/selftests)
  --ko FILE            fastzero.ko (FZ_KO)
  --no-recheck-ko FILE the control, built with TEST_NO_RECHECK=1 (FZ_NO_RECHECK_KO)
  --quarantine-ko FILE a module built with TEST_QUARANTINE=1 (FZ_QUARANTINE_KO)
  --pin-ko FILE        fz_pin.ko (FZ_PIN_KO)
  --out DIR            keep the output of programs in DIR, as NAME.log (FZ_OUT)
  --only NAME          run only this program; may be repeated
  --list               only print the names of programs

Without an option, the variable in brackets counts.  A program that needs a
missing module is skipped.  Other variables:

  FZ_SLOW=N            give all programs N times as long
  FZ_MAY_SKIP=REGEX    a skip for any other reason is a failure
  FZ_LONG=1            run the long variants
  FZ_CHOSEN=MARK       leave out the programs with this mark in the list

Prints failed and skipped subtests, a line for each program, and last the sum:
N passed, N failed, N skipped.
END
	exit "$1"
}

# Each line: NAME SECONDS [MARK]...  SECONDS is the time limit on a slow machine.
# NAME_2m is the program NAME on scratches of huge folios, NAME_mix with every other
# chunk of one, NAME_zp on scratches with ZEROPAGE.  Marks:
#	long=SECONDS	it has a long variant (fz_long()), with this time limit
#	-stock		.ci/run leaves it out on the newest stock kernel
#	-debug		.ci/run leaves it out on the debug kernel
#	measures	it judges time or CPU, which a machine that stands still for a
#			moment spoils: if it fails it runs once more, and both are shown
# make check runs all of them on 6.1, make check-long all of them, long, everywhere.
# -stock is for variants of the module's own work and for the control of race; -debug
# also for programs whose kernel paths another program takes on the debug kernel.
programs='args 120
args_values 120 -debug
args_fd 120 -debug
reset_many 120
library 120
look 120
file 120
memfd 120 -debug
memfd_io 120 -debug
unlike 120 -debug
mmap 120
dirty 120 -debug
zero 240
zero_guest 240 -debug
huge 120
swap 120
trace 60
policy 120
workset 120
workset_io 120 -debug
prefault 60 -debug
dirty_2m 120 -debug
zero_2m 240 -stock -debug
zero_guest_2m 240 -stock -debug
isolation_2m 240 -debug
large 120
index 120 -stock -debug
index_race 240 -stock
dirty_mix 120 -stock -debug
zero_mix 240 -stock -debug
zero_guest_mix 240 -stock -debug
isolation_mix 240 -stock -debug
life_mix 300 -stock -debug
zeropage 120
zeropage_race 240 long=2400
zero_zp 240 -stock -debug
zero_guest_zp 240 -stock -debug
isolation_zp 240 -stock -debug
dirty_zp 120 -stock -debug
vma_zp 120 -debug
vma_touch_zp 120 -debug
vma 120
vma_touch 120
isolation 240
held 240
held_dio 240
held_race 120
poison 120
race 500 long=5000
life 300
life_module 300
coredump 120 -debug
limits 120
limits_race 120
accounting 60
memcg 240
memcg_end 240 -debug
memcg_limit 240 -debug
pool 240
shrink 240 -debug
pressure 240
zeroer 120
zeroer_thread 180 -debug measures
share 120 -debug measures
numa 120
numa_policy 300
guest_race 240 long=15000 -stock -debug
stats 120
stress 400 long=4000 -stock
roster 60
latency 240 -stock -debug measures
failnth 200
failnth_module 200
race-control 300 -stock -debug
race-control-2m 300 -stock -debug
quarantine 240 -stock -debug
quarantine-control 240 -stock -debug'

set -u

unset CDPATH
here=$(cd "$(dirname "$0")" && pwd)
dir=${FZ_BUILD:-$here/../build/selftests}
ko=${FZ_KO-} no_recheck_ko=${FZ_NO_RECHECK_KO-} pin_ko=${FZ_PIN_KO-}
quarantine_ko=${FZ_QUARANTINE_KO-}
out=${FZ_OUT-} only='' slow=${FZ_SLOW:-1}

while [ $# -gt 0 ]; do
	case $1 in
	--list)		echo "$programs" | sed 's/ .*//'; exit ;;
	--help)		usage 0 ;;
	esac
	[ $# -gt 1 ] || usage 2 >&2
	case $1 in
	--dir)		dir=$2 ;;
	--ko)		ko=$2 ;;
	--no-recheck-ko) no_recheck_ko=$2 ;;
	--quarantine-ko) quarantine_ko=$2 ;;
	--pin-ko)	pin_ko=$2 ;;
	--out)		out=$2 ;;
	--only)
		echo "$programs" | cut -d ' ' -f 1 | grep -qxF -e "$2" ||
			{ echo "run.sh: there is no $2" >&2; exit 2; }
		only="$only $2 " ;;
	*)		usage 2 >&2 ;;
	esac
	shift 2
done

[ "$(id -u)" = 0 ] || { echo "run.sh: needs root" >&2; exit 2; }
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
[ -n "$out" ] || out=$tmp
[ "${FZ_LONG-}" = 1 ] || unset FZ_LONG
mkdir -p "$out" || exit 2
export FZ_KO="$ko"
unset FZ_PAGES
[ -n "$ko" ] || unset FZ_KO

total_passed=0 total_failed=0 total_skipped=0

# add PASSED FAILED SKIPPED
add()
{
	total_passed=$((total_passed + $1))
	total_failed=$((total_failed + $2))
	total_skipped=$((total_skipped + $3))
}

# fail TEXT: something that is not in a program's own words.
fail()
{
	echo "not ok: $*"
	add 0 1 0
}

# use MODULE FILE: has that module loaded anew, with its defaults.
use()
{
	if [ -d "/sys/module/$1" ]; then
		said=$(rmmod "$1" 2>&1) || { fail "rmmod $1: $said"; return 1; }
	fi
	said=$(insmod "$2" 2>&1) || { fail "insmod $2: $said"; return 1; }
}

# kill_session SID: ends processes that an ended program has left running.
kill_session()
{
	for stat in /proc/[0-9]*/stat; do
		# Its end may be under way.
		read -r line 2>/dev/null < "$stat" || continue
		# state, parent, process group, session
		# shellcheck disable=SC2086 # words
		set -- "$1" ${line##*) }
		[ "$5" != "$1" ] || kill -KILL "${line%% *}" 2>/dev/null
	done
}

# choose: sets chosen, lines NAME SECONDS once|again, from $programs and $only; and the
# names that make check-long alone runs, left_out, or alone in the long variant, shortened.
choose()
{
	chosen='' left_out='' shortened=''
	while read -r name seconds marks; do
		case $only in
		''|*" $name "*)	;;
		*)		continue ;;
		esac
		# A program named with --only runs in any case.
		case "$only| $marks " in
		"|"*" -${FZ_CHOSEN:-none} "*)
			left_out="$left_out $name"
			continue ;;
		esac
		case "${FZ_LONG-} $marks" in
		"1 "*long=*)
			seconds=${marks##*long=}
			seconds=${seconds%% *} ;;
		" "*long=*)
			shortened="$shortened $name" ;;
		esac
		case " $marks " in
		*" measures "*)	again=again ;;
		*)		again=once ;;
		esac
		chosen="$chosen$name $seconds $again
"
	done <<END
$programs
END
}

# run_once NAME SECONDS COMMAND...: leaves "PASSED FAILED SKIPPED" in $sum, and in
# $clean whether the kernel said nothing.
run_once()
{
	name=$1 seconds=$(($2 * slow))
	shift 2
	"$here/vm/klog" mark "$name"
	setsid timeout -k 5 "$seconds" "$@" < /dev/null > "$out/$name.log" 2>&1 &
	pid=$!
	status=0
	wait "$pid" || status=$?
	kill_session "$pid"
	[ "$status" != 124 ] || echo "# time-out after $seconds s" >> "$out/$name.log"

	"$here/judge" "$status" "$out/$name.log" > "$tmp/said"
	sed '$d' "$tmp/said"
	# shellcheck disable=SC2046 # words
	set -- $(tail -n 1 "$tmp/said")
	clean=true
	if ! "$here/vm/klog" check > "$tmp/klog"; then
		echo "not ok: kernel log"
		sed 's/^/    /' "$tmp/klog"
		set -- "$1" $(($2 + 1)) "$3"
		clean=false
	fi
	sum="$1 $2 $3"
	# Settings that it may have left must not fail the next program.
	[ "$2" = 0 ] || [ -z "$ko" ] || use fastzero "$ko"
	[ "$2" = 0 ]
}

# run AGAIN NAME SECONDS COMMAND...: AGAIN is "again" for programs with the mark
# measures, otherwise "once".
run()
{
	again=$1 begin=$(date +%s)
	shift
	if ! run_once "$@" && [ "$again" = again ] && "$clean"; then
		echo "failed, and measured again: $1 ($sum)"
		mv "$out/$1.log" "$out/$1.first.log"
		run_once "$@" || :
	fi
	# shellcheck disable=SC2086 # words
	set -- "$1" $sum
	add "$2" "$3" "$4"
	printf '%-14s %3d passed %3d failed %3d skipped %4d s\n' "$@" \
		$(($(date +%s) - begin))
}

# others ONLINE: stops (0) or starts (1) all processors but the first, in the test
# VM: QEMU now and then goes on with code of the kernel that another one has patched.
others()
{
	[ -n "${FASTZERO_VM-}" ] || return 0
	for processor in /sys/devices/system/cpu/cpu[1-9]*/online; do
		[ ! -e "$processor" ] || echo "$1" > "$processor" ||
			fail "cannot write $1 to $processor"
	done
}

# run_with FILE AGAIN NAME SECONDS COMMAND...: on a module that was built for this test.
run_with()
{
	other=$1
	shift
	if [ ! -e "$other" ] || [ -z "$ko" ]; then
		echo "skipped: $2: the module that it needs is not given"
		add 0 0 1
		return
	fi
	use fastzero "$other" &&
		run "$@"
	use fastzero "$ko"
}

choose

# From a known state, with the defaults.
if [ -n "$ko" ]; then
	use fastzero "$ko"
fi
if [ ! -d /sys/module/fastzero ]; then
	fail "fastzero is not loaded"
	chosen=''
fi
if [ -n "$pin_ko" ]; then
	use fz_pin "$pin_ko"
fi

while read -r name seconds again; do
	[ -n "$name" ] || continue
	set -- "$again" "$name" "$seconds"
	if [ "$name" = race-control ]; then
		# The module without the re-check must be caught: else the test
		# proves nothing.
		run_with "$no_recheck_ko" "$@" "$dir/race" --expect-stale
	elif [ "$name" = race-control-2m ]; then
		run_with "$no_recheck_ko" "$@" "$dir/race" --expect-stale huge
	elif [ "$name" = quarantine ]; then
		run_with "$quarantine_ko" "$@" env -u FZ_LONG "$dir/guest_race"
	elif [ "$name" = quarantine-control ]; then
		run_with "$quarantine_ko" "$@" "$dir/guest_race" --expect-stray
	elif [ -x "$dir/${name%_mix}" ] && [ "$name" != "${name%_mix}" ]; then
		run "$@" env FZ_PAGES=mix "$dir/${name%_mix}"
	elif [ -x "$dir/${name%_2m}" ] && [ "$name" != "${name%_2m}" ]; then
		run "$@" env FZ_PAGES=2m "$dir/${name%_2m}"
	elif [ -x "$dir/${name%_zp}" ] && [ "$name" != "${name%_zp}" ]; then
		run "$@" env FZ_PAGES=zp "$dir/${name%_zp}"
	elif { [ "$name" = trace ] || [ "$name" = policy ]; } && [ -x "$dir/$name" ]; then
		# To switch a tracepoint on is to patch the kernel.
		others 0
		run "$@" "$dir/$name"
		others 1
	elif [ -x "$dir/$name" ]; then
		run "$@" "$dir/$name"
	else
		fail "$name: there is no $dir/$name"
	fi
done <<END
$chosen
END

# And back to nothing: the module can be unloaded, and has left nothing behind.
"$here/vm/klog" mark unload
[ ! -d /sys/module/fz_pin ] || rmmod fz_pin || fail "rmmod fz_pin"
status=0
"$here/vm/leaks" fastzero > "$tmp/leaks" || status=$?
"$here/judge" $status "$tmp/leaks" > "$tmp/said"
sed '$d' "$tmp/said"
# shellcheck disable=SC2046 # words
add $(tail -n 1 "$tmp/said")
"$here/vm/klog" check || fail "kernel log at unload"

[ -z "$shortened" ] || echo "moved to make check-long, the long variants of:$shortened"
[ -z "$left_out" ] || echo "moved to make check-long:$left_out"
echo "$total_passed passed, $total_failed failed, $total_skipped skipped"
[ "$total_failed" = 0 ]

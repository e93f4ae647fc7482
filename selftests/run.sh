#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Runs the selftests as root.  They may crash the machine, so run them in the test VM.

usage()
{
	cat <<END
usage: run.sh [option]...

  --dir DIR            the test programs (FZ_BUILD, build/selftests)
  --ko FILE            fastzero.ko (FZ_KO)
  --no-recheck-ko FILE a module built with TEST_NO_RECHECK=1 (FZ_NO_RECHECK_KO)
  --quarantine-ko FILE a module built with TEST_QUARANTINE=1 (FZ_QUARANTINE_KO)
  --pin-ko FILE        fz_pin.ko (FZ_PIN_KO)
  --out DIR            keep the output of programs in DIR, as NAME.log (FZ_OUT)
  --only NAME          run only this program; may be repeated
  --list               only print the names of programs

If an option is missing, the variable in brackets counts.  A program is skipped if
it needs a module that was not given.  Other variables:

  FZ_SLOW=N            give all programs N times as long
  FZ_MAY_SKIP=REGEX    a skip for any other reason is a failure
  FZ_LONG=1            run the long variants
  FZ_CHOSEN=MARK       leave out the programs with this mark in programs.txt

Prints failed and skipped subtests, and a line for each program.  The last line is the
sum: N passed, N failed, N skipped.
END
	exit "$1"
}

set -u

unset CDPATH
here=$(cd "$(dirname "$0")" && pwd)
dir=${FZ_BUILD:-$here/../build/selftests}
ko=${FZ_KO-} no_recheck_ko=${FZ_NO_RECHECK_KO-} pin_ko=${FZ_PIN_KO-}
quarantine_ko=${FZ_QUARANTINE_KO-}
out=${FZ_OUT-} only='' slow=${FZ_SLOW:-1}

while [ $# -gt 0 ]; do
	case $1 in
	--list)		exec "$here/choose" --names ;;
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
	--only)		only="$only $2" ;;
	*)		usage 2 >&2 ;;
	esac
	shift 2
done
# shellcheck disable=SC2086 # words
chosen=$("$here/choose" $only) || exit 2

[ "$(id -u)" = 0 ] || { echo "run.sh: needs root" >&2; exit 2; }
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
[ -n "$out" ] || out=$tmp
mkdir -p "$out" || exit 2
export FZ_KO="$ko"
unset FZ_PAGES FZ_LONG
[ -n "$ko" ] || unset FZ_KO

total_passed=0 total_failed=0 total_skipped=0

# add PASSED FAILED SKIPPED
add()
{
	total_passed=$((total_passed + $1))
	total_failed=$((total_failed + $2))
	total_skipped=$((total_skipped + $3))
}

# fail TEXT: prints and counts a failure that no program reports itself.
fail()
{
	echo "not ok: $*"
	add 0 1 0
}

# use MODULE FILE: loads the module anew, with its defaults.
use()
{
	if [ -d "/sys/module/$1" ]; then
		said=$(rmmod "$1" 2>&1) || { fail "rmmod $1: $said"; return 1; }
	fi
	said=$(insmod "$2" 2>&1) || { fail "insmod $2: $said"; return 1; }
}

# kill_session SID: ends the processes that a program has left running.
kill_session()
{
	for stat in /proc/[0-9]*/stat; do
		# The process may have ended by now.
		read -r line 2>/dev/null < "$stat" || continue
		# state, parent, process group, session
		# shellcheck disable=SC2086 # words
		set -- "$1" ${line##*) }
		[ "$5" != "$1" ] || kill -KILL "${line%% *}" 2>/dev/null
	done
}

# run_once NAME SECONDS COMMAND...: runs a program.  Sets $sum to "PASSED FAILED SKIPPED",
# and $clean to true if the kernel's log has no complaint.
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
	# A failed program may have left settings, which must not fail the next one.
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

# others ONLINE: in the test VM, stops (0) or starts (1) all processors but the first.  With
# several, QEMU may go on with old code after the kernel has patched itself.
others()
{
	[ -n "${FASTZERO_VM-}" ] || return 0
	for processor in /sys/devices/system/cpu/cpu[1-9]*/online; do
		[ ! -e "$processor" ] || echo "$1" > "$processor" ||
			fail "cannot write $1 to $processor"
	done
}

# run_with FILE AGAIN NAME SECONDS COMMAND...: runs a program on the module FILE, which was
# built for this test.
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

# Begin with a freshly loaded module, which has its defaults.
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

# run_row NAME SECONDS AGAIN CPUS MODULE PAGES LONG PROGRAM [ARG]...: runs a row of choose.
run_row()
{
	name=$1 seconds=$2 again=$3 cpus=$4 module=$5 pages=$6 long=$7 program=$dir/$8
	shift 8
	if [ ! -x "$program" ]; then
		fail "$name: there is no $program"
		return
	fi
	set -- "$program" "$@"
	[ "$pages" = - ] || set -- "FZ_PAGES=$pages" "$@"
	[ "$long" = 0 ] || set -- FZ_LONG=1 "$@"
	set -- "$again" "$name" "$seconds" env "$@"
	case $module-$cpus in
	# race must catch the module without the re-check.  Otherwise race proves nothing.
	no-recheck-*)	run_with "$no_recheck_ko" "$@" ;;
	quarantine-*)	run_with "$quarantine_ko" "$@" ;;
	*-one)		others 0; run "$@"; others 1 ;;
	*)		run "$@" ;;
	esac
}

left_out='' shortened='' x86=''
while read -r what row; do
	case $what in
	left)	left_out="$left_out $row" ;;
	short)	shortened="$shortened $row" ;;
	x86)	x86="$x86 $row" ;;
	run)
		# shellcheck disable=SC2086 # words
		run_row $row ;;
	esac
done <<END
$chosen
END

# At the end the module must unload, and leave no memory behind.
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
[ -z "$x86" ] || echo "on x86 only:$x86"
echo "$total_passed passed, $total_failed failed, $total_skipped skipped"
[ "$total_failed" = 0 ]

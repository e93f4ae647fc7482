# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# An unmodified QEMU with its memory on a scratch, for the tests in qemu*.sh.  It runs by
# KVM; its monitor reads descriptor 9.  The tests need root on a machine that may be
# brought down, and one processor: KVM patches the kernel when such a guest begins.
#
# The caller has set $dir, the directory of the test programs.

cli=$dir/userspace/fastzero
device=/dev/fastzero
tmp=$(mktemp -d) || exit 2
pids=''
vmm='' asked=0
# shellcheck source=selftests/lib.sh
. "$dir/../../selftests/lib.sh"
export LC_ALL=C

cleanup()
{
	for pid in $pids; do
		kill -KILL "$pid" 2>/dev/null
	done
	rm -rf "$tmp"
}
trap cleanup EXIT

# What is shown when a test fails.
KTAP_SHOW=$tmp/log

# until_true COMMAND...: true if COMMAND is so within a minute, or longer on a slow machine.
until_true()
{
	end=$(($(date +%s) + 60 * ${FZ_SLOW:-1}))
	until "$@"; do
		sleep 0.1
		[ "$(date +%s)" -lt $end ] || return 1
	done
}

# lines FILE PATTERN: how many have it
lines()
{
	tr -d '\r' < "$1" | grep -ce "$2"
}

# more_lines FILE PATTERN N: there are more than N
more_lines()
{
	[ "$(lines "$1" "$2")" -gt "$3" ]
}

# exec_on SIZE: a prefix for qemu, which then takes {} as the path of its memory
exec_on()
{
	echo "$cli exec --size $1 --name ram --"
}

# qemu PREFIX OPTION...: QEMU, and before it the words of PREFIX.  Its pid is in $vmm, its
# serial port in $tmp/serial.log, its monitor's output in $tmp/log.
qemu()
{
	prefix=$1
	shift
	rm -f "$tmp"/monitor "$tmp"/serial.*
	mkfifo "$tmp/monitor" "$tmp/serial.in" "$tmp/serial.out"
	: > "$tmp/log"
	# shellcheck disable=SC2086 # words
	$prefix qemu-system-x86_64 -nodefaults -no-user-config -display none -accel kvm \
		-monitor stdio -chardev "pipe,id=serial,path=$tmp/serial" \
		-serial chardev:serial "$@" < "$tmp/monitor" >> "$tmp/log" 2>&1 &
	vmm=$!
	cat "$tmp/serial.out" > "$tmp/serial.log" &
	pids="$pids $vmm $!"
	exec 9> "$tmp/monitor"
}

# ends: waits for the end of QEMU; its exit status
ends()
{
	exec 9>&-
	wait "$vmm"
}

quits()
{
	echo quit >&9
	ends
}

# monitor COMMAND...: has QEMU do that, and waits until it has; what it says is in the log.
# The last line has the sum.  The echo of the typed command has only its parts.
monitor()
{
	asked=$((asked + 1))
	printf '%s\n' "$@" "print /d 70000 + $asked" >&9
	until_true more_lines "$tmp/log" "^$((70000 + asked))$" 0
}

# runs: whether the guest does; after a migration it begins when its state is there
runs()
{
	monitor "info status"
	more_lines "$tmp/log" '^VM status: running' 0
}

# memory PATH [OPTIONS]: the words that put 64 MiB of RAM there
memory()
{
	echo "-m 64M -machine pc,memory-backend=ram -object" \
		"memory-backend-file,id=ram,mem-path=$1,share=on,size=64M${2-}"
}

# ask LETTER: has the guest of qemu_guest.S do something; its answer
ask()
{
	had=$(lines "$tmp/serial.log" .)
	printf '%s' "$1" > "$tmp/serial.in"
	until_true more_lines "$tmp/serial.log" . "$had" || echo "no answer"
	tail -n 1 "$tmp/serial.log" | tr -d '\r'
}

# words: how many words of its test memory the guest finds not to be zero
words()
{
	answer=$(ask c)
	printf '%d' "0x$answer" 2>/dev/null || echo ": $answer"
}

# ups: how often the guest has come up; is_up N: it has, N times
ups()
{
	lines "$tmp/serial.log" '^up$'
}

is_up()
{
	until_true [ -e "$tmp/serial.log" ] && until_true more_lines "$tmp/serial.log" '^up$' $(($1 - 1))
}

# board_reset: what system_reset leaves as it was.  The BIOS has a copy of itself below 1
# MiB, in RAM.  The board's registers at 0x58 to 0x5f say that this copy is to be used and
# not the ROM (PAM).
board_reset()
{
	monitor "o /w 0xcf8 0x80000058" "o /w 0xcfc 0" "o /w 0xcf8 0x8000005c" "o /w 0xcfc 0"
}

# again reset|full: the guest's next boot, after a reset of its memory or with all of it
again()
{
	had_ups=$(ups)
	monitor stop
	if [ "$1" = reset ]; then
		"$cli" reset --pid "$vmm" >> "$tmp/log" 2>&1 || return 1
		board_reset
	fi
	monitor system_reset cont
	is_up $((had_ups + 1))
}

# reset_words PID: a reset of the guest's test memory; the guest lives on
reset_words()
{
	monitor stop
	"$cli" reset --pid "$1" --range 4M:16M >> "$tmp/log" 2>&1 || return 1
	monitor cont
}

# hold NAME SIZE: a process that has a scratch, which outlives a QEMU; its pid is in $holder,
# and the scratch's path in $held
hold()
{
	rm -f "$tmp/path"
	# shellcheck disable=SC2016 # for the shell there
	"$cli" exec --size "$2" --name "$1" -- sh -c 'echo "$0" > "$1"; exec sleep 1000' {} \
		"$tmp/path" > /dev/null 2>&1 < /dev/null &
	holder=$!
	pids="$pids $holder"
	until_true [ -s "$tmp/path" ]
	held=$(sed "s/self/$holder/" "$tmp/path")
}

# populated PID: pages of the contexts that it has opened
populated()
{
	"$cli" stat --json | perl -MJSON::PP -0777 -ne '
		$n += $_->{populated} for grep { $_->{opener}{pid} == '"$1"' }
			@{decode_json($_)->{contexts}};
		print $n // "none"'
}

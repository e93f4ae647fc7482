#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Tests the fastzero command on a real module.  It tests each subcommand.  It runs the
# doctor on a healthy host, and with faults that it plants one by one.  It prints TAP, and
# needs root.  It may crash the machine.
#
# The next line is for text of other shells and of perl, commands with their options, and
# functions that is() calls:
# shellcheck disable=SC2016,SC2086,SC2317

set -u

unset CDPATH
dir=$(cd "$(dirname "$0")" && pwd)
cli=$dir/userspace/fastzero
holder=$dir/cli_holder
ko=${FZ_KO:?names fastzero.ko}
device=/dev/fastzero
parameters=/sys/module/fastzero/parameters
tmp=$(mktemp -d) || exit 2
chmod 755 "$tmp"
pids=''
status=0
# shellcheck source=selftests/lib.sh
. "$dir/../../selftests/lib.sh"

# shellcheck disable=SC2317 # called by trap
cleanup()
{
	for pid in $pids; do
		kill "$pid" 2>/dev/null
	done
	rm -rf "$tmp"
}
trap cleanup EXIT

# run COMMAND...: sets $status, and leaves the output in $tmp/out and $tmp/err
run()
{
	status=0
	timeout 120 "$@" > "$tmp/out" 2> "$tmp/err" < /dev/null || status=$?
}

# is WHAT COMMAND...: a test that passes if COMMAND succeeds.
is()
{
	what=$1
	shift
	{ echo "$*: exit status $status"; cat "$tmp/out" "$tmp/err"; } > "$tmp/both"
	KTAP_SHOW=$tmp/both
	ktap_test_result "$what" "$@"
}

# ended STATUS [PATTERN]: the last run had this exit status, and its output matches.
ended()
{
	[ "$status" = "$1" ] && { [ $# = 1 ] || grep -qe "$2" "$tmp/out" "$tmp/err"; }
}

# json EXPRESSION: the last output is JSON, and the perl EXPRESSION is true of $_.
json()
{
	[ "$status" = 0 ] && perl -MJSON::PP -0777 -ne '
		$_ = decode_json($_); exit(!eval($ENV{EXPRESSION}))' "$tmp/out"
}

# json_is WHAT EXPRESSION
json_is()
{
	EXPRESSION=$2
	export EXPRESSION
	is "$1" json "$2"
}

# until_said FILE PATTERN
until_said()
{
	n=0
	until grep -qe "$2" "$1" 2>/dev/null; do
		sleep 0.1
		n=$((n + 1))
		[ $n -lt 600 ] || return 1
	done
}

# start NAME COMMAND...: starts a process that reads $tmp/NAME.in and writes $tmp/NAME.out,
# and sets $pid.  A descriptor of this shell keeps it waiting: 8 for "a", 9 for others.
start()
{
	name=$1
	shift
	rm -f "$tmp/$name.in"
	mkfifo "$tmp/$name.in"
	"$@" < "$tmp/$name.in" > "$tmp/$name.out" 2> "$tmp/$name.err" &
	pid=$!
	pids="$pids $pid"
	if [ "$name" = a ]; then
		exec 8> "$tmp/$name.in"
	else
		exec 9> "$tmp/$name.in"
	fi
}

# stop PID
stop()
{
	kill "$1" 2>/dev/null
	wait "$1" 2>/dev/null
}

# bytes NAME: prints how many bytes of its memory are not zero
bytes()
{
	lines=$(wc -l < "$tmp/$1.out")
	if [ "$1" = a ]; then
		echo >&8
	else
		echo >&9
	fi
	n=0
	until [ "$(wc -l < "$tmp/$1.out")" -gt "$lines" ] || [ $n = 600 ]; do
		sleep 0.1
		n=$((n + 1))
	done
	tail -n 1 "$tmp/$1.out"
}

has_bytes()
{
	[ "$(bytes "$1")" = "$2" ]
}

as_nobody='setpriv --reuid=65534 --regid=65534 --clear-groups --'

ktap_print_header

# --- exec

run "$cli" exec --size 1M --name t1 -- stat -L -c '%s %n' {}
is exec_gives_a_path ended 0 '^1048576 /proc/self/fd/[0-9]*$'
run "$cli" exec --size 64K -- sh -c 'readlink $(echo a{}b | sed "s/^a//; s/b$//"); exit 7' {}
is exec_ends_as_the_program ended 7 '^/fastzero (deleted)$'
run "$cli" exec --size 4K -- "$tmp/none" {}
is exec_of_nothing ended 127 'ENOENT (2): No such file or directory'
run "$cli" exec --size 4K -- "$tmp" {}
is exec_of_a_directory ended 126 'EACCES (13): Permission denied'
run "$cli" exec --size 5000 -- true {}
is exec_of_half_a_page ended 125 'EINVAL (22): .*not a multiple of the page size'
run "$cli" exec --size 4K --device /dev/null -- true {}
is exec_of_another_device ended 125 '/dev/null: ENOTTY (25): '
run "$cli" exec --size 4K -- true
is exec_without_braces ended 2 'no {} among the arguments'

# --- a holder that got its scratch by exec, and maps it alone

start a "$cli" exec --size 1M --name ram0 --pool 256K -- "$holder" map {}
first=$pid
until_said "$tmp/a.out" ready
is holder_has_filled_it has_bytes a 1048576

run "$cli" stat --json
json_is stat_is_json '$_->{schema} == 1 && $_->{source} eq "debugfs"'
json_is stat_has_the_opener 'grep { $_->{opener}{pid} == '"$first"' &&
	$_->{opener}{comm} eq "cli_holder" && $_->{scratches} == 1 &&
	$_->{populated} == 256 && $_->{pool}{target} == 64 && $_->{whole} } @{$_->{contexts}}'
json_is stat_sums_cgroups '@{$_->{cgroups}} >= 1 && $_->{cgroups}[0]{pages} >= 256'
run "$cli" stat
is stat_is_text ended 0 "^ *[0-9]*  *$first cli_holder "
run "$cli" stat --interval 1 --json
json_is stat_has_rates '$_->{interval_ns} >= 1e9 &&
	exists($_->{contexts}[0]{per_second}{resets})'
run "$cli" top --delay 1 --count 1
is top_shows_it ended 0 "^ *[0-9]*  *$first cli_holder "

run "$cli" holders
is holders_finds_the_mapping ended 0 "^ *$first cli_holder .* 1 mapping, 1.0M: scratch [0-9]* ram0$"
run "$cli" holders --json
json_is holders_is_json '$_->{schema} == 1 && @{$_->{lost}} == 0 && grep {
	$_->{pid} == '"$first"' && $_->{mappings} == 1 && $_->{context} } @{$_->{holders}}'

# --- reset

run "$cli" reset --pid "$first" --range 4K:64K
is reset_of_a_range ended 0 'ram0, 1.0M (mapping [0-9a-f-]*): pages cleared 16, '
is range_is_zero has_bytes a 983040
run "$cli" reset --pid "$first" --mode inplace --scratch ram0
is reset_of_a_mapping ended 0 'pages cleared 256, swapped 0, dropped 0'
is all_is_zero has_bytes a 0
run "$cli" reset --pid "$first" --range 1M:4K
is reset_outside ended 1 'the range is not inside of it: EINVAL (22): Invalid argument'
run "$cli" reset --pid "$first" --range 1:4K
is reset_of_odd_bytes ended 1 'multiples of 4096: EINVAL (22): Invalid argument'
run "$cli" reset --pid "$first" --scratch nonsense
is reset_of_no_such_scratch ended 1 'has no such scratch'
run "$cli" reset --pid $$
is reset_of_a_stranger ended 1 "process $$ has no such scratch"
run "$cli" reset --pid 4194305
is reset_of_nobody ended 1 '4194305: '
run $as_nobody "$cli" reset --pid "$first"
is reset_by_nobody ended 1 'EACCES (13): Permission denied\|EPERM (1)'

# --- a program that knows only the device

start b "$holder" map "$device"
second=$pid
until_said "$tmp/b.out" ready
is implicit_is_filled has_bytes b 1048576
run "$cli" reset --pid "$second"
is reset_of_an_implicit_scratch ended 0 'mapping'
is implicit_is_zero has_bytes b 0
stop "$second"

# --- files of a mounted file system, mapped alone and by a descriptor

mkdir "$tmp/ram"
mount -t fastzero fastzero "$tmp/ram"
truncate -s 1M "$tmp/ram/vm"
start b "$holder" map "$tmp/ram/vm"
second=$pid
until_said "$tmp/b.out" ready
run "$cli" holders
is holders_finds_a_mapped_file ended 0 "^ *$second cli_holder .* 1 mapping, 1.0M: scratch [0-9]* "
is holders_names_the_mount ended 0 '^mounted at /'
mkdir "$tmp/my ram"
mount -t fastzero fastzero "$tmp/my ram"
run "$cli" holders --json
json_is holders_names_it_in_json '2 == grep { m{/(ram|my ram)$} } @{$_->{mounts}}'
umount "$tmp/my ram"
run "$cli" reset --pid "$second"
is reset_of_a_mapped_file ended 0 '1.0M (mapping [0-9a-f-]*): pages cleared 256, '
is mapped_file_is_zero has_bytes b 0
stop "$second"
sleep 100 7<> "$tmp/ram/vm" &
second=$!
pids="$pids $second"
run "$cli" holders
is holders_finds_an_open_file ended 0 "^ *$second sleep .* fd 7: scratch [0-9]* "
run "$cli" reset --pid "$second"
is reset_of_an_open_file ended 0 '1.0M (fd 7): '
stop "$second"
umount "$tmp/ram"

# --- several scratches and descriptors

# The outer command must not replace the {} of the inner one.
"$cli" exec --size 64K --name one -- sh -c 'exec "$1" exec --size 128K --name two -- \
	sh -c "echo 1<> \$0; exec sleep 1000" "{""}"' {} "$cli" > "$tmp/err" 2>&1 < /dev/null &
second=$!
pids="$pids $second"
until_said "/proc/$second/comm" sleep
run "$cli" reset --pid "$second"
is reset_asks_which ended 1 '^  [0-9]*  *64.0K  context [0-9]*  fd [0-9]*  one$'
is nothing_was_reset ended 1 'has 2 scratches; choose one with --scratch'
run "$cli" reset --pid "$second" --scratch two --mode drop
is reset_by_name ended 0 'two, 128K (fd [0-9]*): pages cleared 0, swapped 0, dropped 1'
run "$cli" reset --pid "$second" --all
is reset_of_all ended 0 'two, 128K'
is reset_of_all_of_them ended 0 'one, 64.0K'
run "$cli" holders
is holders_finds_descriptors ended 0 "^ *$second sleep  *[0-9]*  fd [0-9]*: scratch [0-9]* two$"
stop "$second"

# --- what an unprivileged user sees

"$cli" exec --size 64K --name theirs -- $as_nobody sh -c 'exec sleep 1000' {} \
	> /dev/null 2>&1 < /dev/null &
second=$!
pids="$pids $second"
until_said "/proc/$second/comm" sleep
run $as_nobody "$cli" stat --json
json_is stat_of_own_processes '$_->{source} eq "fdinfo" && @{$_->{contexts}} == 1 &&
	$_->{contexts}[0]{opener}{pid} == '"$second"' && !$_->{contexts}[0]{whole}'
run $as_nobody "$cli" holders
is holders_of_own_processes ended 0 "^ *$second sleep .*theirs$"
is holders_says_what_it_skipped ended 0 'processes of others were not looked at'
stop "$second"

# --- what no process holds

start b "$cli" exec --size 64K --name lost -- "$holder" flight {}
second=$pid
until_said "$tmp/b.out" ready
run "$cli" holders
is holders_finds_what_is_under_way ended 0 "no process: .*under way; opened by $second cli_holder"
run "$cli" holders --json
json_is holders_counts_it '@{$_->{lost}} == 1'
stop "$second"

# --- pool

start b "$holder" map "$device"
second=$pid
until_said "$tmp/b.out" ready
run "$cli" pool --pid "$second" --target 1M
is pool_without_a_descriptor ended 1 'has no such descriptor of a context'
stop "$second"
start b perl -e 'open(F, "+<", $ARGV[0]) or die; $| = 1; print "ready\n"; <STDIN>' "$device"
second=$pid
until_said "$tmp/b.out" ready
run "$cli" pool --pid "$second" --target 1M --wait
is pool_is_set ended 0 'target 1.0M, ready 1.0M, '
run "$cli" pool --pid "$second" --target 4M --pages 2m --wait
is pool_of_huge_pages ended 0 'target 5.0M, ready 5.0M, '
run "$cli" pool --pid "$second"
is pool_is_shown ended 0 'target 5.0M'
run "$cli" pool --pid "$second" --target 1000000M
is pool_is_too_large ended 1 'EINVAL (22): .*max_pages allows [0-9]* pages'
stop "$second"

# --- working set

run "$cli" workset save --pid "$first" "$tmp/ws"
is workset_is_saved ended 0 ': 48 bytes$'
run "$cli" workset clear --pid "$first"
is workset_is_cleared ended 0
run "$cli" workset save --pid "$first" "$tmp/none.ws"
is workset_is_empty ended 0 ': 32 bytes$'
run "$cli" reset --pid "$first" --mode drop
run "$cli" workset load --pid "$first" --populate "$tmp/ws"
is workset_is_loaded ended 0 ': 48 bytes, 256 pages added$'
run "$cli" workset load --pid "$first" "$cli"
is workset_of_nonsense ended 1 'no working set'
run "$cli" workset save --pid "$first" "$tmp/none/ws"
is workset_to_nowhere ended 1 'ENOENT (2): No such file or directory'
exec 8>&-
stop "$first"

# --- an unmodified QEMU, and its guest

# qemu_word: prints the word of RAM that QEMU's loader device wrote
qemu_word()
{
	lines=$(grep -c '^0000000000100000: ' "$tmp/b.out")
	echo 'xp /1wx 0x100000' >&9
	n=0
	until [ "$(grep -c '^0000000000100000: ' "$tmp/b.out")" -gt "$lines" ] || [ $n = 600 ]; do
		sleep 0.1
		n=$((n + 1))
	done
	sed -n 's/^0000000000100000: //p' "$tmp/b.out" | tail -n 1 | tr -d '\r'
}

qemu_has()
{
	[ "$(qemu_word)" = "$1" ]
}

# qemu NAME PREFIX... -- PATH: starts QEMU, without KVM, with its RAM at PATH
qemu()
{
	name=$1 path=$2
	shift 2
	start b "$@" qemu-system-x86_64 -nodefaults -no-user-config -display none -accel tcg \
		-m 64M -S -monitor stdio -machine pc,memory-backend=ram \
		-device loader,addr=0x100000,data=0x12345678,data-len=4 \
		-object "memory-backend-file,id=ram,mem-path=$path,share=on,size=64M"
	second=$pid
	is "qemu_has_memory_$name" qemu_has 0x12345678
	run "$cli" reset --pid "$second"
	is "qemu_is_reset_$name" ended 0 '64.0M'
	is "qemu_has_zeros_$name" qemu_has 0x00000000
	echo quit >&9
	exec 9>&-
	stop "$second"
}

if command -v qemu-system-x86_64 > /dev/null; then
	qemu by_exec {} "$cli" exec --size 64M --
	qemu by_path "$device"
else
	ktap_test_skip qemu "no QEMU here"
fi

# --- bench

run "$cli" bench -- --list --user process --size 64M
is bench_is_fastzero_bench ended 0 '^fz-auto '

# --- doctor, on a healthy host

echo 3 > /proc/sys/vm/drop_caches
echo 1 > /proc/sys/vm/compact_memory
run "$cli" doctor --json
json_is doctor_finds_nothing '$_->{schema} == 1 && $_->{fail} == 0 && $_->{warn} == 0 &&
	$_->{pass} >= 12 && @{$_->{checks}} == $_->{pass} + $_->{skip}'
run "$cli" doctor --quiet
is doctor_is_silent test ! -s "$tmp/out"

# finds NAME STATUS ID WORD [OPTION]...: the doctor reports the planted fault
finds()
{
	name=$1 expected=$2 id=$3 word=$4
	shift 4
	run "$cli" doctor --quiet "$@"
	if [ "$expected" = FAIL ]; then
		is "doctor_finds_$name" ended 1 "^$id FAIL .*$word"
	else
		is "doctor_finds_$name" ended 0 "^$id WARN .*$word"
	fi
}

# over FILE TEXT NAME STATUS ID WORD: as finds, with TEXT in place of FILE
over()
{
	planted=$1
	echo "$2" > "$tmp/planted"
	mount --bind "$tmp/planted" "$planted"
	shift 2
	finds "$@"
	umount "$planted"
}

# Faults of the device node.
chmod 0666 "$device"
finds mode_for_all WARN FZ004 0666
chmod 0000 "$device"
finds mode_for_nobody FAIL FZ004 0000
chmod 0660 "$device"
run $as_nobody "$cli" doctor --quiet
is doctor_finds_wrong_user ended 1 '^FZ004 FAIL .*this user may not open it'
mknod "$tmp/null" c 1 3
finds number_of_another FAIL FZ003 'device 1:3, and the module' --device "$tmp/null"
finds no_node FAIL FZ003 'there is no' --device "$tmp/none"
mkdir "$tmp/nodev"
mount -t tmpfs -o nodev,mode=755 tmpfs "$tmp/nodev"
cp -a "$device" "$tmp/nodev/fastzero"
finds no_devices FAIL FZ005 'nodev' --device "$tmp/nodev/fastzero"
umount "$tmp/nodev"

# Faults of the host.
mv /dev/kvm /dev/kvm.away
finds no_kvm WARN FZ009 'there is no /dev/kvm'
mv /dev/kvm.away /dev/kvm
umount /sys/kernel/debug/tracing 2> /dev/null
umount /sys/kernel/debug
finds no_debugfs WARN FZ017 contexts
mount -t debugfs debugfs /sys/kernel/debug
echo 1 > /proc/sys/kernel/numa_balancing
finds numa_balancing WARN FZ014 'NUMA balancing is on'
echo 0 > /proc/sys/kernel/numa_balancing
mount -t tmpfs tmpfs /sys/kernel/mm
finds no_huge_pages WARN FZ012 'no transparent huge pages'
umount /sys/kernel/mm

# A target that the memory cgroup does not allow.
mkdir /sys/fs/cgroup/fz-cli
start b sh -c 'echo $$ > /sys/fs/cgroup/fz-cli/cgroup.procs
	exec "$0" exec --size 64K --pool 32M -- "$1" map {}' "$cli" "$holder"
second=$pid
until_said "$tmp/b.out" ready
echo 33M > /sys/fs/cgroup/fz-cli/memory.max
finds small_cgroup WARN FZ011 '/fz-cli is 33 MiB'
# --pool is a plan for the doctor's own cgroup, so run the doctor in that cgroup.
run sh -c 'echo $$ > /sys/fs/cgroup/fz-cli/cgroup.procs
	exec "$0" doctor --quiet --pool 64M' "$cli"
is doctor_finds_small_cgroup_for_a_plan ended 0 \
	'^FZ011 WARN .*this process means to keep 64 MiB'
stop "$second"
rmdir /sys/fs/cgroup/fz-cli

# Some faults need another boot.  Plant these in the files that the doctor reads.
over /proc/sys/kernel/osrelease 5.10.0-30-amd64 old_kernel FAIL FZ007 'older than'
over /proc/sys/kernel/osrelease 99.1.0 new_kernel WARN FZ007 'newer than'
over /sys/module/fastzero/version 0.0.9 version WARN FZ002 '0.0.9'
over $parameters/accounting no no_accounting WARN FZ010 nokmem

# A denial stays in the kernel's log, so plant it late.
echo '<6>audit: type=1400 apparmor="DENIED" operation="open" name="/dev/fastzero" comm="vmm"' \
	> /dev/kmsg
finds denial WARN FZ006 'AppArmor has denied fastzero to vmm'

# Faults of the module.
rmmod fastzero
finds no_module FAIL FZ001 'not loaded'
is doctor_finds_no_device ended 1 '^FZ003 FAIL'
run "$cli" stat
is stat_without_module ended 1 'not loaded'
run "$cli" exec --size 4K -- true {}
is exec_without_module ended 125 'ENOENT (2): '
run "$cli" reset --pid $$
is reset_without_module ended 1 "process $$ has no scratch: fastzero is not loaded"
over /sys/module/module/parameters/sig_enforce Y signatures FAIL FZ008 'only signed modules'
echo left > "$device"
finds regular_file FAIL FZ003 'regular file of 5 bytes'
rm "$device"
insmod "$ko"
run "$cli" doctor --quiet
is doctor_is_content_again ended 0

ktap_finished

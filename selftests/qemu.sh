#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# An unmodified QEMU on scratch memory.  Prints TAP.
#
#	qemu boot	by the device's path, by a scratch's descriptor, and twice on a scratch
#			of another process: each boot begins with zeros
#	qemu state	prealloc, mem-lock, to a file and back, a dump
#	qemu vhost	another process has the same memory: a vhost-user disk
#
# Words of options:
# shellcheck disable=SC2046,SC2086

set -u

unset CDPATH
dir=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=selftests/qemu_lib.sh
. "$dir/../../selftests/qemu_lib.sh"

ALL=4194304		# words of the guest's test memory
RAM=16384		# pages of RAM

cp "$dir/qemu_guest" "$tmp/disk"
truncate -s 1M "$tmp/disk"
disk="-drive if=virtio,format=raw,readonly=on,file=$tmp/disk"

# fills NAME: the guest comes up, finds zeros, and fills its memory.
fills()
{
	ktap_test_result "$1_boots" is_up 1
	ktap_test_equal "$1_begins_with_zeros" 0 "$(words)"
	ktap_test_equal "$1_is_filled" filled "$(ask f)"
}

# lives NAME: as fills; and finds zeros after a reset of its test memory, but not without.
lives()
{
	fills "$1"
	ktap_test_equal "$1_keeps_its_memory" $ALL "$(words)"
	ktap_test_result "$1_is_reset" reset_words "$vmm"
	ktap_test_equal "$1_has_zeros" 0 "$(words)"
}

# boots NAME: as fills; and its next boot finds zeros after a reset, but not without.
boots()
{
	fills "$1"
	again full
	ktap_test_equal "$1_keeps_its_memory_without_a_reset" $ALL "$(words)"
	ktap_test_result "$1_is_reset" again reset
	ktap_test_equal "$1_has_zeros_after_a_reset" 0 "$(words)"
}

test_boot()
{
	qemu '' $(memory $device) $disk
	boots path
	quits

	qemu "$(exec_on 64M)" $(memory {}) $disk
	boots fd
	quits

	hold ram 64M
	qemu '' $(memory "$held") $disk
	fills first_of_two
	quits
	"$cli" reset --pid $holder > "$tmp/log" 2>&1
	qemu '' $(memory "$held") $disk
	fills second_of_two
	quits
}

# filled FILE: how many bytes are those that the guest writes
filled()
{
	tr -d -c '\372' < "$1" | wc -c
}

test_state()
{
	qemu '' $(memory $device ,prealloc=on) -S
	monitor stop
	ktap_test_equal path_prealloc_populates $RAM "$(populated $vmm)"
	quits

	qemu "$(exec_on 64M)" $(memory {} ,prealloc=on) $disk -overcommit mem-lock=on
	lives locked
	ktap_test_equal prealloc_populates $RAM "$(populated $vmm)"
	locked=$(awk '/^VmLck/ { print $2 }' "/proc/$vmm/status")
	ktap_test_result mem_lock_locks [ "$locked" -ge 65536 ]

	ask f > /dev/null
	monitor "migrate exec:cat>$tmp/state1"
	ktap_test_result scratch_is_saved [ "$(stat -c %s "$tmp/state1")" -gt 100000 ]
	quits
	qemu '' $(memory /dev/shm) $disk -incoming "exec:cat $tmp/state1"
	ktap_test_result state_is_loaded until_true runs
	ktap_test_equal ordinary_memory_has_the_state $ALL "$(words)"
	monitor "migrate exec:cat>$tmp/state2"
	quits
	qemu "$(exec_on 64M)" $(memory {}) $disk -incoming "exec:cat $tmp/state2"
	ktap_test_result state_is_loaded_again until_true runs
	ktap_test_equal scratch_has_the_state $ALL "$(words)"

	monitor "dump-guest-memory $tmp/dump1"
	ktap_test_result dump_has_the_memory [ "$(filled "$tmp/dump1")" -ge $((ALL * 2)) ]
	reset_words "$vmm"
	monitor "dump-guest-memory $tmp/dump2"
	ktap_test_result dump_has_zeros_after_a_reset [ "$(filled "$tmp/dump2")" -lt 100000 ]
	ktap_test_equal dump_is_whole "$(stat -c %s "$tmp/dump1")" "$(stat -c %s "$tmp/dump2")"
	ktap_test_equal guest_lives_on 0 "$(words)"
	quits
}

# daemon_word ADDRESS: the word that the daemon has there, of the guest's memory
daemon_word()
{
	perl -e '
		open(M, "<", "/proc/$ARGV[0]/maps") or die; open(W, "<", "/proc/$ARGV[0]/mem") or die;
		while (<M>) {
			next unless /^(\w+)-(\w+) rw-s (\w+) .*fastzero/;
			$at = hex($1) + $ARGV[1] - hex($3);
			next if $ARGV[1] < hex($3) || $at >= hex($2);
			sysseek(W, $at, 0); sysread(W, $w, 4) == 4 or die "$!\n";
			printf "%08x\n", unpack("V", $w); exit;
		}
		print "not mapped\n"' $daemon $(($1))
}

# served NAME PREFIX PATH: the guest boots from a disk of qemu-storage-daemon, which reads it
# into the guest's memory.
served()
{
	rm -f "$tmp/vhost"
	qemu-storage-daemon --blockdev "driver=file,node-name=disk,filename=$tmp/disk,read-only=on" \
		--export "type=vhost-user-blk,id=disk,node-name=disk,addr.type=unix,addr.path=$tmp/vhost" \
		> "$tmp/daemon.log" 2>&1 &
	daemon=$!
	pids="$pids $daemon"
	until_true [ -S "$tmp/vhost" ]
	qemu "$2" $(memory "$3") -chardev "socket,id=vhost,path=$tmp/vhost" \
		-device vhost-user-blk-pci,chardev=vhost
	boots "$1"
	ask f > /dev/null
	ktap_test_equal "$1_daemon_sees_what_the_guest_wrote" fa57fa57 "$(daemon_word 0x400000)"
	"$cli" holders > "$tmp/log" 2>&1
	ktap_test_result "$1_daemon_is_a_holder" grep -q "^ *$daemon qemu-storage-d" "$tmp/log"
	monitor stop
	"$cli" reset --pid $daemon > "$tmp/log" 2>&1
	ktap_test_equal "$1_daemon_sees_zeros" 00000000 "$(daemon_word 0x400000)"
	ktap_test_equal "$1_boot_sector_is_zeros" 00000000 "$(daemon_word 0x7c00)"
	quits
	kill $daemon
	wait $daemon 2>/dev/null
}

test_vhost()
{
	served vhost_path '' $device
	served vhost_fd "$(exec_on 64M)" {}
}

ktap_print_header
case $1 in
boot)	test_boot ;;
state)	test_state ;;
vhost)	test_vhost ;;
esac
ktap_finished

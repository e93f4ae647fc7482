#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A Linux guest gives memory back to a host on which it is a scratch: by a balloon, and by
# unplugging (virtio-mem).  QEMU punches holes for both, which takes a descriptor: the
# device's path does not do.  Prints TAP.
#
# Functions that until_true calls:
# shellcheck disable=SC2317

set -u

unset CDPATH
dir=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=selftests/qemu_lib.sh
. "$dir/../../selftests/qemu_lib.sh"
here=$dir/../../selftests

ktap_print_header

# --- by the path

# plug PATH: the words for memory there that can be plugged
plug()
{
	echo "-object memory-backend-file,id=more,share=on,size=128M,mem-path=$1" \
		"-device virtio-mem-pci,id=dimm,memdev=more,requested-size=0"
}

# shellcheck disable=SC2046 # words
qemu 'timeout 120' -m 64M,maxmem=512M,slots=1 $(plug "$device")
ends
said=$?
ktap_test_equal path_has_no_virtio_mem 1 $said
ktap_test_result path_says_why grep -q 'ram_block_discard_range.*-19' "$tmp/log"

# --- the guest

root=$("$here/vm/kernel" path "$FASTZERO_VM" root)
release=$("$here/vm/kernel" path "$FASTZERO_VM" release)
image=$("$here/vm/kernel" path "$FASTZERO_VM" image)
mkdir -p "$tmp/guest/bin" "$tmp/guest/modules"
cp "$(command -v busybox)" "$tmp/guest/bin/busybox"
cp "$here/qemu_init" "$tmp/guest/init"
order=100
for name in virtio_pci virtio_balloon virtio_mem; do
	/sbin/modprobe -d "$root" -S "$release" --show-depends "$name" > "$tmp/list" || {
		ktap_test_skip linux_guest "not in this kernel"
		ktap_finished
	}
	while read -r verb file _; do
		[ "$verb" = insmod ] || continue
		case " $(ls "$tmp/guest/modules") " in
		*-"$(basename "${file%.xz}")"*)	continue ;;
		esac
		order=$((order + 1))
		to=$tmp/guest/modules/$order-$(basename "${file%.xz}")
		case $file in
		*.xz)	xz -dc "$file" > "$to" ;;
		*)	cp "$file" "$to" ;;
		esac
	done < "$tmp/list"
done
(cd "$tmp/guest" && find . | cpio --quiet -o -H newc -R 0:0) > "$tmp/guest.cpio"

# say WORD: to the guest; its answer
say()
{
	had=$(lines "$tmp/serial.log" '^\(size\|used\)')
	echo "$1" > "$tmp/serial.in"
	until_true more_lines "$tmp/serial.log" '^\(size\|used\)' "$had" || echo "no answer"
	tr -d '\r' < "$tmp/serial.log" | sed -n 's/^size //p; s/^used$/&/p' | tail -n 1
}

# fewer THAN: its RAM has fewer pages; more THAN
fewer()
{
	[ "$(populated "$vmm")" -lt "$1" ]
}

more()
{
	[ "$(populated "$vmm")" -gt "$1" ]
}

size_is()
{
	[ "$(say size)" -gt "$1" ] && [ "$(say size)" -lt "$2" ]
}

# The memory to be plugged is a scratch of another process.
hold more 128M
# shellcheck disable=SC2046 # words
qemu "$(exec_on 192M)" -m 192M,maxmem=512M,slots=1 -cpu host -machine pc,memory-backend=ram \
	-object memory-backend-file,id=ram,mem-path={},share=on,size=192M \
	$(plug "$held") -device virtio-balloon-pci,id=balloon \
	-kernel "$image" -initrd "$tmp/guest.cpio" -append \
	"console=ttyS0 quiet panic=-1 mitigations=off memhp_default_state=online_movable"
KTAP_SHOW=$tmp/serial.log
ktap_test_result linux_is_up is_up 1
KTAP_SHOW=$tmp/log

# --- the balloon, of 4,096 pages, which go one by one

before=$(populated "$vmm")
ktap_print_msg "$before pages populated"
ktap_test_result linux_has_used_it more 30000
monitor "balloon 176"
ktap_test_result balloon_gives_back until_true fewer $((before - 3000))
ktap_print_msg "$(populated "$vmm") pages populated with the balloon"
monitor "balloon 192"
ktap_test_equal guest_lives_on used "$(say use)"

# --- virtio-mem

small=$(say size)
monitor "qom-set dimm requested-size 128M"
ktap_test_result memory_is_plugged until_true size_is $((small + 100000)) $((small + 140000))
ktap_test_equal guest_uses_that used "$(say use)"
ktap_print_msg "$(populated "$holder") pages populated of those plugged"
ktap_test_result it_is_populated [ "$(populated "$holder")" -gt 10000 ]
monitor "qom-set dimm requested-size 0"
ktap_test_result memory_is_unplugged until_true size_is $((small - 10000)) $((small + 10000))
ktap_test_equal no_page_of_it_is_left 0 "$(populated "$holder")"
quits
ktap_finished

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Runs the commands of docs/vmm-guide.md, on a host as the guide wants it: library and
# command are installed, and libvirt has its user and its directories.  Prints TAP.  Needs
# root on a machine that may be brought down, and one processor, as all that run QEMU.

set -u

unset CDPATH
dir=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$dir/../.." && pwd)
ko=${FZ_KO:?names fastzero.ko}

# What is mounted here is for this test.
[ "${1-}" = inside ] || exec unshare -m "$0" inside

set -e
prefix=$dir/prefix
export PATH="$prefix/bin:$PATH" LD_LIBRARY_PATH="$prefix/lib"
export PKG_CONFIG_PATH="$prefix/lib/pkgconfig"
unset FASTZERO_BACKEND
work=$(mktemp -d)
chmod 755 "$work"
# shellcheck disable=SC2317 # called by trap
cleanup()
{
	for file in "$work/pid" /run/libvirt/qemu/*.pid /run/libvirtd.pid /run/virtlogd.pid; do
		pid=$(cat "$file" 2>/dev/null) || continue
		kill "$pid" 2>/dev/null || :
	done
	[ -d /sys/module/fastzero ] || insmod "$ko"
	rm -rf "$work"
}
trap cleanup EXIT

# The reader's files.
cp "$dir"/guide_files/* "$ko" "$work"
cp "$dir/qemu_guest" "$work/disk.img"
truncate -s 1M "$work/disk.img"

# As packages make a host of libvirt, and the udev rule the device.
for file in passwd group; do
	cp /etc/$file "$work/$file"
done
echo 'libvirt-qemu:x:64055:64055::/nonexistent:/usr/sbin/nologin' >> "$work/passwd"
echo 'libvirt-qemu:x:64055:' >> "$work/group"
grep -q ^kvm: "$work/group" || echo 'kvm:x:64056:' >> "$work/group"
sed -i 's/^kvm:.*[0-9]:/&libvirt-qemu,/; s/,$//' "$work/group"
for file in passwd group; do
	mount --bind "$work/$file" /etc/$file
done
cp -a /etc/libvirt "$work/etc"
mount -t tmpfs tmpfs /etc/libvirt
cp -a "$work/etc/." /etc/libvirt
for parent in lib cache log; do
	mount -t tmpfs tmpfs /var/$parent
done
mkdir -p /var/lib/libvirt/images /var/lib/libvirt/qemu /var/log/libvirt /var/cache/libvirt
cp "$work/disk.img" /var/lib/libvirt/images
cp "$top/userspace/examples/libvirt-qemu.conf" /etc/libvirt/qemu.conf
chgrp kvm /dev/fastzero /dev/kvm
chmod 660 /dev/fastzero /dev/kvm
echo 3 > /proc/sys/vm/drop_caches
echo 1 > /proc/sys/vm/compact_memory

virtlogd -d
libvirtd -d

cd "$work"
"$top/selftests/console" --not '^cc ' "$top/docs/vmm-guide.md"

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Tests of dkms.conf: for which kernels a dkms that knows patterns only builds, and tries.
# dkms reads it with bash.

# shellcheck source=selftests/unit/unit.sh
. "$(dirname "$0")/unit.sh"
export kernel_source_dir=''
# shellcheck source=dkms.conf
. "$top/dkms.conf"

# is YES|NO RELEASE: whether it is built for, and tried when kernels are installed.
is()
{
	builds=no
	kernelver=$2
	# shellcheck source=dkms.conf
	. "$top/dkms.conf"
	[[ ! $2 =~ $BUILD_EXCLUSIVE_KERNEL ]] || builds=yes
	ktap_test_equal "$2 with $BUILD_EXCLUSIVE_KERNEL" "$1" "$builds"
	ktap_test_equal "AUTOINSTALL for $2" "$1" "${AUTOINSTALL:-no}"
}

for release in 2.6.32 3.16.0 4.19.0-27-amd64 5.10.0-39-amd64 5.19 6.0 6.0.19 6.0-rc7-amd64; do
	is no "$release"
done
for release in "$FZ_KERNEL_MIN" "$FZ_KERNEL_MIN.0-56-amd64" 6.9.12 6.10.1 6.12.95+deb12-amd64 \
	6.17-amd64 7.0 7.0-rc1 "$FZ_KERNEL_TESTED.4+deb13-rt-amd64" 8.1 10.0.1 19.19; do
	is yes "$release"
done

# As dkms 3.0.10 does: it asks by a kernel that it has built for.
safe_source()
{
	# shellcheck source=dkms.conf
	(. "$top/dkms.conf" && echo "$AUTOINSTALL")
}

read_conf()
{
	local kernelver=$1
	safe_source
}

autoinstall()
{
	# shellcheck disable=SC2031
	read_conf "$FZ_KERNEL_MIN.0-56-amd64"
}
kernelver=(5.10.0-39-amd64)
ktap_test_equal "autoinstall of 5.10" "" "$(autoinstall)"
# shellcheck disable=SC2031 # META is the same there
kernelver=("$FZ_KERNEL_TESTED.1-amd64")
# shellcheck disable=SC2031
ktap_test_equal "autoinstall of $FZ_KERNEL_TESTED" yes "$(autoinstall)"

unset kernelver
# shellcheck source=dkms.conf
. "$top/dkms.conf"
ktap_test_equal "AUTOINSTALL where no kernel is asked for" yes "$AUTOINSTALL"

ktap_finished

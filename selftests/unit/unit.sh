# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What every test here that is a script begins with: the top of the tree, a directory
# that goes when the test ends, and TAP.  A failure shows the end of the file said in it.

set -u

unset CDPATH
top=$(cd "$(dirname "$0")/../.." && pwd)
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
# shellcheck source=selftests/lib.sh
. "$top/selftests/lib.sh"
KTAP_SHOW=$tmp/said
ktap_print_header

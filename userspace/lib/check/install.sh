#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# install.sh BUILD: a program finds an installed library, shared and static,
# and both are of the version that the header names.
set -eu

build=$1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

make -s install BUILD="$build" DESTDIR="$tmp" PREFIX=/usr
lib=$tmp/usr/lib
pc=$lib/pkgconfig/fastzero.pc

cat >"$tmp/use.c" <<'END'
#include <stdio.h>
#include <string.h>
#include <fastzero.h>

int main(void)
{
	struct fastzero_ctx_opts opts = { sizeof(opts), 0, "/" };
	struct fastzero_ctx *ctx;

	printf("%s\n", fastzero_version());
	return strcmp(fastzero_version(), FASTZERO_LIB_VERSION) ||
	       fastzero_ctx_open(&opts, &ctx) >= 0;
}
END

# $CC may carry flags.
# shellcheck disable=SC2086
$CC -I"$tmp/usr/include" -o "$tmp/shared" "$tmp/use.c" -L"$lib" -lfastzero
# shellcheck disable=SC2086
$CC -I"$tmp/usr/include" -o "$tmp/static" "$tmp/use.c" "$lib/libfastzero.a"

version=$(sed -n 's/^Version: //p' "$pc")
for kind in shared static; do
	got=$(LD_LIBRARY_PATH=$lib "$tmp/$kind")
	if [ "$got" != "$version" ]; then
		echo "install.sh: $kind is version '$got', fastzero.pc says '$version'" >&2
		exit 1
	fi
done
if grep -q "$tmp" "$pc" || grep -q '@' "$pc"; then
	echo "install.sh: fastzero.pc is not filled in:" >&2
	cat "$pc" >&2
	exit 1
fi
echo "install: shared and static library of version $version can be used"

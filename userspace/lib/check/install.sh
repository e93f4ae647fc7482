#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# install.sh BUILD: a program finds an installed library by fastzero.pc, shared and static,
# wherever the installed files have been moved to; both are of the version that the header
# names.
set -eu

build=$1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

cat >"$tmp/use.c" <<'END'
#include <stdio.h>
#include <string.h>
#include <fastzero.h>

int main(void)
{
	struct fastzero_ctx_opts opts = { sizeof(opts), 0, "/", 0, 0 };
	struct fastzero_ctx *ctx;

	printf("%s\n", fastzero_version());
	return strcmp(fastzero_version(), FASTZERO_LIB_VERSION) ||
	       fastzero_ctx_open(&opts, &ctx) >= 0;
}
END

# use WHERE LIB: LIB is the directory of the library below WHERE.
use()
{
	at=$1/$2
	export PKG_CONFIG_PATH="$at/pkgconfig"
	# pkg-config leaves out what the compiler has, and the tree is at none of these.
	flags=$(pkg-config --cflags --libs fastzero)
	case $flags in
	*-I*"$1"/*-L*"$1"/*)	;;
	*)	echo "install.sh: fastzero.pc does not lead below $1: $flags" >&2
		exit 1 ;;
	esac
	# $CC may carry flags.
	# shellcheck disable=SC2086
	$CC -o "$tmp/shared" "$tmp/use.c" $flags
	# shellcheck disable=SC2046,SC2086
	$CC -o "$tmp/static" "$tmp/use.c" $(pkg-config --cflags fastzero) \
		"$at/libfastzero.a" -pthread
	version=$(pkg-config --modversion fastzero)
	for kind in shared static; do
		got=$(LD_LIBRARY_PATH=$at "$tmp/$kind")
		if [ "$got" != "$version" ]; then
			echo "install.sh: $kind is version '$got', fastzero.pc says '$version'" >&2
			exit 1
		fi
	done
}

# check LIB [VARIABLE]...: installed with these, and moved.
check()
{
	lib=$1
	shift
	make -s install BUILD="$build" DESTDIR="$tmp/a" PREFIX=/usr "$@"
	if grep -q "$tmp" "$tmp/a/$lib/pkgconfig/fastzero.pc" ||
	   grep -q '@' "$tmp/a/$lib/pkgconfig/fastzero.pc"; then
		echo "install.sh: fastzero.pc is not filled in:" >&2
		cat "$tmp/a/$lib/pkgconfig/fastzero.pc" >&2
		exit 1
	fi
	use "$tmp/a" "$lib"
	mv "$tmp/a" "$tmp/b"
	use "$tmp/b" "$lib"
	rm -r "$tmp/b"
}

check usr/lib
check usr/lib/x86_64-linux-gnu LIBDIR=/usr/lib/x86_64-linux-gnu
echo "install: shared and static library of version $version can be used"

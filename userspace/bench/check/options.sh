#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Does the benchmark refuse to measure nothing, before it touches a device?
#
#	options.sh FASTZERO_BENCH

set -u

for options in '--only nonsense' '--size 3M' '--pages 7777'; do
	# shellcheck disable=SC2086 # words
	said=$(timeout 10 "$1" $options 2>&1)
	status=$?
	case $status-$said in
	'2-fastzero-bench: no '*'--list shows them') ;;
	*)	echo "fastzero-bench $options: exit $status: $said"; exit 1 ;;
	esac
done
echo "options: refused as they should be"

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Tests of selftests/vm/klog with a dmesg of ours; which lines it knows is tested
# by selftests/vm/selftest.

# shellcheck source=selftests/unit/unit.sh
. "$(dirname "$0")/unit.sh"

printf '#!/bin/sh\ncat "%s/log"\n' "$tmp" > "$tmp/dmesg"
chmod +x "$tmp/dmesg"

# is WHAT STATUS SAID [FILE]...: how klog check ends, and what it prints.
is()
{
	what=$1 status=$2 said=$3
	shift 3
	got=0
	PATH=$tmp:$PATH "$top/selftests/vm/klog" check "$@" > "$tmp/said" 2> /dev/null ||
		got=$?
	ktap_test_equal "$what" "$status: $said" "$got: $(cat "$tmp/said")"
}

echo 'all is well' > "$tmp/log"
is "nothing" 0 ''
is "nothing in a file" 0 '' "$tmp/log"
printf '%s\n' 'Oops: 1' 'fastzero-vm: mark a' 'Oops: 2' 'fastzero-vm: mark b' 'Oops: 3' \
	'fine' > "$tmp/log"
is "what came after the last mark" 1 'Oops: 3'
is "a file is looked at as a whole" 1 'Oops: 1
Oops: 2
Oops: 3' "$tmp/log"
echo 'fastzero-vm: mark c' >> "$tmp/log"
is "nothing after the last mark" 0 ''
echo 'fine' > "$tmp/fine"
is "a file that is not there" 2 '' "$tmp/none"
is "one of two that is not there" 2 '' "$tmp/fine" "$tmp/none"
rm "$tmp/log"
is "dmesg fails" 2 ''

ktap_finished

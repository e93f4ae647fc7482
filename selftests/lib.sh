# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# TAP for tests that are scripts, with the names of the kernel's ktap_helpers.sh.  The
# plan comes last, since a script counts its tests as it goes.  A script that ends before
# ktap_finished prints no plan, and so has failed (selftests/judge).
#
#	. selftests/lib.sh
#	ktap_print_header
#	ktap_test_result "two files are the same" cmp "$a" "$b"
#	ktap_test_equal "the guest's pages" 512 "$pages"
#	ktap_finished
#
# If a test fails and the file $KTAP_SHOW exists, the end of it is printed.

KTAP_TESTNO=1
KTAP_CNT_PASS=0
KTAP_CNT_FAIL=0
KTAP_CNT_SKIP=0

ktap_print_header()
{
	echo "TAP version 13"
}

# ktap_print_msg TEXT...: prints a remark on the test that ends next.
ktap_print_msg()
{
	echo "# $*"
}

# __ktap_test ok|not\ ok DESCRIPTION
__ktap_test()
{
	echo "$1 $KTAP_TESTNO $2"
	KTAP_TESTNO=$((KTAP_TESTNO + 1))
}

ktap_test_pass()
{
	__ktap_test ok "$1"
	KTAP_CNT_PASS=$((KTAP_CNT_PASS + 1))
}

# Print details of the failure before this call.
ktap_test_fail()
{
	[ ! -e "${KTAP_SHOW-}" ] || tail -n 100 "$KTAP_SHOW" | awk '{ print "# " $0 }'
	__ktap_test "not ok" "$1"
	KTAP_CNT_FAIL=$((KTAP_CNT_FAIL + 1))
}

# ktap_test_skip DESCRIPTION REASON
ktap_test_skip()
{
	__ktap_test ok "$1 # SKIP $2"
	KTAP_CNT_SKIP=$((KTAP_CNT_SKIP + 1))
}

# ktap_test_result DESCRIPTION COMMAND...: passes if COMMAND does, and returns so.
ktap_test_result()
{
	__description=$1
	shift
	if "$@"; then
		ktap_test_pass "$__description"
	else
		ktap_test_fail "$__description"
		return 1
	fi
}

# ktap_test_equal DESCRIPTION EXPECTED GOT
ktap_test_equal()
{
	[ "$2" = "$3" ] || printf "expected '%s', got '%s'\n" "$2" "$3" | sed 's/^/# /'
	ktap_test_result "$1" [ "$2" = "$3" ]
}

# ktap_finished: prints the plan and the sum, and ends the script.  The exit status is 1 if
# a test failed or none was run.
ktap_finished()
{
	echo "1..$((KTAP_TESTNO - 1))"
	echo "# Totals: pass:$KTAP_CNT_PASS fail:$KTAP_CNT_FAIL skip:$KTAP_CNT_SKIP"
	[ $KTAP_CNT_FAIL = 0 ] && [ $KTAP_TESTNO -gt 1 ]
	exit
}

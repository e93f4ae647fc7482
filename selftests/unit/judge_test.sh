#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Tests of selftests/judge: of a program by what it said and its end.

# shellcheck source=selftests/unit/unit.sh
. "$(dirname "$0")/unit.sh"

# is WHAT STATUS SUM: the sum for a program that says what is on stdin.
is()
{
	cat > "$tmp/log"
	"$top/selftests/judge" "$2" "$tmp/log" > "$tmp/said"
	ktap_test_equal "$1" "$3" "$(tail -n 1 "$tmp/said")"
}

unset FZ_MAY_SKIP
is "all is well" 0 "2 0 0" <<END
TAP version 13
1..2
ok 1 a
ok 2 b
END
is "the plan comes last" 0 "2 0 0" <<END
ok 1 a
ok 2 b
1..2
END
is "it ended before its plan" 0 "2 1 0" <<END
ok 1 a
ok 2 b
END
is "one has failed" 1 "1 1 0" <<END
1..2
ok 1 a
not ok 2 b
END
is "nothing is said" 0 "0 1 0" < /dev/null
is "nothing of a plan" 0 "0 1 0" <<END
hello
END
is "a plan of nothing" 0 "0 1 0" <<END
TAP version 13
1..0
END
is "it was killed before the plan" 137 "0 1 0" < /dev/null
is "it ended early, and well" 0 "1 2 0" <<END
1..3
ok 1 a
# RUN b ...
END
is "it ended early" 139 "1 1 0" <<END
1..2
ok 1 a
END
is "the same one twice" 0 "2 1 0" <<END
1..2
ok 1 a
ok 1 a
END
is "more than were planned" 0 "2 1 0" <<END
1..1
ok 1 a
ok 2 b
END
is "all are ok, but not the end" 139 "1 1 0" <<END
1..1
ok 1 a
END
cat > "$tmp/skips" <<END
1..2
ok 1 a
ok 2 b # SKIP no such thing
END
is "a skip" 0 "1 0 1" < "$tmp/skips"
ktap_test_result "has a name and a reason" grep -qx 'skipped: b: no such thing' "$tmp/said"
export FZ_MAY_SKIP='^other$|^no such thing$'
is "for a reason that is known" 0 "1 0 1" < "$tmp/skips"
export FZ_MAY_SKIP='^such thing$'
is "for one that is not" 0 "1 1 0" < "$tmp/skips"

ktap_finished

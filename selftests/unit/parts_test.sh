#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Tests of scripts/parts: what counts as passed and what as failed.

# shellcheck source=selftests/unit/unit.sh
. "$(dirname "$0")/unit.sh"

# is WHAT STATUS LAST: how the parts on stdin, lines of shell, end.
is()
{
	{
		echo "cd '$top' && logs='$tmp/logs'"
		cat "$top/scripts/parts" -
		echo parts_end
	} > "$tmp/script"
	status=0
	MAKEFLAGS=-j sh "$tmp/script" > "$tmp/said" 2>&1 || status=$?
	ktap_test_equal "$1" "$2: $3" "$status: $(tail -n 1 "$tmp/said")"
}

is "no parts at all" 1 "0 passed, 0 failed, 0 skipped" < /dev/null
is "exit status 0" 0 "1 passed, 0 failed, 0 skipped" <<END
part a true
END
is "exit status 1" 1 "1 passed, 1 failed, 0 skipped" <<END
part a true
part b false
END
is "a sum" 0 "4 passed, 0 failed, 1 skipped" <<END
part a echo "3 passed, 0 failed, 1 skipped"
part b true
END
is "a sum and exit status 1" 1 "3 passed, 1 failed, 1 skipped" <<END
part a sh -c 'echo "3 passed, 0 failed, 1 skipped"; exit 1'
END
is "a sum without anything that was checked" 1 "1 passed, 1 failed, 7 skipped" <<END
part a echo "0 passed, 0 failed, 7 skipped"
part b true
END
is "counted, with a sum" 0 "3 passed, 0 failed, 1 skipped" <<END
part --counted a echo "3 passed, 0 failed, 1 skipped"
END
is "counted, but without a sum" 1 "1 passed, 1 failed, 0 skipped" <<END
part --counted a echo "3 passed, 0 failed"
part b true
END
is "in TAP" 0 "4 passed, 0 failed, 1 skipped" <<END
part --tap a printf '%s\n' 'ok 1 x' 'ok 2 y # SKIP z' 'ok 3 z' '1..3'
part b echo "2 passed, 0 failed, 0 skipped"
END
is "in TAP, and one has failed" 1 "1 passed, 1 failed, 0 skipped" <<END
part --tap a sh -c 'printf "%s\n" "ok 1 x" why "not ok 2 y" "1..2"; exit 1'
END
ktap_test_result "is shown" grep -qx 'not ok: y' "$tmp/said"
ktap_test_result "and why" grep -qx '    why' "$tmp/said"
is "in TAP, but nothing is said" 1 "1 passed, 1 failed, 0 skipped" <<END
part --tap a true
part b true
END
is "in TAP, and all is skipped" 1 "1 passed, 1 failed, 1 skipped" <<END
part --tap a printf '%s\n' 'ok 1 x # SKIP y' '1..1'
part b true
END
is "in TAP, but there is no such program" 1 "1 passed, 1 failed, 0 skipped" <<END
part --tap a selftests/none
part b true
END
is "no job server of ours" 0 "1 passed, 0 failed, 0 skipped" <<END
part a sh -c '[ -z "\${MAKEFLAGS-}\${MFLAGS-}" ] && [ "\$LC_ALL" = C ]'
END
is "what is moved elsewhere" 0 "1 passed, 0 failed, 0 skipped" <<END
part a echo "    moved to make check-long: a"
END
count=$(tail -n 2 "$tmp/said" | head -n 1)
is "is in the table" 0 "1 passed, 0 failed, 0 skipped" <<END
part a [ "$count" = "    moved to make check-long: a" ]
END
mkdir -p "$tmp/logs/old.log"
is "a log that cannot be written" 2 "old: ----" <<END
exec 2> /dev/null
part old echo "3 passed, 0 failed, 1 skipped"
END
is "one beside the others" 0 "6 passed, 0 failed, 1 skipped" <<END
beside b sh -c 'until [ -e "$tmp/a" ]; do sleep 0.1; done; echo "5 passed, 0 failed, 1 skipped"'
part a touch "$tmp/a"
join b
END
is "one beside the others that fails" 1 "6 passed, 1 failed, 0 skipped" <<END
beside b sh -c 'echo "5 passed, 0 failed, 0 skipped"; exit 1'
part a true
join b
END
is "one beside the others without a sum" 1 "1 passed, 1 failed, 0 skipped" <<END
beside b true
part a true
join b
END
is "two beside the others" 1 "9 passed, 1 failed, 0 skipped" <<END
beside b sh -c 'until [ -e "$tmp/c" ]; do sleep 0.1; done; echo "5 passed, 0 failed, 0 skipped"'
beside c sh -c 'touch "$tmp/c"; echo "3 passed, 1 failed, 0 skipped"; exit 1'
part a true
join b
join c
END
# Its end is ours: nothing is left of it.
is "one beside the others when we are ended" 143 "a: ----" <<END
beside b sh -c 'sleep 87 & echo \$! > "$tmp/pid"; wait'
beside c sh -c 'sleep 87 & echo \$! > "$tmp/pid2"; wait'
until [ -s "$tmp/pid" ] && [ -s "$tmp/pid2" ]; do sleep 0.1; done
part a kill \$\$
END
# Whoever inherits it may be slow to bury it.
is "and of what it had started" 0 "1 passed, 0 failed, 0 skipped" <<END
part a timeout 10 sh -c 'while grep -s "State:.[^Z]" /proc/$(cat "$tmp/pid")/status \\
	/proc/$(cat "$tmp/pid2")/status; do sleep 0.1; done'
END

ktap_finished

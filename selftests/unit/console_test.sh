#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Does console see that a document shows something else than its commands print?

# What documents say is not for this shell:
# shellcheck disable=SC1003,SC2016
# shellcheck source=selftests/unit/unit.sh
. "$(dirname "$0")/unit.sh"

# says NAME good|bad LINE...: a document with these lines in a console block
says()
{
	name=$1 want=$2
	shift 2
	{ echo "Text"; echo '```console'; printf '%s\n' "$@"; echo '```'; } > "$tmp/a.md"
	got=bad
	! "$top/selftests/console" "$tmp/a.md" > "$tmp/out" 2>&1 || got=good
	KTAP_SHOW=$tmp/out
	ktap_test_equal "$name" "$want" "$got"
}

says "the same output" good '# echo one two' 'one two'
says "other words" bad '# echo one two' 'one three'
says "no output" bad '# echo one' '# true'
says "output that is not shown" bad '# true' 'one'
says "a line too many" bad '# printf "one\ntwo\n"' 'one'
says "a line too few" bad '# echo one' 'one' 'two'
says "other spaces" good '# echo one two' '  one   two'
says "an empty line" good '# printf "one\n\ntwo\n"' 'one' 'two' ''
says "a command that fails" bad '# false'
says "a command whose failure is shown" good '# false; echo $?' '1'
says "standard error" good '# echo one >&2' 'one'
says "a command of two lines" good '# echo one \' '  two' 'one two'
says "other small numbers" bad '# echo 12' '13'
says "none in the place of some" bad '# echo 0' '1234'
says "another large number" good '# echo 98765' '1234'
says "another address" good '# echo 7ffff7a00000-8 pages' '7f6da7000000-8 pages'
says "an address is no word" bad '# echo somewhere' '7f6da7000000'
says "words in the place of a number" bad '# echo many' '1234'
says "any text" good '# echo one two three' 'one … three'
says "any text but" bad '# echo one two four' 'one … three'
says "any lines" good '# seq 1 50' '1' '…' '50'
says "any lines but" bad '# seq 1 50' '1' '…' '51'
printf '```console\n# false\n# true\n```\n' > "$tmp/a.md"
ktap_test_equal "commands that match" 0 \
	"$("$top/selftests/console" --only '^true' "$tmp/a.md" > /dev/null; echo $?)"
ktap_test_equal "commands that do not match" 0 \
	"$("$top/selftests/console" --not '^false' "$tmp/a.md" > /dev/null; echo $?)"
printf '```sh\nfalse\n```\n' > "$tmp/a.md"
ktap_test_equal "a document without commands" 1 \
	"$("$top/selftests/console" "$tmp/a.md" > /dev/null; echo $?)"
ktap_finished

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Tests of selftests/choose, which rows of a list are run and how; and of programs.txt,
# that it has all programs of the tree.

# shellcheck source=selftests/unit/unit.sh
. "$(dirname "$0")/unit.sh"
unset FZ_LONG FZ_CHOSEN FZ_ARCH

# chooses WHAT STATUS EXPECTED [ARG]...: what is said of list, without the columns that
# are the same for all, as one line.
chooses()
{
	what=$1 expected="$2: $3"
	shift 3
	status=0
	"$top/selftests/choose" --from "$tmp/list" "$@" > "$tmp/said" 2>&1 || status=$?
	ktap_test_equal "$what" "$expected" \
		"$status: $(sed 's/^run //; s/ once all - - 0 [a-z]*$//' "$tmp/said" | xargs)"
}

cat > "$tmp/list" <<END
# a comment
a 1

b 2 -debug long=20
c	3	-stock -debug measures
d 4 long=40 -stock
END
chooses "all of them" 0 "a 1 short b b 2 c 3 again all - - 0 c short d d 4"
export FZ_CHOSEN=debug
chooses "those for the debug kernel" 0 "a 1 left b left c short d d 4"
FZ_CHOSEN=stock
chooses "those for the newest" 0 "a 1 short b b 2 left c left d"
chooses "one by its name" 0 "c 3 again all - - 0 c" c
chooses "two by their names" 0 "a 1 c 3 again all - - 0 c" c a
unset FZ_CHOSEN
export FZ_LONG=1
chooses "the long variants" 0 "a 1 b 20 once all - - 1 b c 3 again all - - 0 c d 40 once all - - 1 d"
unset FZ_LONG
chooses "no such name" 2 "choose: there is no e" e
chooses "the names" 0 "a b c d" --names

cat > "$tmp/list" <<END
a 1 one-cpu
a_2m 2 runs=a pages=2m
a_fs 2 runs=a door=fs
a-control 3 runs=a args=--x,y module=no-recheck
END
chooses "in other ways" 0 \
	"a 1 once one - - 0 a a_2m 2 once all - 2m 0 a a_fs 2 once all - fs 0 a a-control 3 once all no-recheck - 0 a --x y"
chooses "the programs" 0 "a" --programs
chooses "the builds of the module" 0 "no-recheck" --modules

cat > "$tmp/list" <<END
a 1 module=quarantine
b 1 module=no-recheck -stock
c 1 module=quarantine
END
chooses "each build once" 0 "quarantine no-recheck" --modules
export FZ_CHOSEN=stock
chooses "the builds for the newest" 0 "quarantine" --modules
unset FZ_CHOSEN

printf 'e 1 x86-only\nf 1\n' > "$tmp/list"
chooses "every program on amd64" 0 "e 1 f 1"
export FZ_ARCH=arm64
chooses "not every program on arm64" 0 "x86 e f 1"
chooses "it is not built for arm64" 0 "f" --programs
unset FZ_ARCH
# wrong TEXT ROW
wrong()
{
	echo "$2" > "$tmp/list"
	status=0
	"$top/selftests/choose" --from "$tmp/list" > "$tmp/rows" 2> "$tmp/said" || status=$?
	ktap_test_equal "$1" "2: choose: $1" "$status: $(cat "$tmp/said")"
}
wrong "a: there is no mark slow" "a 1 slow"
wrong "a: there is no mark pages=4m" "a 1 pages=4m"
wrong "a: there is no mark door=dev" "a 1 door=dev"
wrong "a: its seconds are no number" "a"
wrong "a is there twice" "a 1
a 2"
wrong "no programs" ""

# What has a main function, and what is run.
KTAP_SHOW=
cd "$top/selftests" || exit 2
{
	grep -lE '^(TEST_HARNESS_MAIN|int main\()' ./*.c | sed 's|^\./||; s|\.c$||'
	sed -n 's/^OTHERS := //p' Makefile | tr ' ' '\n'
} | grep -vx "$(sed -n 's/^PARTS := //p' Makefile)" | sort > "$tmp/have"
./choose --programs | sort > "$tmp/said"
ktap_test_equal "programs.txt has each program of the tree" "" "$(comm -23 "$tmp/have" "$tmp/said" | xargs)"
ktap_test_equal "and no others" "" "$(comm -13 "$tmp/have" "$tmp/said" | xargs)"
ktap_finished

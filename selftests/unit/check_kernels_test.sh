#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Tests of selftests/check-kernels, with builds and VMs that are only pretended:
# what counts as passed and what as failed.

# shellcheck source=selftests/unit/unit.sh
. "$(dirname "$0")/unit.sh"
there=$tmp/selftests

mkdir -p "$there/vm/kernels" "$tmp/bin" "$tmp/scripts"
cp "$top/selftests/check-kernels" "$there"
cp "$top/scripts/parts" "$tmp/scripts"
cp "$top/selftests/vm/kernel" "$there/vm"
cat > "$there/vm/kernels/table" <<END
one	debian	a	1.0	image
two	debian	a	2.0	rt-amd64
three	build	a	1.0	config
END
cat > "$there/vm/kernels/debian" <<'END'
#!/bin/sh
echo "$4" > "$1/release"
END
# What on-kernel does is what the test has written for it.
cat > "$there/on-kernel" <<END
#!/bin/sh
. "$tmp/do-\$1"
END
cat > "$there/vm/suite" <<END
#!/bin/sh
[ "\$1" != none ] && echo "$tmp/apt.conf"
END
printf '#!/bin/sh\n' > "$tmp/bin/apt-cache"
chmod +x "$there/on-kernel" "$there/vm/suite" "$there/vm/kernels/debian" "$tmp/bin/apt-cache"
export FASTZERO_CACHE="$tmp/cache" PATH="$tmp/bin:$PATH"

# is WHAT STATUS LAST BUILD RUN ARG...: how check-kernels ARG... ends, and the
# last line, when these are the commands to build and run.
is()
{
	what=$1 status=$2 last=$3
	echo "$4" > "$tmp/do-build"
	echo "$5" > "$tmp/do-run"
	shift 5
	got=0
	"$there/check-kernels" "$@" > "$tmp/said" 2>&1 || got=$?
	ktap_test_equal "$what" "$status: $last" "$got: $(tail -n 1 "$tmp/said")"
}

fine='echo module loaded; echo "5 passed, 0 failed, 1 skipped"'
is "all is well" 0 "7 passed, 0 failed, 1 skipped" true "$fine" one
is "without an image nothing is run" 0 "2 passed, 0 failed, 0 skipped" true "$fine" two
is "a warning" 1 "6 passed, 1 failed, 1 skipped" 'echo a.c:1: warning: b' "$fine" one
is "not built is not free of warnings" 1 "0 passed, 1 failed, 0 skipped" false "$fine" one
is "why it is not built" 1 "0 passed, 1 failed, 0 skipped" 'echo "probe.sh: too old"; false' "$fine" one
ktap_test_result "is shown" grep -qx '    probe.sh: too old' "$tmp/said"
ktap_test_result "and where" grep -qx '    log: build/one/logs/build' "$tmp/said"
is "a kernel that nobody has tested" 0 "7 passed, 0 failed, 1 skipped" \
	'echo "probe.sh: warning: x was tested on kernels up to 1"' "$fine" one
ktap_test_result "is no fault, but is said" \
	grep -qx 'probe.sh: warning: x was tested on kernels up to 1' "$tmp/said"
is "a test fails" 1 "6 passed, 1 failed, 0 skipped" true \
	'echo module loaded; echo "not ok: b"; echo "    a.c:1: why"
	echo "4 passed, 1 failed, 0 skipped"; exit 1' one
ktap_test_result "what a failed test said is shown" grep -qx '        a.c:1: why' "$tmp/said"
is "what is moved elsewhere" 0 "7 passed, 0 failed, 1 skipped" true \
	"echo 'moved to make check-long: b'; $fine" one
ktap_test_equal "is in the table" '    moved to make check-long: b' \
	"$(tail -n 2 "$tmp/said" | head -n 1)"
is "the VM complains afterwards" 1 "7 passed, 1 failed, 1 skipped" true "$fine; exit 126" one
is "an image that cannot be had" 1 "2 passed, 1 failed, 0 skipped" true \
	'echo "kernel: one has no image" >&2; exit 1' one
is "no sum" 1 "2 passed, 1 failed, 0 skipped" true 'echo module loaded' one
is "nothing was tested" 1 "2 passed, 1 failed, 9 skipped" true \
	'echo "0 passed, 0 failed, 9 skipped"' one
is "all of the table" 0 "9 passed, 0 failed, 1 skipped" true "$fine"

usage='						of Debian'\''s suites'
is "no such kernel" 2 "kernel: no kernel of the name 'x'; there are: one two three" true true one x
is "no such option" 2 "$usage" true true --nonsense
is "an option among kernels" 2 "$usage" true true one --debug
is "a suite that is not there" 1 "0 passed, 1 failed, 0 skipped" true true --headers none
is "a suite without headers" 1 "0 passed, 1 failed, 0 skipped" true true --headers empty

rm -f "$tmp/build/one/logs/tests"
mkdir -p "$tmp/build/one/logs/tests"
got=0
"$there/check-kernels" one > "$tmp/said" 2>&1 || got=$?
ktap_test_equal "what the tests say cannot be kept" 2 $got
rmdir "$tmp/build/one/logs/tests"
printf '#!/bin/sh\nexit 126\n' > "$tmp/bin/xargs"
chmod +x "$tmp/bin/xargs"
is "no list of kernels" 2 "" true "$fine" one
rm "$tmp/bin/xargs"

unset FZ_ALONE
exec 8> "$there/../build/lock"
flock 8
is "two at once" 2 "check-kernels: another check is at work in this tree, or the VM of one that was ended" \
	true "$fine" one
exec 8>&-
is "one after the other" 0 "7 passed, 0 failed, 1 skipped" true "$fine" one

ktap_finished

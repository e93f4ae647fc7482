#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Tests of scripts/bench: which results it keeps, and which become the
# reference.  A shell script measures here in place of the VM.

# shellcheck source=selftests/unit/unit.sh
. "$(dirname "$0")/unit.sh"

mkdir -p "$tmp/scripts" "$tmp/selftests/vm" "$tmp/userspace/bench" "$tmp/build/userspace"
cp "$top/scripts/bench" "$tmp/scripts/"
cp /bin/true "$tmp/build/userspace/fastzero-bench"
printf '%%:\n\t@:\n' > "$tmp/userspace/Makefile"
cat > "$tmp/selftests/vm/kernel" <<'END'
#!/bin/sh
case $1-$2-${3-} in
path-6.1-release)	echo 6.1.9 ;;
fetch-6.1@6.1.8-)	exit $FETCH ;;
with-*)			mkdir -p "build/$2/module" && cp /bin/true "build/$2/module/fastzero.ko" ;;
esac
END
cat > "$tmp/userspace/bench/compare" <<'END'
#!/bin/sh
echo "judged: $*"
END
cat > "$tmp/selftests/vm/sealed" <<'END'
#!/bin/sh
echo "$2 $*" > "${0%/*}/measured"
while [ "$1" != --data ]; do
	shift
done
printf '%s' "$JSON" > "$2"
printf '%s\n' "$TABLE"
exit "$STATUS"
END
chmod +x "$tmp/selftests/vm/kernel" "$tmp/selftests/vm/sealed" "$tmp/userspace/bench/compare"
export MODULE=/bin/true

# is WHAT STATUS ARGUMENT...: how bench ends
is()
{
	what=$1 expected=$2
	shift 2
	status=0
	"$tmp/scripts/bench" "$@" > "$tmp/said" 2>&1 || status=$?
	ktap_test_equal "$what" "$expected" "$status"
}

result=$tmp/build/bench/quick-6.1.json
reference=$tmp/docs/bench/6.1/quick.json
end='reset + next run = the cycle in one piece, ...'

export JSON='{"n": 0}' TABLE="$end" STATUS=0
is "a part" 0 quick 6.1 --only fz
ktap_test_result "is no result of the whole" test ! -e "$result"
is "and no reference" 2 update 6.1
JSON='{"n": 1}' TABLE="table
$end
not compared: 5 rows of threads"
is "a result" 0 quick
ktap_test_result "is kept" grep -q 1 "$result"
JSON='{"n": 2}' STATUS=1
is "a failure" 1 quick
JSON='{"n": 2' STATUS=0
is "half of the JSON" 2 quick
JSON=''
is "no JSON" 2 quick
JSON='{"n": 2}' TABLE=table
is "half of the table" 2 quick
ktap_test_result "leave the result of before" grep -q 1 "$result"
ktap_test_result "and nothing else" test ! -e "$result.new"
JSON='{"n": 3}' TABLE=$end
is "another part" 0 quick 6.1 --cycles 1
is "a reference" 0 update 6.1
ktap_test_result "is made of the whole" grep -q 1 "$reference"

# The guard measures on the release that the reference is of, if that can be had.
export FETCH=0
echo '{"machine": {"kernel": "6.1.9", "cpu": 1}}' > "$reference"
is "a guard" 0 guard
ktap_test_result "on the release of the reference" grep -q "judged: --guard docs/bench/6.1/quick.json build/bench/quick-6.1.json" "$tmp/said"
ktap_test_result "that there is" grep -q '^6.1 ' "$tmp/selftests/vm/measured"
echo '{"machine": {"kernel": "6.1.8", "cpu": 1}}' > "$reference"
unset MODULE
is "a guard" 0 guard
ktap_test_result "on an older release" grep -q '^6.1@6.1.8 ' "$tmp/selftests/vm/measured"
ktap_test_result "judges that" grep -q "judged: --guard docs/bench/6.1/quick.json build/bench/quick-6.1@6.1.8.json" "$tmp/said"
ktap_test_result "and its result is no reference" grep -q 3 "$result"
FETCH=1
is "a guard" 0 guard
ktap_test_result "on another release" grep -q '^6.1 ' "$tmp/selftests/vm/measured"
ktap_test_result "says so" grep -q 'THE KERNEL OF THE REFERENCE, 6.1.8, CANNOT BE HAD' "$tmp/said"
is "a guard without a reference of its kernel" 0 guard 7.9
ktap_test_result "takes that of 6.1" grep -q "judged: --guard docs/bench/6.1/quick.json build/bench/quick-7.9.json" "$tmp/said"

ktap_finished

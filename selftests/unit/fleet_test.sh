#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Tests of what fleets take: the figures for node_exporter, made from what fastzero stat
# said on a real host, and the device for containers.  packaging/check/files has more.

# shellcheck source=selftests/unit/unit.sh
. "$(dirname "$0")/unit.sh"
textfile=$top/packaging/monitoring/fastzero-textfile
stat=$top/selftests/unit/stat.json

# check WHAT STATUS
check()
{
	ktap_test_equal "$1" 0 "$2"
}

# figure NAME: its value
figure()
{
	sed -n "s/^fastzero_$1 //p" "$tmp/figures"
}

"$textfile" - < "$stat" > "$tmp/figures" 2> "$tmp/said"
check "the JSON of a host is read" $?
# What node_exporter's parser takes; each figure is described once, before it.
awk '/^# HELP / { help[$3]++; next }
	/^# TYPE / { type[$3]++; if ($4 != ($3 ~ /_total$/ ? "counter" : "gauge")) wrong = 1; next }
	{ name = $1; sub(/[{].*/, "", name)
	  if (help[name] != 1 || type[name] != 1) wrong = 1
	  if ($0 !~ /^[a-z_]+([{][a-z]+="[^"]*"(,[a-z]+="[^"]*")*[}])? [0-9.e+-]+$/) wrong = 1
	  if (wrong) { print; exit }
	  n++ }
	END { exit wrong || n < 15 }' "$tmp/figures" > "$tmp/said"
check "and made figures that a collector reads" $?
pages=$(sed -n 's/.*"pages_in_use": "\([0-9]*\)".*/\1/p' "$stat")
ktap_test_equal "memory of all contexts, in bytes" $((pages * 4096)) "$(figure memory_bytes)"
sum=$(awk '/^fastzero_cgroup_resets_total[{]/ { n += $NF } END { print n + 0 }' "$tmp/figures")
resets=$(grep -o '"resets": [0-9]*' "$stat" | awk '{ n += $2 } END { print n + 0 }')
ktap_test_equal "resets of all cgroups" "$resets" "$sum"

owned=$(grep -o '"owned": [0-9]*' "$stat" | awk '$2 > n { n = $2 } END { print n * 4096 }')
largest=$(awk '/^fastzero_cgroup_largest_context_bytes[{]/ && $NF > n { n = $NF } END { print n + 0 }' \
	"$tmp/figures")
ktap_test_equal "the largest context" "$owned" "$largest"
limit=$(sed -n 's/.*"max_pages": "\([0-9]*\)".*/\1/p' "$stat")
ktap_test_equal "and what it may have" $((limit * 4096)) "$(figure context_limit_bytes)"

# A command that says what it is told.
mkdir "$tmp/bin"
printf '#!/bin/sh\nexec cat "%s/now.json"\n' "$tmp" > "$tmp/bin/fastzero"
chmod +x "$tmp/bin/fastzero"
# look: what the host says now becomes figures.
look()
{
	FASTZERO_CGROUPS="$tmp/cgroup" PATH="$tmp/bin:$PATH" \
		"$textfile" "$tmp/fastzero.prom" > "$tmp/said" 2>&1
	looked=$?
	cp "$tmp/fastzero.prom" "$tmp/figures"
	return $looked
}
# context ID RESETS: as JSON
context()
{
	printf '{"id": %s, "opener": {"pid": 1, "comm": "vmm"}, "whole": true, "scratches": 1,
		"length": 4096, "populated": 1, "owned": 1, "zeros": 0,
		"pool": {"target": 0, "ready": 0, "used": 0, "held": 0}, "index": 0, "faults": 1,
		"resets": %s, "auto": {"inplace": 0, "swap": 0, "drop": 0}, "zeroer_ns": 0,
		"cgroup": "/a \\"b\\""}' "$1" "$2"
}
# host CONTEXT...
host()
{
	(IFS=,; printf '{"schema": 1, "source": "debugfs", "page_size": 4096,
		"module": {"version": "1", "pages_in_use": "1", "max_pages": "0", "accounting": "yes"},
		"contexts": [%s], "cgroups": []}' "$*") > "$tmp/now.json"
}
resets='cgroup_resets_total{cgroup="\/a \\"b\\""}'
resets=$(printf %s "$resets" | sed 's/\\"/\\\\"/g')
host "$(context 1 100)" "$(context 2 50)" && look
ktap_test_equal "two contexts of a cgroup are one figure" 150 "$(figure "$resets")"
host "$(context 2 60)" "$(context 3 5)" && look
ktap_test_equal "it does not fall when a context ends" 165 "$(figure "$resets")"
host "$(context 1 7)" && look
ktap_test_equal "nor when the module is loaded anew" 172 "$(figure "$resets")"
mkdir -p "$tmp/cgroup/a \"b\""
host && look
ktap_test_equal "nor when the last context of a cgroup ends" 172 "$(figure "$resets")"
host "$(context 4 8)" && look
ktap_test_equal "the next context of that cgroup goes on" 180 "$(figure "$resets")"
rmdir "$tmp/cgroup/a \"b\""
host && look
ktap_test_equal "the figure ends with the cgroup" "" "$(figure "$resets")"
ktap_test_equal "the figures could be read" 1 "$(figure up)"
find "$tmp" -name '*.prom.*' ! -name fastzero.prom.state > "$tmp/said"
[ ! -s "$tmp/said" ]
check "no other file is left" $?
host "$(context 1 70)" && look
ktap_test_equal "a context before the module is loaded anew" 70 "$(figure "$resets")"
mkdir -p "$tmp/cgroup/a \"b\""
sed -i 's/"schema": 1/"schema": 2/' "$tmp/now.json"
! look && grep -q 'schema 2' "$tmp/said"
check "a schema that is not known is refused" $?
ktap_test_equal "and the figures say so" 0 "$(figure up)"
host "$(context 1 90)" && look
ktap_test_equal "then all of a context counts" 160 "$(figure "$resets")"
printf '#!/bin/sh\nexit 1\n' > "$tmp/bin/fastzero"
! look
check "and a command that fails" $?
ktap_test_equal "which the figures say" 0 "$(figure up)"
[ "$(grep -vc '^#' "$tmp/figures")" = 1 ]
check "and nothing else: no old figure stays" $?

# The device for containers.
perl -MJSON::PP -0777 -ne '
	my $spec = decode_json($_);
	my $name = qr/[A-Za-z0-9]([A-Za-z0-9_.:-]*[A-Za-z0-9])?/;
	die "kind" if $spec->{kind} !~ m{^[a-z]([a-z0-9_.-]*[a-z0-9])?/[a-z]([a-z0-9_-]*[a-z0-9])?$};
	die "version" if $spec->{cdiVersion} ne "0.3.0";
	die "members" if grep { !/^(cdiVersion|kind|devices)$/ } keys %$spec;
	for my $device (@{$spec->{devices}}) {
		die "name" if $device->{name} !~ /^$name$/;
		my $nodes = $device->{containerEdits}{deviceNodes};
		# With numbers of its own a node would be of another device after a reload.
		die "node" if grep { join(" ", sort keys %$_) ne "path permissions" ||
			$_->{permissions} ne "rw" } @$nodes;
		die "no fastzero" if !grep { $_->{path} eq "/dev/fastzero" } @$nodes;
	}' "$top/packaging/containers/fastzero.json" > "$tmp/said" 2>&1
check "the device for containers has the members of CDI 0.3.0" $?

ktap_finished

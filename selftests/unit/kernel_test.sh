#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Tests of selftests/vm/kernel, with a table, makers and an apt of ours: when a
# kernel of the cache is taken and when it is made anew.

# shellcheck source=selftests/unit/unit.sh
. "$(dirname "$0")/unit.sh"
vm=$tmp/selftests/vm
export FASTZERO_CACHE="$tmp/cache"
PATH=$tmp/bin:$PATH

mkdir -p "$vm/kernels" "$tmp/bin"
cp "$top/selftests/vm/kernel" "$vm"
cat > "$vm/kernels/table" <<END
old	debian	one	1.0	image
new	debian	two	*	image
dbg	build	one	1.0	frag
far	debian	one:arm64	1.0	arm64 image
END
cat > "$vm/suite" <<END
#!/bin/sh
[ ! -e "$tmp/offline" ] && echo "$tmp/apt.conf"
END
cat > "$tmp/bin/apt-cache" <<END
#!/bin/sh
case \$1 in
pkgnames)	cat "$tmp/sources" ;;
show)		sed 's/^/Version: /' "$tmp/version" ;;
esac
END
cat > "$vm/kernels/debian" <<END
#!/bin/sh
[ ! -e "$tmp/fails" ] || exit 1
echo made >> "$tmp/made"
echo "\$4" > "\$1/release"
echo a > "\$1/a"
echo "\$2/a" > "\$1/headers"
END
cp "$vm/kernels/debian" "$vm/build-kernel"
# shellcheck disable=SC2016 # for the script
sed -i '2i [ "$1" != --key ] || exec cat "'"$tmp"'/frag"' "$vm/build-kernel"
chmod +x "$vm/suite" "$vm/build-kernel" "$vm/kernels/debian" "$tmp/bin/apt-cache"
echo a > "$tmp/frag"
echo linux-source-7.2 > "$tmp/sources"
echo 7.2.1-1 > "$tmp/version"

KTAP_SHOW=$tmp/err
# kernel ARG...: sets status, said and how many were made.
kernel()
{
	: > "$tmp/made"
	status=0
	"$vm/kernel" "$@" > "$tmp/said" 2> "$tmp/err" || status=$?
	said=$(cat "$tmp/said")
	made=$(grep -c . "$tmp/made")
}

# is WHAT STATUS MADE SAID: how the last one was
is()
{
	ktap_test_equal "$1" "status $2, $3 made: $4" "status $status, $made made: $said"
}

# warned WHAT TEXT
warned()
{
	ktap_test_result "$1" grep -q "$2" "$tmp/err"
}

kernel path old release
is "it is made" 0 1 1.0
kernel path old release
is "and kept" 0 0 1.0
sed -i 's/^old.*/old debian one 1.1 image/' "$vm/kernels/table"
kernel path old release
is "until its row changes" 0 1 1.1
echo '# said better' >> "$vm/kernels/debian"
kernel path old release
is "and not for a comment" 0 0 1.1
echo true >> "$vm/kernels/debian"
kernel path old release
is "but for the script" 0 1 1.1

kernel path old headers
is "its files have names" 0 0 "$tmp/cache/kernels/old/a"
rm "$tmp/cache/kernels/old/a"
kernel path old release
is "and one that is missing makes it anew" 0 1 1.1
: > "$tmp/cache/kernels/old/headers"
kernel path old release
is "and a name that is missing" 0 1 1.1
: > "$tmp/cache/kernels/old/release"
kernel path old release
is "and an empty release" 0 1 1.1

kernel path dbg release
is "one that is built" 0 1 1.0
echo b > "$tmp/frag"
kernel path dbg release
is "is built anew for its configuration" 0 1 1.0
echo true >> "$vm/build-kernel"
kernel path dbg release
is "and for the script" 0 1 1.0
kernel path dbg release
is "and then kept" 0 0 1.0

kernel path new release
is "the newest" 0 1 7.2
kernel path new release
is "is kept" 0 0 7.2
echo linux-source-7.10 >> "$tmp/sources"
kernel path new release
is "until there is a newer series" 0 1 7.10
echo 7.10.2-1 > "$tmp/version"
kernel path new release
is "or version" 0 1 7.10
touch "$tmp/offline"
kernel path new release
is "without the suite it is taken" 0 0 7.10
warned "with a warning" 'warning: .* newest in two, taking 7.10'
rm "$tmp/offline"

echo 7.10.3-1 > "$tmp/version"
touch "$tmp/fails"
kernel path new release
is "one that cannot be made" 1 0 ''
echo 7.10.2-1 > "$tmp/version"
kernel path new release
is "leaves the one before" 0 0 7.10
rm "$tmp/fails"

kernel path old@1.0-7-x release
is "a release by name" 0 1 1.0-7-x
echo true >> "$vm/kernels/debian"
kernel path old@1.0-7-x release
is "stays, whatever makes it now" 0 0 1.0-7-x
touch "$tmp/fails"
kernel path old@1.0-7-x release
is "also when it cannot be had any more" 0 0 1.0-7-x
kernel path old@1.0-6-x release
is "another one cannot" 1 0 ''
rm "$tmp/fails"
kernel path dbg@1.0-7-x release
is "nor one that is built" 1 0 ''

kernel path none release
is "no such kernel" 1 0 ''
rm -r "$tmp/cache"
kernel path old nonsense
is "no such kind, and nothing is made to find out" 1 0 ''
kernel list image
is "list of a word" 0 0 'old new far'
kernel list image -arm64
is "list of a word and not another" 0 0 'old new'
kernel list image arm64
is "list of two words" 0 0 'far'
kernel arch old
is "architecture" 0 0 amd64
kernel arch far
is "another architecture" 0 0 arm64
kernel list nonsense
is "list of no word" 1 0 ''
kernel check old new
is "names" 0 0 ''
kernel check old none
is "one that is none" 1 0 ''

# The real maker, for the machine's own suite and without flex.
mkdir "$tmp/scripts"
cp "$top/scripts/deps" "$tmp/scripts"
cp "$top/selftests/vm/build-kernel" "$vm"
printf '#!/bin/sh\necho /\n' > "$vm/chroot"
cat > "$vm/suite" <<END
#!/bin/sh
[ "\${2-}" != download ] || { echo made >> "$tmp/made"; exit 1; }
echo one
END
cat > "$tmp/bin/dpkg-query" <<'END'
#!/bin/sh
case $* in
*flex)	exit 1 ;;
esac
echo installed
END
chmod +x "$vm/chroot" "$tmp/bin/dpkg-query"
touch "$tmp/frag"
ln -s "$tmp/frag" "$tmp/selftests/frag"
kernel path dbg release
is "nothing is downloaded to build a kernel without flex" 1 0 ''
warned "and flex is named" 'apt-get install .* flex$'
rm "$tmp/bin/dpkg-query"
kernel path dbg release
is "with all tools it is downloaded" 1 1 ''

ktap_finished

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Does lint-docs see what is wrong with documents, and nothing else?

# shellcheck disable=SC2016 # backquotes of documents
# shellcheck source=selftests/unit/unit.sh
. "$(dirname "$0")/unit.sh"
lint=$top/scripts/lint-docs

# clean: makes a new tree in which nothing is wrong.
clean()
{
	rm -rf "$tmp/tree"
	mkdir -p "$tmp/tree/docs" "$tmp/tree/module" "$tmp/tree/selftests"
	cd "$tmp/tree" || exit 2
	printf 'all:\nlint unit:\nLINTS := docs\n' > Makefile
	printf '/* See docs/a.md. */\n' > module/fault.c
	printf '// Licence\n/*\n * About it\n */\nint x;\n\n/* y */\nint y;\n' > module/xy.c
	: > selftests/zero.c
	cat > docs/result.json <<'END'
{"program": "fastzero-bench", "rows": [
{"user": "guest", "size": 67108864, "pages": 581, "pattern": "random", "touch": "write",
 "peer": "fz-auto", "reset": {"p50": 312523}, "run": {"p50": 8217}, "sum": {"p50": 320740}},
{"user": "guest", "size": 67108864, "pages": 581, "pattern": "random", "touch": "write",
 "peer": "memset-all", "reset": {"p50": 8388657}, "run": {"p50": 8217}, "sum": {"p50": 8396874}}]}
END
	cat > docs/result.txt <<'END'
guest, 64 MiB, 581 pages, random, write
* fz-auto              312,523         8,217       320,740
END
	cat > README.md <<'END'
# One
[two](docs/a.md#a-heading), [itself](#one), [far](https://example.org/none.md)
`module/fault.c`, `fault.c`, `selftests/zero`, `make lint`, `make lint-docs`, `QEMU.c x`
END
	cat > docs/a.md <<'END'
# A
## A `heading`
[up](../README.md), [id](#here) <a id="here"></a>

    make unit && selftests/zero

<!-- figures: docs/result.json -->

    guest, 64 MiB, 581 pages, random, write
      instructions               reset      next run           sum
    * fz-auto                  312,523         8,217       320,740

      memset-all             8,388,657         8,217     8,396,874

12,345 is no part of that.
<!-- figures: docs/result.txt within 1 % -->
A reset is 312,523, or 313,000.
END
}

# expect NAME [TEXT]: what lint-docs says of the tree as it is, no less and no more.
expect()
{
	said=$("$lint" "$tmp/tree" 2>&1)
	status=$?
	want=0
	[ -z "${2-}" ] || want=1
	ktap_test_equal "$1" "$want: ${2-}" "$status: $said"
	clean
}

# add TEXT...: lines to README.md
add()
{
	printf '%s\n' "$@" >> README.md
}

clean
expect "a clean tree"
add '[x](docs/b.md)'
expect "a link to no file" 'README.md:4: dead link: docs/b.md'
add '[x](docs/a.md#none)'
expect "a link to no heading" 'README.md:4: dead link: docs/a.md#none: no such heading'
add '[x](../../out.md)'
expect "a link out of the tree" 'README.md:4: dead link: ../../out.md'
add '`module/fill.c`, `fill.c`'
expect "files that are gone" 'README.md:4: no such file: module/fill.c
README.md:4: no such file: fill.c'
add '' '    selftests/none --all'
expect "a command that is gone" 'README.md:5: no such file: selftests/none'
add '`make bench`'
expect "a target that is gone" 'README.md:4: no such target: make bench'
mv docs/a.md docs/b.md
sed -i 's/docs.a.md/docs\/b.md/' README.md
expect "a source that names a document which is gone" 'module/fault.c:1: no such file: docs/a.md'
add "$(printf '%0101d' 0)"
expect "a long line" 'README.md:4: longer than 100 columns'
for n in $(seq 80); do
	add "$n"
done
expect "a long README" 'README.md: 83 lines, 80 are allowed'
sed -i 's/320,740$/320,741/' docs/a.md
expect "a figure that the result has not" \
	'docs/a.md:11: figure 320741 is not in docs/result.json: fz-auto, guest, 64 MiB, 581 pages, random, write'
sed -i 's/8,396,874/8,217,000/' docs/a.md
expect "a figure behind an empty line" \
	'docs/a.md:13: figure 8217000 is not in docs/result.json: memset-all, guest, 64 MiB, 581 pages, random, write'
sed -i 's/\(fz-auto .*\)320,740/\18,396,874/' docs/a.md
expect "a figure of another row" \
	'docs/a.md:11: figure 8396874 is not in docs/result.json: fz-auto, guest, 64 MiB, 581 pages, random, write'
sed -i 's/313,000/317,000/' docs/a.md
expect "a figure that is too far off" 'docs/a.md:17: figure 317000 is not in docs/result.txt'
sed -i 's/figures: docs.result.json/figures: docs\/none.json/' docs/a.md
expect "a result that is gone" 'docs/a.md:8: no result: docs/none.json'
sed -i '/figures: docs.result.json/d' docs/a.md
expect "a table without its result" \
	'docs/a.md:9: a table of figures, and no line that names their result'
sed -i 's/figures: docs.result.json/figures: not of docs\/bench: made up/; s/320,740$/1,111/' docs/a.md
expect "a table that says that it is of another result"
sed -i 's/figures: docs.result.json/figures: not of docs\/bench: /' docs/a.md
expect "a table that does not say why" 'docs/a.md:8: no result: not'

# shows LINE...: a block of C in README.md
shows()
{
	add '```c' "$@" '```'
}

add '<!-- file: module/xy.c -->'
shows 'int x;' '' '/* y */' 'int y;'
expect "a block as in its file"
add '<!-- file: module/xy.c -->'
shows 'int x;' '' '/* y */' 'int z;'
expect "a block that is not as in its file" 'README.md:5: not as it is in module/xy.c'
add '<!-- file: module/xy.c -->'
shows 'int x;'
expect "a part of a file" 'README.md:5: not as it is in module/xy.c'
add '<!-- file: module/xz.c -->'
shows 'int x;'
expect "a block of a file that is gone" 'README.md:5: no such file: module/xz.c'
shows 'int x;'
expect "a block of no file" 'README.md:4: a block of c, and no line that names its file'

ktap_finished

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Unit tests of wsformat.c: a written set can be read, and a wrong one is refused, byte
 * by byte.
 */
#include <errno.h>
#include <stdlib.h>

#include "wsformat.h"
#include "unit.h"

#define ROUNDS	2000
#define MOST	64

/* A random working set of its exact size, for the sanitizer; its runs in @runs. */
static uint8_t *make(struct fz_wsformat *of, struct fz_range *runs, uint64_t *nr)
{
	uint64_t page = 0, n = 0;
	uint8_t *buf;

	of->page_shift = random_number() % 4 ? 12 : 16;
	of->nr_pages = 1 + random_number() % (MOST * 64);
	while (n < random_number() % MOST) {
		runs[n].first = page + random_number() % 20;
		runs[n].end = runs[n].first + 1 +
			      random_number() % (random_number() % 8 ? 30 : 1500);
		if (runs[n].end > of->nr_pages)
			break;
		page = runs[n++].end + 1;
	}
	*nr = n;
	buf = malloc(fz_wsformat_size(n));
	fz_wsformat_put_head(of, buf, n);
	while (n--)
		fz_wsformat_put(buf, n, &runs[n]);
	return buf;
}

/* Eight bytes, the lowest first. */
static uint64_t get64(const uint8_t *at)
{
	uint64_t value = 0;
	int i;

	for (i = 7; i >= 0; i--)
		value = value << 8 | at[i];
	return value;
}

/* A run: its first page, and how many. */
static void get_run(const uint8_t *buf, uint64_t n, struct fz_range *run)
{
	const uint8_t *at = buf + fz_wsformat_size(n);

	run->first = get64(at);
	run->end = run->first + get64(at + 8);
}

/* All of it, in pieces of random length, as the module does. */
static int check(const struct fz_wsformat *of, const uint8_t *buf, uint64_t size,
		 uint64_t *nr)
{
	int err = fz_wsformat_check_head(of, buf, size, nr);
	struct fz_wsformat_sum sum = { 0 };
	uint64_t n = 0, end;

	for (; !err && n < *nr; n = end) {
		end = n + 1 + random_number() % 8;
		end = end < *nr ? end : *nr;
		err = fz_wsformat_check_runs(of, buf, n, end, &sum);
	}
	return err;
}

static unsigned int test_round_trip(void)
{
	unsigned int wrong = 0;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		struct fz_range runs[MOST + 1], run;
		struct fz_wsformat of;
		uint64_t nr, got = ~0ULL, n;
		uint8_t *buf = make(&of, runs, &nr);

		wrong += check(&of, buf, fz_wsformat_size(nr), &got) != 0;
		wrong += got != nr;
		wrong += fz_wsformat_size(nr) > fz_wsformat_most(&of);
		for (n = 0; n < nr; n++) {
			get_run(buf, n, &run);
			wrong += run.first != runs[n].first || run.end != runs[n].end;
		}
		free(buf);
	}
	return wrong;
}

/* Chunk by chunk the walk gives the same pages. */
static unsigned int test_chunks(void)
{
	unsigned int wrong = 0;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		static bool in[MOST * 64], got[MOST * 64];
		struct fz_wsformat_walk walk = { 0 };
		struct fz_wsformat_sum sum = { 0 };
		uint64_t words[FZ_CHUNK_WORDS];
		struct fz_range runs[MOST + 1];
		struct fz_wsformat of;
		struct fz_wsformat_walk again;
		uint64_t number, same, before = 0, chunks = 0, pages = 0, n, page;
		uint8_t *buf = make(&of, runs, &walk.nr);

		memset(in, 0, sizeof(in));
		memset(got, 0, sizeof(got));
		for (n = 0; n < walk.nr; n++)
			for (page = runs[n].first; page < runs[n].end; page++)
				in[page] = true;
		walk.buf = buf;
		wrong += fz_wsformat_check_runs(&of, buf, 0, walk.nr, &sum) != 0;
		again = walk;
		while (fz_wsformat_next(&walk, &number, words)) {
			wrong += !fz_wsformat_next(&again, &same, NULL) ||
				 same != number;
			wrong += chunks++ && number <= before;
			before = number;
			for (n = 0; n < FZ_CHUNK_PAGES; n++) {
				if (!(words[n / 64] >> n % 64 & 1))
					continue;
				got[number * FZ_CHUNK_PAGES + n] = true;
				pages++;
			}
		}
		wrong += memcmp(in, got, sizeof(in)) != 0;
		wrong += sum.pages != pages || sum.chunks != chunks;
		free(buf);
	}
	return wrong;
}

/* The bytes are those of the uAPI, on machines of any byte order. */
static unsigned int test_bytes(void)
{
	static const uint8_t want[48] = {
		'Z', '0', 'W', 'S', 12, 0, 0, 0, 0, 0, 16, 0, 0, 0, 0, 0,
		1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		2, 1, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0,
	};
	const struct fz_wsformat of = { .page_shift = 12, .nr_pages = 256 };
	const struct fz_range run = { 258, 262 };
	uint8_t got[48];

	fz_wsformat_put_head(&of, got, 1);
	fz_wsformat_put(got, 0, &run);
	return memcmp(want, got, sizeof(want)) != 0;
}

/* Any other length, scratch or page size. */
static unsigned int test_refuses_other(void)
{
	unsigned int wrong = 0;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		struct fz_range runs[MOST + 1];
		struct fz_wsformat of, other;
		uint64_t nr, got, size;
		uint8_t *buf = make(&of, runs, &nr);

		for (size = 0; size < fz_wsformat_size(nr); size++)
			wrong += check(&of, buf, size, &got) != -EINVAL;
		other = of;
		other.nr_pages += 1 + random_number() % 100;
		wrong += check(&other, buf, size, &got) != -EINVAL;
		other = of;
		other.page_shift ^= 1;
		wrong += check(&other, buf, size, &got) != -EINVAL;
		free(buf);
	}
	return wrong;
}

/* With any byte changed, an accepted set is sound. */
static unsigned int test_mutated(void)
{
	unsigned int wrong = 0, refused = 0;
	int i;

	for (i = 0; i < ROUNDS * 20; i++) {
		struct fz_range runs[MOST + 1], run;
		struct fz_wsformat of;
		uint64_t nr, got, n, behind = 0;
		uint8_t *buf = make(&of, runs, &nr);
		uint64_t size = fz_wsformat_size(nr);

		for (n = 0; n <= random_number() % 3; n++)
			buf[random_number() % size] ^= 1 << random_number() % 8;
		if (check(&of, buf, size, &got)) {
			refused++;
		} else {
			wrong += got != nr;
			for (n = 0; n < got; n++) {
				get_run(buf, n, &run);
				wrong += run.first < behind || run.end <= run.first ||
					 run.end > of.nr_pages;
				behind = run.end + 1;
			}
		}
		free(buf);
	}
	return wrong + (refused < ROUNDS);
}

int main(void)
{
	test("a written set can be read", test_round_trip);
	test("wsformat chunks, random", test_chunks);
	test("the bytes are those of the uAPI", test_bytes);
	test("other sizes are refused", test_refuses_other);
	test("an accepted set is sound", test_mutated);
	return test_end();
}

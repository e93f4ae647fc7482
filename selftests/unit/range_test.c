// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Unit tests of range.c: tables of known cases, and random cases against models that go
 * page by page or bit by bit.
 */
#include "range.h"
#include "unit.h"

#define SHIFT		12
#define PAGE		(1ULL << SHIFT)
#define MAX		(~0ULL)

static const struct {
	uint64_t offset, length, size;
	int ret;
	uint64_t first, end;
} checks[] = {
	{ 0, PAGE, PAGE, 0, 0, 1 },
	{ 0, 8 * PAGE, 8 * PAGE, 0, 0, 8 },
	{ 3 * PAGE, 2 * PAGE, 8 * PAGE, 0, 3, 5 },
	{ 7 * PAGE, PAGE, 8 * PAGE, 0, 7, 8 },
	{ 0, 1ULL << 63, 1ULL << 63, 0, 0, 1ULL << 51 },
	{ MAX - 2 * PAGE + 1, PAGE, MAX - PAGE + 1, 0,
	  (1ULL << 52) - 2, (1ULL << 52) - 1 },
	/* Empty, wherever. */
	{ 0, 0, PAGE, -EINVAL, 0, 0 },
	{ PAGE, 0, PAGE, -EINVAL, 0, 0 },
	{ MAX, 0, PAGE, -EINVAL, 0, 0 },
	/* Not made of pages. */
	{ 1, PAGE, 8 * PAGE, -EINVAL, 0, 0 },
	{ 0, 1, 8 * PAGE, -EINVAL, 0, 0 },
	{ 0, PAGE + 1, 8 * PAGE, -EINVAL, 0, 0 },
	{ PAGE - 1, PAGE + 1, 8 * PAGE, -EINVAL, 0, 0 },
	{ PAGE / 2, PAGE / 2, 8 * PAGE, -EINVAL, 0, 0 },
	{ 2048, PAGE, 8 * PAGE, -EINVAL, 0, 0 },
	/* Beyond the end. */
	{ 0, 9 * PAGE, 8 * PAGE, -EINVAL, 0, 0 },
	{ 8 * PAGE, PAGE, 8 * PAGE, -EINVAL, 0, 0 },
	{ 7 * PAGE, 2 * PAGE, 8 * PAGE, -EINVAL, 0, 0 },
	{ 1ULL << 62, PAGE, 8 * PAGE, -EINVAL, 0, 0 },
	{ 0, PAGE, 0, -EINVAL, 0, 0 },
	/* The end wraps around; this error comes before all others. */
	{ MAX, 1, 8 * PAGE, -EOVERFLOW, 0, 0 },
	{ MAX, MAX, 8 * PAGE, -EOVERFLOW, 0, 0 },
	{ PAGE, MAX - PAGE + 1, 8 * PAGE, -EOVERFLOW, 0, 0 },
	{ MAX - PAGE + 1, PAGE, 8 * PAGE, -EOVERFLOW, 0, 0 },
	{ 1ULL << 63, 1ULL << 63, 8 * PAGE, -EOVERFLOW, 0, 0 },
	{ 3, MAX - 1, 8 * PAGE, -EOVERFLOW, 0, 0 },
};

static unsigned int check_table(void)
{
	unsigned int wrong = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(checks); i++) {
		/* A refused range leaves the result alone. */
		struct fz_range range = { 0xaaaa, 0xbbbb };
		uint64_t first = checks[i].ret ? 0xaaaa : checks[i].first;
		uint64_t end = checks[i].ret ? 0xbbbb : checks[i].end;
		int ret = fz_range_check(checks[i].offset, checks[i].length,
					 checks[i].size, SHIFT, &range);

		if (ret == checks[i].ret && range.first == first &&
		    range.end == end)
			continue;
		printf("line %zu: returns %d, %#" PRIx64 " to %#" PRIx64 "\n",
		       i, ret, range.first, range.end);
		wrong++;
	}
	return wrong;
}

/* A range is good if each of its pages is one of the scratch's. */
static unsigned int check_random(void)
{
	unsigned int wrong = 0;
	int i;

	for (i = 0; i < 200000; i++) {
		unsigned int shift = i % 3 ? SHIFT : 16;
		uint64_t size = (random_number() % 12) << shift;
		uint64_t offset = (random_number() % 14) << shift;
		uint64_t length = (random_number() % 14) << shift;
		struct fz_range range = { MAX, MAX };
		int want = 0, ret;

		if (random_number() % 4 == 0)
			offset += random_number() % 3;
		if (random_number() % 4 == 0)
			length += random_number() % 3;
		if (!length || offset % (1 << shift) || length % (1 << shift) ||
		    offset + length > size)
			want = -EINVAL;
		ret = fz_range_check(offset, length, size, shift, &range);
		if (ret != want ||
		    (!ret && (range.first << shift != offset ||
			      (range.end - range.first) << shift != length)))
			wrong++;
	}
	return wrong;
}

static const struct {
	struct fz_range range;
	uint64_t chunk;
	struct fz_range part;
} parts[] = {
	{ { 0, 1 }, 0, { 0, 1 } },
	{ { 0, 512 }, 0, { 0, 512 } },
	{ { 511, 512 }, 0, { 511, 512 } },
	{ { 512, 513 }, 1, { 0, 1 } },
	{ { 511, 513 }, 0, { 511, 512 } },
	{ { 511, 513 }, 1, { 0, 1 } },
	{ { 100, 2000 }, 0, { 100, 512 } },
	{ { 100, 2000 }, 1, { 0, 512 } },
	{ { 100, 2000 }, 2, { 0, 512 } },
	{ { 100, 2000 }, 3, { 0, 2000 - 1536 } },
	{ { 0, 1ULL << 52 }, (1ULL << 43) - 1, { 0, 512 } },
	{ { (1ULL << 52) - 1, 1ULL << 52 }, (1ULL << 43) - 1, { 511, 512 } },
};

static unsigned int part_table(void)
{
	unsigned int wrong = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(parts); i++) {
		struct fz_range part = fz_range_in_chunk(&parts[i].range,
							 parts[i].chunk);

		if (part.first == parts[i].part.first &&
		    part.end == parts[i].part.end)
			continue;
		printf("line %zu: %" PRIu64 " to %" PRIu64 "\n", i, part.first,
		       part.end);
		wrong++;
	}
	return wrong;
}

/* The parts of all chunks that a range meets, end to end, are the range. */
static unsigned int part_random(void)
{
	unsigned int wrong = 0;
	int i;

	for (i = 0; i < 100000; i++) {
		uint64_t base = i % 2 ? random_number() >> 13 : 0;
		uint64_t first = base + random_number() % 3000;
		struct fz_range range = {
			.first = first, .end = first + 1 + random_number() % 3000,
		};
		uint64_t next = range.first, chunk;

		for (chunk = range.first / FZ_CHUNK_PAGES;
		     chunk <= (range.end - 1) / FZ_CHUNK_PAGES; chunk++) {
			struct fz_range part = fz_range_in_chunk(&range, chunk);

			if (part.first >= part.end ||
			    part.end > FZ_CHUNK_PAGES ||
			    chunk * FZ_CHUNK_PAGES + part.first != next)
				break;
			next = chunk * FZ_CHUNK_PAGES + part.end;
		}
		wrong += next != range.end;
	}
	return wrong;
}

static bool get_bit(const u64 *words, uint64_t i)
{
	return words[i / 64] >> (i % 64) & 1;
}

/* Full, empty, and everything between, in clumps as well. */
static void random_words(u64 *words)
{
	uint64_t kind = random_number();
	u32 w;

	for (w = 0; w < FZ_CHUNK_WORDS; w++) {
		switch ((kind >> (w * 3)) % 6) {
		case 0:
		case 1:
			words[w] = 0;
			break;
		case 2:
			words[w] = MAX;
			break;
		case 3:
			words[w] = 1ULL << random_number() % 64;
			break;
		default:
			words[w] = random_number();
		}
	}
}

/* Borders at and beside the borders of words more often than not. */
static uint64_t random_border(void)
{
	uint64_t at = random_number() % (FZ_CHUNK_WORDS + 1) * 64;

	switch (random_number() % 4) {
	case 0:
		return at;
	case 1:
		return at ? at - 1 : 1;
	case 2:
		return at < FZ_CHUNK_PAGES ? at + 1 : at;
	default:
		return random_number() % (FZ_CHUNK_PAGES + 1);
	}
}

static bool mask_is_wrong(const u64 *before, const struct fz_range *range)
{
	u64 words[FZ_CHUNK_WORDS];
	uint64_t i;

	memcpy(words, before, sizeof(words));
	fz_range_mask(words, range);
	for (i = 0; i < FZ_CHUNK_PAGES; i++) {
		bool in = i >= range->first && i < range->end;

		if (get_bit(words, i) != (in && get_bit(before, i)))
			return true;
	}
	return false;
}

static unsigned int mask_random(void)
{
	unsigned int wrong = 0;
	int i;

	for (i = 0; i < 100000; i++) {
		struct fz_range range = { random_border(), random_border() };
		u64 words[FZ_CHUNK_WORDS];

		if (range.first > range.end) {
			uint64_t first = range.end;

			range.end = range.first;
			range.first = first;
		}
		random_words(words);
		wrong += mask_is_wrong(words, &range);
	}
	return wrong;
}

/* Every possible range on a full chunk, so that no border is forgotten. */
static unsigned int mask_every_range(void)
{
	struct fz_range range;
	u64 words[FZ_CHUNK_WORDS];
	unsigned int wrong = 0;

	memset(words, 0xff, sizeof(words));
	for (range.first = 0; range.first <= FZ_CHUNK_PAGES; range.first++)
		for (range.end = range.first; range.end <= FZ_CHUNK_PAGES;
		     range.end += 1 + range.end % 3)
			wrong += mask_is_wrong(words, &range);
	return wrong;
}

static bool span_is_wrong(const u64 *words)
{
	struct fz_range span = { MAX, MAX }, want = { MAX, MAX };
	bool any = fz_range_span(words, &span);
	uint64_t i;

	for (i = 0; i < FZ_CHUNK_PAGES; i++) {
		if (!get_bit(words, i))
			continue;
		if (want.first == MAX)
			want.first = i;
		want.end = i + 1;
	}
	return any != (want.first != MAX) || span.first != want.first ||
	       span.end != want.end;
}

static unsigned int span_random(void)
{
	u64 words[FZ_CHUNK_WORDS];
	unsigned int wrong = 0;
	int i;

	for (i = 0; i < 100000; i++) {
		random_words(words);
		wrong += span_is_wrong(words);
	}
	return wrong;
}

/* No bit, every single bit, every pair with the first and the last. */
static unsigned int span_few_bits(void)
{
	u64 words[FZ_CHUNK_WORDS] = { 0 };
	unsigned int wrong = span_is_wrong(words);
	uint64_t i;

	for (i = 0; i < FZ_CHUNK_PAGES; i++) {
		memset(words, 0, sizeof(words));
		words[i / 64] = 1ULL << (i % 64);
		wrong += span_is_wrong(words);
		words[0] |= 1;
		wrong += span_is_wrong(words);
		words[FZ_CHUNK_WORDS - 1] |= 1ULL << 63;
		wrong += span_is_wrong(words);
	}
	return wrong;
}

/* All bits, and all but one. */
static unsigned int all_but_one(void)
{
	u64 words[FZ_CHUNK_WORDS];
	unsigned int wrong;
	uint64_t i;

	memset(words, 0xff, sizeof(words));
	wrong = !fz_range_all(words);
	for (i = 0; i < FZ_CHUNK_PAGES; i++) {
		words[i / 64] ^= 1ULL << (i % 64);
		wrong += fz_range_all(words);
		words[i / 64] ^= 1ULL << (i % 64);
	}
	return wrong;
}

/* Runs, bit by bit, of bitmaps with short and long ones. */
static unsigned int runs_random(void)
{
	unsigned int wrong = 0;
	int round;

	for (round = 0; round < 5000; round++) {
		uint64_t words[FZ_CHUNK_WORDS];
		struct fz_range run = { 0, 0 };
		uint64_t page = 0;
		int w;

		for (w = 0; w < (int)FZ_CHUNK_WORDS; w++) {
			uint64_t how = random_number() % 4;

			words[w] = how == 0 ? 0 : how == 1 ? ~0ULL :
				how == 2 ? random_number() :
				~0ULL << random_number() % 64;
		}
		while (fz_range_next_run(words, &run)) {
			for (; page < run.first; page++)
				wrong += words[page / 64] >> page % 64 & 1;
			wrong += run.end <= run.first || run.end > FZ_CHUNK_PAGES;
			for (; page < run.end; page++)
				wrong += !(words[page / 64] >> page % 64 & 1);
			wrong += page < FZ_CHUNK_PAGES &&
				 words[page / 64] >> page % 64 & 1;
		}
		for (; page < FZ_CHUNK_PAGES; page++)
			wrong += words[page / 64] >> page % 64 & 1;
	}
	return wrong;
}

int main(void)
{
	test("check, table", check_table);
	test("check, random", check_random);
	test("part of a chunk, table", part_table);
	test("part of a chunk, random", part_random);
	test("mask, random", mask_random);
	test("mask, every range", mask_every_range);
	test("span, random", span_random);
	test("span, few bits", span_few_bits);
	test("all, and all but one", all_but_one);
	test("runs, random", runs_random);
	return test_end();
}

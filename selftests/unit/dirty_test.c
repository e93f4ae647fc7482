// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Unit tests of dirty.c against a model that goes bit by bit.
 */
#include "dirty.h"
#include "unit.h"

#define ROUNDS	20000

/* Exactly as long as it must be, so that the sanitizer sees a step beyond. */
static void make_piece(struct fz_dirty *dirty, uint64_t *words)
{
	uint32_t w, nr_words;
	uint64_t how = random_number() % 4;

	dirty->shift = random_number() % 2 ? 0 : random_number() % 12;
	dirty->nr = 1 + random_number() % (random_number() % 2 ? 100 : 1500);
	dirty->first = random_number() % 4 ? random_number() % 100000 :
		       random_number() >> 20;
	dirty->first = dirty->first >> dirty->shift << dirty->shift;
	nr_words = (dirty->nr + 63) / 64;
	dirty->words = words + FZ_DIRTY_WORDS - nr_words;
	for (w = 0; w < nr_words; w++)
		dirty->words[w] = how == 0 ? 0 : how == 1 ? ~0ULL :
			how == 2 ? 1ULL << random_number() % 64 & random_number() :
			random_number() & random_number();
	fz_dirty_trim(dirty);
}

static bool is_dirty(const struct fz_dirty *dirty, uint64_t page)
{
	uint64_t bit;

	if (page < dirty->first)
		return false;
	bit = (page - dirty->first) >> dirty->shift;
	return bit < dirty->nr && dirty->words[bit / 64] >> bit % 64 & 1;
}

static unsigned int test_trim(void)
{
	uint64_t words[2];
	struct fz_dirty dirty = { .words = words };
	unsigned int wrong = 0;

	for (dirty.nr = 1; dirty.nr <= 128; dirty.nr++) {
		uint32_t bit;

		memset(words, 0xff, sizeof(words));
		fz_dirty_trim(&dirty);
		for (bit = 0; bit < (dirty.nr + 63) / 64 * 64; bit++)
			wrong += (words[bit / 64] >> bit % 64 & 1) !=
				 (bit < dirty.nr);
	}
	return wrong;
}

static unsigned int test_next(void)
{
	uint64_t words[FZ_DIRTY_WORDS];
	unsigned int wrong = 0;
	int round;

	for (round = 0; round < ROUNDS; round++) {
		struct fz_range range, found;
		struct fz_dirty dirty;
		uint64_t pages, page;
		bool any;

		make_piece(&dirty, words);
		pages = (uint64_t)dirty.nr << dirty.shift;
		range.first = dirty.first + random_number() % pages;
		range.end = range.first +
			    random_number() % (dirty.first + pages - range.first + 1);
		if (range.end - range.first > 5000)
			range.end = range.first + 5000;
		for (page = range.first; page < range.end; page++) {
			if (is_dirty(&dirty, page))
				break;
		}
		found = range;
		any = fz_dirty_next(&dirty, &found);
		if (any != (page < range.end) || found.first != page ||
		    found.end != range.end)
			wrong++;
	}
	return wrong;
}

/* The words of a chunk as they are, wherever that is said to go. */
static unsigned int test_words(void)
{
	uint64_t words[FZ_DIRTY_WORDS];
	unsigned int wrong = 0, some = 0;
	int round;

	for (round = 0; round < ROUNDS; round++) {
		struct fz_dirty dirty;
		const uint64_t *found;
		uint64_t chunk;
		uint32_t w;

		make_piece(&dirty, words);
		if (random_number() % 2)
			dirty.first &= ~63ULL;
		chunk = dirty.first / FZ_CHUNK_PAGES + random_number() % 5;
		chunk -= chunk && random_number() % 4 == 0;
		found = fz_dirty_words(&dirty, chunk);
		some += !!found;
		for (w = 0; found && w < FZ_CHUNK_WORDS; w++)
			wrong += found[w] != fz_dirty_word(&dirty, chunk, w);
	}
	return wrong + !some;
}

/* All dirty granules of a large piece, one by one, as a walk bit by bit finds them. */
static unsigned int test_walk(void)
{
	uint64_t words[FZ_DIRTY_WORDS];
	unsigned int wrong = 0;
	int round;

	for (round = 0; round < ROUNDS / 100; round++) {
		struct fz_dirty dirty = { .words = words };
		struct fz_range range;
		uint64_t page, left;

		memset(words, 0, sizeof(words));
		dirty.first = random_number() % 100000;
		dirty.nr = 1 + random_number() % (FZ_DIRTY_WORDS * 64);
		for (left = random_number() % 50; left; left--)
			words[random_number() % FZ_DIRTY_WORDS] |=
				1ULL << random_number() % 64;
		fz_dirty_trim(&dirty);
		memset(words + fz_dirty_nr_words(&dirty), 0xff,
		       sizeof(words) - fz_dirty_nr_words(&dirty) * 8);
		range.first = dirty.first;
		range.end = dirty.first + dirty.nr;
		for (page = range.first; page < range.end; page++) {
			if (!is_dirty(&dirty, page))
				continue;
			wrong += !fz_dirty_next(&dirty, &range) ||
				 range.first++ != page;
		}
		wrong += fz_dirty_next(&dirty, &range) || range.first != range.end;
	}
	return wrong;
}

static unsigned int test_mask(void)
{
	uint64_t words[FZ_DIRTY_WORDS];
	unsigned int wrong = 0;
	int round;

	for (round = 0; round < ROUNDS; round++) {
		uint64_t before[FZ_CHUNK_WORDS], after[FZ_CHUNK_WORDS];
		struct fz_dirty dirty;
		uint64_t chunk, pages;
		uint32_t i;

		make_piece(&dirty, words);
		pages = (uint64_t)dirty.nr << dirty.shift;
		chunk = (dirty.first + random_number() % pages) / FZ_CHUNK_PAGES;
		if (chunk && random_number() % 8 == 0)
			chunk--;
		for (i = 0; i < FZ_CHUNK_WORDS; i++)
			before[i] = random_number() % 3 ? random_number() : 0;
		memcpy(after, before, sizeof(after));
		fz_dirty_mask(&dirty, chunk, after);
		for (i = 0; i < FZ_CHUNK_PAGES; i++) {
			bool expected = before[i / 64] >> i % 64 & 1 &&
				is_dirty(&dirty, chunk * FZ_CHUNK_PAGES + i);

			wrong += (after[i / 64] >> i % 64 & 1) != expected;
		}
	}
	return wrong;
}

int main(void)
{
	test("dirty trim, every length", test_trim);
	test("dirty next, random", test_next);
	test("dirty next, all of a piece", test_walk);
	test("dirty words of a chunk", test_words);
	test("dirty mask, random", test_mask);
	return test_end();
}

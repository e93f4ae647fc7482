// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dirty bitmaps, split by chunks: pure logic, the same file in the module and in its unit
 * tests.
 */
#include "dirty.h"

/**
 * fz_dirty_trim() - clear the bits after the last one in the last word
 * @dirty: a piece whose words were read as a whole
 */
void fz_dirty_trim(struct fz_dirty *dirty)
{
	if (dirty->nr % 64)
		dirty->words[dirty->nr / 64] &= ~0ULL >> (64 - dirty->nr % 64);
}

/* Whether there is a bit in eight words. */
static inline bool dirty_any(const u64 *words)
{
	return words[0] | words[1] | words[2] | words[3] |
	       words[4] | words[5] | words[6] | words[7];
}

/* The first word from @w on that has a bit, or @nr: most have none. */
static u32 dirty_skip(const u64 *words, u32 w, u32 nr)
{
	while (w + 8 <= nr && !dirty_any(words + w))
		w += 8;
	while (w < nr && !words[w])
		w++;
	return w;
}

/**
 * fz_dirty_next() - skip clean granules
 * @dirty: a piece
 * @range: pages, inside the piece.  Its start is moved on to the granule of the next set
 *	bit, or to its end if no bit is set
 *
 * Return: whether there is one.
 */
bool fz_dirty_next(const struct fz_dirty *dirty, struct fz_range *range)
{
	u32 nr = fz_dirty_nr_words(dirty);
	u64 bit, at, word;
	u32 w;

	if (range->first >= range->end)
		return false;

	bit = (range->first - dirty->first) >> dirty->shift;
	w = bit / 64;
	word = dirty->words[w] & (~0ULL << (bit % 64));
	if (!word) {
		w = dirty_skip(dirty->words, w + 1, nr);
		if (w == nr) {
			range->first = range->end;
			return false;
		}
		word = dirty->words[w];
	}

	at = dirty->first + (((u64)w * 64 + __builtin_ctzll(word)) << dirty->shift);
	if (at > range->first)
		range->first = at < range->end ? at : range->end;
	return range->first < range->end;
}

/* 64 bits from bit @at on; bits outside of the piece are 0. */
static u64 dirty_fetch(const struct fz_dirty *dirty, s64 at)
{
	u64 last = fz_dirty_nr_words(dirty);
	u64 w, low, high;
	u32 off;

	if (at <= -64 || at >= (s64)dirty->nr)
		return 0;
	if (at < 0)
		return dirty->words[0] << -at;
	w = (u64)at / 64;
	off = at % 64;
	low = dirty->words[w] >> off;
	high = off && w + 1 < last ? dirty->words[w + 1] << (64 - off) : 0;
	return low | high;
}

/* The bits of 64 pages from page @at of the piece on, where a granule has many pages. */
static u64 dirty_spread(const struct fz_dirty *dirty, s64 at)
{
	u64 word = 0;
	u32 i;

	for (i = 0; i < 64; i++, at++) {
		u64 bit = (u64)at >> dirty->shift;

		if (at >= 0 && bit < dirty->nr &&
		    dirty->words[bit / 64] >> (bit % 64) & 1)
			word |= 1ULL << i;
	}
	return word;
}

/**
 * fz_dirty_word() - which pages of a word of a chunk's bitmap are dirty
 * @dirty: a piece
 * @chunk: number of the chunk
 * @w: number of the word
 *
 * Return: a mask; pages outside of the piece are not dirty.
 */
u64 fz_dirty_word(const struct fz_dirty *dirty, u64 chunk, u32 w)
{
	s64 at = (s64)((chunk << FZ_CHUNK_SHIFT) + w * 64 - dirty->first);

	return dirty->shift ? dirty_spread(dirty, at) : dirty_fetch(dirty, at);
}

/**
 * fz_dirty_mask() - clear the bits of a chunk's bitmap that are not dirty
 * @dirty: a piece
 * @chunk: number of the chunk
 * @words: FZ_CHUNK_WORDS words
 */
void fz_dirty_mask(const struct fz_dirty *dirty, u64 chunk, u64 *words)
{
	u32 w;

	for (w = 0; w < FZ_CHUNK_WORDS; w++)
		if (words[w])
			words[w] &= fz_dirty_word(dirty, chunk, w);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Range arithmetic: pure logic, the same file in the module and in its unit
 * tests.
 */
#include "range.h"

/**
 * fz_range_check() - turn a caller's range of bytes into one of pages
 * @offset: first byte
 * @length: bytes
 * @size: bytes in the scratch, a multiple of a page
 * @page_shift: log2 of the page size
 * @range: result, written only on success
 *
 * Return: 0; -EOVERFLOW when offset + length wraps around; -EINVAL when the
 * range is empty, not made of whole pages, or not inside the scratch.
 */
int fz_range_check(u64 offset, u64 length, u64 size, unsigned int page_shift,
		   struct fz_range *range)
{
	u64 below = (1ULL << page_shift) - 1;
	u64 end = offset + length;

	if (end < offset)
		return -EOVERFLOW;
	if (!length || (offset & below) || (length & below) || end > size)
		return -EINVAL;

	range->first = offset >> page_shift;
	range->end = end >> page_shift;
	return 0;
}

/**
 * fz_range_in_chunk() - the part of a range that lies in one chunk
 * @range: pages of the scratch
 * @chunk: number of a chunk that has pages of the range
 *
 * Return: that part, counted from the start of the chunk.
 */
struct fz_range fz_range_in_chunk(const struct fz_range *range, u64 chunk)
{
	u64 base = chunk << FZ_CHUNK_SHIFT;
	struct fz_range part = { .first = 0, .end = FZ_CHUNK_PAGES };

	if (range->first > base)
		part.first = range->first - base;
	if (range->end - base < FZ_CHUNK_PAGES)
		part.end = range->end - base;
	return part;
}

/**
 * fz_range_mask() - clear the bits of a chunk's bitmap outside a range
 * @words: FZ_CHUNK_WORDS words
 * @range: pages counted from the start of the chunk
 */
void fz_range_mask(u64 *words, const struct fz_range *range)
{
	u32 w;

	for (w = 0; w < FZ_CHUNK_WORDS; w++) {
		u64 base = (u64)w * 64;

		if (range->end <= base || range->first >= base + 64)
			words[w] = 0;
		else
			words[w] &= fz_range_word(range, w);
	}
}

/**
 * fz_range_span() - the smallest range that holds all bits of a chunk's bitmap
 * @words: FZ_CHUNK_WORDS words
 * @span: result, counted from the start of the chunk; written if a bit is set
 *
 * Return: whether a bit is set.
 */
bool fz_range_span(const u64 *words, struct fz_range *span)
{
	bool any = false;
	u32 w;

	for (w = 0; w < FZ_CHUNK_WORDS; w++) {
		if (!words[w])
			continue;
		if (!any)
			span->first = w * 64 + __builtin_ctzll(words[w]);
		span->end = w * 64 + 64 - __builtin_clzll(words[w]);
		any = true;
	}
	return any;
}

/**
 * fz_range_all() - whether all bits of a chunk's bitmap are set
 * @words: FZ_CHUNK_WORDS words
 *
 * Return: true if they are.
 */
bool fz_range_all(const u64 *words)
{
	u64 all = ~0ULL;
	u32 w;

	for (w = 0; w < FZ_CHUNK_WORDS; w++)
		all &= words[w];
	return all == ~0ULL;
}

/* The first page from @from on whose bit equals @set, or FZ_CHUNK_PAGES. */
static u64 range_find(const u64 *words, u64 from, bool set)
{
	u64 word;

	for (; from < FZ_CHUNK_PAGES; from = (from | 63) + 1) {
		word = set ? words[from / 64] : ~words[from / 64];
		word &= ~0ULL << from % 64;
		if (word)
			return (from & ~63ULL) + __builtin_ctzll(word);
	}
	return FZ_CHUNK_PAGES;
}

/**
 * fz_range_next_run() - the next run of bits of a chunk's bitmap
 * @words: FZ_CHUNK_WORDS words
 * @run: the previous run, both members 0 for the first; set to the next
 *
 * Return: false if there is none, with @run at the end.
 */
bool fz_range_next_run(const u64 *words, struct fz_range *run)
{
	run->first = range_find(words, run->end, true);
	run->end = range_find(words, run->first, false);
	return run->first < FZ_CHUNK_PAGES;
}

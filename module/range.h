/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ranges of a scratch, in bytes and in pages, and their parts in chunks.
 */
#ifndef FZ_RANGE_H
#define FZ_RANGE_H

#include "pure.h"

/* Base pages in a chunk: 2 MiB of 4 KiB pages. */
#define FZ_CHUNK_SHIFT	9
#define FZ_CHUNK_PAGES	(1U << FZ_CHUNK_SHIFT)
#define FZ_CHUNK_WORDS	(FZ_CHUNK_PAGES / 64)

/**
 * struct fz_range - a run of pages
 * @first: its first page
 * @end: the page after its last one
 */
struct fz_range {
	u64 first;
	u64 end;
};

/**
 * fz_range_word() - which bits of a word of a chunk's bitmap lie in a range
 * @range: pages counted from the start of the chunk
 * @w: number of a word that has pages of the range
 *
 * Return: a mask.
 */
static inline u64 fz_range_word(const struct fz_range *range, u32 w)
{
	u64 base = (u64)w * 64;
	u64 mask = ~0ULL;

	if (range->first > base)
		mask <<= range->first - base;
	if (range->end < base + 64)
		mask &= ~0ULL >> (base + 64 - range->end);
	return mask;
}

int fz_range_check(u64 offset, u64 length, u64 size, unsigned int page_shift,
		   struct fz_range *range);
struct fz_range fz_range_in_chunk(const struct fz_range *range, u64 chunk);
void fz_range_mask(u64 *words, const struct fz_range *range);
bool fz_range_span(const u64 *words, struct fz_range *span);
bool fz_range_all(const u64 *words);
bool fz_range_next_run(const u64 *words, struct fz_range *run);

#endif

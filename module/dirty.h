/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Dirty bitmaps: a caller says which pages were written.  They are read piece by piece.
 */
#ifndef FZ_DIRTY_H
#define FZ_DIRTY_H

#include "range.h"

/* Words of a piece: 128 MiB of a scratch in granules of a base page. */
#define FZ_DIRTY_WORDS	512

/**
 * struct fz_dirty - a piece of a bitmap
 * @first: page of the scratch that its first bit stands for
 * @shift: log2 of the pages that a bit stands for
 * @nr: bits in it
 * @words: the bits, those after @nr are 0; bit n % 64 of word n / 64 is
 *	granule n
 */
struct fz_dirty {
	u64 first;
	u32 shift;
	u32 nr;
	u64 *words;
};

static inline u32 fz_dirty_nr_words(const struct fz_dirty *dirty)
{
	return dirty->nr / 64 + !!(dirty->nr % 64);
}

/**
 * fz_dirty_words() - the words of a chunk in a piece, without a copy
 * @dirty: a piece
 * @chunk: number of the chunk
 *
 * Return: FZ_CHUNK_WORDS words; NULL if they do not lie in the piece in this form.  Then
 * fz_dirty_word() composes each word.
 */
static inline const u64 *fz_dirty_words(const struct fz_dirty *dirty, u64 chunk)
{
	u64 at = (chunk << FZ_CHUNK_SHIFT) - dirty->first;

	if (dirty->shift || at % 64 ||
	    at / 64 + FZ_CHUNK_WORDS > fz_dirty_nr_words(dirty))
		return NULL;
	return dirty->words + at / 64;
}

void fz_dirty_trim(struct fz_dirty *dirty);
bool fz_dirty_next(const struct fz_dirty *dirty, struct fz_range *range);
u64 fz_dirty_word(const struct fz_dirty *dirty, u64 chunk, u32 w);
void fz_dirty_mask(const struct fz_dirty *dirty, u64 chunk, u64 *words);

#endif

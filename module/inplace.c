// SPDX-License-Identifier: GPL-2.0-only
/*
 * INPLACE: clear folios where they are.  No page table is touched, so the next
 * run does not fault, and whoever else refers to a folio sees the zeros.
 */
#include <linux/highmem.h>
#include <linux/mm.h>

#include "compat/compat.h"
#include "reset.h"

/* Pages cleared between two looks at signals and the scheduler, or a few more. */
#define INPLACE_BATCH	512

/**
 * fz_inplace_is_held() - whether somebody but us and page tables refers to a folio
 * @folio: a folio of a scratch
 *
 * Return: true if so, and sometimes while a fault is under way.
 */
bool fz_inplace_is_held(struct folio *folio)
{
	return folio_ref_count(folio) != 1 + fz_folio_mapcount(folio);
}

/**
 * fz_inplace_clear() - clear one folio
 * @r: the reset
 * @folio: a folio of its scratch, not poisoned
 */
void fz_inplace_clear(struct fz_reset *r, struct folio *folio)
{
	clear_highpage(folio_page(folio, 0));
	r->cleared++;
	if (unlikely(fz_inplace_is_held(folio)))
		r->held++;
}

/* Clear the pages of a word of a chunk's bitmap. */
static void inplace_word(struct fz_reset *r, struct fz_chunk *chunk,
			 u64 number, u32 w, u64 word)
{
	struct folio **folios = chunk->folios + w * 64;

	for (; word; word &= word - 1) {
		u32 i = __ffs64(word);

		if (likely(!fz_pool_is_bad(folios[i])))
			fz_inplace_clear(r, folios[i]);
		else
			fz_drop_page(r, (number << FZ_CHUNK_SHIFT) + w * 64 + i);
	}
}

/* Folios cannot go while we hold the lock; those that come are zero. */
static void inplace_chunk(struct fz_reset *r, struct fz_chunk *chunk, u64 number)
{
	struct fz_range part = fz_range_in_chunk(&r->range, number);
	u32 w;

	for (w = part.first / 64; w * 64 < part.end; w++) {
		u64 word = fz_chunk_populated(chunk, w);

		if (!word)
			continue;
		word &= fz_range_word(&part, w);
		if (r->dirty)
			word &= fz_dirty_word(r->dirty, number, w);
		inplace_word(r, chunk, number, w, word);
	}
	r->range.first = (number << FZ_CHUNK_SHIFT) + part.end;
}

/**
 * fz_inplace_some() - clear the next populated chunks of a reset
 * @r: the reset; its range is moved on
 */
void fz_inplace_some(struct fz_reset *r)
{
	u64 until = r->cleared + INPLACE_BATCH;
	struct fz_chunk *chunk;
	u64 number;

	while (r->cleared < until && (chunk = fz_reset_next(r, &number)))
		inplace_chunk(r, chunk, number);
}

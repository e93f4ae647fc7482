// SPDX-License-Identifier: GPL-2.0-only
/*
 * SWAP: put ready folios in the place of those that a run has used.  The rest is
 * as in drop.c, but that the index always has a folio.  Huge ones are mapped
 * again at once; what no ready folio is left for is cleared in place.
 */
#include <linux/mm.h>

#include "reset.h"

/* Base pages swapped by one flush, and huge folios. */
#define SWAP_BATCH	4096
#define SWAP_BATCH_HUGE	64

/**
 * struct swap_batch - what one flush is for
 * @run: pages from the first to the last that was taken out; empty: none
 * @out: what was taken out
 * @nr_base: base pages among that
 * @nr_huge: chunks that have a new huge folio
 * @huge: these
 * @ready: huge folios at hand for more
 */
struct swap_batch {
	struct fz_range run;
	struct list_head out;
	u64 nr_base;
	unsigned int nr_huge;
	struct fz_map_item huge[SWAP_BATCH_HUGE];
	struct list_head ready;
};

static void swap_extend(struct swap_batch *b, u64 number,
			const struct fz_range *span)
{
	u64 base = number << FZ_CHUNK_SHIFT;

	if (!b->run.end)
		b->run.first = base + span->first;
	b->run.end = base + span->end;
}

/* Take a bitmap of pages out of a chunk. */
static void swap_drop(struct fz_reset *r, struct swap_batch *b,
		      struct fz_chunk *chunk, u64 number, const u64 *words)
{
	struct fz_range span;
	u64 nr;

	if (!fz_range_span(words, &span))
		return;
	nr = fz_chunk_remove(r->s, chunk, number, words, &b->out);
	r->dropped += nr;
	b->nr_base += nr;
	swap_extend(b, number, &span);
}

/* A ready huge folio, or NULL; more are fetched at once, for each lock costs. */
static struct folio *swap_take_huge(struct fz_reset *r, struct swap_batch *b)
{
	u64 left = DIV_ROUND_UP_ULL(r->range.end - r->range.first,
				    FZ_CHUNK_PAGES) + 1;
	struct fz_pool *pool = &r->s->ctx->pool;
	struct folio *folio;

	if (list_empty(&b->ready))
		fz_pool_take_ready(pool, FZ_HUGE,
				   min_t(u64, left, SWAP_BATCH_HUGE - b->nr_huge),
				   &b->ready);
	folio = list_first_entry_or_null(&b->ready, struct folio, lru);
	if (!folio)
		return fz_pool_grow_huge(pool, b->nr_huge);
	list_del(&folio->lru);
	return folio;
}

/* A chunk with a huge folio, all of which is to be zero. */
static void swap_huge(struct fz_reset *r, struct swap_batch *b,
		      struct fz_chunk *chunk, u64 number)
{
	const struct fz_range all = { .end = FZ_CHUNK_PAGES };
	u64 words[FZ_CHUNK_WORDS];
	struct folio *folio = NULL;
	bool held = fz_inplace_is_held(chunk->huge);

	if (!(held && r->keep_held))
		folio = swap_take_huge(r, b);
	if (folio) {
		struct folio *old = fz_chunk_replace_huge(r->s, chunk, number,
							  folio);

		list_add_tail(&old->lru, &b->out);
		swap_extend(b, number, &all);
		b->huge[b->nr_huge].number = number;
		b->huge[b->nr_huge++].folio = folio;
		r->swapped += FZ_CHUNK_PAGES;
		return;
	}

	memset(words, 0xff, sizeof(words));
	/* As in DROP, a holder keeps what it holds. */
	if (held && !r->keep_held)
		swap_drop(r, b, chunk, number, words);
	else
		fz_inplace_words(r, chunk, number, words);
}

/* Base pages of a chunk. */
static void swap_base(struct fz_reset *r, struct swap_batch *b,
		      struct fz_chunk *chunk, u64 number, u64 *words)
{
	u64 held[FZ_CHUNK_WORDS] = { };
	struct fz_range span;
	LIST_HEAD(ready);
	u64 nr = 0;
	u32 w;

	if (!fz_range_span(words, &span))
		return;
	for (w = 0; w < FZ_CHUNK_WORDS; w++)
		nr += hweight64(words[w]);
	nr = fz_pool_take_ready(&r->s->ctx->pool, FZ_BASE, nr, &ready);
	if (nr) {
		nr = fz_chunk_replace(r->s, chunk, number, words, &ready,
				      &b->out);
		r->swapped += nr;
		b->nr_base += nr;
		swap_extend(b, number, &span);
	}
	/* There are no more: holders keep theirs, the rest is cleared. */
	fz_inplace_split_held(chunk, words, held);
	swap_drop(r, b, chunk, number, held);
	fz_inplace_words(r, chunk, number, words);
}

static void swap_chunk(struct fz_reset *r, struct swap_batch *b,
		       struct fz_chunk *chunk, u64 number,
		       const struct fz_range *part)
{
	u64 words[FZ_CHUNK_WORDS];

	if (chunk->huge && !r->dirty && !part->first &&
	    part->end == FZ_CHUNK_PAGES) {
		swap_huge(r, b, chunk, number);
		return;
	}

	fz_chunk_snapshot(chunk, part, words);
	if (r->dirty)
		fz_dirty_mask(r->dirty, number, words);
	if (chunk->huge && fz_range_all(words))
		swap_huge(r, b, chunk, number);
	else if (chunk->huge || r->keep_held)
		/*
		 * A part of a huge folio cannot be swapped.  AUTO: base pages
		 * are mapped one by one, so clearing them is cheaper.
		 */
		fz_inplace_words(r, chunk, number, words);
	else
		swap_base(r, b, chunk, number, words);
}

/**
 * fz_swap_some() - swap the next pages of a reset
 * @r: the reset; its range is moved on
 */
void fz_swap_some(struct fz_reset *r)
{
	u64 until = r->cleared + SWAP_BATCH;
	struct fz_chunk *chunk;
	struct swap_batch b;
	u64 number;

	b.run.end = 0;
	b.nr_base = 0;
	b.nr_huge = 0;
	INIT_LIST_HEAD(&b.out);
	INIT_LIST_HEAD(&b.ready);

	while (b.nr_base < SWAP_BATCH && b.nr_huge < SWAP_BATCH_HUGE &&
	       r->cleared < until && (chunk = fz_reset_next(r, &number))) {
		u64 base = number << FZ_CHUNK_SHIFT;
		struct fz_range part;

		/* Walk no page tables of holes: they may be many. */
		if (b.run.end && base > b.run.end + FZ_CHUNK_PAGES)
			break;

		part = fz_range_in_chunk(&r->range, number);
		r->range.first = base + part.end;
		swap_chunk(r, &b, chunk, number, &part);
	}

	if (!list_empty(&b.ready))
		fz_pool_put_back(&r->s->ctx->pool, &b.ready);
	if (!b.run.end)
		return;
	fz_drop_unmap(r, &b.run, &b.out);
	/* Nothing is in hand any more: this takes mmap_lock. */
	if (b.nr_huge)
		fz_map_huge_chunks(r->s, b.huge, b.nr_huge);
}

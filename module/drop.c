// SPDX-License-Identifier: GPL-2.0-only
/*
 * DROP: take folios out of the index, wait for faults that have found them (see
 * fault.c), unmap, which flushes all TLBs and nested page tables, and retire
 * them.
 */
#include <linux/mm.h>
#include <linux/pagemap.h>

#include "clear.h"
#include "quarantine.h"
#include "reset.h"

/* Pages dropped between two looks at signals, and by one flush; and pages cleared. */
#define DROP_BATCH	4096
#define DROP_CLEAR	1024

/* A fault locks what it found, and then looks whether it is still there. */
static void drop_wait_for_faults(struct list_head *out)
{
	struct folio *folio;

	/* Pairs with that in fault_page(): one of us sees the other. */
	smp_mb();
	list_for_each_entry(folio, out, lru)
		if (unlikely(folio_test_locked(folio))) {
			folio_lock(folio);
			folio_unlock(folio);
		}
}

/* Unmap folios that were in the index until now. */
static void drop_unmap_each(struct fz_scratch *s, struct list_head *out)
{
	struct folio *folio;

	drop_wait_for_faults(out);
	list_for_each_entry(folio, out, lru)
		unmap_mapping_range(s->inode->i_mapping,
				    folio->index << PAGE_SHIFT,
				    folio_nr_pages(folio) << PAGE_SHIFT, 1);
}

/*
 * AUTO clears what is held in place.  These came to be held after it had looked and
 * before they were unmapped; later nobody could get hold of them.  So they go back,
 * zero.  What has come into their place since goes instead, with all that was stored
 * there during this reset.
 */
static noinline void drop_put_back(struct fz_reset *r, struct list_head *held,
				   struct list_head *out)
{
	struct fz_pool *pool = &r->s->ctx->pool;
	struct folio *folio, *next;

	list_for_each_entry_safe(folio, next, held, lru) {
		u64 nr = folio_nr_pages(folio);
		LIST_HEAD(came);

		list_del(&folio->lru);
		if (!fz_folio_zero(folio, NULL)) {
			fz_pool_forget(pool, folio);
			continue;
		}
		if (!fz_chunk_put_back(r->s, folio, &came)) {
			list_add_tail(&folio->lru, out);
			continue;
		}
		/* It was neither swapped nor dropped, after all. */
		if (r->swapped >= nr && !list_empty(&came))
			r->swapped -= nr;
		else
			r->dropped -= min(r->dropped, nr);
		r->cleared += nr;
		r->held += nr;
		r->put_back = true;
		drop_unmap_each(r->s, &came);
		list_splice_tail(&came, out);
		cond_resched();
	}
}

/* What has failed is let go of for ever. */
static void drop_retire(struct fz_reset *r, struct list_head *out)
{
	struct fz_pool *pool = &r->s->ctx->pool;
	struct folio *folio, *next;
	LIST_HEAD(held);

	list_for_each_entry_safe(folio, next, out, lru) {
		if (unlikely(fz_folio_is_bad(folio))) {
			list_del(&folio->lru);
			fz_pool_forget(pool, folio);
		} else if (unlikely(folio_ref_count(folio) != 1) &&
			   r->keep_held) {
			list_move_tail(&folio->lru, &held);
		} else if (folio_test_large(folio) && r->keep_held) {
			fz_density_mark(r->s, folio);
		}
	}
	if (unlikely(!list_empty(&held)))
		drop_put_back(r, &held, out);
	r->held += fz_pool_retire(pool, out, r->ends);
}

/**
 * fz_drop_unmap() - unmap a range whose folios are out of the index; retire them
 * @r: the reset
 * @range: pages, from the first to the last that was taken out
 * @out: their folios, in hand; emptied
 * @in_place: base pages have taken the place of all of them: try to map these
 */
void fz_drop_unmap(struct fz_reset *r, const struct fz_range *range,
		   struct list_head *out, bool in_place)
{
	drop_wait_for_faults(out);
	if (!(in_place && fz_pte_swap(r->s, range, r->bitmap)) &&
	    !fz_quarantine_plants())
		unmap_mapping_range(r->s->inode->i_mapping,
				    range->first << PAGE_SHIFT,
				    (range->end - range->first) << PAGE_SHIFT,
				    1);
	drop_retire(r, out);
}

/* Clear those pages of @words in place that are to stay; they leave @words. */
static void drop_keep_some(struct fz_reset *r, struct fz_chunk *chunk,
			   u64 number, u64 *words)
{
	u64 keep[FZ_CHUNK_WORDS] = { };

	if (chunk->huge && !fz_range_all(words)) {
		/* A part of a huge folio cannot go. */
		fz_inplace_words(r, chunk, number, words);
		memset(words, 0, sizeof(keep));
	} else if (r->keep_held) {
		fz_inplace_split_held(chunk, words, keep);
		fz_inplace_words(r, chunk, number, keep);
	}
}

/**
 * fz_drop_some() - drop the next pages of a reset
 * @r: the reset; its range is moved on
 */
void fz_drop_some(struct fz_reset *r)
{
	struct fz_range run = { };
	u64 words[FZ_CHUNK_WORDS];
	struct fz_chunk *chunk;
	LIST_HEAD(out);
	u64 until = r->cleared + DROP_CLEAR;
	int left = FZ_RESET_CHUNKS;
	u64 number;
	u64 nr = 0;

	while (nr < DROP_BATCH && r->cleared < until && left-- &&
	       (chunk = fz_reset_next(r, &number))) {
		u64 base = number << FZ_CHUNK_SHIFT;
		struct fz_range part, span;

		/* Walk no page tables of holes: they may be many. */
		if (nr && base - run.end > FZ_CHUNK_PAGES)
			break;

		part = fz_range_in_chunk(&r->range, number);
		fz_chunk_snapshot(chunk, &part, words);
		if (r->dirty)
			fz_dirty_mask(r->dirty, number, words);
		r->range.first = base + part.end;
		drop_keep_some(r, chunk, number, words);
		if (!fz_range_span(words, &span))
			continue;
		if (!nr)
			run.first = base + span.first;
		run.end = base + span.end;
		nr += fz_chunk_remove(r->s, chunk, number, words, &out);
	}
	if (!nr)
		return;

	r->dropped += nr;
	fz_drop_unmap(r, &run, &out, false);
}

/**
 * fz_drop_aged() - drop what fz_chunk_age() has noted
 * @r: the reset
 *
 * Page by page, or run by run: what lies between stays mapped.
 */
void fz_drop_aged(struct fz_reset *r)
{
	struct fz_scratch *s = r->s;
	struct fz_chunk *chunk;
	unsigned long at;

	xa_for_each_marked(&s->chunks, at, chunk, FZ_CHUNK_AGED) {
		u64 base = (u64)at << FZ_CHUNK_SHIFT;
		u64 words[FZ_CHUNK_WORDS];
		struct fz_range run = { };
		LIST_HEAD(out);
		u64 nr;

		fz_chunk_take_aged(s, chunk, at, words);
		nr = fz_chunk_remove(s, chunk, at, words, &out);
		drop_wait_for_faults(&out);
		while (fz_range_next_run(words, &run))
			unmap_mapping_range(s->inode->i_mapping,
					    (base + run.first) << PAGE_SHIFT,
					    (run.end - run.first) << PAGE_SHIFT, 1);
		r->dropped += nr;
		drop_retire(r, &out);
		atomic64_add(nr, &s->count.aged);
		cond_resched();
	}
}

/**
 * fz_drop_page() - drop what backs a page, whatever the rest of a reset does
 * @r: the reset
 * @page: a populated page; the first of its chunk, if that has a huge folio
 */
void fz_drop_page(struct fz_reset *r, u64 page)
{
	struct folio *folio = fz_chunk_find(r->s, page);
	struct fz_reset one = {
		.s = r->s,
		.range = { .first = page, .end = page + folio_nr_pages(folio) },
	};

	folio_put(folio);
	fz_drop_some(&one);
	r->dropped += one.dropped;
	r->held += one.held;
}

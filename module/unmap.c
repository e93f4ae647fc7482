// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unmaps folios that were taken out of the index, in three steps.  Wait for faults that
 * have found them (see fault.c).  Unmap them, which also flushes TLBs and nested page
 * tables.  Retire them.  If the index has other folios in their place, page-table entries
 * may be moved to these instead (pte.c).
 */
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/smp.h>

#include "clear.h"
#include "quarantine.h"
#include "reset.h"

/* Wait for faults that have found a folio in the index, and have it locked. */
static void unmap_wait_for_faults(struct list_head *out)
{
	struct folio *folio;

	/*
	 * Pairs with the barriers in fault_page() and fault_mkwrite().  Either we see the
	 * fault's folio lock, or the fault sees that the folio is off the roll.
	 */
	smp_mb();
	list_for_each_entry(folio, out, lru)
		if (unlikely(folio_test_locked(folio))) {
			folio_lock(folio);
			folio_unlock(folio);
		}
}

static void unmap_pages(struct fz_scratch *s, u64 first, u64 nr)
{
	unmap_mapping_range(s->inode->i_mapping, first << PAGE_SHIFT, nr << PAGE_SHIFT, 1);
}

/* Unmap folios that were in the index until now. */
static void unmap_each(struct fz_scratch *s, struct list_head *out)
{
	struct folio *folio;

	unmap_wait_for_faults(out);
	list_for_each_entry(folio, out, lru)
		unmap_pages(s, folio->index, folio_nr_pages(folio));
}

/*
 * AUTO clears held folios in place.  But these folios got their holder after the reset had
 * checked them, and before it unmapped them.  (Unmapped folios get no new holder.)  So
 * clear them, and put them back.  The folios that have taken their place are removed
 * instead, and stores made to these during the reset are lost.
 */
static noinline void unmap_put_back(struct fz_reset *r, struct list_head *held,
				    struct list_head *out)
{
	struct fz_pool *pool = &r->s->ctx->pool;
	struct folio *folio, *next;

	/*
	 * A fast GUP takes a reference, and then checks the page-table entry.  If the
	 * entry has changed, it gives the reference back, and pins the new folio.  Until
	 * then the old folio looks held.  It runs with interrupts disabled.  Processors
	 * that flush TLBs without interrupts have not waited for it yet.
	 */
	kick_all_cpus_sync();
	list_for_each_entry_safe(folio, next, held, lru) {
		u64 nr = folio_nr_pages(folio);
		LIST_HEAD(came);

		list_del(&folio->lru);
		if (folio_ref_count(folio) == 1) {
			list_add_tail(&folio->lru, out);
			continue;
		}
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
		unmap_each(r->s, &came);
		list_splice_tail(&came, out);
		cond_resched();
	}
}

/* Retire folios; those whose memory has failed go out of use. */
static void unmap_retire(struct fz_reset *r, struct list_head *out)
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
		} else if (folio_test_large(folio) && r->is_auto) {
			fz_density_mark(r->s, folio);
		}
	}
	if (unlikely(!list_empty(&held)))
		unmap_put_back(r, &held, out);
	r->held += fz_pool_retire(pool, out, r->ends);
}

/**
 * fz_unmap() - unmap a range whose folios are out of the index; retire them
 * @r: the reset
 * @range: pages, from the first to the last that was taken out
 * @out: their folios, in hand; emptied
 * @in_place: the index has folios in the place of all of them: try to move page-table
 *	entries
 */
void fz_unmap(struct fz_reset *r, const struct fz_range *range,
	      struct list_head *out, bool in_place)
{
	unmap_wait_for_faults(out);
	if (!(in_place && fz_pte_swap(r->s, range, r->bitmap)) &&
	    !fz_quarantine_plants())
		unmap_pages(r->s, range->first, range->end - range->first);
	unmap_retire(r, out);
}

/**
 * fz_unmap_words() - take pages out of a chunk, unmap and retire them
 * @r: the reset
 * @chunk: the chunk
 * @number: its number
 * @words: bitmap of populated pages; all of a chunk with a huge folio
 *
 * Unmaps neighbouring pages together.  Pages between them stay mapped.
 *
 * Return: how many base pages.
 */
u64 fz_unmap_words(struct fz_reset *r, struct fz_chunk *chunk, u64 number,
		   const u64 *words)
{
	u64 base = number << FZ_CHUNK_SHIFT;
	struct fz_range run = { };
	LIST_HEAD(out);
	u64 nr = fz_chunk_remove(r->s, chunk, number, words, &out);

	unmap_wait_for_faults(&out);
	while (fz_range_next_run(words, &run))
		unmap_pages(r->s, base + run.first, run.end - run.first);
	r->dropped += nr;
	unmap_retire(r, &out);
	return nr;
}

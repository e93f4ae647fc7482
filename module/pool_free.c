// SPDX-License-Identifier: GPL-2.0-only
/*
 * Folios that leave the module.
 */
#include <linux/mm.h>
#include <linux/pagemap.h>

#include "clear.h"
#include "compat/compat.h"
#include "context.h"
#include "quarantine.h"

/**
 * fz_pool_forget() - take a folio out of use because its memory has failed
 * @pool: the pool that owns it
 * @folio: in hand, mapped nowhere any more, with the reference that the index had
 *
 * The page allocator keeps a failed base page out of use when it is freed.  It would hand
 * out a failed page of a huge folio again, so the module never frees such a folio.
 */
void fz_pool_forget(struct fz_pool *pool, struct folio *folio)
{
	folio_lock(folio);
	fz_folio_detach(folio);
	folio_unlock(folio);
	fz_pool_disown(pool, folio_nr_pages(folio));
	if (!folio_test_large(folio))
		folio_put(folio);
	fz_pool_settle(pool, 1);
}

/* Whether the system would hand out a failed page again: see fz_pool_forget(). */
static bool free_must_keep(struct folio *folio)
{
	long i;

	if (!folio_test_large(folio))
		return false;
	for (i = 0; i < folio_nr_pages(folio); i++)
		if (unlikely(PageHWPoison(folio_page(folio, i))))
			return true;
	return false;
}

/**
 * fz_pool_free() - give folios back to the system
 * @pool: the pool that owns them
 * @folios: linked by lru, off the pool's lists; emptied
 *
 * Return: how many.
 */
u64 fz_pool_free(struct fz_pool *pool, struct list_head *folios)
{
	struct folio *folio, *next;
	u64 nr_pages = 0;
	u64 nr = 0;

	list_for_each_entry_safe(folio, next, folios, lru) {
		nr_pages += folio_nr_pages(folio);
		list_del(&folio->lru);
		if (!free_must_keep(folio) && !fz_quarantine_free(folio))
			folio_put(folio);
		nr++;
		cond_resched();
	}
	fz_pool_disown(pool, nr_pages);
	return nr;
}

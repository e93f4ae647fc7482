// SPDX-License-Identifier: GPL-2.0-only
/*
 * The cost to make pages zero: estimates, from profiles on Linux 6.1 (docs/policy.md).
 */
#include "cost.h"

/* Costs: to put a ready base page in place; to walk an entry of the span; to flush. */
#define COST_SWAP	270
#define COST_ENTRY	66
#define COST_FLUSH	6500
/*
 * COST_CHUNK: to put a ready huge folio in place, and map it.  COST_MAPPING: added for
 * each mapping.
 */
#define COST_CHUNK	13000
#define COST_MAPPING	300

/**
 * fz_cost_clear() - the cost to clear pages in place
 * @ratio: the ratio of this host
 * @pages: base pages
 *
 * Return: the cost.
 */
u64 fz_cost_clear(u32 ratio, u64 pages)
{
	return pages * FZ_COST_CLEAR * ratio / FZ_RATIO_ONE;
}

/*
 * With a ratio over 100, a clear waits for memory, and leaves the page in the caches.  A
 * ready page lies in no cache, so the next run waits for memory instead.  By estimate, it
 * waits half as long.
 */
static u64 cost_touch(u32 ratio, u64 pages)
{
	return ratio > FZ_RATIO_ONE ?
	       fz_cost_clear(ratio - FZ_RATIO_ONE, pages) / 2 : 0;
}

/**
 * fz_cost_swap() - the cost to put ready pages in the place of others
 * @ratio: the ratio of this host
 * @cost: the pages
 *
 * Return: the cost, including that of the first touch of each ready page.
 */
u64 fz_cost_swap(u32 ratio, const struct fz_cost *cost)
{
	u64 touch = cost_touch(ratio, cost->pages);

	if (!cost->span)
		return COST_CHUNK + cost->mappings * COST_MAPPING + touch;
	return (cost->begun ? 0 : COST_FLUSH) + cost->pages * COST_SWAP +
	       cost->span * COST_ENTRY + touch;
}

/**
 * fz_cost_few() - whether clearing base pages costs no more than a flush
 * @ratio: the ratio of this host
 * @pages: number of base pages
 *
 * Return: true if so.
 */
bool fz_cost_few(u32 ratio, u64 pages)
{
	return fz_cost_clear(ratio, pages) <= COST_FLUSH;
}

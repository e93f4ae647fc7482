// SPDX-License-Identifier: GPL-2.0-only
/*
 * What it costs to make pages zero: estimates, from profiles on Linux 6.1
 * (docs/policy.md).
 */
#include "cost.h"

/* A ready base page in its place, a page-table entry of the span, and a flush. */
#define COST_SWAP	270
#define COST_ENTRY	66
#define COST_FLUSH	6500
/* A ready chunk of 2 MiB in its place, mapped again; and for each mapping of it. */
#define COST_CHUNK	13000
#define COST_MAPPING	300

/**
 * fz_cost_clear() - clear pages in place
 * @ratio: of this host
 * @pages: base pages
 *
 * Return: the cost.
 */
u64 fz_cost_clear(u32 ratio, u64 pages)
{
	return pages * FZ_COST_CLEAR * ratio / FZ_RATIO_ONE;
}

/*
 * A clear that costs more than its instructions waits for memory.  It leaves the page in
 * the caches, and a ready page is not there: the next run waits, for half of it at a guess.
 */
static u64 cost_touch(u32 ratio, u64 pages)
{
	return ratio > FZ_RATIO_ONE ?
	       fz_cost_clear(ratio - FZ_RATIO_ONE, pages) / 2 : 0;
}

/**
 * fz_cost_swap() - put ready pages in the place of others
 * @ratio: of this host
 * @cost: these
 *
 * Return: the cost, with that of touching them for the first time.
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
 * fz_cost_few() - whether so few base pages are never worth a flush
 * @ratio: of this host
 * @pages: base pages, however they lie
 *
 * Return: true if so.
 */
bool fz_cost_few(u32 ratio, u64 pages)
{
	return fz_cost_clear(ratio, pages) <= COST_FLUSH;
}

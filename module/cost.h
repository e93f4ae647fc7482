/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The inequality of AUTO: the cost to clear pages in place, against the cost to put ready
 * pages in their place.
 *
 * All costs are in instructions on Linux 6.1.  The ratio adapts them to the host: it is the
 * cost of a clear there, compared with other work.
 */
#ifndef FZ_COST_H
#define FZ_COST_H

#include "pure.h"

/* The ratio of a host where all instructions, those of a clear too, take the same time. */
#define FZ_RATIO_ONE	100
/* The largest ratio that the module accepts: no cost overflows with it. */
#define FZ_RATIO_MOST	100000

/**
 * enum fz_way - what a reset with AUTO does with pages
 * @FZ_INPLACE: clear them where they are
 * @FZ_SWAP: put ready pages in their place
 * @FZ_DROP: take them out, and leave holes
 */
enum fz_way {
	FZ_INPLACE,
	FZ_SWAP,
	FZ_DROP,
};

/* The cost to clear a base page in place. */
#define FZ_COST_CLEAR	541

/**
 * struct fz_cost - pages to be made zero, as the inequality sees them
 * @pages: number of base pages
 * @span: page-table entries from the first to the last of them; 0 for a huge folio
 * @begun: the reset has to flush anyway, and that flush serves these pages, too
 * @mappings: mappings of the huge folio
 */
struct fz_cost {
	u64 pages;
	u64 span;
	bool begun;
	u64 mappings;
};

u64 fz_cost_clear(u32 ratio, u64 pages);
u64 fz_cost_swap(u32 ratio, const struct fz_cost *cost);

/* Whether it is cheaper to put ready pages in the place of these. */
static inline bool fz_cost_swaps(u32 ratio, const struct fz_cost *cost)
{
	return fz_cost_swap(ratio, cost) < fz_cost_clear(ratio, cost->pages);
}

bool fz_cost_few(u32 ratio, u64 pages);

#endif

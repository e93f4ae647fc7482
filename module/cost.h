/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The inequality that AUTO goes by: to clear pages where they are, against the work
 * that ready ones in their place take.
 *
 * All costs are in instructions on Linux 6.1.  Of the host one thing is known: what a
 * clear costs it, compared with other work.
 */
#ifndef FZ_COST_H
#define FZ_COST_H

#include "pure.h"

/* The ratio of a host where a clear costs its instructions, like all other work. */
#define FZ_RATIO_ONE	100
/* No host is beyond this: costs do not overflow. */
#define FZ_RATIO_MOST	100000

/**
 * enum fz_way - what is done with pages
 * @FZ_INPLACE: they are cleared where they are
 * @FZ_SWAP: ready pages take their place
 * @FZ_DROP: they are taken back
 */
enum fz_way {
	FZ_INPLACE,
	FZ_SWAP,
	FZ_DROP,
};

/* To clear a base page, where it is. */
#define FZ_COST_CLEAR	541

/**
 * struct fz_cost - what is to be made zero
 * @pages: base pages that were written
 * @span: page-table entries from the first to the last of them; 0 for a chunk of 2 MiB
 * @begun: a flush is due anyway that could go for these, too
 * @mappings: a chunk of 2 MiB is mapped this often
 */
struct fz_cost {
	u64 pages;
	u64 span;
	bool begun;
	u64 mappings;
};

u64 fz_cost_clear(u32 ratio, u64 pages);
u64 fz_cost_swap(u32 ratio, const struct fz_cost *cost);

/* Whether ready pages in the place of these are cheaper. */
static inline bool fz_cost_swaps(u32 ratio, const struct fz_cost *cost)
{
	return fz_cost_swap(ratio, cost) < fz_cost_clear(ratio, cost->pages);
}

bool fz_cost_few(u32 ratio, u64 pages);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a reset of base pages costs by each way.
 */
#ifndef FZ_COST_H
#define FZ_COST_H

#include "pure.h"

/**
 * enum fz_way - what can be done with the base pages of a chunk
 * @FZ_INPLACE: clear them where they are
 * @FZ_SWAP: put ready pages in their place
 * @FZ_DROP: take them back
 * @FZ_WAYS: how many ways there are
 */
enum fz_way {
	FZ_INPLACE,
	FZ_SWAP,
	FZ_DROP,
	FZ_WAYS,
};

/**
 * struct fz_prices - prices, in picoseconds; only how they compare counts
 * @clear: to clear a page where it is
 * @swap: to put a ready page in its place, and its page-table entry there
 * @swap_span: more, for each entry from the first to the last of a chunk
 * @swap_run: more, for each flush
 * @drop: to take a page out and unmap it
 * @refault: for a process to touch it again then
 * @refault_guest: for a guest
 */
struct fz_prices {
	u32 clear;
	u32 swap;
	u32 swap_span;
	u32 swap_run;
	u32 drop;
	u32 refault;
	u32 refault_guest;
};

/* All of them are touched again. */
#define FZ_AGAIN_ALL	256

/**
 * struct fz_cost_chunk - what is known about pages of a chunk
 * @pages: to be made zero
 * @span: from the first to the last of them
 * @ready: pages that could take their place
 * @again: how many of FZ_AGAIN_ALL are going to be touched again
 * @begun: a flush is due anyway that could go for these, too
 * @shared: a guest or another mapping may be behind: whatever leaves its place is
 *	unmapped, and comes back by a fault
 * @total: what is cleared in the background counts, too
 */
struct fz_cost_chunk {
	u64 pages;
	u64 span;
	u64 ready;
	u32 again;
	bool begun;
	bool shared;
	bool total;
};

extern const struct fz_prices fz_prices_fixed;

/* Whether so few pages cannot be worth a flush, however they lie. */
static inline bool fz_cost_too_few(const struct fz_prices *prices, u64 pages)
{
	return pages * prices->clear <= prices->swap_run;
}

/* Whether it can be worth it to unmap pages that a guest wants again. */
static inline bool fz_cost_may_unmap(const struct fz_prices *prices)
{
	u64 least = prices->swap < prices->drop ? prices->swap : prices->drop;

	return least + prices->refault_guest < prices->clear;
}

u64 fz_cost(const struct fz_prices *prices, const struct fz_cost_chunk *chunk,
	    enum fz_way way);
enum fz_way fz_cost_choose(const struct fz_prices *prices,
			   const struct fz_cost_chunk *chunk);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Stores of a pool: folios of one size and NUMA node.
 */
#ifndef FZ_POOL_STORE_H
#define FZ_POOL_STORE_H

#include <linux/list.h>
#include <linux/mm.h>

#include "demand.h"
#include "range.h"

struct fz_pool;

/**
 * enum fz_size - sizes of folios
 * @FZ_BASE: base pages
 * @FZ_HUGE: huge folios
 * @FZ_SIZES: number of sizes
 */
enum fz_size {
	FZ_BASE,
	FZ_HUGE,
	FZ_SIZES,
};

/**
 * struct fz_store - folios of one size and NUMA node that are in no scratch
 * @node: the node
 * @size: the size
 * @ready: folios that are zero
 * @used: folios that nobody holds, and that wait for the zeroer
 * @held: folios that were held when they left their scratch.  The zeroer moves them to
 *	@used when their holders have released them
 * @nr_ready: folios on @ready
 * @nr_used: folios on @used, and those that the zeroer is clearing
 * @nr_held: folios on @held
 * @counted: folios that the kernel's statistics count, see fz_shrink_count()
 * @slack: by how many folios @counted may be wrong
 * @offer: the offer of this node
 * @target: folios to be kept on @ready
 * @demand: how many folios runs need: the pool keeps as many, if that is more than
 *	@target
 *
 * A folio of a store has one reference, the pool's, and those on @held have more.  It is
 * mapped nowhere, and linked by its lru member.
 */
struct fz_store {
	int node;
	enum fz_size size;
	struct list_head ready;
	struct list_head used;
	struct list_head held;
	u64 nr_ready;
	u64 nr_used;
	u64 nr_held;
	u64 counted;
	u64 slack;
	struct fz_offer *offer;
	u64 target;
	struct fz_demand demand;
};

/**
 * struct fz_offer - the folios of a pool on one node, as the shrinker sees them
 * @link: in the shrinker's list of the pool's memory cgroup, while there are folios
 * @pool: the pool
 * @stores: the stores of the node, by enum fz_size
 */
struct fz_offer {
	struct list_head link;
	struct fz_pool *pool;
	struct fz_store *stores;
};

/*
 * fz_store.slack of base pages.  With it a fault need not update the kernel's statistics
 * each time.
 */
#define FZ_STORE_SLACK	64

static inline enum fz_size fz_folio_size(struct folio *folio)
{
	return folio_test_large(folio) ? FZ_HUGE : FZ_BASE;
}

/* Base pages in a folio of a size. */
static inline u64 fz_size_pages(enum fz_size size)
{
	return size == FZ_HUGE ? FZ_CHUNK_PAGES : 1;
}

/* pool_shrink.c */
void fz_shrink_list(struct fz_offer *offer);
void fz_shrink_count(struct fz_store *store);

/* Whether a store has fewer folios than its target; the pool's lock is held. */
static inline bool fz_store_lacks(const struct fz_store *store)
{
	return store->nr_ready + store->nr_used < store->target;
}

/* To be called when folios have left a store, or come to it; the pool's lock is held. */
static inline void fz_store_count(struct fz_store *store)
{
	u64 have = store->nr_ready + store->nr_used;

	if (unlikely(have + store->slack - store->counted > 2 * store->slack ||
		     (!have && store->counted)))
		fz_shrink_count(store);
}

/* To be called when folios have come to a store, without the pool's lock. */
static inline void fz_store_offer(struct fz_store *store)
{
	if (unlikely(list_empty(&store->offer->link)))
		fz_shrink_list(store->offer);
}

#endif

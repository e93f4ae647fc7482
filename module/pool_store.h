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
 * @FZ_HUGE: whole chunks
 * @FZ_SIZES: how many sizes there are
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
 * @used: folios of ours alone that wait for the zeroer
 * @held: folios that left their scratch while somebody else referred to them;
 *	they come to @used when we are the last
 * @nr_ready: folios on @ready
 * @nr_used: folios on @used, and those that the zeroer is clearing
 * @nr_held: folios on @held
 * @counted: folios that the system was told of, see fz_shrink_count()
 * @slack: how far that may be off
 * @offer: what it is part of
 * @target: folios to be kept on @ready
 * @demand: how many runs need: as many may be there beyond @target
 *
 * A folio here has one reference, the pool's (but for those on @held), no
 * mapping, and is linked by its lru member.
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
 * struct fz_offer - what a pool has on one node, for the shrinker
 * @link: in a list of the memory cgroup that pays, if there is something
 * @pool: the pool
 * @stores: those of the node, by enum fz_size
 */
struct fz_offer {
	struct list_head link;
	struct fz_pool *pool;
	struct fz_store *stores;
};

/* So many base pages the system is not told of one by one. */
#define FZ_STORE_SLACK	64

/* A huge folio is one of FZ_HUGE. */
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

/* A store has fewer folios than it was told to keep; the pool's lock is held. */
static inline bool fz_store_lacks(const struct fz_store *store)
{
	return store->nr_ready + store->nr_used < store->target;
}

/* Folios have left a store, or come to it; the pool's lock is held. */
static inline void fz_store_count(struct fz_store *store)
{
	u64 have = store->nr_ready + store->nr_used;

	if (unlikely(have + store->slack - store->counted > 2 * store->slack ||
		     (!have && store->counted)))
		fz_shrink_count(store);
}

/* Folios have come to a store; the pool's lock is not held any more. */
static inline void fz_store_offer(struct fz_store *store)
{
	if (unlikely(list_empty(&store->offer->link)))
		fz_shrink_list(store->offer);
}

#endif

// SPDX-License-Identifier: GPL-2.0-only
/*
 * How a pool grows and shrinks in the background.  The zeroer refills it up to its
 * targets.  Beyond them it keeps as many folios as runs need at once, until memory is
 * short.
 */
#include <linux/mm.h>

#include "compat/compat.h"
#include "context.h"

/* Folios freed, or base pages allocated, between two holds of the lock. */
#define LEARN_BATCH	32
/* Without a reset, base pages are refilled after this time. */
#define LEARN_REFILL	HZ

/*
 * The zeroer allocates only while an eighth of the memory cgroup is free.  Else reclaim
 * would soon take these pages or others back.  memory.high throttles processes, but not
 * the zeroer, so the zeroer has to stop by itself.
 */
#define LEARN_ROOM_SHIFT	3

/*
 * The zeroer allocates without reclaim, and only while more than 1/32 of memory is free.
 * Else other allocations would have to reclaim.
 */
#define LEARN_GFP_AHEAD	((FZ_GFP_LIGHT | __GFP_THISNODE) & ~__GFP_RECLAIM)
#define LEARN_FREE_SHIFT	5

static bool learn_is_calm(const struct fz_pool *pool, u64 now)
{
	lockdep_assert_held(&pool->lock);

	return now < pool->calm;
}

/* How many folios may stay in a store, ready and used ones. */
static u64 learn_keep(struct fz_pool *pool, struct fz_store *store)
{
	u64 now = fz_pool_now();

	if (READ_ONCE(pool->ending))
		return 0;
	if (learn_is_calm(pool, now))
		return store->target;
	return max(store->target, fz_demand_keep(&store->demand, now));
}

/**
 * fz_learn_look() - keep targets only, if the context is above its limit
 * @pool: the pool
 */
void fz_learn_look(struct fz_pool *pool)
{
	u64 limit = fz_limit_pages();

	if (!limit || atomic_long_read(&pool->owned) <= limit)
		return;
	spin_lock(&pool->lock);
	fz_pool_calm(pool);
	spin_unlock(&pool->lock);
}

/**
 * fz_learn_wanted() - learn how many ready folios a reset would take if enough were ready
 * @pool: the pool
 * @node: the node of these folios
 * @wanted: this number of folios, by enum fz_size
 */
void fz_learn_wanted(struct fz_pool *pool, int node, const u64 *wanted)
{
	u64 now = fz_pool_now();
	enum fz_size size;

	spin_lock(&pool->lock);
	for (size = 0; size < FZ_SIZES; size++)
		fz_demand_want(&fz_pool_store(pool, node, size)->demand, now,
			       wanted[size]);
	spin_unlock(&pool->lock);
}

/**
 * fz_learn_lack() - how many used folios the zeroer should clear
 * @pool: the pool, its lock held
 * @store: the store
 *
 * Return: folios; used folios beyond these are surplus.
 */
u64 fz_learn_lack(struct fz_pool *pool, struct fz_store *store)
{
	u64 keep = learn_keep(pool, store);

	lockdep_assert_held(&pool->lock);

	return keep > store->nr_ready ? keep - store->nr_ready : 0;
}

/**
 * fz_learn_room() - how many more folios the pool should keep
 * @pool: the pool
 * @store: the store
 *
 * Return: folios.
 */
u64 fz_learn_room(struct fz_pool *pool, struct fz_store *store)
{
	u64 keep, have;

	spin_lock(&pool->lock);
	keep = learn_keep(pool, store);
	have = store->nr_ready + store->nr_used;
	spin_unlock(&pool->lock);
	return keep > have ? keep - have : 0;
}

/*
 * Free a batch of surplus folios of a store; with @all, of any folios beyond the target.
 * Used folios go first, since they would have to be cleared.  Returns how many.
 */
static u64 learn_free(struct fz_pool *pool, struct fz_store *store, bool all)
{
	LIST_HEAD(surplus);
	u64 used = 0;
	u64 nr = 0;
	u64 keep;

	spin_lock(&pool->lock);
	keep = all ? store->target : learn_keep(pool, store);
	while (store->nr_ready + store->nr_used > keep && nr < LEARN_BATCH) {
		if (!list_empty(&store->used)) {
			list_move(store->used.next, &surplus);
			store->nr_used--;
			used++;
		} else if (store->nr_ready > keep) {
			list_move(store->ready.next, &surplus);
			store->nr_ready--;
		} else {
			break;
		}
		nr++;
	}
	pool->in_hand += nr;
	/* Used folios came back from runs: count them as if they had become ready. */
	fz_demand_give(&store->demand, fz_pool_now(), used);
	fz_store_count(store);
	spin_unlock(&pool->lock);
	if (nr)
		fz_pool_settle(pool, fz_pool_free(pool, &surplus));
	return nr;
}

/**
 * fz_learn_trim() - free a batch of surplus
 * @pool: the pool
 * @store: the store
 *
 * Return: whether there was any.
 */
bool fz_learn_trim(struct fz_pool *pool, struct fz_store *store)
{
	return learn_free(pool, store, false);
}

/**
 * fz_learn_release() - at a limit, free all folios of one size beyond the targets
 * @pool: the pool
 * @size: this size; the caller wants a folio of the other size
 *
 * Return: whether there were any: then the caller should try again.
 */
bool fz_learn_release(struct fz_pool *pool, enum fz_size size)
{
	struct fz_store *store;
	bool any = false;

	fz_for_each_store(pool, store)
		while (store->size == size && learn_free(pool, store, true))
			any = true;
	if (any) {
		spin_lock(&pool->lock);
		fz_pool_calm(pool);
		spin_unlock(&pool->lock);
	}
	return any;
}

/* The target up to which a store is refilled now, 0 if it is not refilled. */
static u64 learn_target(const struct fz_pool *pool, const struct fz_store *store)
{
	lockdep_assert_held(&pool->lock);

	if (store->size == FZ_HUGE)
		return pool->refill != FZ_REFILL_NONE ? store->target : 0;
	return pool->refill == FZ_REFILL_NOW ? store->target : 0;
}

/* How many folios the zeroer should allocate for a store: for its target, or for resets. */
static u64 learn_short(struct fz_pool *pool, struct fz_store *store)
{
	u64 now = fz_pool_now();
	u64 ahead, have;

	lockdep_assert_held(&pool->lock);

	if (learn_is_calm(pool, now) || now < pool->no_more ||
	    READ_ONCE(pool->ending))
		return 0;
	ahead = max(fz_demand_ahead(&store->demand, now),
		    learn_target(pool, store));
	/* Folios in hand may come to the store. */
	have = store->nr_ready + store->nr_used + pool->in_hand;
	return ahead > have ? ahead - have : 0;
}

static bool learn_is_free(void)
{
	return global_zone_page_state(NR_FREE_PAGES) >
	       totalram_pages() >> LEARN_FREE_SHIFT;
}

/**
 * fz_learn_lacks() - a store has fallen below its target: have it refilled later
 * @pool: the pool, its lock held
 *
 * The caller then kicks the zeroer.  A run takes most of its base pages once, and its
 * reset may give them back to the pool.  So base pages are refilled after the reset.
 */
void fz_learn_lacks(struct fz_pool *pool)
{
	lockdep_assert_held(&pool->lock);

	pool->refill_at = jiffies + LEARN_REFILL;
	WRITE_ONCE(pool->refill, FZ_REFILL_LATER);
}

/**
 * fz_learn_refill_now() - refill a pool up to its targets now
 * @pool: the pool
 */
void fz_learn_refill_now(struct fz_pool *pool)
{
	spin_lock(&pool->lock);
	if (pool->refill == FZ_REFILL_LATER)
		WRITE_ONCE(pool->refill, FZ_REFILL_NOW);
	spin_unlock(&pool->lock);
	fz_queue_kick(pool);
}

/**
 * fz_learn_refill() - see if a pool is at its targets, or should be refilled now
 * @pool: the pool
 *
 * Return: when to look again.
 */
enum fz_look fz_learn_refill(struct fz_pool *pool)
{
	enum fz_look again = FZ_LOOK_NEVER;
	const struct fz_store *store;
	bool lacks = false;

	if (READ_ONCE(pool->refill) == FZ_REFILL_NONE)
		return FZ_LOOK_NEVER;
	spin_lock(&pool->lock);
	fz_for_each_store(pool, store)
		lacks |= fz_store_lacks(store);
	if (!lacks) {
		WRITE_ONCE(pool->refill, FZ_REFILL_NONE);
	} else {
		if (time_after_eq(jiffies, pool->refill_at))
			WRITE_ONCE(pool->refill, FZ_REFILL_NOW);
		/* Folios in hand count as present, but may go elsewhere: look again. */
		again = pool->refill == FZ_REFILL_NOW && pool->in_hand ?
				FZ_LOOK_SOON : FZ_LOOK_LATER;
	}
	spin_unlock(&pool->lock);
	return again;
}

/**
 * fz_learn_grow() - allocate a batch of the folios that a store is short of
 * @pool: the pool
 * @store: the store
 *
 * Allocates up to the target, or up to the most that one of the last resets wanted.
 * Stays within the context's limit, and takes free memory only.
 *
 * Return: how many base pages it has allocated.
 */
u64 fz_learn_grow(struct fz_pool *pool, struct fz_store *store)
{
	const struct fz_place place = { .node = store->node };
	LIST_HEAD(fresh);
	u64 nr = 0;
	u64 most;

	spin_lock(&pool->lock);
	most = min_t(u64, learn_short(pool, store),
		     store->size == FZ_HUGE ? 1 : LEARN_BATCH);
	spin_unlock(&pool->lock);
	if (!most)
		return 0;

	while (nr < most && learn_is_free() &&
	       fz_memcg_has_room(pool->memcg, LEARN_ROOM_SHIFT)) {
		struct folio *folio = fz_pool_alloc(pool, &place, store->size,
						    LEARN_GFP_AHEAD);

		if (IS_ERR(folio))
			break;
		list_add(&folio->lru, &fresh);
		nr++;
	}

	spin_lock(&pool->lock);
	list_splice_tail(&fresh, &store->ready);
	store->nr_ready += nr;
	fz_store_count(store);
	fz_demand_give(&store->demand, fz_pool_now(), nr);
	/* The allocation has cleared them. */
	pool->zeroed += nr * fz_size_pages(store->size);
	if (nr < most)
		pool->no_more = fz_pool_now() + FZ_POOL_CALM;
	spin_unlock(&pool->lock);
	if (nr) {
		fz_store_offer(store);
		fz_pool_settle(pool, nr);
	}
	return nr * fz_size_pages(store->size);
}

/**
 * fz_learn_is_short() - whether fz_learn_grow() would allocate
 * @pool: the pool, its lock held
 * @store: the store
 *
 * Return: true if so.
 */
bool fz_learn_is_short(struct fz_pool *pool, struct fz_store *store)
{
	lockdep_assert_held(&pool->lock);

	return learn_short(pool, store);
}

/**
 * fz_learn_has_surplus() - whether a pool may have surplus later
 * @pool: the pool
 *
 * Return: true if a store has more than its target.
 */
bool fz_learn_has_surplus(struct fz_pool *pool)
{
	const struct fz_store *store;
	bool has = false;

	spin_lock(&pool->lock);
	fz_for_each_store(pool, store)
		has |= store->nr_ready + store->nr_used > store->target;
	spin_unlock(&pool->lock);
	return has;
}

/**
 * fz_learn_has_ready() - whether folios of one size are ready, on any node
 * @pool: the pool
 * @size: the size
 *
 * Return: true if so.
 */
bool fz_learn_has_ready(const struct fz_pool *pool, enum fz_size size)
{
	const struct fz_store *store;

	fz_for_each_store(pool, store)
		if (store->size == size && READ_ONCE(store->nr_ready))
			return true;
	return false;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The pool: where pages come from and where they go.
 *
 * Pages are recycled inside their context.  To the system they go only by
 * fz_pool_free(), zeroed, or when somebody else still holds them at the end.
 */
#include <linux/mm.h>

#include "compat/compat.h"
#include "context.h"

/* Pages of all contexts, for the leak check at unload. */
static atomic_long_t pool_pages_in_use;

/**
 * fz_pool_pages_in_use() - how many pages the module has from the system
 *
 * Return: pages of all contexts together.
 */
long fz_pool_pages_in_use(void)
{
	return atomic_long_read(&pool_pages_in_use);
}

static void pool_init_store(struct fz_store *store)
{
	INIT_LIST_HEAD(&store->ready);
	INIT_LIST_HEAD(&store->used);
	INIT_LIST_HEAD(&store->held);
}

/**
 * fz_pool_init() - an empty pool, charged to the caller's memory cgroup
 * @pool: the pool
 */
void fz_pool_init(struct fz_pool *pool)
{
	mutex_init(&pool->resize);
	spin_lock_init(&pool->lock);
	pool_init_store(&pool->store[FZ_BASE]);
	pool_init_store(&pool->store[FZ_HUGE]);
	init_waitqueue_head(&pool->progress);
	pool->memcg = fz_memcg_get_current();
	fz_zeroer_init(pool);
}

/**
 * fz_pool_own() - count a folio that is about to be allocated, as one in hand
 * @pool: the pool
 * @nr: base pages in it
 *
 * Return: false if that is beyond the limit.
 */
bool fz_pool_own(struct fz_pool *pool, u64 nr)
{
	u64 limit = fz_limit_pages();
	bool own;

	spin_lock(&pool->lock);
	own = !limit || atomic_long_read(&pool->owned) + nr <= limit;
	if (own) {
		atomic_long_add(nr, &pool->owned);
		pool->in_hand++;
	}
	spin_unlock(&pool->lock);
	if (own)
		atomic_long_add(nr, &pool_pages_in_use);
	return own;
}

/**
 * fz_pool_disown() - the context has fewer pages
 * @pool: the pool
 * @nr: base pages
 */
void fz_pool_disown(struct fz_pool *pool, u64 nr)
{
	atomic_long_sub(nr, &pool->owned);
	atomic_long_sub(nr, &pool_pages_in_use);
}

/**
 * fz_pool_lift() - folios are about to leave their list or scratch
 * @pool: the pool
 * @nr: how many are in hand from now on
 */
void fz_pool_lift(struct fz_pool *pool, u64 nr)
{
	spin_lock(&pool->lock);
	pool->in_hand += nr;
	spin_unlock(&pool->lock);
}

/**
 * fz_pool_settle() - folios in hand are where they can be found, or gone
 * @pool: the pool
 * @nr: how many
 */
void fz_pool_settle(struct fz_pool *pool, u64 nr)
{
	bool wake;

	spin_lock(&pool->lock);
	pool->in_hand -= nr;
	/* Who sees the turn sees what was done before. */
	smp_store_release(&pool->turns, pool->turns + 1);
	/* Who comes to wait after this sees the turn: it looks under the lock. */
	wake = waitqueue_active(&pool->progress);
	spin_unlock(&pool->lock);
	if (wake)
		wake_up_all(&pool->progress);
}

/**
 * fz_pool_put_back() - return folios that were taken and not used
 * @pool: the pool
 * @folios: zeroed folios of one size, in hand until now, linked by lru; emptied
 */
void fz_pool_put_back(struct fz_pool *pool, struct list_head *folios)
{
	struct folio *folio = list_first_entry(folios, struct folio, lru);
	struct fz_store *store = &pool->store[fz_folio_size(folio)];
	struct list_head *at;
	u64 nr = 0;

	list_for_each(at, folios)
		nr++;
	spin_lock(&pool->lock);
	list_splice_init(folios, &store->ready);
	store->nr_ready += nr;
	spin_unlock(&pool->lock);
	fz_pool_settle(pool, nr);
}

/**
 * fz_pool_retire() - take in folios that left a scratch
 * @pool: the pool
 * @folios: in hand, linked by lru, with the reference that the index had, mapped
 *	nowhere any more and flushed; emptied
 *
 * Only a folio whose last reference is ours may be used again: the count is
 * the one thing that knows of pipes, pins and transfers alike.  The caller
 * kicks the zeroer when it has retired all.
 *
 * Return: how many base pages are held by somebody else.
 */
u64 fz_pool_retire(struct fz_pool *pool, struct list_head *folios)
{
	u64 nr_used[FZ_SIZES] = { }, nr_held[FZ_SIZES] = { };
	struct list_head held[FZ_SIZES];
	struct folio *folio, *next;
	enum fz_size size;
	LIST_HEAD(huge);

	INIT_LIST_HEAD(&held[FZ_BASE]);
	INIT_LIST_HEAD(&held[FZ_HUGE]);

	/* Most are base pages of ours alone, which stay on the list. */
	list_for_each_entry_safe(folio, next, folios, lru) {
		size = fz_folio_size(folio);
		if (folio_ref_count(folio) == 1) {
			fz_folio_detach(folio);
			nr_used[size]++;
			if (size == FZ_HUGE)
				list_move_tail(&folio->lru, &huge);
			continue;
		}
		/* Its holder may just be marking it dirty, locked. */
		folio_lock(folio);
		fz_folio_detach(folio);
		folio_unlock(folio);
		list_move_tail(&folio->lru, &held[size]);
		nr_held[size]++;
	}

	spin_lock(&pool->lock);
	list_splice_tail_init(folios, &pool->store[FZ_BASE].used);
	list_splice_tail(&huge, &pool->store[FZ_HUGE].used);
	for (size = 0; size < FZ_SIZES; size++) {
		struct fz_store *store = &pool->store[size];

		list_splice_tail(&held[size], &store->held);
		store->nr_used += nr_used[size];
		store->nr_held += nr_held[size];
	}
	spin_unlock(&pool->lock);
	fz_pool_settle(pool, nr_used[FZ_BASE] + nr_held[FZ_BASE] +
			     nr_used[FZ_HUGE] + nr_held[FZ_HUGE]);
	return nr_held[FZ_BASE] + nr_held[FZ_HUGE] * fz_size_pages(FZ_HUGE);
}

/**
 * fz_pool_forget() - let go of a poisoned folio
 * @pool: the pool that owns it
 * @folio: in hand, mapped nowhere any more, with the reference that the index had
 *
 * The page allocator keeps a base page that has failed out of use, but not one
 * inside a huge folio that is freed: such a folio stays with us for ever.
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

/* Whether the system would hand out again what has failed: see fz_pool_forget(). */
static bool pool_must_keep(struct folio *folio)
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
 * @folios: linked by lru, zeroed, off the pool's lists; emptied
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
		if (!pool_must_keep(folio))
			folio_put(folio);
		nr++;
		cond_resched();
	}
	fz_pool_disown(pool, nr_pages);
	return nr;
}

static void pool_destroy_store(struct fz_pool *pool, struct fz_store *store)
{
	struct folio *folio, *next;

	list_for_each_entry_safe(folio, next, &store->used, lru)
		if (!fz_folio_zero(folio)) {
			list_del(&folio->lru);
			fz_pool_lift(pool, 1);
			fz_pool_forget(pool, folio);
		} else {
			cond_resched();
		}
	fz_pool_free(pool, &store->ready);
	fz_pool_free(pool, &store->used);
	fz_pool_free(pool, &store->held);
}

/**
 * fz_pool_destroy() - give everything back
 * @pool: the pool of a context without scratches
 *
 * What others hold is theirs now: the page goes when they release it.
 */
void fz_pool_destroy(struct fz_pool *pool)
{
	fz_zeroer_stop(pool);

	pool_destroy_store(pool, &pool->store[FZ_BASE]);
	pool_destroy_store(pool, &pool->store[FZ_HUGE]);
	fz_memcg_put(pool->memcg);
	mutex_destroy(&pool->resize);
}

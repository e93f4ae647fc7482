// SPDX-License-Identifier: GPL-2.0-only
/*
 * The zeroer: clears used pages in the background, keeps the pool at its
 * target, and sees when pages that others held come free.
 */
#include <linux/highmem.h>
#include <linux/ktime.h>
#include <linux/mm.h>

#include "pool.h"

/* Base pages cleared between two looks at the pool's lock and the scheduler. */
#define ZEROER_BATCH	32
/* How soon to look again at folios that somebody else holds. */
#define ZEROER_HELD_MS	100

/* Whether a page is zero already; a dirty one is seen at its first words. */
static bool zeroer_is_zero(struct page *page)
{
	const u64 *words = kmap_local_page(page);
	u64 any = 0;
	int i, k;

	for (i = 0; i < PAGE_SIZE / 8 && !any; i += 32) {
#pragma GCC unroll 32
		for (k = 0; k < 32; k++)
			any |= words[i + k];
	}
	kunmap_local(words);
	return !any;
}

/**
 * fz_folio_zero() - make a folio zero
 * @folio: in nobody's hands but the caller's
 *
 * In a huge folio many pages may be zero still: to look is cheaper for the caches
 * than to store.
 *
 * Return: false if it has failed memory in it, and is of no use.
 */
bool fz_folio_zero(struct folio *folio)
{
	bool look = folio_test_large(folio);
	bool good = true;
	long i;

	for (i = 0; i < folio_nr_pages(folio); i++) {
		struct page *page = folio_page(folio, i);

		if (unlikely(PageHWPoison(page)))
			good = false;
		else if (!look || !zeroer_is_zero(page))
			clear_highpage(page);
		if (i % ZEROER_BATCH == ZEROER_BATCH - 1)
			cond_resched();
	}
	return good;
}

/* Move what its holders have released from held to used; how many. */
static u64 zeroer_collect_held(struct fz_pool *pool, struct fz_store *store)
{
	struct folio *folio, *next;
	LIST_HEAD(held);
	LIST_HEAD(free);
	u64 nr = 0;

	spin_lock(&pool->lock);
	list_splice_init(&store->held, &held);
	spin_unlock(&pool->lock);

	list_for_each_entry_safe(folio, next, &held, lru) {
		if (folio_ref_count(folio) == 1) {
			list_move_tail(&folio->lru, &free);
			nr++;
		}
		cond_resched();
	}

	spin_lock(&pool->lock);
	list_splice(&held, &store->held);
	list_splice_tail(&free, &store->used);
	store->nr_held -= nr;
	store->nr_used += nr;
	spin_unlock(&pool->lock);
	return nr;
}

/**
 * fz_zeroer_collect() - look now for what holders have released
 * @pool: the pool
 *
 * Return: whether there is any.
 */
bool fz_zeroer_collect(struct fz_pool *pool)
{
	u64 nr = zeroer_collect_held(pool, &pool->store[FZ_BASE]);

	return nr + zeroer_collect_held(pool, &pool->store[FZ_HUGE]);
}

/* Clear a few used pages; false when there are none. */
static bool zeroer_clear_some(struct fz_pool *pool, enum fz_size size)
{
	struct fz_store *store = &pool->store[size];
	u64 most = size == FZ_HUGE ? 1 : ZEROER_BATCH;
	u64 begin = ktime_get_ns();
	struct folio *folio, *next;
	LIST_HEAD(batch);
	u64 nr = 0, bad = 0;

	spin_lock(&pool->lock);
	while (nr < most && !list_empty(&store->used)) {
		list_move(store->used.next, &batch);
		nr++;
	}
	pool->in_hand += nr;
	spin_unlock(&pool->lock);
	if (!nr)
		return false;

	list_for_each_entry_safe(folio, next, &batch, lru)
		if (unlikely(!fz_folio_zero(folio))) {
			list_del(&folio->lru);
			fz_pool_forget(pool, folio);
			bad++;
		}

	spin_lock(&pool->lock);
	list_splice_tail(&batch, &store->ready);
	store->nr_ready += nr - bad;
	store->nr_used -= nr;
	pool->zeroed += (nr - bad) * fz_size_pages(size);
	pool->zeroer_ns += ktime_get_ns() - begin;
	spin_unlock(&pool->lock);
	fz_pool_settle(pool, nr - bad);
	return true;
}

/* Give back some of what is ready beyond the target; false when there is none. */
static bool zeroer_trim(struct fz_pool *pool, struct fz_store *store)
{
	LIST_HEAD(surplus);
	u64 nr = 0;

	spin_lock(&pool->lock);
	while (store->nr_ready > store->target && nr < ZEROER_BATCH) {
		list_move(store->ready.next, &surplus);
		store->nr_ready--;
		nr++;
	}
	pool->in_hand += nr;
	spin_unlock(&pool->lock);
	if (nr)
		fz_pool_settle(pool, fz_pool_free(pool, &surplus));
	return nr;
}

static void zeroer_work(struct work_struct *work)
{
	struct fz_pool *pool = container_of(to_delayed_work(work),
					    struct fz_pool, zeroer);
	struct fz_store *base = &pool->store[FZ_BASE];
	struct fz_store *huge = &pool->store[FZ_HUGE];
	bool more;

	fz_zeroer_collect(pool);
	do {
		more = zeroer_clear_some(pool, FZ_HUGE) |
		       zeroer_clear_some(pool, FZ_BASE);
		more |= zeroer_trim(pool, huge) | zeroer_trim(pool, base);
		wake_up_all(&pool->progress);
		cond_resched();
	} while (more);

	if (READ_ONCE(base->nr_held) || READ_ONCE(huge->nr_held))
		queue_delayed_work(fz_wq, &pool->zeroer,
				   msecs_to_jiffies(ZEROER_HELD_MS));
}

/**
 * fz_zeroer_init() - get the work of a pool ready
 * @pool: the pool
 */
void fz_zeroer_init(struct fz_pool *pool)
{
	INIT_DELAYED_WORK(&pool->zeroer, zeroer_work);
}

/**
 * fz_zeroer_kick() - have the zeroer look at a pool soon
 * @pool: the pool
 */
void fz_zeroer_kick(struct fz_pool *pool)
{
	mod_delayed_work(fz_wq, &pool->zeroer, 0);
}

/**
 * fz_zeroer_stop() - end the work of a pool, waiting for what runs
 * @pool: the pool
 */
void fz_zeroer_stop(struct fz_pool *pool)
{
	cancel_delayed_work_sync(&pool->zeroer);
}

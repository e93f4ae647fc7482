// SPDX-License-Identifier: GPL-2.0-only
/*
 * The zeroer: clears used pages in the background, keeps the pool at its
 * target, and sees when pages that others held come free.
 */
#include <linux/highmem.h>
#include <linux/ktime.h>
#include <linux/mm.h>

#include "pool.h"

/* Pages cleared between two looks at the pool's lock and the scheduler. */
#define ZEROER_BATCH	32
/* How soon to look again at pages that somebody else holds. */
#define ZEROER_HELD_MS	100

/* Move what its holders have released from held to used. */
static void zeroer_collect_held(struct fz_pool *pool)
{
	struct folio *folio, *next;
	LIST_HEAD(held);
	LIST_HEAD(free);
	u64 nr = 0;

	spin_lock(&pool->lock);
	list_splice_init(&pool->held, &held);
	spin_unlock(&pool->lock);

	list_for_each_entry_safe(folio, next, &held, lru) {
		if (folio_ref_count(folio) == 1) {
			list_move_tail(&folio->lru, &free);
			nr++;
		}
		cond_resched();
	}

	spin_lock(&pool->lock);
	list_splice(&held, &pool->held);
	list_splice_tail(&free, &pool->used);
	pool->nr_held -= nr;
	pool->nr_used += nr;
	spin_unlock(&pool->lock);
}

/* Clear a few used pages; false when there are none. */
static bool zeroer_clear_some(struct fz_pool *pool)
{
	u64 begin = ktime_get_ns();
	struct folio *folio;
	LIST_HEAD(batch);
	u64 nr = 0;

	spin_lock(&pool->lock);
	while (nr < ZEROER_BATCH && !list_empty(&pool->used)) {
		list_move(pool->used.next, &batch);
		nr++;
	}
	pool->in_hand += nr;
	spin_unlock(&pool->lock);
	if (!nr)
		return false;

	list_for_each_entry(folio, &batch, lru)
		if (likely(!fz_pool_is_bad(folio)))
			clear_highpage(folio_page(folio, 0));

	spin_lock(&pool->lock);
	list_splice_tail(&batch, &pool->ready);
	pool->nr_ready += nr;
	pool->nr_used -= nr;
	pool->zeroed += nr;
	pool->zeroer_ns += ktime_get_ns() - begin;
	spin_unlock(&pool->lock);
	fz_pool_settle(pool, nr);
	return true;
}

/* Give back what is ready beyond the target. */
static void zeroer_trim(struct fz_pool *pool)
{
	LIST_HEAD(surplus);
	u64 nr = 0;

	spin_lock(&pool->lock);
	while (pool->nr_ready > pool->target && nr < ZEROER_BATCH) {
		list_move(pool->ready.next, &surplus);
		pool->nr_ready--;
		nr++;
	}
	pool->in_hand += nr;
	spin_unlock(&pool->lock);
	if (nr)
		fz_pool_settle(pool, fz_pool_free(pool, &surplus));
}

static void zeroer_work(struct work_struct *work)
{
	struct fz_pool *pool = container_of(to_delayed_work(work),
					    struct fz_pool, zeroer);
	bool more;

	zeroer_collect_held(pool);
	do {
		more = zeroer_clear_some(pool);
		zeroer_trim(pool);
		wake_up_all(&pool->progress);
		cond_resched();
	} while (more || READ_ONCE(pool->nr_ready) > READ_ONCE(pool->target));

	if (READ_ONCE(pool->nr_held))
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

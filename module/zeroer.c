// SPDX-License-Identifier: GPL-2.0-only
/*
 * The zeroer: clears used pages in the background, keeps the pool at its
 * target, and sees when pages that others held come free.
 */
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sched.h>

#include "clear.h"
#include "compat/compat.h"
#include "context.h"

/* Batches until it lets other work of the queue come first. */
#define ZEROER_ROUNDS	256
/* Its weight is a tenth of that of who runs guests. */
#define ZEROER_NICE	10
/* How soon to look again at folios that somebody else holds. */
#define ZEROER_HELD_MS	100
/* And at those that are there beyond the target. */
#define ZEROER_SURPLUS_MS	1000

/* Move what its holders have released from held to used; how many. */
static u64 zeroer_collect_held(struct fz_pool *pool, struct fz_store *store)
{
	struct folio *folio, *next;
	LIST_HEAD(held);
	LIST_HEAD(free);
	u64 nr = 0;

	/* Whoever finds nothing there waits for us: we have it. */
	mutex_lock(&pool->collect);
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
	fz_store_count(store);
	spin_unlock(&pool->lock);
	mutex_unlock(&pool->collect);
	fz_store_offer(store);
	/* Who has looked at used folios before shall look again. */
	if (nr)
		fz_pool_settle(pool, 0);
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
	struct fz_store *store;
	u64 nr = 0;

	fz_for_each_store(pool, store)
		nr += zeroer_collect_held(pool, store);
	return nr;
}

/* Clear a few used pages; how many base pages, 0 when there are none. */
static u64 zeroer_clear_some(struct fz_pool *pool, struct fz_store *store)
{
	u64 most = store->size == FZ_HUGE ? 1 : FZ_CLEAR_BATCH;
	struct list_head *last = &store->used;
	u64 begin = ktime_get_ns();
	struct folio *folio, *next;
	struct fz_clear clear;
	LIST_HEAD(batch);
	u64 nr = 0, bad = 0;

	spin_lock(&pool->lock);
	while (nr < most && !list_is_last(last, &store->used)) {
		last = last->next;
		nr++;
	}
	list_cut_position(&batch, &store->used, last);
	pool->in_hand += nr;
	spin_unlock(&pool->lock);
	if (!nr)
		return 0;

	fz_clear_begin(&clear);
	list_for_each_entry_safe(folio, next, &batch, lru)
		if (unlikely(!fz_folio_zero(folio, &clear))) {
			list_del(&folio->lru);
			fz_pool_forget(pool, folio);
			bad++;
		}
	fz_clear_end(&clear);

	spin_lock(&pool->lock);
	list_splice_tail(&batch, &store->ready);
	store->nr_ready += nr - bad;
	store->nr_used -= nr;
	fz_demand_give(&store->demand, fz_pool_now(), nr - bad);
	pool->zeroed += (nr - bad) * fz_size_pages(store->size);
	pool->zeroer_ns += ktime_get_ns() - begin;
	spin_unlock(&pool->lock);
	fz_pool_settle(pool, nr - bad);
	return nr * fz_size_pages(store->size);
}

static bool zeroer_has_held(struct fz_pool *pool)
{
	const struct fz_store *store;

	fz_for_each_store(pool, store)
		if (READ_ONCE(store->nr_held))
			return true;
	return false;
}

/* ns until something may be cleared or allocated; more is done if so. */
static u64 zeroer_step(struct fz_pool *pool, bool *more)
{
	u64 per_second = fz_limit_rate();
	u64 wait = fz_rate_wait(&pool->rate, ktime_get_ns(), per_second);
	struct fz_store *store;
	u64 done = 0;

	*more = false;
	fz_for_each_store(pool, store) {
		/* What is to go is not cleared, nor does it wait for its turn. */
		if (fz_learn_trim(pool, store))
			*more = true;
		else if (!wait)
			done += zeroer_clear_some(pool, store) +
				fz_learn_grow(pool, store);
	}
	fz_rate_spend(&pool->rate, ktime_get_ns(), per_second, done);
	*more |= done;
	return wait;
}

static void zeroer_work(struct work_struct *work)
{
	struct fz_pool *pool = container_of(to_delayed_work(work),
					    struct fz_pool, zeroer);
	int rounds = ZEROER_ROUNDS;
	int nice = task_nice(current);
	bool more;
	u64 wait;

	/* The thread is the queue's, and goes back as it came. */
	set_user_nice(current, ZEROER_NICE);
	fz_zeroer_collect(pool);
	fz_learn_look(pool);
	do {
		wait = zeroer_step(pool, &more);
		wake_up_all(&pool->progress);
		cond_resched();
	} while (more && --rounds && !READ_ONCE(pool->ending));
	set_user_nice(current, nice);

	if (more)
		queue_delayed_work(fz_wq, &pool->zeroer, 0);
	else if (wait)
		/* And look at what is held, and whether the bound is another now. */
		queue_delayed_work(fz_wq, &pool->zeroer,
				   min(nsecs_to_jiffies(wait) + 1,
				       msecs_to_jiffies(ZEROER_HELD_MS)));
	else if (zeroer_has_held(pool))
		queue_delayed_work(fz_wq, &pool->zeroer,
				   msecs_to_jiffies(ZEROER_HELD_MS));
	else if (fz_learn_has_surplus(pool))
		queue_delayed_work(fz_wq, &pool->zeroer,
				   msecs_to_jiffies(ZEROER_SURPLUS_MS));
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

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whose folios are where: what a context owns, and what threads have in hand
 * (fz_pool.in_hand), for which others may wait.
 */
#include <linux/sched/signal.h>
#include <linux/wait.h>

#include "context.h"

/* Pages of all contexts, for the leak check at unload. */
static atomic_long_t count_pages_in_use;

/**
 * fz_pool_pages_in_use() - how many pages the module has from the system
 *
 * Return: pages of all contexts together.
 */
long fz_pool_pages_in_use(void)
{
	return atomic_long_read(&count_pages_in_use);
}

/**
 * fz_pool_count() - pages of the module that are in no pool come or go
 * @nr: how many more
 */
void fz_pool_count(long nr)
{
	atomic_long_add(nr, &count_pages_in_use);
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
		atomic_long_add(nr, &count_pages_in_use);
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
	atomic_long_sub(nr, &count_pages_in_use);
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
	/* A thread that sees the turn sees what was done before. */
	smp_store_release(&pool->turns, pool->turns + 1);
	/* A thread that comes to wait later sees the turn: it looks under the lock. */
	wake = waitqueue_active(&pool->progress);
	spin_unlock(&pool->lock);
	if (wake)
		wake_up_all(&pool->progress);
}

static bool count_has_turned(struct fz_pool *pool, u64 seen)
{
	bool turned;

	spin_lock(&pool->lock);
	turned = pool->turns != seen;
	spin_unlock(&pool->lock);
	return turned;
}

/**
 * fz_pool_wait() - nothing could be had: wait if that may change
 * @pool: the pool
 * @seen: fz_pool_seen() before it was tried
 *
 * Folios that other threads had in hand are available by now, or will be in a
 * moment.  The caller has none in hand.  It may hold mmap_lock: threads with folios
 * in hand must not wait for that.
 *
 * Return: -EAGAIN to try again, -EINTR, 0 if there is nothing to wait for.
 */
int fz_pool_wait(struct fz_pool *pool, u64 seen)
{
	bool in_hand, turned;

	spin_lock(&pool->lock);
	turned = pool->turns != seen;
	in_hand = pool->in_hand;
	spin_unlock(&pool->lock);

	if (turned)
		return fatal_signal_pending(current) ? -EINTR : -EAGAIN;
	if (!in_hand)
		return 0;
	return wait_event_killable(pool->progress, count_has_turned(pool, seen)) ?
		       -EINTR : -EAGAIN;
}

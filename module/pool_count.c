// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two counts of a pool: the pages that its context owns, and the folios that threads have
 * in hand, for which others may wait.
 */
#include <linux/sched/signal.h>
#include <linux/wait.h>

#include "context.h"

/* Pages of all contexts, for the leak check at unload. */
static atomic_long_t count_pages_in_use;

/**
 * fz_pool_pages_in_use() - how many pages all contexts have
 *
 * Return: base pages, pages of zeros included.
 */
long fz_pool_pages_in_use(void)
{
	return atomic_long_read(&count_pages_in_use);
}

/**
 * fz_pool_count() - count pages of zeros, which no context owns
 * @nr: how many more
 */
void fz_pool_count(long nr)
{
	atomic_long_add(nr, &count_pages_in_use);
}

/**
 * fz_pool_own() - count a folio as owned and in hand before it is allocated
 * @pool: the pool
 * @nr: base pages in it
 *
 * Return: false if it would exceed the context's limit.
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
 * fz_pool_disown() - count pages that the context does not own any more
 * @pool: the pool
 * @nr: base pages
 */
void fz_pool_disown(struct fz_pool *pool, u64 nr)
{
	atomic_long_sub(nr, &pool->owned);
	atomic_long_sub(nr, &count_pages_in_use);
}

/**
 * fz_pool_lift() - count folios as in hand before they leave their scratch
 * @pool: the pool
 * @nr: number of folios
 */
void fz_pool_lift(struct fz_pool *pool, u64 nr)
{
	spin_lock(&pool->lock);
	pool->in_hand += nr;
	spin_unlock(&pool->lock);
}

/**
 * fz_pool_settle() - count folios as no longer in hand: on a list, in a scratch, or freed
 * @pool: the pool
 * @nr: number of folios
 */
void fz_pool_settle(struct fz_pool *pool, u64 nr)
{
	bool wake;

	spin_lock(&pool->lock);
	pool->in_hand -= nr;
	/* A thread that sees the new value sees the folios in their place. */
	smp_store_release(&pool->turns, pool->turns + 1);
	/* A thread that is not on the wait queue yet will see the new value under the lock. */
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
 * fz_pool_wait() - after a failed attempt, wait for folios that are in hand
 * @pool: the pool
 * @seen: fz_pool_seen() before the attempt
 *
 * Other threads will soon put back or free the folios that they have in hand.  The
 * caller must have none in hand.  It may hold mmap_lock, since threads with folios in
 * hand do not wait for that.
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

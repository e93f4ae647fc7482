// SPDX-License-Identifier: GPL-2.0-only
/*
 * How many pages a pool keeps ready.
 */
#include <linux/mm.h>
#include <linux/sched/signal.h>

#include "context.h"

/*
 * How often to try again when other threads had folios in hand.  They might take them
 * again and again, so there is a limit.
 */
#define RESIZE_TRIES	100
/* Base pages of a batch. */
#define RESIZE_BATCH	32

/* Folios of a batch, which is allocated or freed before the lock is taken again. */
static u64 resize_batch(const struct fz_store *store)
{
	return store->size == FZ_HUGE ? 1 : RESIZE_BATCH;
}

/* Allocate a batch of up to @nr folios, and make them ready; *@done: how many. */
static int resize_add_some(struct fz_pool *pool, struct fz_store *store, u64 nr,
			   u64 *done)
{
	const struct fz_place place = { .node = store->node };
	struct folio *folio;
	LIST_HEAD(fresh);
	int err = 0;
	u64 i;

	nr = min(nr, resize_batch(store));
	for (i = 0; i < nr; i++) {
		folio = fz_pool_alloc(pool, &place, store->size,
				      FZ_GFP_LIGHT | __GFP_THISNODE);
		if (IS_ERR(folio)) {
			err = -ENOMEM;
			break;
		}
		list_add(&folio->lru, &fresh);
	}
	*done = i;
	if (!i)
		return err;
	spin_lock(&pool->lock);
	list_splice(&fresh, &store->ready);
	store->nr_ready += i;
	fz_demand_give(&store->demand, fz_pool_now(), i);
	fz_store_count(store);
	spin_unlock(&pool->lock);
	fz_store_offer(store);
	fz_pool_settle(pool, i);
	return err;
}

/*
 * Allocate @missing folios.  Each batch goes into the pool at once, where reclaim may
 * take it.  Replace folios that reclaim took, but fail when it has taken more than
 * @missing: else this might never end.  *@added: how many were allocated.
 */
static int resize_add(struct fz_pool *pool, struct fz_store *store, u64 missing,
		      u64 *added)
{
	u64 shrunk = READ_ONCE(pool->shrunk);
	u64 taken = 0;
	int err = 0;
	u64 done;

	*added = 0;
	/* Do not reclaim for a target that cannot be reached. */
	if (missing > (u64)si_mem_available() / fz_size_pages(store->size))
		return -ENOMEM;
	while (!err && *added < missing + taken) {
		if (fatal_signal_pending(current))
			return -EINTR;
		err = resize_add_some(pool, store, missing + taken - *added,
				      &done);
		*added += done;
		taken = (READ_ONCE(pool->shrunk) - shrunk) /
			fz_size_pages(store->size);
		if (taken > missing)
			err = -ENOMEM;
		cond_resched();
	}
	return err;
}

/* Free added folios that are still in the store, which had @have folios before. */
static void resize_undo(struct fz_pool *pool, struct fz_store *store, u64 have,
			u64 added)
{
	u64 nr;

	do {
		LIST_HEAD(undone);

		nr = 0;
		spin_lock(&pool->lock);
		while (nr < min(added, resize_batch(store)) && store->nr_ready &&
		       store->nr_ready + store->nr_used > have) {
			list_move(store->ready.next, &undone);
			store->nr_ready--;
			nr++;
		}
		fz_store_count(store);
		pool->in_hand += nr;
		spin_unlock(&pool->lock);
		if (nr)
			fz_pool_settle(pool, fz_pool_free(pool, &undone));
		added -= nr;
	} while (nr);
}

/*
 * Try once to set the target, and to get the folios for it.  Sets *@in_hand to the folios
 * that other threads had in hand, and that may be in the pool at the next try.
 */
static int resize_try(struct fz_pool *pool, struct fz_store *store, u64 target,
		      u64 *in_hand)
{
	u64 have, old, added;
	int err;

	lockdep_assert_held(&pool->resize);

	/* Raise the target first, so that the zeroer frees none of the folios counted here. */
	spin_lock(&pool->lock);
	old = store->target;
	store->target = max(old, target);
	have = store->nr_ready + store->nr_used;
	*in_hand = pool->in_hand;
	spin_unlock(&pool->lock);

	err = resize_add(pool, store, target > have ? target - have : 0, &added);

	spin_lock(&pool->lock);
	store->target = err ? old : target;
	/* The caller's target replaces the learned demand. */
	if (!err)
		fz_demand_forget(&store->demand);
	spin_unlock(&pool->lock);
	if (err)
		resize_undo(pool, store, have, added);
	return err;
}

static bool resize_settled(struct fz_pool *pool, const struct fz_store *store,
			   u64 target)
{
	bool settled;

	spin_lock(&pool->lock);
	settled = store->nr_ready >= target || !store->nr_used;
	spin_unlock(&pool->lock);
	return settled;
}

/* Clear used folios in the caller's thread: the zeroer has low weight, and may be late. */
static int resize_wait(struct fz_pool *pool, const struct fz_store *store, u64 target)
{
	u64 cpu = fz_worker_cpu();
	int err = 0;

	while (!err && !resize_settled(pool, store, target)) {
		if (!fz_zeroer_clear(pool))
			err = wait_event_killable(pool->progress,
					resize_settled(pool, store, target) ||
					fz_zeroer_has_work(pool));
		if (fatal_signal_pending(current))
			err = -EINTR;
		cond_resched();
	}
	fz_worker_charge(pool, &cpu);
	return err ? -EINTR : 0;
}

/**
 * fz_pool_resize() - set the target and allocate what is missing
 * @pool: the pool
 * @store: the store
 * @target: how many folios to keep ready
 * @wait: clear used folios, and wait for those that other threads clear
 *
 * The pool forgets what it has learned of the store.
 *
 * Return: 0; -EINVAL beyond the limit; -ENOMEM; -EINTR.  An error leaves the old target
 * and folios, except those that reclaim took, and surplus of the other size, which may be
 * freed.  -EINTR in the wait leaves the new target.
 */
int fz_pool_resize(struct fz_pool *pool, struct fz_store *store, u64 target,
		   bool wait)
{
	const enum fz_size other = store->size == FZ_BASE ? FZ_HUGE : FZ_BASE;
	u64 limit = fz_limit_pages();
	int tries = 0;
	u64 in_hand;
	int err;

	if (limit && target > limit / fz_size_pages(store->size))
		return -EINVAL;

	if (mutex_lock_killable(&pool->resize))
		return -EINTR;
	do {
		err = resize_try(pool, store, target, &in_hand);
		if (err != -ENOMEM || ++tries == RESIZE_TRIES)
			break;
		if (fz_learn_release(pool, other))
			err = -EAGAIN;
		else if (in_hand)
			err = fz_pool_wait(pool, fz_pool_seen(pool)) ?: -EAGAIN;
	} while (err == -EAGAIN);
	fz_queue_kick(pool);
	mutex_unlock(&pool->resize);

	return err || !wait ? err : resize_wait(pool, store, target);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * How many pages a pool keeps ready.
 */
#include <linux/mm.h>
#include <linux/sched/signal.h>

#include "context.h"

/*
 * How often to try again when others had pages in hand: not for ever, for they
 * may take them again and again.
 */
#define RESIZE_TRIES	100

/* Allocate @nr folios onto @folios, in hand: all or none. */
static int resize_alloc(struct fz_pool *pool, const struct fz_store *store,
			u64 nr, struct list_head *folios)
{
	const struct fz_place place = { .node = store->node };
	struct folio *folio;
	int err = 0;
	u64 i;

	/* Do not drive the host out of memory only to find that it was. */
	if (nr > (u64)si_mem_available() / fz_size_pages(store->size))
		return -ENOMEM;

	for (i = 0; i < nr && !err; i++) {
		folio = fz_pool_alloc(pool, &place, store->size,
				      FZ_GFP_TELL | __GFP_THISNODE);
		if (IS_ERR(folio))
			err = -ENOMEM;
		else
			list_add(&folio->lru, folios);
		if (!err && fatal_signal_pending(current))
			err = -EINTR;
		cond_resched();
	}
	if (err)
		fz_pool_settle(pool, fz_pool_free(pool, folios));
	return err;
}

/*
 * One try to set the target and to have what it asks for; *@in_hand: pages that
 * it could not count on, and that may be there the next time.
 */
static int resize_try(struct fz_pool *pool, struct fz_store *store, u64 target,
		      u64 *in_hand)
{
	LIST_HEAD(fresh);
	u64 have, old;
	u64 nr = 0;
	int err = 0;

	lockdep_assert_held(&pool->resize);

	/* Raised first, so that the zeroer gives back nothing that we count. */
	spin_lock(&pool->lock);
	old = store->target;
	store->target = max(old, target);
	have = store->nr_ready + store->nr_used;
	*in_hand = pool->in_hand;
	spin_unlock(&pool->lock);

	if (target > have) {
		nr = target - have;
		err = resize_alloc(pool, store, nr, &fresh);
	}

	spin_lock(&pool->lock);
	store->target = err ? old : target;
	if (!err) {
		list_splice(&fresh, &store->ready);
		store->nr_ready += nr;
		/* Whoever says how many he wants is not told better. */
		fz_demand_give(&store->demand, fz_pool_now(), nr);
		fz_demand_forget(&store->demand);
		fz_store_count(store);
	}
	spin_unlock(&pool->lock);
	fz_store_offer(store);
	if (!err && nr)
		fz_pool_settle(pool, nr);
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

/**
 * fz_pool_resize() - set the target and allocate what is missing
 * @pool: the pool
 * @store: of which folios
 * @target: how many are to be kept ready
 * @wait: wait until the zeroer has made them so
 *
 * What was learned is forgotten, and begins anew.
 *
 * Return: 0; -EINVAL beyond the limit; -ENOMEM or -EINTR with nothing changed,
 * but that an -EINTR in the wait leaves the new target.
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
	fz_zeroer_kick(pool);
	mutex_unlock(&pool->resize);

	if (!err && wait &&
	    wait_event_killable(pool->progress,
				resize_settled(pool, store, target)))
		err = -EINTR;
	return err;
}

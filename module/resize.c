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
static int resize_alloc(struct fz_pool *pool, enum fz_size size, u64 nr,
			struct list_head *folios)
{
	struct folio *folio;
	int err = 0;
	u64 i;

	/* Do not drive the host out of memory only to find that it was. */
	if (nr > (u64)si_mem_available() / fz_size_pages(size))
		return -ENOMEM;

	for (i = 0; i < nr && !err; i++) {
		folio = fz_pool_alloc(pool, size, FZ_GFP_TELL);
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
static int resize_try(struct fz_pool *pool, enum fz_size size, u64 target,
		      u64 *in_hand)
{
	struct fz_store *store = &pool->store[size];
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
		err = resize_alloc(pool, size, nr, &fresh);
	}

	spin_lock(&pool->lock);
	store->target = err ? old : target;
	if (!err) {
		list_splice(&fresh, &store->ready);
		store->nr_ready += nr;
	}
	spin_unlock(&pool->lock);
	if (!err && nr)
		fz_pool_settle(pool, nr);
	return err;
}

static bool resize_settled(struct fz_pool *pool, enum fz_size size, u64 target)
{
	struct fz_store *store = &pool->store[size];
	bool settled;

	spin_lock(&pool->lock);
	settled = store->nr_ready >= target || !store->nr_used;
	spin_unlock(&pool->lock);
	return settled;
}

/**
 * fz_pool_resize() - set the target and allocate what is missing
 * @pool: the pool
 * @size: of which folios
 * @target: how many are to be kept ready
 * @wait: wait until the zeroer has made them so
 *
 * Return: 0; -EINVAL beyond the limit; -ENOMEM or -EINTR with nothing changed,
 * but that an -EINTR in the wait leaves the new target.
 */
int fz_pool_resize(struct fz_pool *pool, enum fz_size size, u64 target,
		   bool wait)
{
	u64 limit = fz_limit_pages();
	int tries = 0;
	u64 in_hand;
	int err;

	if (limit && target > limit / fz_size_pages(size))
		return -EINVAL;

	if (mutex_lock_killable(&pool->resize))
		return -EINTR;
	do {
		err = resize_try(pool, size, target, &in_hand);
		if (err == -ENOMEM && in_hand && ++tries < RESIZE_TRIES)
			err = fz_pool_wait(pool, fz_pool_seen(pool)) ?: -EAGAIN;
	} while (err == -EAGAIN);
	fz_zeroer_kick(pool);
	mutex_unlock(&pool->resize);

	if (!err && wait &&
	    wait_event_killable(pool->progress,
				resize_settled(pool, size, target)))
		err = -EINTR;
	return err;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The zeroer's work for one pool.  It clears used folios, allocates up to the target,
 * frees surplus, and collects held folios that were released.  The queues are in
 * zeroer_queue.c, and the threads in zeroer_worker.c.
 */
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/sched.h>

#include "clear.h"
#include "compat/compat.h"
#include "context.h"

/* After this many looks that found no held folio released, look every second. */
#define ZEROER_SOON	10
/* One look frees this many batches of surplus of each store at most. */
#define ZEROER_TRIMS	16

/* Move held folios that were released to the used ones.  Returns how many. */
static u64 zeroer_collect_held(struct fz_pool *pool, struct fz_store *store)
{
	struct folio *folio, *next;
	LIST_HEAD(held);
	LIST_HEAD(free);
	u64 nr = 0;

	/* The list is empty meanwhile: a thread that wants its folios waits for the mutex. */
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
	/* Threads that found no used folio before have to look again. */
	if (nr)
		fz_pool_settle(pool, 0);
	return nr;
}

/**
 * fz_zeroer_collect() - collect held folios that were released
 * @pool: the pool
 *
 * Return: whether there were any.
 */
bool fz_zeroer_collect(struct fz_pool *pool)
{
	struct fz_store *store;
	u64 nr = 0;

	fz_for_each_store(pool, store)
		nr += zeroer_collect_held(pool, store);
	return nr;
}

/* Clear a batch of used folios.  Returns how much work that was, 0 if there are none. */
static u64 zeroer_clear_some(struct fz_pool *pool, struct fz_store *store)
{
	u64 most = store->size == FZ_HUGE ? 1 : FZ_CLEAR_BATCH;
	struct list_head *last = &store->used;
	struct folio *folio, *next;
	struct fz_clear clear = { };
	LIST_HEAD(batch);
	u64 nr = 0, bad = 0;

	spin_lock(&pool->lock);
	most = min(most, fz_learn_lack(pool, store));
	while (nr < most && !list_is_last(last, &store->used)) {
		last = last->next;
		nr++;
	}
	list_cut_position(&batch, &store->used, last);
	pool->in_hand += nr;
	spin_unlock(&pool->lock);
	if (!nr)
		return 0;

	list_for_each_entry_safe(folio, next, &batch, lru)
		if (unlikely(!fz_folio_zero(folio, &clear))) {
			list_del(&folio->lru);
			fz_pool_forget(pool, folio);
			bad++;
		} else if (store->size == FZ_HUGE) {
			/* The batch has one huge folio, so @clear is about that one. */
			fz_density_note(pool, folio, clear.stores);
		}
	fz_clear_end();

	spin_lock(&pool->lock);
	list_splice_tail(&batch, &store->ready);
	store->nr_ready += nr - bad;
	store->nr_used -= nr;
	fz_demand_give(&store->demand, fz_pool_now(), nr - bad);
	pool->zeroed += (nr - bad) * fz_size_pages(store->size);
	spin_unlock(&pool->lock);
	fz_pool_settle(pool, nr - bad);
	/* Count a failed folio as work: 0 would say that no folio is left. */
	return fz_clear_work(&clear) + bad;
}

static u64 zeroer_count_held(struct fz_pool *pool)
{
	const struct fz_store *store;
	u64 nr = 0;

	fz_for_each_store(pool, store)
		nr += READ_ONCE(store->nr_held);
	return nr;
}

/* Look at held folios, less often if they stay held for long.  Returns when to look again. */
static enum fz_look zeroer_look_held(struct fz_pool *pool)
{
	u64 nr = zeroer_count_held(pool);
	bool due = time_after_eq(jiffies, pool->held_at);
	enum fz_look again;

	if (nr > pool->held_seen) {
		pool->held_quiet = 0;
		due = true;
	}
	pool->held_seen = nr;
	if (!nr)
		return FZ_LOOK_NEVER;

	if (due) {
		if (fz_zeroer_collect(pool))
			pool->held_quiet = 0;
		else if (pool->held_quiet < ZEROER_SOON)
			pool->held_quiet++;
		pool->held_seen = zeroer_count_held(pool);
	}
	again = pool->held_quiet < ZEROER_SOON ? FZ_LOOK_SOON : FZ_LOOK_LATER;
	if (due)
		pool->held_at = jiffies + fz_look_pause(again);
	return again;
}

/**
 * fz_zeroer_look() - do all work but clearing and allocating: collect held folios, and
 * free surplus
 * @pool: the pool; no other thread calls this for it meanwhile
 *
 * Return: when to look again.
 */
enum fz_look fz_zeroer_look(struct fz_pool *pool)
{
	enum fz_look again = max(zeroer_look_held(pool), fz_learn_refill(pool));
	int rounds = ZEROER_TRIMS;
	struct fz_store *store;
	bool more;

	fz_learn_look(pool);
	do {
		more = false;
		fz_for_each_store(pool, store)
			more |= fz_learn_trim(pool, store);
	} while (more && --rounds);

	if (more)
		return FZ_LOOK_NOW;
	if (again == FZ_LOOK_NEVER && fz_learn_has_surplus(pool))
		return FZ_LOOK_LATER;
	return again;
}

/**
 * fz_zeroer_has_work() - whether there is something for fz_zeroer_clear()
 * @pool: the pool
 *
 * Return: true if so.  Folios that other threads are clearing just now do not count.
 */
bool fz_zeroer_has_work(struct fz_pool *pool)
{
	struct fz_store *store;
	bool has = false;

	spin_lock(&pool->lock);
	fz_for_each_store(pool, store)
		has |= (!list_empty(&store->used) && fz_learn_lack(pool, store)) ||
		       fz_learn_is_short(pool, store);
	spin_unlock(&pool->lock);
	return has;
}

/**
 * fz_zeroer_clear() - clear and allocate a batch of folios of each store
 * @pool: the pool
 *
 * Return: how much work that was, in clears of a base page; 0 if there is none.
 */
u64 fz_zeroer_clear(struct fz_pool *pool)
{
	struct fz_store *store;
	u64 done = 0;

	fz_for_each_store(pool, store)
		done += zeroer_clear_some(pool, store) +
			fz_learn_grow(pool, store);
	return done;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The shrinker: when the system is short of memory it gets what is ready in the
 * pools of all contexts.
 */
#include <linux/mm.h>
#include <linux/shrinker.h>

#include "compat/compat.h"
#include "context.h"

/*
 * All pools.  The lock is a mutex since pages are freed under it, which keeps the
 * pool there; nothing is allocated under it, and reclaim only tries it.
 */
static DEFINE_MUTEX(shrink_lock);	/* protects shrink_pools */
static LIST_HEAD(shrink_pools);
static struct shrinker *shrink_shrinker;

/**
 * fz_shrink_add() - the shrinker may take from a pool from now on
 * @pool: the pool
 */
void fz_shrink_add(struct fz_pool *pool)
{
	mutex_lock(&shrink_lock);
	list_add_tail(&pool->shrink, &shrink_pools);
	mutex_unlock(&shrink_lock);
}

/**
 * fz_shrink_remove() - it may not any more, and does not
 * @pool: the pool
 */
void fz_shrink_remove(struct fz_pool *pool)
{
	mutex_lock(&shrink_lock);
	list_del(&pool->shrink);
	mutex_unlock(&shrink_lock);
}

static unsigned long shrink_count(struct shrinker *shrinker,
				  struct shrink_control *sc)
{
	const struct fz_store *store;
	struct fz_pool *pool;
	unsigned long nr = 0;

	if (!mutex_trylock(&shrink_lock))
		return 0;
	list_for_each_entry(pool, &shrink_pools, shrink)
		fz_for_each_store(pool, store)
			nr += READ_ONCE(store->nr_ready) *
			      fz_size_pages(store->size);
	mutex_unlock(&shrink_lock);
	return nr;
}

/*
 * Give back some of a store, until it is @nr base pages: only what is ready, which
 * is zero; clearing is no work for who is short of memory.  How many these were.
 */
static u64 shrink_store(struct fz_pool *pool, struct fz_store *store, u64 nr,
			bool surplus)
{
	u64 pages = fz_size_pages(store->size);
	LIST_HEAD(folios);
	u64 nr_folios = 0;

	lockdep_assert_held(&shrink_lock);

	spin_lock(&pool->lock);
	while (nr_folios * pages < nr &&
	       store->nr_ready > (surplus ? store->target : 0)) {
		list_move(store->ready.next, &folios);
		store->nr_ready--;
		nr_folios++;
	}
	if (nr_folios) {
		pool->in_hand += nr_folios;
		pool->shrunk += nr_folios * pages;
		fz_learn_calm(pool);
	}
	spin_unlock(&pool->lock);
	if (nr_folios)
		fz_pool_settle(pool, fz_pool_free(pool, &folios));
	return nr_folios * pages;
}

/* Surplus of all pools first, then what their users asked to be kept. */
static unsigned long shrink_scan(struct shrinker *shrinker,
				 struct shrink_control *sc)
{
	struct fz_store *store;
	unsigned long nr = 0;
	struct fz_pool *pool;
	int round;

	if (!mutex_trylock(&shrink_lock))
		return SHRINK_STOP;
	for (round = 0; round < 2; round++)
		list_for_each_entry(pool, &shrink_pools, shrink)
			fz_for_each_store(pool, store)
				if (nr < sc->nr_to_scan)
					nr += shrink_store(pool, store,
							   sc->nr_to_scan - nr,
							   !round);
	/* The next scan begins with another pool. */
	list_rotate_left(&shrink_pools);
	mutex_unlock(&shrink_lock);

	sc->nr_scanned = nr;
	return nr ?: SHRINK_STOP;
}

/**
 * fz_shrink_init() - offer the system what pools have
 *
 * Return: 0 or -ENOMEM.
 */
int fz_shrink_init(void)
{
	shrink_shrinker = fz_shrinker_register(shrink_count, shrink_scan);
	return shrink_shrinker ? 0 : -ENOMEM;
}

/**
 * fz_shrink_exit() - offer it no more; waits for what runs
 */
void fz_shrink_exit(void)
{
	fz_shrinker_unregister(shrink_shrinker);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The pool: where pages come from and where they go.
 *
 * Pages are recycled inside their context.  To the system they go as they are: the
 * page allocator clears for whoever needs zeros.
 */
#include <linux/cpuset.h>
#include <linux/mm.h>

#include "clear.h"
#include "compat/compat.h"
#include "context.h"
#include "quarantine.h"

/* The node of the caller's memory: not of its processor, if it may not have that. */
static int pool_find_home(void)
{
	int node = numa_mem_id();

	return node_isset(node, cpuset_current_mems_allowed) ?
	       node : first_node(cpuset_current_mems_allowed);
}

/**
 * fz_pool_init() - an empty pool, charged to the caller's memory cgroup
 * @pool: the pool
 *
 * Return: 0 or -ENOMEM.
 */
int fz_pool_init(struct fz_pool *pool)
{
	struct fz_store *store;
	int err;

	pool->nr_stores = nr_node_ids * FZ_SIZES;
	pool->stores = kvcalloc(pool->nr_stores, sizeof(*pool->stores),
				FZ_GFP_KERNEL);
	if (!pool->stores)
		return -ENOMEM;
	fz_for_each_store(pool, store) {
		store->node = (store - pool->stores) / FZ_SIZES;
		store->size = (store - pool->stores) % FZ_SIZES;
		INIT_LIST_HEAD(&store->ready);
		INIT_LIST_HEAD(&store->used);
		INIT_LIST_HEAD(&store->held);
		store->slack = store->size == FZ_BASE ? FZ_STORE_SLACK : 0;
	}
	pool->home = pool_find_home();
	mutex_init(&pool->resize);
	mutex_init(&pool->collect);
	spin_lock_init(&pool->lock);
	init_waitqueue_head(&pool->progress);
	pool->memcg = fz_memcg_get_current();
	err = fz_queue_add(pool);
	if (err)
		goto err_put;
	err = fz_shrink_add(pool);
	if (err)
		goto err_stop;
	return 0;

err_stop:
	fz_queue_stop(pool);
err_put:
	fz_memcg_put(pool->memcg);
	mutex_destroy(&pool->collect);
	mutex_destroy(&pool->resize);
	kvfree(pool->stores);
	return err;
}

/**
 * fz_pool_put_back() - return folios that were taken and not used
 * @pool: the pool
 * @folios: zeroed folios of one store, in hand until now, linked by lru; emptied
 */
void fz_pool_put_back(struct fz_pool *pool, struct list_head *folios)
{
	struct folio *folio = list_first_entry(folios, struct folio, lru);
	struct fz_store *store = fz_pool_store_of(pool, folio);
	struct list_head *at;
	u64 nr = 0;

	list_for_each(at, folios)
		nr++;
	spin_lock(&pool->lock);
	list_splice_init(folios, &store->ready);
	store->nr_ready += nr;
	fz_demand_give(&store->demand, fz_pool_now(), nr);
	fz_store_count(store);
	spin_unlock(&pool->lock);
	fz_store_offer(store);
	fz_pool_settle(pool, nr);
}

/* One that somebody else refers to, first on its list, waits for that. */
static u64 pool_retire_held(struct fz_pool *pool, struct folio *folio)
{
	struct fz_store *store = fz_pool_store_of(pool, folio);

	/* Its holder may just be marking it dirty, locked. */
	folio_lock(folio);
	fz_folio_detach(folio);
	folio_unlock(folio);
	spin_lock(&pool->lock);
	list_move_tail(&folio->lru, &store->held);
	store->nr_held++;
	spin_unlock(&pool->lock);
	return folio_nr_pages(folio);
}

/*
 * Those of one store that are first on the list and ours alone; how many.
 * Folios that no run is expected to want go to the system, which clears them if need be:
 * at once with @now, else in the background.
 */
static u64 pool_retire_used(struct fz_pool *pool, struct list_head *folios, bool now)
{
	struct folio *folio = list_first_entry(folios, struct folio, lru);
	struct fz_store *store = fz_pool_store_of(pool, folio);
	u64 room = now || READ_ONCE(pool->ending) ? fz_learn_room(pool, store) :
						    U64_MAX;
	struct list_head *kept = folios;
	struct list_head *last = folios;
	LIST_HEAD(surplus);
	LIST_HEAD(used);
	u64 nr = 0;

	list_for_each_entry(folio, folios, lru) {
		if (folio_ref_count(folio) != 1 ||
		    fz_pool_store_of(pool, folio) != store)
			break;
		fz_folio_detach(folio);
		last = &folio->lru;
		if (++nr <= room)
			kept = last;
	}
	if (!nr)
		return 0;
	room = min(room, nr);
	list_cut_position(&used, folios, kept);
	if (room < nr)
		list_cut_position(&surplus, folios, last);
	spin_lock(&pool->lock);
	list_splice_tail(&used, &store->used);
	store->nr_used += room;
	if (room < nr)
		fz_demand_give(&store->demand, fz_pool_now(), nr - room);
	fz_store_count(store);
	spin_unlock(&pool->lock);
	if (room)
		fz_store_offer(store);
	if (room < nr)
		fz_pool_free(pool, &surplus);
	return nr;
}

/**
 * fz_pool_retire() - take in folios that left a scratch
 * @pool: the pool
 * @folios: in hand, linked by lru, with the reference that the index had, mapped
 *	nowhere any more and flushed; emptied
 * @now: surplus is to be free when this returns: nobody waits for the caller
 *
 * Only a folio whose last reference is ours may be used again: the count is
 * the one thing that knows of pipes, pins and transfers alike.  The caller
 * kicks the zeroer when it has retired all.
 *
 * Return: how many base pages are held by somebody else.
 */
u64 fz_pool_retire(struct fz_pool *pool, struct list_head *folios, bool now)
{
	u64 nr_all = fz_quarantine_retire(pool, folios);
	u64 held = 0;
	u64 nr;

	while (!list_empty(folios)) {
		nr = pool_retire_used(pool, folios, now);
		if (!nr) {
			held += pool_retire_held(pool,
				list_first_entry(folios, struct folio, lru));
			nr = 1;
		}
		nr_all += nr;
	}
	fz_pool_settle(pool, nr_all);
	return held;
}

/**
 * fz_pool_destroy() - give everything back
 * @pool: the pool of a context without scratches
 *
 * Nothing is cleared first.  A page that others hold is freed when they release it.
 */
void fz_pool_destroy(struct fz_pool *pool)
{
	struct fz_store *store;

	fz_pool_end(pool);
	fz_queue_stop(pool);
	fz_shrink_remove(pool);

	fz_for_each_store(pool, store) {
		fz_pool_free(pool, &store->ready);
		fz_pool_free(pool, &store->used);
		fz_pool_free(pool, &store->held);
	}
	kvfree(pool->stores);
	fz_memcg_put(pool->memcg);
	kfree(pool->density);
	mutex_destroy(&pool->collect);
	mutex_destroy(&pool->resize);
}

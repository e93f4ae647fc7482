// SPDX-License-Identifier: GPL-2.0-only
/*
 * The pool: making and destroying it, and taking in folios that left a scratch.
 *
 * Folios are recycled inside their context.  They go to the system uncleared: the kernel
 * clears them for the next user that needs zeros.
 */
#include <linux/cpuset.h>
#include <linux/mm.h>

#include "clear.h"
#include "compat/compat.h"
#include "context.h"
#include "quarantine.h"

/* The caller's node; if its cpuset excludes that, the first node that the cpuset allows. */
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
 * fz_pool_put_back() - put back folios that were taken, but not used
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

/* Put a held folio on the list of held ones. */
static u64 pool_retire_held(struct fz_pool *pool, struct folio *folio)
{
	struct fz_store *store = fz_pool_store_of(pool, folio);

	/* Its holder may be marking it dirty just now, under the folio lock. */
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
 * Take in the folios at the head of the list, as far as they belong to one store and are
 * not held.  Returns how many.  With @now, or at the end of the context, surplus goes to
 * the system at once.  Otherwise the zeroer frees it.
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
 * @folios: in hand, linked by lru, with the reference that the index had.  They are
 *	unmapped, and TLBs are flushed.  Emptied
 * @now: free surplus before this returns: at the end of a scratch, when no run waits
 *
 * A folio may be used again only if its last reference is the pool's.  The reference
 * count is the only thing that covers pipes, pins and transfers alike.  The caller kicks
 * the zeroer when it has retired all folios.
 *
 * Return: how many base pages are held.
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
 * fz_pool_destroy() - free all folios of a pool, and the pool's own memory
 * @pool: the pool of a context without scratches
 *
 * Clears nothing.  A held folio is freed when its holder releases it.
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

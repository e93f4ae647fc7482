// SPDX-License-Identifier: GPL-2.0-only
/*
 * The shrinker: it takes ready and used folios from pools, when the system or a pool's
 * memory cgroup is short of memory.
 *
 * An offer is the part of a pool on one node.  Offers with folios are listed.  The kernel
 * keeps one list for each cgroup and node.  It moves the entries of a removed cgroup to
 * its parent, and does not call the shrinker for a cgroup without an entry.  An offer that
 * has become empty stays listed until reclaim next looks at it.  So a fault that takes a
 * folio need not unlist it.
 */
#include <linux/mm.h>
#include <linux/shrinker.h>
#include <linux/slab.h>
#include <linux/vmstat.h>

#include "compat/compat.h"
#include "context.h"

/* Offers looked at before the list's lock is released. */
#define SHRINK_LOOK	256

static struct shrinker *shrink_shrinker;
static struct kmem_cache *shrink_cache;
/*
 * Reclaim takes the list's locks.  They nest inside every lock that a thread may hold while
 * it allocates, and fz_pool.lock nests inside them.
 */
static struct list_lru shrink_lru;
/* The end of a pool waits here for scans that are freeing its folios. */
static DECLARE_WAIT_QUEUE_HEAD(shrink_idle);

/*
 * The kernel finds an offer's cgroup and node by the memory that the offer lies in.  Only
 * kmem_cache_alloc_lru() makes the lists of a cgroup, on all nodes.
 */
static bool shrink_make_lists(void)
{
	void *any = kmem_cache_alloc_lru(shrink_cache, &shrink_lru,
					 FZ_GFP_KERNEL);

	if (any)
		kmem_cache_free(shrink_cache, any);
	return any;
}

static struct fz_offer *shrink_alloc(int node)
{
	/* A node without memory may get memory later. */
	if (!node_state(node, N_MEMORY))
		node = NUMA_NO_NODE;
	return kmem_cache_alloc_node(shrink_cache, FZ_GFP_KERNEL | __GFP_ZERO,
				     node);
}

static void shrink_free_offers(struct fz_pool *pool)
{
	int node;

	for (node = 0; node < nr_node_ids; node++)
		if (fz_pool_store(pool, node, 0)->offer)
			kmem_cache_free(shrink_cache,
					fz_pool_store(pool, node, 0)->offer);
}

/**
 * fz_shrink_add() - the shrinker may take from a pool from now on
 * @pool: the pool, with its stores and @memcg
 *
 * Return: 0 or -ENOMEM.
 */
int fz_shrink_add(struct fz_pool *pool)
{
	struct mem_cgroup *old = set_active_memcg(pool->memcg);
	bool made = shrink_make_lists();
	struct fz_offer *offer;
	enum fz_size size;
	int node;

	for (node = 0; node < nr_node_ids && made; node++) {
		offer = shrink_alloc(node);
		made = offer;
		if (!made)
			break;
		INIT_LIST_HEAD(&offer->link);
		offer->pool = pool;
		offer->stores = fz_pool_store(pool, node, 0);
		for (size = 0; size < FZ_SIZES; size++)
			offer->stores[size].offer = offer;
	}
	set_active_memcg(old);
	if (made)
		return 0;
	shrink_free_offers(pool);
	return -ENOMEM;
}

/**
 * fz_shrink_list() - list an offer: one of its stores has folios
 * @offer: the offer
 */
void fz_shrink_list(struct fz_offer *offer)
{
	fz_lru_add(&shrink_lru, &offer->link);
}

/**
 * fz_shrink_count() - count a store's folios as reclaimable in the kernel's statistics
 * @store: the store, its pool's lock held
 *
 * MemAvailable then includes them.  OOM daemons in user space decide by that.
 */
void fz_shrink_count(struct fz_store *store)
{
	u64 have = store->nr_ready + store->nr_used;

	lockdep_assert_held(&store->offer->pool->lock);

	mod_node_page_state(NODE_DATA(store->node), NR_KERNEL_MISC_RECLAIMABLE,
			    (long)(have - store->counted) *
			    (long)fz_size_pages(store->size));
	store->counted = have;
}

static bool shrink_is_idle(struct fz_pool *pool)
{
	bool idle;

	spin_lock(&pool->lock);
	idle = !pool->nr_scans;
	spin_unlock(&pool->lock);
	return idle;
}

/**
 * fz_shrink_remove() - take a pool from the shrinker, and wait for scans of it
 * @pool: a pool that gets no more folios
 */
void fz_shrink_remove(struct fz_pool *pool)
{
	struct fz_store *store;

	fz_for_each_store(pool, store)
		fz_lru_del(&shrink_lru, &store->offer->link);
	wait_event(shrink_idle, shrink_is_idle(pool));
	shrink_free_offers(pool);
	fz_for_each_store(pool, store)
		if (store->counted)
			mod_node_page_state(NODE_DATA(store->node),
					    NR_KERNEL_MISC_RECLAIMABLE,
					    -(long)(store->counted *
						    fz_size_pages(store->size)));
}

/*
 * Count an offer's folios, and unlist it if it is empty: under the pool's lock, so that
 * no folio comes at the same time.
 */
static FZ_LRU_WALK(shrink_look)
{
	struct fz_offer *offer = container_of(item, struct fz_offer, link);
	enum lru_status status = LRU_SKIP;
	u64 *sum = arg;
	u64 pages = 0;
	enum fz_size size;

	spin_lock(&offer->pool->lock);
	for (size = 0; size < FZ_SIZES; size++)
		pages += (offer->stores[size].nr_ready +
			  offer->stores[size].nr_used) * fz_size_pages(size);
	if (!pages) {
		list_lru_isolate(list, item);
		status = LRU_REMOVED;
	}
	spin_unlock(&offer->pool->lock);
	*sum += pages;
	return status;
}

/* Base pages that reclaim could take: an estimate from the first offers of a list. */
static unsigned long shrink_count(struct shrinker *shrinker,
				  struct shrink_control *sc)
{
	unsigned long listed, left, looked;
	u64 sum = 0;

	/* Some kernels call this before fz_shrinker_register() has returned. */
	if (!smp_load_acquire(&shrink_shrinker))
		return 0;
	do {
		listed = list_lru_shrink_count(&shrink_lru, sc);
		left = min_t(unsigned long, listed, SHRINK_LOOK);
		looked = left;
		list_lru_walk_one(&shrink_lru, sc->nid, sc->memcg, shrink_look,
				  &sum, &left);
		looked -= left;
		cond_resched();
	} while (!sum && looked == SHRINK_LOOK);

	if (!sum)
		return SHRINK_EMPTY;
	return mult_frac(sum, listed, looked);
}

/**
 * struct shrink_take - the folios that a scan takes from one pool
 * @left: offers that may still be looked at
 * @want: base pages to take
 * @pool: the pool, which stays while fz_pool.nr_scans counts the scan; NULL if all are
 *	empty
 * @folios: the folios, in hand
 * @nr: number of @folios
 * @pages: base pages of @folios
 */
struct shrink_take {
	unsigned long left;
	u64 want;
	struct fz_pool *pool;
	struct list_head folios;
	u64 nr;
	u64 pages;
};

/* Take folios from a store: used ones first, since they would have to be cleared. */
static void shrink_take_store(struct fz_store *store, struct shrink_take *take)
{
	u64 used = 0;

	while (take->pages < take->want) {
		if (!list_empty(&store->used)) {
			list_move(store->used.next, &take->folios);
			store->nr_used--;
			used++;
		} else if (!list_empty(&store->ready)) {
			list_move(store->ready.next, &take->folios);
			store->nr_ready--;
		} else {
			break;
		}
		take->nr++;
		take->pages += fz_size_pages(store->size);
	}
	/* Used folios came back from runs: count them as if they had become ready. */
	fz_demand_give(&store->demand, fz_pool_now(), used);
	fz_store_count(store);
}

/* Take folios from an offer.  Move it to the list's end, so the next scan takes another. */
static FZ_LRU_WALK(shrink_take_first)
{
	struct fz_offer *offer = container_of(item, struct fz_offer, link);
	struct fz_pool *pool = offer->pool;
	struct shrink_take *take = arg;
	enum fz_size size;

	spin_lock(&pool->lock);
	for (size = 0; size < FZ_SIZES; size++)
		shrink_take_store(&offer->stores[size], take);
	if (take->nr) {
		take->left = 0;
		take->pool = pool;
		pool->nr_scans++;
		pool->in_hand += take->nr;
		pool->shrunk += take->pages;
		fz_pool_calm(pool);
	}
	spin_unlock(&pool->lock);
	return LRU_ROTATE;
}

static void shrink_free(struct shrink_take *take)
{
	struct fz_pool *pool = take->pool;

	fz_pool_free(pool, &take->folios);
	fz_pool_settle(pool, take->nr);
	spin_lock(&pool->lock);
	pool->nr_scans--;
	spin_unlock(&pool->lock);
	/* The pool may be gone by now. */
	wake_up_all(&shrink_idle);
	fz_reclaim_progress(take->pages);
}

/* Takes only spinlocks under which nothing is allocated, and waits for no other thread. */
static unsigned long shrink_scan(struct shrinker *shrinker,
				 struct shrink_control *sc)
{
	struct shrink_take take;
	u64 nr = 0;

	do {
		take = (struct shrink_take) {
			.left = min_t(unsigned long, SHRINK_LOOK,
				      list_lru_shrink_count(&shrink_lru, sc)),
			.want = sc->nr_to_scan - nr,
			.folios = LIST_HEAD_INIT(take.folios),
		};
		list_lru_walk_one(&shrink_lru, sc->nid, sc->memcg,
				  shrink_take_first, &take, &take.left);
		if (!take.pool)
			break;
		nr += take.pages;
		shrink_free(&take);
	} while (nr < sc->nr_to_scan);

	sc->nr_scanned = nr;
	return nr ?: SHRINK_STOP;
}

/**
 * fz_shrink_init() - register the shrinker
 *
 * Return: 0 or -ENOMEM.
 */
int fz_shrink_init(void)
{
	struct shrinker *shrinker;

	shrink_cache = kmem_cache_create("fastzero_offer", sizeof(struct fz_offer), 0,
					 SLAB_ACCOUNT, NULL);
	if (!shrink_cache)
		return -ENOMEM;
	shrinker = fz_shrinker_register(shrink_count, shrink_scan, &shrink_lru);
	if (!shrinker) {
		kmem_cache_destroy(shrink_cache);
		return -ENOMEM;
	}
	/* A CPU that sees the shrinker sees its lists. */
	smp_store_release(&shrink_shrinker, shrinker);
	return 0;
}

/**
 * fz_shrink_exit() - unregister the shrinker, and wait for its calls
 *
 * No pool exists any more.
 */
void fz_shrink_exit(void)
{
	fz_shrinker_unregister(shrink_shrinker);
	list_lru_destroy(&shrink_lru);
	kmem_cache_destroy(shrink_cache);
}

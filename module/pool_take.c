// SPDX-License-Identifier: GPL-2.0-only
/*
 * Taking zeroed folios: from the near store, from other nodes, or from the system
 * (pool_alloc.c).
 */
#include <linux/highmem.h>
#include <linux/mm.h>

#include "clear.h"
#include "compat/compat.h"
#include "context.h"
#include "quarantine.h"

/* Allocate on one node only, without reclaim. */
#define TAKE_GFP_NODE	((FZ_GFP_LIGHT | __GFP_THISNODE) & ~__GFP_RECLAIM)

/*
 * Whether this thread is the first to see that a store has fallen below its target.  If
 * so, the caller releases the lock and kicks the zeroer.
 */
static __always_inline bool take_sees_lack(struct fz_pool *pool, const struct fz_store *store)
{
	lockdep_assert_held(&pool->lock);

	if (likely(!fz_store_lacks(store) || pool->refill))
		return false;
	fz_learn_lacks(pool);
	return true;
}

/*
 * Take a folio off a store's lists, in hand; NULL if there is none.  *@ready: it is zero.
 * @demand: count it in the store's demand.  Every fault calls this, so it is inline, with
 * its callers up to fz_pool_take().
 */
static __always_inline struct folio *take_listed(struct fz_pool *pool,
						 struct fz_store *store, bool demand,
						 bool *ready)
{
	struct folio *folio = NULL;
	bool lacks;

	spin_lock(&pool->lock);
	*ready = !list_empty(&store->ready);
	if (*ready) {
		folio = list_first_entry(&store->ready, struct folio, lru);
		store->nr_ready--;
	} else if (!list_empty(&store->used)) {
		folio = list_first_entry(&store->used, struct folio, lru);
		store->nr_used--;
	}
	if (folio) {
		list_del(&folio->lru);
		pool->in_hand++;
		fz_store_count(store);
	}
	if (demand)
		fz_demand_take(&store->demand, fz_pool_now(), 1);
	lacks = take_sees_lack(pool, store);
	spin_unlock(&pool->lock);
	if (unlikely(lacks))
		fz_queue_kick(pool);
	return folio;
}

/* Whether the memory of any page of a zeroed folio has failed. */
static bool take_has_failed(struct folio *folio)
{
	return fz_folio_is_bad(folio) ||
	       (folio_test_large(folio) && fz_folio_has_failed(folio));
}

/* Take a folio from a store, clear it if it is used, and count it; NULL if there is none. */
static __always_inline struct folio *take_store(struct fz_pool *pool,
						struct fz_store *store, bool demand,
						struct fz_counters *count)
{
	struct folio *folio;
	bool ready;

	while ((folio = take_listed(pool, store, demand, &ready))) {
		/* Its memory has failed while it was in the pool. */
		if (unlikely(ready ? take_has_failed(folio) :
				     !fz_folio_zero(folio, NULL))) {
			fz_pool_forget(pool, folio);
			continue;
		}
		if (ready)
			fz_quarantine_ready(folio);
		atomic64_add(fz_size_pages(store->size),
			     ready ? &count->faults_ready : &count->faults_used);
		break;
	}
	return folio;
}

/*
 * The near store is empty.  If @place names a node but no mask, allocate there before
 * taking folios of other nodes.  Else prefer any folio of the pool.
 */
static noinline struct folio *take_elsewhere(struct fz_pool *pool,
					     const struct fz_place *place,
					     enum fz_size size,
					     struct fz_counters *count)
{
	struct folio *folio;
	int other;

	if (place->node != NUMA_NO_NODE && !place->only) {
		folio = fz_pool_alloc(pool, place, size, TAKE_GFP_NODE);
		if (!IS_ERR(folio)) {
			atomic64_add(fz_size_pages(size), &count->faults_alloc);
			return folio;
		}
	}
	for (other = 0; other < nr_node_ids; other++) {
		if (!fz_place_allows(place, other))
			continue;
		folio = take_store(pool, fz_pool_store(pool, other, size), false,
				   count);
		if (folio)
			return folio;
	}
	return NULL;
}

/*
 * A zeroed folio: from the near store, else from take_elsewhere(), which may allocate
 * one.  NULL if neither has one.
 */
static __always_inline struct folio *take_zeroed(struct fz_pool *pool,
						 const struct fz_place *place,
						 enum fz_size size,
						 struct fz_counters *count)
{
	int near = place->node == NUMA_NO_NODE ? numa_mem_id() : place->node;
	struct folio *folio = take_store(pool, fz_pool_store(pool, near, size),
					 true, count);

	if (likely(folio) || !fz_pool_has_nodes(pool))
		return folio;
	return take_elsewhere(pool, place, size, count);
}

/*
 * At the limit, make room for a base page.  Frees a huge folio of the pool, or a base page
 * of a node that @place does not allow.  False if there is none.
 */
static noinline bool take_give_up(struct fz_pool *pool, const struct fz_place *place)
{
	struct folio *folio = NULL;
	LIST_HEAD(one);
	bool ready;
	int node;

	for (node = 0; node < nr_node_ids && !folio; node++) {
		folio = take_listed(pool, fz_pool_store(pool, node, FZ_HUGE),
				    false, &ready);
		if (!folio && !fz_place_allows(place, node))
			folio = take_listed(pool, fz_pool_store(pool, node, FZ_BASE),
					    false, &ready);
	}
	if (!folio)
		return false;
	list_add(&folio->lru, &one);
	fz_pool_settle(pool, fz_pool_free(pool, &one));
	return true;
}

/* A base page from the system. */
static struct folio *take_fresh(struct fz_pool *pool, const struct fz_place *place,
				gfp_t gfp, struct fz_pool_try *try)
{
	/* Before the OOM killer may run, wait once for folios that others have in hand. */
	bool others = !try->waited && (READ_ONCE(pool->in_hand) ||
				       fz_learn_has_ready(pool, FZ_HUGE));
	struct folio *folio;
	int err;

	folio = fz_pool_alloc(pool, place, FZ_BASE, others ? FZ_GFP_LIGHT : gfp);
	if (!IS_ERR(folio))
		return folio;

	if (folio == ERR_PTR(-ENOSPC)) {
		if (fz_zeroer_collect(pool) || take_give_up(pool, place))
			return ERR_PTR(-EAGAIN);
		err = fz_pool_wait(pool, try->seen);
		return err ? ERR_PTR(err) : folio;
	}
	if (!others)
		return folio;
	if (fz_learn_release(pool, FZ_HUGE))
		return ERR_PTR(-EAGAIN);
	try->waited = true;
	/* Our own failed allocation has increased fz_pool.turns, too: wait from here on. */
	err = fz_pool_wait(pool, fz_pool_seen(pool));
	return ERR_PTR(err ?: -EAGAIN);
}

/**
 * fz_pool_take() - a zeroed base page
 * @pool: the pool
 * @place: from which NUMA nodes
 * @gfp: how to allocate if the pool is empty; may be FZ_GFP_TOUCHER
 * @try: the caller sets @seen before it checks that it needs the folio
 * @count: counters of the scratch
 *
 * The order: a ready folio; a used one, to be cleared, which needs neither an allocation
 * nor a charge; folios of other nodes; the system.  If @place names a node but no mask,
 * the system comes before other nodes.
 *
 * Return: the folio, with one reference, in hand until fz_pool_settle() or
 * fz_pool_put_back(); or an ERR_PTR.  -EAGAIN: memory may have come free.  The caller
 * checks again whether it needs the folio.  -EINTR, and errors of fz_pool_alloc().
 */
struct folio *fz_pool_take(struct fz_pool *pool, const struct fz_place *place,
			   gfp_t gfp, struct fz_pool_try *try,
			   struct fz_counters *count)
{
	struct folio *folio = take_zeroed(pool, place, FZ_BASE, count);

	if (folio)
		return folio;
	folio = take_fresh(pool, place, fz_pool_gfp(pool, gfp), try);
	if (!IS_ERR(folio))
		atomic64_inc(&count->faults_alloc);
	return folio;
}

/* A huge folio from the system.  If that fails, free base pages beyond targets, and retry. */
static struct folio *take_fresh_huge(struct fz_pool *pool,
				     const struct fz_place *place)
{
	struct folio *folio = fz_pool_alloc(pool, place, FZ_HUGE, FZ_GFP_LIGHT);

	if (IS_ERR(folio) && fz_learn_release(pool, FZ_BASE))
		folio = fz_pool_alloc(pool, place, FZ_HUGE, FZ_GFP_LIGHT);
	if (!IS_ERR(folio) && unlikely(take_has_failed(folio))) {
		fz_pool_forget(pool, folio);
		return ERR_PTR(-ENOMEM);
	}
	return folio;
}

/**
 * fz_pool_take_huge() - a zeroed folio for a whole chunk
 * @pool: the pool
 * @place: from which NUMA nodes
 * @count: counters of the scratch
 *
 * The caller can take base pages instead, so this neither waits nor runs the OOM killer.
 *
 * Return: the folio as from fz_pool_take(), or NULL.
 */
struct folio *fz_pool_take_huge(struct fz_pool *pool, const struct fz_place *place,
				struct fz_counters *count)
{
	struct folio *folio = take_zeroed(pool, place, FZ_HUGE, count);

	if (folio)
		return folio;
	folio = take_fresh_huge(pool, place);
	if (IS_ERR(folio)) {
		atomic64_inc(&count->huge_failed);
		return NULL;
	}
	atomic64_add(fz_size_pages(FZ_HUGE), &count->faults_alloc);
	return folio;
}

/**
 * fz_pool_take_ready() - take ready folios of a store, and no others
 * @pool: the pool
 * @store: the store
 * @nr: how many at most
 * @folios: they are linked here by lru, in hand, with one reference each
 *
 * Return: how many.
 */
u64 fz_pool_take_ready(struct fz_pool *pool, struct fz_store *store, u64 nr,
		       struct list_head *folios)
{
	struct list_head *last = &store->ready;
	struct folio *folio, *next;
	LIST_HEAD(taken);
	u64 i;

	spin_lock(&pool->lock);
	nr = min(nr, store->nr_ready);
	for (i = 0; i < nr; i++)
		last = last->next;
	list_cut_position(&taken, &store->ready, last);
	store->nr_ready -= nr;
	fz_store_count(store);
	pool->in_hand += nr;
	fz_demand_take(&store->demand, fz_pool_now(), nr);
	spin_unlock(&pool->lock);

	list_for_each_entry_safe(folio, next, &taken, lru)
		if (unlikely(take_has_failed(folio))) {
			list_del(&folio->lru);
			fz_pool_forget(pool, folio);
			nr--;
		} else {
			fz_quarantine_ready(folio);
		}
	list_splice_tail(&taken, folios);
	return nr;
}

/**
 * fz_pool_take_some() - as fz_pool_take_ready(), and have the store refilled
 * @pool: the pool
 * @store: the store
 * @nr: how many at most
 * @folios: as for fz_pool_take_ready()
 *
 * Return: how many.
 */
u64 fz_pool_take_some(struct fz_pool *pool, struct fz_store *store, u64 nr,
		      struct list_head *folios)
{
	bool lacks;

	nr = fz_pool_take_ready(pool, store, nr, folios);
	spin_lock(&pool->lock);
	lacks = take_sees_lack(pool, store);
	spin_unlock(&pool->lock);
	if (lacks)
		fz_queue_kick(pool);
	return nr;
}

/**
 * fz_pool_grow_huge() - a new huge folio, while a store is below its target
 * @pool: the pool
 * @node: the node of the store
 * @coming: folios that the caller will retire to the store soon
 *
 * The first touches of chunks take the ready folios.  So the first resets find none, and
 * allocate here.  The old folios then fill the store up to its target.
 *
 * Return: the folio as from fz_pool_take(), or NULL.
 */
struct folio *fz_pool_grow_huge(struct fz_pool *pool, int node, u64 coming)
{
	const struct fz_store *store = fz_pool_store(pool, node, FZ_HUGE);
	const struct fz_place place = { .node = node };
	struct folio *folio;
	bool is_short;

	spin_lock(&pool->lock);
	is_short = store->nr_ready + store->nr_used + coming < store->target;
	spin_unlock(&pool->lock);
	/* Do not try while memory is short. */
	if (!is_short || fz_pool_is_short(pool))
		return NULL;
	folio = take_fresh_huge(pool, &place);
	return IS_ERR(folio) ? NULL : folio;
}

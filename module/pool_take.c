// SPDX-License-Identifier: GPL-2.0-only
/*
 * Taking folios out of the pool: what is ready, what is not yet zero, near and far;
 * and if there is none, from elsewhere (pool_alloc.c).
 */
#include <linux/highmem.h>
#include <linux/mm.h>

#include "clear.h"
#include "compat/compat.h"
#include "context.h"
#include "quarantine.h"

/* The node's own memory or none, and not at anybody's expense. */
#define TAKE_GFP_NODE	((FZ_GFP_LIGHT | __GFP_THISNODE) & ~__GFP_RECLAIM)

/*
 * Folios have left a store: whether it has too few now, which nobody has seen before.  The
 * caller kicks the zeroer then, without the lock.
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
 * A folio off a store's lists, if there is one, in hand; *@ready: it is zero.
 * @demand: folios of this size are wanted.  Every fault comes here: so it is inline, up to
 * fz_pool_take().
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

/* Memory of a zeroed folio has failed since; of a huge one, any page's. */
static bool take_has_failed(struct folio *folio)
{
	return fz_folio_is_bad(folio) ||
	       (folio_test_large(folio) && fz_folio_has_failed(folio));
}

/* The same, made zero, and counted; NULL if there is none. */
static __always_inline struct folio *take_store(struct fz_pool *pool,
						struct fz_store *store, bool demand,
						struct fz_counters *count)
{
	struct folio *folio;
	bool ready;

	while ((folio = take_listed(pool, store, demand, &ready))) {
		/* One that has failed while it was here is nobody's any more. */
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
 * The near store has nothing.  Memory of a node that was asked for is worth more than
 * what is at hand elsewhere; memory that is merely near is not.
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

/* Off the lists of the pool, made zero, and counted. */
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
 * At the limit: whole chunks that wait for work are memory, too, and so are base pages
 * of nodes that the place does not allow.
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

/* From the system. */
static struct folio *take_fresh(struct fz_pool *pool, const struct fz_place *place,
				gfp_t gfp, struct fz_pool_try *try)
{
	/* Wait for folios that others have in hand before the OOM killer comes, once. */
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
	/* Our own failure has turned the pool, too: look from here on. */
	err = fz_pool_wait(pool, fz_pool_seen(pool));
	return ERR_PTR(err ?: -EAGAIN);
}

/**
 * fz_pool_take() - a zeroed base page
 * @pool: the pool
 * @place: where from
 * @gfp: how to allocate if the pool is empty; FZ_GFP_TOUCHER, too
 * @try: seen must have been set before the caller saw that it needs the folio
 * @count: where to count what it was
 *
 * Ready ones first; then one that waits for the zeroer, which costs us the
 * clearing but neither an allocation nor a charge; then those of other nodes; then
 * the system.  It comes before other nodes if the place names one.
 *
 * Return: the folio, with one reference, in hand until fz_pool_settle() or
 * fz_pool_put_back(); or an ERR_PTR: -EAGAIN if there was a wait and all may be
 * different now; as fz_pool_alloc(); -EINTR.
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

/* Base pages beyond the target are given up for it. */
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
 * @place: where from
 * @count: where to count what it was
 *
 * Base pages will do instead: so nobody is made to wait for one or killed for it.
 *
 * Return: the folio as fz_pool_take(), or NULL.
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
 * fz_pool_take_ready() - folios that are ready, and no others
 * @pool: the pool
 * @store: where
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
 * fz_pool_take_some() - folios that are ready, and that do not come back soon
 * @pool: the pool
 * @store: where
 * @nr: how many at most
 * @folios: as of fz_pool_take_ready()
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
 * fz_pool_grow_huge() - a fresh huge folio, while the pool is short of them
 * @pool: the pool
 * @node: of this node
 * @coming: folios that the caller will retire to it soon
 *
 * Touching takes folios from the pool; so the first resets find none ready, and
 * bring it up to its target again.
 *
 * Return: the folio as fz_pool_take(), or NULL.
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
	/* Folios that were taken for others, or could not be had, are not tried for again. */
	if (!is_short || fz_pool_is_short(pool))
		return NULL;
	folio = take_fresh_huge(pool, &place);
	return IS_ERR(folio) ? NULL : folio;
}

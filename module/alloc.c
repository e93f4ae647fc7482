// SPDX-License-Identifier: GPL-2.0-only
/*
 * Folios that the pool has not: from the system, and from those who have some in
 * hand.
 */
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>

#include "compat/compat.h"
#include "context.h"

/* As zeroed memory is wanted, and charged to the context's memory cgroup. */
#define ALLOC_GFP	(__GFP_ZERO | __GFP_ACCOUNT)

static struct page *alloc_on(int node, gfp_t gfp, unsigned int order)
{
	if (node == NUMA_NO_NODE)
		return alloc_pages(gfp, order);
	/* The kernel complains of a node that is gone. */
	if (unlikely(!node_online(node)))
		return gfp & __GFP_THISNODE ? NULL : alloc_pages(gfp, order);
	return alloc_pages_node(node, gfp, order);
}

/* From the nodes of a mask alone, the near one first. */
static struct page *alloc_among(const struct fz_place *place, gfp_t gfp,
				unsigned int order)
{
	nodemask_t only = *place->only;
	struct folio *folio;
	struct page *page;
	int node;

	/* Here an OOM killer can come, which has to know of all nodes at once. */
	if (!order) {
		folio = __folio_alloc(gfp, 0, place->node, &only);
		return folio ? folio_page(folio, 0) : NULL;
	}
	gfp |= __GFP_THISNODE;
	page = alloc_on(place->node, gfp, order);
	for_each_node_mask(node, only)
		if (!page && node != place->node)
			page = alloc_on(node, gfp, order);
	return page;
}

/**
 * fz_pool_alloc() - a zeroed folio from the system, in hand
 * @pool: the pool
 * @place: where from
 * @size: which size
 * @gfp: how
 *
 * Return: the folio with one reference, or an ERR_PTR: -ENOSPC at the limit,
 * -ENOMEM.
 */
struct folio *fz_pool_alloc(struct fz_pool *pool, const struct fz_place *place,
			    enum fz_size size, gfp_t gfp)
{
	unsigned int order = size == FZ_HUGE ? FZ_CHUNK_SHIFT : 0;
	u64 nr = fz_size_pages(size);
	struct mem_cgroup *old;
	struct page *page;

	/* Who does not ask for more than what is free learns little if there is none. */
	if (!fz_pool_own(pool, nr)) {
		if (gfp & __GFP_DIRECT_RECLAIM)
			fz_pool_say_short(pool);
		return ERR_PTR(-ENOSPC);
	}

	gfp |= ALLOC_GFP;
	if (order)
		gfp |= __GFP_COMP;
	old = set_active_memcg(pool->memcg);
	page = place->only ? alloc_among(place, gfp, order) :
			     alloc_on(place->node, gfp, order);
	set_active_memcg(old);
	if (!page) {
		if (gfp & __GFP_DIRECT_RECLAIM)
			fz_pool_say_short(pool);
		fz_pool_disown(pool, nr);
		fz_pool_settle(pool, 1);
		return ERR_PTR(-ENOMEM);
	}
	return page_folio(page);
}

static bool alloc_has_turned(struct fz_pool *pool, u64 seen)
{
	bool turned;

	spin_lock(&pool->lock);
	turned = pool->turns != seen;
	spin_unlock(&pool->lock);
	return turned;
}

/**
 * fz_pool_wait() - nothing could be had: wait if that may change
 * @pool: the pool
 * @seen: fz_pool_seen() before it was tried
 *
 * What somebody had in hand meanwhile is to be had by now, or will be in a
 * moment.  The caller has nothing in hand.  It may hold mmap_lock: whoever has
 * something in hand must not want that.
 *
 * Return: -EAGAIN to try again, -EINTR, 0 if there is nothing to wait for.
 */
int fz_pool_wait(struct fz_pool *pool, u64 seen)
{
	bool in_hand, turned;

	spin_lock(&pool->lock);
	turned = pool->turns != seen;
	in_hand = pool->in_hand;
	spin_unlock(&pool->lock);

	if (turned)
		return fatal_signal_pending(current) ? -EINTR : -EAGAIN;
	if (!in_hand)
		return 0;
	return wait_event_killable(pool->progress, alloc_has_turned(pool, seen)) ?
		       -EINTR : -EAGAIN;
}

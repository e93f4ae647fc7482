// SPDX-License-Identifier: GPL-2.0-only
/*
 * Folios that the pool does not have: allocate them, or wait for threads that have
 * some in hand (fz_pool.in_hand).
 */
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>

#include "compat/compat.h"
#include "context.h"

/* Zeroed, and charged to the context's memory cgroup. */
#define ALLOC_GFP	(__GFP_ZERO | __GFP_ACCOUNT)
/* All allocations except for faults of processes in the memory cgroup that pays. */
#define ALLOC_MAY_FAIL	(__GFP_RETRY_MAYFAIL | __GFP_NORETRY)

static struct page *alloc_on(int node, gfp_t gfp, unsigned int order)
{
	if (node == NUMA_NO_NODE)
		return alloc_pages(gfp, order);
	/* The kernel complains of a node that is gone. */
	if (unlikely(!node_online(node)))
		return gfp & __GFP_THISNODE ? NULL : alloc_pages(gfp, order);
	return alloc_pages_node(node, gfp, order);
}

/* Only from the nodes of a mask, the near one first. */
static struct page *alloc_among(const struct fz_place *place, gfp_t gfp,
				unsigned int order)
{
	nodemask_t only = *place->only;
	struct folio *folio;
	struct page *page;
	int node;

	/* This may bring the OOM killer, which has to know all nodes of the mask. */
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

/*
 * Base pages that calls leave of a memory cgroup's limit, for page tables and for the
 * caller.  At the very limit the caller's next page, of its stack for example, would
 * bring the OOM killer.
 */
#define ALLOC_HEADROOM	16

/*
 * Whether a call leaves a group (or NULL) some room.  Where there is none, reclaim makes
 * some, as for any charge; @gfp must be allowed to fail.
 */
static bool alloc_has_headroom(struct mem_cgroup *memcg, gfp_t gfp)
{
	struct mem_cgroup *old;
	struct page *page, *next;
	LIST_HEAD(pages);
	int nr = 0;

	if (likely(fz_memcg_margin(memcg) >= ALLOC_HEADROOM))
		return true;

	gfp &= ~(__GFP_THISNODE | __GFP_COMP | __GFP_ZERO);
	old = set_active_memcg(memcg);
	while (nr < ALLOC_HEADROOM) {
		page = alloc_page(gfp | __GFP_ACCOUNT);
		if (!page)
			break;
		list_add(&page->lru, &pages);
		nr++;
	}
	set_active_memcg(old);
	list_for_each_entry_safe(page, next, &pages, lru)
		__free_page(page);
	return nr == ALLOC_HEADROOM;
}

/**
 * fz_caller_has_headroom() - whether a call leaves the caller's memory cgroup some room
 *
 * Return: true if there is.
 */
bool fz_caller_has_headroom(void)
{
	struct mem_cgroup *memcg;
	bool has;

	if (likely(fz_memcg_current_margin() >= ALLOC_HEADROOM))
		return true;
	memcg = fz_memcg_get_current();
	has = alloc_has_headroom(memcg, FZ_GFP_TELL);
	fz_memcg_put(memcg);
	return has;
}

/**
 * fz_pool_gfp() - how to allocate for somebody
 * @pool: for what comes into this pool's charge
 * @gfp: how; FZ_GFP_TOUCHER: for a fault of the caller's
 *
 * Return: flags.
 */
gfp_t fz_pool_gfp(const struct fz_pool *pool, gfp_t gfp)
{
	if (gfp != FZ_GFP_TOUCHER)
		return gfp;
	return fz_memcg_is_current(pool->memcg) ? FZ_GFP_FAULT : FZ_GFP_TELL;
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

	/* Without reclaim a failure does not say that memory is short. */
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
	if (page && (gfp & ALLOC_MAY_FAIL) &&
	    !alloc_has_headroom(pool->memcg, gfp)) {
		__free_pages(page, order);
		page = NULL;
	}
	if (!page) {
		if (gfp & __GFP_DIRECT_RECLAIM)
			fz_pool_say_short(pool);
		fz_pool_disown(pool, nr);
		fz_pool_settle(pool, 1);
		return ERR_PTR(-ENOMEM);
	}
	return page_folio(page);
}

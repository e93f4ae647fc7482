// SPDX-License-Identifier: GPL-2.0-only
/*
 * Folios from the system: how they are allocated, and how much room allocations leave in
 * a memory cgroup.
 */
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>

#include "compat/compat.h"
#include "context.h"

/* Zeroed, and charged to the context's memory cgroup. */
#define ALLOC_GFP	(__GFP_ZERO | __GFP_ACCOUNT)
/* One of these flags is in every allocation except FZ_GFP_FAULT. */
#define ALLOC_MAY_FAIL	(__GFP_RETRY_MAYFAIL | __GFP_NORETRY)

static struct page *alloc_on(int node, gfp_t gfp, unsigned int order)
{
	if (node == NUMA_NO_NODE)
		return alloc_pages(gfp, order);
	/* alloc_pages_node() warns of a node that is offline. */
	if (unlikely(!node_online(node)))
		return gfp & __GFP_THISNODE ? NULL : alloc_pages(gfp, order);
	return alloc_pages_node(node, gfp, order);
}

/* Allocate from the nodes of a mask only, place->node first. */
static struct page *alloc_among(const struct fz_place *place, gfp_t gfp,
				unsigned int order)
{
	nodemask_t only = *place->only;
	struct folio *folio;
	struct page *page;
	int node;

	/* The OOM killer may run, so the allocator has to know all nodes of the mask. */
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
 * Base pages that calls leave below a memory cgroup's limit, for page tables and for the
 * caller.  Without this headroom, the caller's next page (of its stack, for example) would
 * run the OOM killer.
 */
#define ALLOC_HEADROOM_ORDER	4
#define ALLOC_HEADROOM		(1 << ALLOC_HEADROOM_ORDER)

/*
 * Whether a memory cgroup (or NULL) has this headroom.  If not, allocate pages, so that
 * reclaim makes room, and free them again.  @gfp must be allowed to fail.
 *
 * The kernel keeps freed pages charged, in a stock of this CPU.  A fault on another CPU
 * cannot use that stock at once, and may run the OOM killer.  So after a failure, try to
 * charge more than is left.  The failed charge empties this CPU's stock.
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
	list_for_each_entry_safe(page, next, &pages, lru)
		__free_page(page);
	if (nr < ALLOC_HEADROOM) {
		gfp = (gfp & ~__GFP_RETRY_MAYFAIL) | __GFP_NORETRY | __GFP_NOWARN;
		page = alloc_pages(gfp | __GFP_ACCOUNT, ALLOC_HEADROOM_ORDER);
		if (page)
			__free_pages(page, ALLOC_HEADROOM_ORDER);
	}
	set_active_memcg(old);
	return nr == ALLOC_HEADROOM;
}

/**
 * fz_caller_has_headroom() - whether the caller's memory cgroup has some headroom
 *
 * Reclaims if it has none.
 *
 * Return: true if so.
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
 * fz_pool_gfp() - replace FZ_GFP_TOUCHER by FZ_GFP_FAULT or FZ_GFP_TELL
 * @pool: the pool whose memory cgroup is charged
 * @gfp: flags; any others stay as they are
 *
 * Return: flags for an allocation by the caller.
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
 * @place: from which NUMA nodes
 * @size: its size
 * @gfp: how to allocate
 *
 * Return: the folio with one reference, or an ERR_PTR: -ENOSPC at the context's limit,
 * -ENOMEM.
 */
struct folio *fz_pool_alloc(struct fz_pool *pool, const struct fz_place *place,
			    enum fz_size size, gfp_t gfp)
{
	unsigned int order = size == FZ_HUGE ? FZ_CHUNK_SHIFT : 0;
	u64 nr = fz_size_pages(size);
	struct mem_cgroup *old;
	struct page *page;

	/* If a request without reclaim fails, that says little about memory pressure. */
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

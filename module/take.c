// SPDX-License-Identifier: GPL-2.0-only
/*
 * Taking folios out of the pool: what is ready, what is not yet zero, what the
 * system has, and what others have in hand.
 */
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>

#include "compat/compat.h"
#include "context.h"

/* As zeroed memory is wanted, and charged to the context's memory cgroup. */
#define TAKE_GFP	(__GFP_ZERO | __GFP_ACCOUNT)

/**
 * fz_pool_alloc() - a zeroed folio from the system, in hand
 * @pool: the pool
 * @size: which size
 * @gfp: how
 *
 * Return: the folio with one reference, or an ERR_PTR: -ENOSPC at the limit,
 * -ENOMEM.
 */
struct folio *fz_pool_alloc(struct fz_pool *pool, enum fz_size size, gfp_t gfp)
{
	u64 nr = fz_size_pages(size);
	struct mem_cgroup *old;
	struct page *page;

	if (!fz_pool_own(pool, nr))
		return ERR_PTR(-ENOSPC);

	old = set_active_memcg(pool->memcg);
	if (size == FZ_HUGE)
		page = alloc_pages(gfp | TAKE_GFP | __GFP_COMP, FZ_CHUNK_SHIFT);
	else
		page = alloc_page(gfp | TAKE_GFP);
	set_active_memcg(old);
	if (!page) {
		fz_pool_disown(pool, nr);
		fz_pool_settle(pool, 1);
		return ERR_PTR(-ENOMEM);
	}
	return page_folio(page);
}

/* A folio off a store's lists, if there is one, in hand; *@ready: it is zero. */
static struct folio *take_listed(struct fz_pool *pool, enum fz_size size,
				 bool *ready)
{
	struct fz_store *store = &pool->store[size];
	struct folio *folio = NULL;

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
	}
	spin_unlock(&pool->lock);
	return folio;
}

/* The same, made zero, and counted; NULL if there is none. */
static struct folio *take_zeroed(struct fz_pool *pool, enum fz_size size,
				 struct fz_counters *count)
{
	struct folio *folio;
	bool ready;

	while ((folio = take_listed(pool, size, &ready))) {
		/* One that has failed while it was here is nobody's any more. */
		if (unlikely(fz_folio_is_bad(folio)) ||
		    (!ready && !fz_folio_zero(folio))) {
			fz_pool_forget(pool, folio);
			continue;
		}
		atomic64_add(fz_size_pages(size),
			     ready ? &count->faults_ready : &count->faults_used);
		break;
	}
	return folio;
}

static bool take_has_turned(struct fz_pool *pool, u64 seen)
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
		return -EAGAIN;
	if (!in_hand)
		return 0;
	return wait_event_killable(pool->progress, take_has_turned(pool, seen)) ?
		       -EINTR : -EAGAIN;
}

/* At the limit: whole chunks that wait for work are memory, too. */
static bool take_break_huge(struct fz_pool *pool)
{
	struct folio *folio;
	LIST_HEAD(one);
	bool ready;

	folio = take_listed(pool, FZ_HUGE, &ready);
	if (!folio)
		return false;
	if (!ready && !fz_folio_zero(folio)) {
		fz_pool_forget(pool, folio);
		return true;
	}
	list_add(&folio->lru, &one);
	fz_pool_settle(pool, fz_pool_free(pool, &one));
	return true;
}

/* From the system. */
static struct folio *take_fresh(struct fz_pool *pool, gfp_t gfp,
				struct fz_pool_try *try)
{
	/* What others have in hand comes before the OOM killer, once. */
	bool others = !try->waited && READ_ONCE(pool->in_hand);
	struct folio *folio;
	int err;

	folio = fz_pool_alloc(pool, FZ_BASE, others ? FZ_GFP_TELL : gfp);
	if (!IS_ERR(folio))
		return folio;

	if (folio == ERR_PTR(-ENOSPC)) {
		if (fz_zeroer_collect(pool) || take_break_huge(pool))
			return ERR_PTR(-EAGAIN);
		err = fz_pool_wait(pool, try->seen);
		return err ? ERR_PTR(err) : folio;
	}
	if (!others)
		return folio;
	try->waited = true;
	/* Our own failure has turned the pool, too: look from here on. */
	err = fz_pool_wait(pool, fz_pool_seen(pool));
	return ERR_PTR(err ?: -EAGAIN);
}

/**
 * fz_pool_take() - a zeroed base page
 * @pool: the pool
 * @gfp: how to allocate if the pool is empty
 * @try: seen must have been set before the caller saw that it needs the folio
 * @count: where to count what it was
 *
 * Ready ones first; then one that waits for the zeroer, which costs us the
 * clearing but neither an allocation nor a charge; then the system.
 *
 * Return: the folio, with one reference, in hand until fz_pool_settle() or
 * fz_pool_put_back(); or an ERR_PTR: -EAGAIN if there was a wait and all may be
 * different now; as fz_pool_alloc(); -EINTR.
 */
struct folio *fz_pool_take(struct fz_pool *pool, gfp_t gfp,
			   struct fz_pool_try *try, struct fz_counters *count)
{
	struct folio *folio = take_zeroed(pool, FZ_BASE, count);

	if (folio)
		return folio;
	folio = take_fresh(pool, gfp, try);
	if (!IS_ERR(folio))
		atomic64_inc(&count->faults_alloc);
	return folio;
}

/**
 * fz_pool_take_huge() - a zeroed folio for a whole chunk
 * @pool: the pool
 * @count: where to count what it was
 *
 * Base pages will do instead: so nobody is made to wait for one or killed for it.
 *
 * Return: the folio as fz_pool_take(), or NULL.
 */
struct folio *fz_pool_take_huge(struct fz_pool *pool, struct fz_counters *count)
{
	struct folio *folio = take_zeroed(pool, FZ_HUGE, count);

	if (folio)
		return folio;
	folio = fz_pool_alloc(pool, FZ_HUGE, FZ_GFP_TELL);
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
 * @size: which size
 * @nr: how many at most
 * @folios: they are linked here by lru, in hand, with one reference each
 *
 * Return: how many.
 */
u64 fz_pool_take_ready(struct fz_pool *pool, enum fz_size size, u64 nr,
		       struct list_head *folios)
{
	struct fz_store *store = &pool->store[size];
	struct folio *folio, *next;
	LIST_HEAD(taken);
	u64 i;

	spin_lock(&pool->lock);
	nr = min(nr, store->nr_ready);
	for (i = 0; i < nr; i++)
		list_move_tail(store->ready.next, &taken);
	store->nr_ready -= nr;
	pool->in_hand += nr;
	spin_unlock(&pool->lock);

	list_for_each_entry_safe(folio, next, &taken, lru)
		if (unlikely(fz_folio_is_bad(folio))) {
			list_del(&folio->lru);
			fz_pool_forget(pool, folio);
			nr--;
		}
	list_splice_tail(&taken, folios);
	return nr;
}

/**
 * fz_pool_grow_huge() - a fresh huge folio, while the pool is short of them
 * @pool: the pool
 * @coming: folios that the caller will retire to it soon
 *
 * Touching takes folios from the pool; so the first resets find none ready, and
 * bring it up to its target again.
 *
 * Return: the folio as fz_pool_take(), or NULL.
 */
struct folio *fz_pool_grow_huge(struct fz_pool *pool, u64 coming)
{
	const struct fz_store *store = &pool->store[FZ_HUGE];
	struct folio *folio;
	bool is_short;

	spin_lock(&pool->lock);
	is_short = store->nr_ready + store->nr_used + coming < store->target;
	spin_unlock(&pool->lock);
	if (!is_short)
		return NULL;
	folio = fz_pool_alloc(pool, FZ_HUGE, FZ_GFP_TELL);
	return IS_ERR(folio) ? NULL : folio;
}

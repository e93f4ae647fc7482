// SPDX-License-Identifier: GPL-2.0-only
/*
 * The pool: where pages come from and where they go.
 *
 * Pages are recycled inside their context.  To the system they go only by
 * fz_pool_free(), zeroed, or when somebody else still holds them at the end.
 */
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>

#include "compat/compat.h"
#include "context.h"

/* Pages of all contexts, for the leak check at unload. */
static atomic_long_t pool_pages_in_use;

/**
 * fz_pool_pages_in_use() - how many pages the module has from the system
 *
 * Return: pages of all contexts together.
 */
long fz_pool_pages_in_use(void)
{
	return atomic_long_read(&pool_pages_in_use);
}

/**
 * fz_pool_init() - an empty pool, charged to the caller's memory cgroup
 * @pool: the pool
 */
void fz_pool_init(struct fz_pool *pool)
{
	mutex_init(&pool->resize);
	spin_lock_init(&pool->lock);
	INIT_LIST_HEAD(&pool->ready);
	INIT_LIST_HEAD(&pool->used);
	INIT_LIST_HEAD(&pool->held);
	init_waitqueue_head(&pool->progress);
	pool->memcg = fz_memcg_get_current();
	fz_zeroer_init(pool);
}

static void pool_disown(struct fz_pool *pool, long nr)
{
	atomic_long_sub(nr, &pool->owned);
	atomic_long_sub(nr, &pool_pages_in_use);
}

/* One more, in hand, unless that is beyond the limit. */
static bool pool_own(struct fz_pool *pool)
{
	u64 limit = fz_limit_pages();
	bool own;

	spin_lock(&pool->lock);
	own = !limit || atomic_long_read(&pool->owned) < limit;
	if (own) {
		atomic_long_inc(&pool->owned);
		pool->in_hand++;
	}
	spin_unlock(&pool->lock);
	if (own)
		atomic_long_inc(&pool_pages_in_use);
	return own;
}

/**
 * fz_pool_alloc() - a zeroed folio from the system, in hand
 * @pool: the pool
 * @gfp: how
 *
 * Return: the folio with one reference, or an ERR_PTR: -ENOSPC at the limit,
 * -ENOMEM.
 */
struct folio *fz_pool_alloc(struct fz_pool *pool, gfp_t gfp)
{
	struct mem_cgroup *old;
	struct page *page;

	if (!pool_own(pool))
		return ERR_PTR(-ENOSPC);

	old = set_active_memcg(pool->memcg);
	page = alloc_page(gfp | __GFP_ZERO | __GFP_ACCOUNT);
	set_active_memcg(old);
	if (!page) {
		pool_disown(pool, 1);
		fz_pool_settle(pool, 1);
		return ERR_PTR(-ENOMEM);
	}
	return page_folio(page);
}

/**
 * fz_pool_lift() - folios are about to leave their list or scratch
 * @pool: the pool
 * @nr: how many are in hand from now on
 */
void fz_pool_lift(struct fz_pool *pool, u64 nr)
{
	spin_lock(&pool->lock);
	pool->in_hand += nr;
	spin_unlock(&pool->lock);
}

/**
 * fz_pool_settle() - folios in hand are where they can be found, or gone
 * @pool: the pool
 * @nr: how many
 */
void fz_pool_settle(struct fz_pool *pool, u64 nr)
{
	bool wake;

	spin_lock(&pool->lock);
	pool->in_hand -= nr;
	/* Who sees the turn sees what was done before. */
	smp_store_release(&pool->turns, pool->turns + 1);
	/* Who comes to wait after this sees the turn: it looks under the lock. */
	wake = waitqueue_active(&pool->progress);
	spin_unlock(&pool->lock);
	if (wake)
		wake_up_all(&pool->progress);
}

/* A folio off the pool's lists, if there is one, in hand; *@ready: it is zero. */
static struct folio *pool_take_listed(struct fz_pool *pool, bool *ready)
{
	struct folio *folio = NULL;

	spin_lock(&pool->lock);
	*ready = !list_empty(&pool->ready);
	if (*ready) {
		folio = list_first_entry(&pool->ready, struct folio, lru);
		pool->nr_ready--;
	} else if (!list_empty(&pool->used)) {
		folio = list_first_entry(&pool->used, struct folio, lru);
		pool->nr_used--;
	}
	if (folio) {
		list_del(&folio->lru);
		pool->in_hand++;
	}
	spin_unlock(&pool->lock);
	return folio;
}

static bool pool_has_turned(struct fz_pool *pool, u64 seen)
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
	return wait_event_killable(pool->progress, pool_has_turned(pool, seen)) ?
		       -EINTR : -EAGAIN;
}

/* From the system. */
static struct folio *pool_take_fresh(struct fz_pool *pool, gfp_t gfp,
				     struct fz_pool_try *try)
{
	struct folio *folio;
	int err;

	/* What others have in hand comes before the OOM killer. */
	if (!try->waited && READ_ONCE(pool->in_hand))
		gfp = FZ_GFP_TELL;
	folio = fz_pool_alloc(pool, gfp);
	if (!IS_ERR(folio))
		return folio;

	/* Out of memory we wait once; at the limit there is no other way. */
	if (try->waited && folio == ERR_PTR(-ENOMEM))
		return folio;
	err = fz_pool_wait(pool, try->seen);
	try->waited |= err;
	return err ? ERR_PTR(err) : folio;
}

/**
 * fz_pool_take() - a zeroed folio
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
	struct folio *folio;
	bool ready;

	/* One that has failed while it was here is nobody's any more. */
	while ((folio = pool_take_listed(pool, &ready)) &&
	       unlikely(fz_pool_is_bad(folio)))
		fz_pool_forget(pool, folio);

	if (ready) {
		atomic64_inc(&count->faults_ready);
		return folio;
	}
	if (folio) {
		clear_highpage(folio_page(folio, 0));
		atomic64_inc(&count->faults_used);
		return folio;
	}

	folio = pool_take_fresh(pool, gfp, try);
	if (!IS_ERR(folio))
		atomic64_inc(&count->faults_alloc);
	return folio;
}

/**
 * fz_pool_put_back() - return a folio that was taken and not used
 * @pool: the pool
 * @folio: a zeroed folio from fz_pool_take(), in hand until now
 */
void fz_pool_put_back(struct fz_pool *pool, struct folio *folio)
{
	spin_lock(&pool->lock);
	list_add(&folio->lru, &pool->ready);
	pool->nr_ready++;
	spin_unlock(&pool->lock);
	fz_pool_settle(pool, 1);
}

/**
 * fz_pool_retire() - take in folios that left a scratch
 * @pool: the pool
 * @folios: in hand, linked by lru, with the reference that the index had, mapped
 *	nowhere any more and flushed; emptied
 *
 * Only a folio whose last reference is ours may be used again: the count is
 * the one thing that knows of pipes, pins and transfers alike.  The caller
 * kicks the zeroer when it has retired all.
 *
 * Return: how many are held by somebody else.
 */
u64 fz_pool_retire(struct fz_pool *pool, struct list_head *folios)
{
	struct folio *folio, *next;
	LIST_HEAD(held);
	u64 nr_used = 0;
	u64 nr_held = 0;

	list_for_each_entry_safe(folio, next, folios, lru) {
		if (folio_ref_count(folio) == 1) {
			fz_folio_detach(folio);
			nr_used++;
			continue;
		}
		/* Its holder may just be marking it dirty, locked. */
		folio_lock(folio);
		fz_folio_detach(folio);
		folio_unlock(folio);
		list_move_tail(&folio->lru, &held);
		nr_held++;
	}

	spin_lock(&pool->lock);
	list_splice_tail_init(folios, &pool->used);
	list_splice_tail(&held, &pool->held);
	pool->nr_used += nr_used;
	pool->nr_held += nr_held;
	spin_unlock(&pool->lock);
	fz_pool_settle(pool, nr_used + nr_held);
	return nr_held;
}

/**
 * fz_pool_forget() - let go of a poisoned folio
 * @pool: the pool that owns it
 * @folio: in hand, mapped nowhere any more, with the reference that the index had
 *
 * The page allocator keeps it out of use.
 */
void fz_pool_forget(struct fz_pool *pool, struct folio *folio)
{
	folio_lock(folio);
	fz_folio_detach(folio);
	folio_unlock(folio);
	folio_put(folio);
	pool_disown(pool, 1);
	fz_pool_settle(pool, 1);
}

/**
 * fz_pool_free() - give folios back to the system
 * @pool: the pool that owns them
 * @folios: linked by lru, zeroed, off the pool's lists; emptied
 *
 * Return: how many.
 */
u64 fz_pool_free(struct fz_pool *pool, struct list_head *folios)
{
	struct folio *folio, *next;
	u64 nr = 0;

	list_for_each_entry_safe(folio, next, folios, lru) {
		list_del(&folio->lru);
		folio_put(folio);
		nr++;
		cond_resched();
	}
	pool_disown(pool, nr);
	return nr;
}

/**
 * fz_pool_destroy() - give everything back
 * @pool: the pool of a context without scratches
 *
 * What others hold is theirs now: the page goes when they release it.
 */
void fz_pool_destroy(struct fz_pool *pool)
{
	struct folio *folio;

	fz_zeroer_stop(pool);

	list_for_each_entry(folio, &pool->used, lru) {
		if (likely(!fz_pool_is_bad(folio)))
			clear_highpage(folio_page(folio, 0));
		cond_resched();
	}
	fz_pool_free(pool, &pool->ready);
	fz_pool_free(pool, &pool->used);
	fz_pool_free(pool, &pool->held);
	fz_memcg_put(pool->memcg);
	mutex_destroy(&pool->resize);
}

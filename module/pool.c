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
#include <linux/sched/signal.h>

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

/* A zeroed folio from the system; ERR_PTR: -ENOSPC at the limit, -ENOMEM. */
static struct folio *pool_alloc(struct fz_pool *pool, gfp_t gfp)
{
	u64 limit = fz_limit_pages();
	struct mem_cgroup *old;
	struct page *page;

	if (atomic_long_inc_return(&pool->owned) > limit && limit) {
		atomic_long_dec(&pool->owned);
		return ERR_PTR(-ENOSPC);
	}
	atomic_long_inc(&pool_pages_in_use);

	old = set_active_memcg(pool->memcg);
	page = alloc_page(gfp | __GFP_ZERO | __GFP_ACCOUNT);
	set_active_memcg(old);
	if (!page) {
		pool_disown(pool, 1);
		return ERR_PTR(-ENOMEM);
	}
	return page_folio(page);
}

/* A folio off the pool's lists, if there is one; *@ready: it is zero. */
static struct folio *pool_take_listed(struct fz_pool *pool, bool *ready)
{
	struct folio *folio = NULL;

	spin_lock(&pool->lock);
	*ready = !list_empty(&pool->ready);
	if (*ready) {
		folio = list_first_entry(&pool->ready, struct folio, lru);
		list_del(&folio->lru);
		pool->nr_ready--;
	} else if (!list_empty(&pool->used)) {
		folio = list_first_entry(&pool->used, struct folio, lru);
		list_del(&folio->lru);
		pool->nr_used--;
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

/*
 * Nothing could be had.  But what the zeroer had in hand is ready or gone by
 * now, or will be in a moment: false if there is no reason to try again.
 */
static bool pool_wait_for_zeroer(struct fz_pool *pool, u64 seen)
{
	bool in_hand = smp_load_acquire(&pool->in_hand);

	if (pool_has_turned(pool, seen))
		return true;
	return in_hand &&
	       !wait_event_killable(pool->progress, pool_has_turned(pool, seen));
}

/**
 * fz_pool_take() - a zeroed folio
 * @pool: the pool
 * @gfp: how to allocate if the pool is empty
 * @count: where to count what it was
 *
 * Ready ones first; then one that waits for the zeroer, which costs us the
 * clearing but neither an allocation nor a charge; then the system.
 *
 * Return: the folio, with one reference, or an ERR_PTR as pool_alloc().
 */
struct folio *fz_pool_take(struct fz_pool *pool, gfp_t gfp,
			   struct fz_counters *count)
{
	struct folio *folio;
	bool ready;
	u64 seen;

	do {
		seen = READ_ONCE(pool->turns);
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
		folio = pool_alloc(pool, gfp);
	} while (IS_ERR(folio) && pool_wait_for_zeroer(pool, seen));

	if (!IS_ERR(folio))
		atomic64_inc(&count->faults_alloc);
	return folio;
}

/**
 * fz_pool_put_back() - return a folio that was taken and not used
 * @pool: the pool
 * @folio: a zeroed folio from fz_pool_take()
 */
void fz_pool_put_back(struct fz_pool *pool, struct folio *folio)
{
	spin_lock(&pool->lock);
	list_add(&folio->lru, &pool->ready);
	pool->nr_ready++;
	spin_unlock(&pool->lock);
}

/**
 * fz_pool_retire() - take in folios that left a scratch
 * @pool: the pool
 * @folios: linked by lru, with the reference that the index had, mapped
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
	return nr_held;
}

/**
 * fz_pool_forget() - let go of a poisoned folio
 * @pool: the pool that owns it
 * @folio: mapped nowhere any more, with the reference that the index had
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
}

/**
 * fz_pool_free() - give folios back to the system
 * @pool: the pool that owns them
 * @folios: linked by lru, zeroed, off the pool's lists; emptied
 */
void fz_pool_free(struct fz_pool *pool, struct list_head *folios)
{
	struct folio *folio, *next;
	long nr = 0;

	list_for_each_entry_safe(folio, next, folios, lru) {
		list_del(&folio->lru);
		folio_put(folio);
		nr++;
		cond_resched();
	}
	pool_disown(pool, nr);
}

/* Allocate @nr folios onto @folios, all or none. */
static int pool_alloc_many(struct fz_pool *pool, u64 nr,
			   struct list_head *folios)
{
	struct folio *folio;
	int err = 0;

	/* Do not drive the host out of memory only to find that it was. */
	if (nr > (u64)si_mem_available())
		return -ENOMEM;

	while (nr--) {
		folio = pool_alloc(pool, FZ_GFP_TELL);
		if (IS_ERR(folio))
			err = PTR_ERR(folio) == -ENOSPC ? -ENOMEM :
							  PTR_ERR(folio);
		else
			list_add(&folio->lru, folios);
		if (!err && fatal_signal_pending(current))
			err = -EINTR;
		if (err) {
			fz_pool_free(pool, folios);
			return err;
		}
		cond_resched();
	}
	return 0;
}

static bool pool_settled(struct fz_pool *pool, u64 target)
{
	bool settled;

	spin_lock(&pool->lock);
	settled = pool->nr_ready >= target || !pool->nr_used;
	spin_unlock(&pool->lock);
	return settled;
}

/**
 * fz_pool_resize() - set the target and allocate what is missing
 * @pool: the pool
 * @target: pages to be kept ready
 * @wait: wait until the zeroer has made them so
 *
 * Return: 0; -EINVAL beyond the limit; -ENOMEM or -EINTR with nothing changed,
 * but that an -EINTR in the wait leaves the new target.
 */
int fz_pool_resize(struct fz_pool *pool, u64 target, bool wait)
{
	u64 limit = fz_limit_pages();
	LIST_HEAD(fresh);
	u64 have, old;
	int err = 0;

	if (limit && target > limit)
		return -EINVAL;

	if (mutex_lock_killable(&pool->resize))
		return -EINTR;

	/* Raised first, so that the zeroer gives back nothing that we count. */
	spin_lock(&pool->lock);
	old = pool->target;
	pool->target = max(old, target);
	have = pool->nr_ready + pool->nr_used;
	spin_unlock(&pool->lock);

	if (target > have)
		err = pool_alloc_many(pool, target - have, &fresh);

	spin_lock(&pool->lock);
	pool->target = err ? old : target;
	if (!err && target > have) {
		list_splice(&fresh, &pool->ready);
		pool->nr_ready += target - have;
	}
	spin_unlock(&pool->lock);
	fz_zeroer_kick(pool);

	mutex_unlock(&pool->resize);
	if (!err && wait &&
	    wait_event_killable(pool->progress, pool_settled(pool, target)))
		err = -EINTR;
	return err;
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

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A context's store of pages, and the zeroer that keeps it ready.
 */
#ifndef FZ_POOL_H
#define FZ_POOL_H

#include <linux/list.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

struct mem_cgroup;
struct fz_counters;

/**
 * struct fz_pool - base pages of one context that are in none of its scratches
 * @resize: serializes changes of @target; taken before @lock
 * @lock: protects all down to @zeroer_ns; a leaf, never held over a clear or an
 *	allocation
 * @ready: folios that are zero
 * @used: folios of ours alone that wait for the zeroer
 * @held: folios that left their scratch while somebody else referred to them;
 *	they come to @used when we are the last
 * @nr_ready: folios on @ready
 * @nr_used: folios on @used, and those that the zeroer is clearing
 * @nr_held: folios on @held
 * @in_hand: folios that are in no scratch and on no list just now: somebody
 *	allocates, clears, moves or frees them.  Whoever finds nothing at the
 *	limit waits for these, and may hold mmap_lock: so those who have some
 *	may not take that
 * @turns: how often somebody has let go of what was in hand
 * @target: folios to be kept on @ready
 * @zeroed: folios that the zeroer has cleared
 * @zeroer_ns: what that took
 * @owned: folios of the context, here and in its scratches; increased under
 *	@lock
 * @memcg: charged for all of them; our reference
 * @zeroer: the background work
 * @progress: woken when @turns has changed
 *
 * A folio here has one reference, the pool's (but for those on @held), no
 * mapping, and is linked by its lru member.
 */
struct fz_pool {
	struct mutex resize;	/* serializes changes of target */
	spinlock_t lock;	/* protects all down to zeroer_ns */
	struct list_head ready;
	struct list_head used;
	struct list_head held;
	u64 nr_ready;
	u64 nr_used;
	u64 nr_held;
	u64 in_hand;
	u64 turns;
	u64 target;
	u64 zeroed;
	u64 zeroer_ns;
	atomic_long_t owned;
	struct mem_cgroup *memcg;
	struct delayed_work zeroer;
	wait_queue_head_t progress;
};

/*
 * How to allocate.  A fault of somebody who is charged has no other way to fail
 * than the OOM killer; whoever else asks is told, and nobody is killed.
 */
#define FZ_GFP_FAULT	GFP_HIGHUSER
#define FZ_GFP_TELL	(GFP_HIGHUSER | __GFP_NORETRY | __GFP_NOWARN)

/**
 * struct fz_pool_try - what is kept between two calls of fz_pool_take()
 * @seen: fz_pool_seen() when the caller last looked for what it wants
 * @waited: whether it has waited for others
 */
struct fz_pool_try {
	u64 seen;
	bool waited;
};

/* Where a pool stands: for fz_pool_wait() to see that it has moved on. */
static inline u64 fz_pool_seen(struct fz_pool *pool)
{
	return smp_load_acquire(&pool->turns);
}

/* Memory that has failed: it may not be touched, not even to be cleared. */
static inline bool fz_pool_is_bad(struct folio *folio)
{
	return PageHWPoison(folio_page(folio, 0));
}

void fz_pool_init(struct fz_pool *pool);
void fz_pool_destroy(struct fz_pool *pool);
struct folio *fz_pool_take(struct fz_pool *pool, gfp_t gfp,
			   struct fz_pool_try *try, struct fz_counters *count);
struct folio *fz_pool_alloc(struct fz_pool *pool, gfp_t gfp);
void fz_pool_put_back(struct fz_pool *pool, struct folio *folio);
u64 fz_pool_retire(struct fz_pool *pool, struct list_head *folios);
void fz_pool_forget(struct fz_pool *pool, struct folio *folio);
u64 fz_pool_free(struct fz_pool *pool, struct list_head *folios);
void fz_pool_lift(struct fz_pool *pool, u64 nr);
void fz_pool_settle(struct fz_pool *pool, u64 nr);
int fz_pool_wait(struct fz_pool *pool, u64 seen);
long fz_pool_pages_in_use(void);

/* resize.c */
int fz_pool_resize(struct fz_pool *pool, u64 target, bool wait);

/* zeroer.c */
void fz_zeroer_init(struct fz_pool *pool);
void fz_zeroer_kick(struct fz_pool *pool);
void fz_zeroer_stop(struct fz_pool *pool);

/* All background work of the module; unload waits for it. */
extern struct workqueue_struct *fz_wq;

#endif

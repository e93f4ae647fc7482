/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pools: the folios of a context that are in none of its scratches.
 */
#ifndef FZ_POOL_H
#define FZ_POOL_H

#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

#include "density.h"
#include "place.h"
#include "pool_store.h"
#include "zeroer.h"

struct mem_cgroup;
struct fz_counters;

/**
 * enum fz_refill - whether the zeroer brings a pool up to its targets
 * @FZ_REFILL_NONE: no thread has seen a store below its target
 * @FZ_REFILL_LATER: huge folios are allocated at once.  Base pages wait for the end of a
 *	reset, which may bring some back, or for fz_pool.refill_at
 * @FZ_REFILL_NOW: folios of both sizes are allocated
 */
enum fz_refill {
	FZ_REFILL_NONE,
	FZ_REFILL_LATER,
	FZ_REFILL_NOW,
};

/**
 * struct fz_pool - the folios of one context that are in none of its scratches
 * @resize: serializes changes of targets; taken before @lock
 * @collect: protects held folios that are off their list while a thread looks at them;
 *	taken before @lock
 * @lock: protects the lists and numbers of @stores, @in_hand, @turns, @zeroed, @zeroer_ns,
 *	@calm, @no_more, @refill, @refill_at, @shrunk and @nr_scans.  A leaf, never held
 *	over a clear or an allocation
 * @stores: one for each node and size
 * @nr_stores: number of @stores
 * @home: the home node
 * @in_hand: folios in hand: a thread allocates, clears, moves or frees them, so they are
 *	on no list and in no scratch.  A thread that gets no folio at the limit waits for
 *	these, and may hold mmap_lock.  So threads with folios in hand must not wait for
 *	mmap_lock
 * @turns: grows each time that folios stop being in hand
 * @zeroed: base pages that the zeroer has cleared or allocated
 * @zeroer_ns: CPU time of that, in ns
 * @held_at: when to look at held folios again, in jiffies; only the zeroer uses it
 * @held_seen: number of held folios at the last look; only the zeroer uses it
 * @held_quiet: number of looks in a row that found none released; only the zeroer uses it
 * @calm: until this tick the pool keeps its targets only, and the zeroer allocates
 *	nothing: memory was short
 * @no_more: until this tick the zeroer allocates nothing: too little memory was free
 * @refill: one of enum fz_refill; resets read it without @lock
 * @refill_at: when base pages stop waiting for the end of a reset, in jiffies
 * @shrunk: base pages that the shrinker has taken
 * @nr_scans: scans of the shrinker that are freeing folios of this pool
 * @owned: base pages of the context, here and in its scratches; increased under
 *	@lock
 * @chunks: chunks in the indexes of the context's scratches
 * @short_until: memory is short until then, in jiffies; 0 if it never was
 * @ending: the context ends with its last scratch: the pool keeps nothing
 * @memcg: the memory cgroup that is charged for all folios; the pool has a reference
 * @density: how many pages of a huge folio a run has written (density.h); set once, NULL
 *	before
 * @job: its place in the zeroer's queues; protected by fz_queue_lock
 * @progress: woken when @turns has changed
 */
struct fz_pool {
	struct mutex resize;	/* serializes changes of targets */
	struct mutex collect;	/* protects held folios that are off their list */
	spinlock_t lock;	/* protects lists and numbers, see above */
	struct fz_store *stores;
	unsigned int nr_stores;
	int home;
	u64 in_hand;
	u64 turns;
	u64 zeroed;
	u64 zeroer_ns;
	unsigned long held_at;
	u64 held_seen;
	unsigned int held_quiet;
	u64 calm;
	u64 no_more;
	enum fz_refill refill;
	unsigned long refill_at;
	u64 shrunk;
	unsigned int nr_scans;
	atomic_long_t owned;
	atomic_long_t chunks;
	unsigned long short_until;
	bool ending;
	struct mem_cgroup *memcg;
	struct fz_density *density;
	struct fz_job job;
	wait_queue_head_t progress;
};

/*
 * How to allocate.
 *
 * - FAULT: a fault of a process that is charged.  If there is no memory, the OOM killer
 *   runs.
 * - TELL: every other caller; it gets an error, and no process is killed.
 * - LIGHT: allocations that fail after little reclaim, so that they cost others little.
 * - TOUCHER: FAULT or TELL.  fz_pool_gfp() decides which before an allocation.  So a fault
 *   that gets a ready page need not find out.
 */
#define FZ_GFP_TOUCHER	0
#define FZ_GFP_FAULT	GFP_HIGHUSER
#define FZ_GFP_TELL	(GFP_HIGHUSER | __GFP_RETRY_MAYFAIL | __GFP_NOWARN)
#define FZ_GFP_LIGHT	(GFP_HIGHUSER | __GFP_NORETRY | __GFP_NOWARN)
/* TELL for the module's own structures. */
#define FZ_GFP_KERNEL	(GFP_KERNEL_ACCOUNT | __GFP_RETRY_MAYFAIL | __GFP_NOWARN)

/**
 * struct fz_pool_try - state between two calls of fz_pool_take() for one folio
 * @seen: the result of fz_pool_seen() before the caller last checked that it needs the
 *	folio
 * @waited: whether it has waited for folios that other threads had in hand
 */
struct fz_pool_try {
	u64 seen;
	bool waited;
};

/* The time in ticks of about a second.  Every fault reads it, so it takes no division. */
static inline u64 fz_pool_now(void)
{
	return get_jiffies_64() >> order_base_2(HZ);
}

/* A sequence number for fz_pool_wait().  It changes when folios are no longer in hand. */
static inline u64 fz_pool_seen(struct fz_pool *pool)
{
	return smp_load_acquire(&pool->turns);
}

/* How long memory counts as short after an allocation failed or the shrinker took pages. */
#define FZ_POOL_SHORT	(10 * HZ)

/* Memory is short: resets with AUTO look for sparse chunks, and drop their huge folios. */
static inline void fz_pool_say_short(struct fz_pool *pool)
{
	WRITE_ONCE(pool->short_until, (jiffies + FZ_POOL_SHORT) | 1);
}

static inline bool fz_pool_is_short(const struct fz_pool *pool)
{
	unsigned long until = READ_ONCE(pool->short_until);

	return until && time_before(jiffies, until);
}

/* Ticks of fz_pool.calm and fz_pool.no_more. */
#define FZ_POOL_CALM	10

/*
 * Reclaim took folios, or a limit was reached.  For a while the pool gives up folios beyond
 * its targets, and allocates nothing in the background: others need that memory.
 */
static inline void fz_pool_calm(struct fz_pool *pool)
{
	lockdep_assert_held(&pool->lock);

	pool->calm = fz_pool_now() + FZ_POOL_CALM;
	fz_pool_say_short(pool);
}

/* No scratch will take a folio of this pool any more. */
static inline void fz_pool_end(struct fz_pool *pool)
{
	WRITE_ONCE(pool->ending, true);
}

static inline struct fz_store *fz_pool_store(struct fz_pool *pool, int node,
					     enum fz_size size)
{
	return &pool->stores[node * FZ_SIZES + size];
}

#define fz_for_each_store(pool, store)					\
	for ((store) = (pool)->stores;					\
	     (store) < (pool)->stores + (pool)->nr_stores; (store)++)

/* Whether a folio may come from another node than the one that is wanted. */
static inline bool fz_pool_has_nodes(const struct fz_pool *pool)
{
	return pool->nr_stores > FZ_SIZES;
}

/* The store of a folio's node and size. */
static inline struct fz_store *fz_pool_store_of(struct fz_pool *pool,
						struct folio *folio)
{
	return fz_pool_store(pool, folio_nid(folio), fz_folio_size(folio));
}

/* The base page of @folio that backs page @page of a scratch. */
static inline struct page *fz_folio_page(struct folio *folio, u64 page)
{
	return folio_page(folio, folio_test_large(folio) ?
				 page % FZ_CHUNK_PAGES : 0);
}

/*
 * Whether a folio's memory has failed: then no one may touch it, not even to clear it.
 * This may miss a failure in a huge folio, so functions that clear look at each page.
 */
static inline bool fz_folio_is_bad(struct folio *folio)
{
	return PageHWPoison(folio_page(folio, 0)) ||
	       (folio_test_large(folio) && folio_test_has_hwpoisoned(folio));
}

/* pool.c */
int fz_pool_init(struct fz_pool *pool);
void fz_pool_destroy(struct fz_pool *pool);
void fz_pool_put_back(struct fz_pool *pool, struct list_head *folios);
u64 fz_pool_retire(struct fz_pool *pool, struct list_head *folios, bool now);

/* pool_count.c */
bool fz_pool_own(struct fz_pool *pool, u64 nr);
void fz_pool_disown(struct fz_pool *pool, u64 nr);
void fz_pool_lift(struct fz_pool *pool, u64 nr);
void fz_pool_settle(struct fz_pool *pool, u64 nr);
long fz_pool_pages_in_use(void);
void fz_pool_count(long nr);
int fz_pool_wait(struct fz_pool *pool, u64 seen);

/* pool_free.c */
void fz_pool_forget(struct fz_pool *pool, struct folio *folio);
u64 fz_pool_free(struct fz_pool *pool, struct list_head *folios);

/* pool_alloc.c */
struct folio *fz_pool_alloc(struct fz_pool *pool, const struct fz_place *place,
			    enum fz_size size, gfp_t gfp);
gfp_t fz_pool_gfp(const struct fz_pool *pool, gfp_t gfp);
bool fz_caller_has_headroom(void);

/* pool_take.c */
struct folio *fz_pool_take(struct fz_pool *pool, const struct fz_place *place,
			   gfp_t gfp, struct fz_pool_try *try,
			   struct fz_counters *count);
struct folio *fz_pool_take_huge(struct fz_pool *pool, const struct fz_place *place,
				struct fz_counters *count);
u64 fz_pool_take_ready(struct fz_pool *pool, struct fz_store *store, u64 nr,
		       struct list_head *folios);
u64 fz_pool_take_some(struct fz_pool *pool, struct fz_store *store, u64 nr,
		      struct list_head *folios);
struct folio *fz_pool_grow_huge(struct fz_pool *pool, int node, u64 coming);

/* pool_size.c */
int fz_pool_resize(struct fz_pool *pool, struct fz_store *store, u64 target,
		   bool wait);

/* pool_learn.c */
void fz_learn_look(struct fz_pool *pool);
void fz_learn_wanted(struct fz_pool *pool, int node, const u64 *wanted);
u64 fz_learn_lack(struct fz_pool *pool, struct fz_store *store);
u64 fz_learn_room(struct fz_pool *pool, struct fz_store *store);
bool fz_learn_trim(struct fz_pool *pool, struct fz_store *store);
bool fz_learn_release(struct fz_pool *pool, enum fz_size size);
u64 fz_learn_grow(struct fz_pool *pool, struct fz_store *store);
bool fz_learn_is_short(struct fz_pool *pool, struct fz_store *store);
void fz_learn_lacks(struct fz_pool *pool);
enum fz_look fz_learn_refill(struct fz_pool *pool);
void fz_learn_refill_now(struct fz_pool *pool);
bool fz_learn_has_surplus(struct fz_pool *pool);
bool fz_learn_has_ready(const struct fz_pool *pool, enum fz_size size);

/* pool_shrink.c */
int fz_shrink_add(struct fz_pool *pool);
void fz_shrink_remove(struct fz_pool *pool);
int fz_shrink_init(void);
void fz_shrink_exit(void);

/* At the end of a reset: have the zeroer allocate up to the targets. */
static inline void fz_pool_refill(struct fz_pool *pool)
{
	if (unlikely(READ_ONCE(pool->refill) == FZ_REFILL_LATER))
		fz_learn_refill_now(pool);
}

#endif

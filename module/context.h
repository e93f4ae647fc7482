/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Contexts and scratches: their members, their references, and all locks.
 *
 * Lifetime.  A scratch lives as long as its inode.  Descriptors and mappings hold the
 * file, and the file holds the inode.  A pin or a pipe holds only its folio.  The
 * eviction of the inode ends the scratch.  A scratch holds its context, and so does the
 * context's descriptor, which also holds the file of the implicit scratch.  Every open
 * context pins the internal mount, where it creates scratches.  Every scratch file also
 * pins it.  The mount and each scratch file hold a module reference.  The inode's link
 * count is 0.  So an inotify or fanotify watch on it ends with the last file, and pins
 * nothing.
 *
 * Lock order, outermost first:
 *
 *	roster_lock			in roster.c; a read of debugfs
 *	inode lock			in fs_inode.c; a file gets its size
 *	  fz_fs.lock			a leaf
 *	mmap_lock			POPULATE maps; faults begin here
 *	  fz_context.first		mmap of the device makes its scratch
 *	    fz_context.lock		also by itself
 *	  fz_pool.in_hand		a wait, not a lock: see pool.h
 *	    fz_scratch.lock		a reset; RESET_DIRTY: a piece of its bitmap
 *	      mmap_lock			SWAP maps: a trylock, with nothing in hand
 *	      folio lock		a fault, from look-up until it is mapped
 *	        fz_chunk.lock
 *	          xa_lock of fz_scratch.chunks
 *	          fz_roll.lock
 *	      folio lock of fz_scratch.zero	a fault; a thread that fills a hole
 *	        i_mmap_rwsem		that thread unmaps zeros
 *	        fz_chunk.lock		that thread fills the hole
 *	fz_pool.resize			taken before a wait for fz_pool.in_hand
 *	fz_pool.collect			a fault, with nothing in hand; the zeroer
 *	locks of shrink_lru		pool_shrink.c: reclaim, under any lock held in allocations
 *	  fz_pool.lock			a leaf under any of them
 *	  fz_queue_lock			another leaf
 *
 * A fault never takes fz_scratch.lock: the folio lock orders it against a reset
 * (see fault.c).
 */
#ifndef FZ_CONTEXT_H
#define FZ_CONTEXT_H

#include <linux/fs.h>
#include <linux/kref.h>
#include <linux/sched.h>
#include <linux/xarray.h>

#include "age.h"
#include "compat/fs.h"
#include "pool.h"
#include "range.h"
#include "roll.h"
#include "roster.h"

/**
 * struct fz_counters - counters of a scratch, for STATS
 * @faults: page faults
 * @faults_ready: ready base pages that faults and calls took from the pool
 * @faults_used: used base pages that faults and calls took from the pool, and cleared
 * @faults_alloc: base pages that faults and calls allocated
 * @resets: resets
 * @cleared: base pages that resets cleared, found zero and left, or allocated as zeroed
 *	ones
 * @swapped: base pages replaced by ready ones
 * @dropped: base pages taken out
 * @held: base pages among @cleared, @swapped and @dropped that were held
 * @aged: base pages that AUTO dropped, because runs had stopped writing to them
 * @returned: base pages among @aged that came back
 * @huge_failed: number of times that a huge folio was wanted, and none was available
 * @broken: chunks that lost their huge folio, because runs touched little of it, and
 *	memory was short or the zeroer late
 * @rebuilt: chunks that got a huge folio, because runs touch much of them
 * @unchosen: resets without a choice of AUTO: the mode was named, or RESET_IDLE was set
 * @auto_swap: resets with AUTO that swapped pages
 * @auto_drop: resets with AUTO that found the scratch mapped nowhere, and dropped pages
 */
struct fz_counters {
	atomic64_t faults;
	atomic64_t faults_ready;
	atomic64_t faults_used;
	atomic64_t faults_alloc;
	atomic64_t resets;
	atomic64_t cleared;
	atomic64_t swapped;
	atomic64_t dropped;
	atomic64_t held;
	atomic64_t aged;
	atomic64_t returned;
	atomic64_t huge_failed;
	atomic64_t broken;
	atomic64_t rebuilt;
	atomic64_t unchosen;
	atomic64_t auto_swap;
	atomic64_t auto_drop;
};

/**
 * struct fz_context - one open of the device, or one file of a mount
 * @ref: references: the descriptor has one, and each scratch
 * @lock: protects @scratches, @nr_scratches and @gone
 * @scratches: all scratches that exist
 * @nr_scratches: number of @scratches
 * @first: serializes the making of the implicit scratch
 * @implicit: file of the implicit scratch, NULL before the first mmap of the device.
 *	Set once under @first.  The reference is the descriptor's
 * @gone: sums of the counters of scratches that are gone
 * @nr_zeros: pages of zeros of scratches made with ZEROPAGE
 * @who: its identity, for the operator of the host
 * @pool: the folios that are in none of its scratches
 */
struct fz_context {
	struct kref ref;
	struct mutex lock;	/* protects scratches, nr_scratches, gone */
	struct list_head scratches;
	unsigned int nr_scratches;
	struct mutex first;	/* protects implicit from being made twice */
	struct file *implicit;
	struct fz_counters gone;
	atomic_long_t nr_zeros;
	struct fz_identity who;
	struct fz_pool pool;
};

/**
 * struct fz_spares - spare arrays for pointers to folios of chunks
 * @first: a list of arrays; the first pointer of each points to the next array
 * @nr: number of arrays
 * @least: the smallest @nr since the last tick of @trim
 * @trim: frees arrays that were not needed for a tick
 *
 * Protected by fz_roll.lock.
 */
struct fz_spares {
	struct folio **first;
	unsigned int nr;
	unsigned int least;
	struct delayed_work trim;
};

/**
 * struct fz_scratch - a memory object that can be made zero again
 * @ctx: its context; the scratch has a reference
 * @inode: its inode, which lives as long as the scratch
 * @link: in the context's list
 * @beside: in the list of its mounted file system; not used by other scratches
 * @name: the name that CREATE got; the scratch owns it; NULL for none
 * @nr_pages: its size.  A file of a mounted file system begins with 0, and gets its size
 *	once.  Written after @policy
 * @policy: enum fastzero_page_policy; FASTZERO_PAGES_4K if the scratch is smaller than a
 *	chunk, or has a page of zeros
 * @node: its pages come from this NUMA node first; NUMA_NO_NODE: from the node of the
 *	thread that touches them
 * @total_cpu: AUTO counts all CPU time, that of the zeroer included
 * @nr_huge: chunks that are backed by huge folios
 * @lock: held by a reset.  A folio leaves @chunks only under it
 * @sparse: populated pages at AUTO's last look at all chunks, if it swapped none; else 0
 * @sparse_ratio: the ratio of that reset
 * @lacks: the store that had too few ready pages in that reset, or NULL
 * @lacks_ready: the number of its ready pages then
 * @cold: the last reset found many base pages that were not written
 * @written: the last reset of huge folios found one that a run had written
 * @age: what resets have learned of base pages
 * @witness: number of the witness: the last page that a look found written
 * @faults: @count.faults at the last look
 * @has_aged: the scratch may have aged pages
 * @wanted: ready folios that this reset would take if enough were ready, by size
 * @wanted_node: the node of the last of them
 * @back: aged pages that have come back soon since the last look
 * @zero: the page of zeros, with a reference of the scratch; NULL without ZEROPAGE.  Its
 *	folio lock is held to fill a hole, and to map a hole to it.  The lock also
 *	protects @zero_mapped (see zeropage.c)
 * @zero_mapped: a hole may be mapped to @zero
 * @chunks: struct fz_chunk by number; entries go under @lock
 * @spares: spare arrays for chunks
 * @index: bytes of all chunks, their arrays, and their struct fz_aged
 * @roll: all folios of @chunks
 * @populated: pages populated now
 * @count: counters for STATS
 */
struct fz_scratch {
	struct fz_context *ctx;
	struct inode *inode;
	struct list_head link;
	struct list_head beside;
	const char *name;
	u64 nr_pages;
	u32 policy;
	int node;
	bool total_cpu;
	atomic_t nr_huge;
	/*
	 * No folio leaves a chunk without this lock.  It protects sparse, sparse_ratio,
	 * lacks, lacks_ready, cold, written, age, witness, faults, has_aged, wanted
	 * and wanted_node.
	 */
	struct mutex lock;
	u64 sparse;
	u32 sparse_ratio;
	const struct fz_store *lacks;
	u64 lacks_ready;
	bool cold;
	bool written;
	struct fz_age age;
	u64 witness;
	u64 faults;
	bool has_aged;
	u64 wanted[FZ_SIZES];
	int wanted_node;
	atomic_long_t back;
	struct folio *zero;
	bool zero_mapped;
	struct xarray chunks;
	struct fz_spares spares;
	atomic_long_t index;
	struct fz_roll roll;
	atomic_long_t populated;
	struct fz_counters count;
};

static inline u64 fz_scratch_size(const struct fz_scratch *s)
{
	/* Pairs with the release in fz_scratch_set_size(). */
	return smp_load_acquire(&s->nr_pages) << PAGE_SHIFT;
}

static inline struct fz_scratch *fz_scratch_of(const struct file *file)
{
	return file_inode(file)->i_private;
}

/*
 * Set @place to the nodes from which a page of a scratch comes.  @policy is the mapping's,
 * or NULL.  @place must not outlive @policy.  Every fault calls this function, so it is
 * inline.  Most faults have no policy, or run on a host with one node.
 */
static inline void fz_place_find(struct fz_place *place, const struct fz_scratch *s,
				 const struct mempolicy *policy, u64 page)
{
	place->node = s->node;
	place->only = NULL;
#ifdef CONFIG_NUMA
	if (s->node == NUMA_NO_NODE && fz_pool_has_nodes(&s->ctx->pool) &&
	    (policy || current->mempolicy))
		fz_place_by_policy(place, s, policy, page);
#endif
}

/* file.c */
extern const struct file_operations fz_context_fops;
extern const struct file_operations fz_scratch_fops;

/* context.c */
int fz_context_allowed(void);
struct fz_context *fz_context_create(void);
void fz_context_put(struct fz_context *ctx);
struct fz_scratch *fz_context_implicit(struct fz_context *ctx);

/* scratch.c */
/* "fz0m", the file system type that statfs shows. */
#define FZ_MAGIC	0x667a306d

struct file *fz_scratch_create(struct fz_context *ctx, u64 nr_pages,
			       u32 policy, u32 flags, int node, const char *name);
int fz_scratch_init(struct inode *inode, struct fz_context *ctx, u64 nr_pages,
		    u32 policy, u32 flags, int node, const char *name);
void fz_scratch_set_size(struct fz_scratch *s, u64 nr_pages);
int fz_scratch_getattr(struct fz_idmap *idmap, const struct path *path,
		       struct kstat *stat, u32 mask, unsigned int flags);
void fz_scratch_evict_inode(struct inode *inode);
int fz_scratch_pin_mount(void);
void fz_scratch_unpin_mount(void);

/* fault.c */
bool fz_vma_allowed(const struct vm_area_struct *vma);
int fz_scratch_mmap(struct file *file, struct vm_area_struct *vma);

/* reset.c */
int fz_reset_punch(struct fz_scratch *s, struct fz_range range);
void fz_reset_all(struct fz_scratch *s);

/* populate.c */
int fz_populate_back(struct fz_scratch *s, struct fz_range *range, u64 *nr_added);

/* rw.c */
ssize_t fz_read_iter(struct kiocb *iocb, struct iov_iter *to);
ssize_t fz_write_iter(struct kiocb *iocb, struct iov_iter *from);
long fz_fallocate(struct file *file, int mode, loff_t offset, loff_t length);

/* seek.c */
loff_t fz_seek(struct file *file, struct fz_scratch *s, loff_t offset, int whence);

/* stats.c */
struct fastzero_stats;
void fz_stats_fill(struct fastzero_stats *st, struct fz_context *ctx);
void fz_stats_fill_scratch(struct fastzero_stats *st, struct fz_scratch *s);
void fz_counters_add(struct fz_counters *sum, const struct fz_counters *add);

/* limits.c */
void fz_limit_init(void);
int fz_limit_check_accounting(void);
u64 fz_limit_length(void);
u64 fz_limit_pages(void);
u64 fz_limit_rate(void);
unsigned int fz_limit_scratches(void);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Contexts and scratches: what they are, who holds whom, and all locks.
 *
 * Lifetime.  A scratch is its inode: descriptors, mappings and pins (through
 * the mapping) hold the file, the file holds the inode, and evicting the inode
 * ends the scratch.  A scratch holds its context, and so does the context's
 * descriptor, which also holds the file of the implicit scratch.  The mount that
 * all inodes live on is held by the descriptors of contexts, for which it is
 * there to make scratches on, and by each scratch's files.  It and each file
 * hold the module.  An inode that something else holds, such as an inotify
 * watch, ends at the latest with the mount.
 *
 * Lock order, outermost first:
 *
 *	mmap_lock			POPULATE maps; faults begin here
 *	  fz_context.lock
 *	  fz_pool.in_hand		a wait, see there
 *	    fz_scratch.lock		a reset; RESET_DIRTY: a piece of its bitmap
 *	      mmap_lock			SWAP maps: it only tries, with nothing in hand
 *	      folio lock		a fault, from look-up until it is mapped
 *	        fz_chunk.lock
 *	          xa_lock of fz_scratch.chunks
 *	          fz_roll.lock
 *	fz_pool.resize			outside of in_hand
 *	  fz_pool.lock			a leaf under any of them
 *
 * A fault never takes fz_scratch.lock: it is decided against a reset by the
 * folio lock (see fault.c).
 */
#ifndef FZ_CONTEXT_H
#define FZ_CONTEXT_H

#include <linux/fs.h>
#include <linux/kref.h>
#include <linux/xarray.h>

#include "pool.h"
#include "range.h"
#include "roll.h"

/**
 * struct fz_counters - what STATS counts for a scratch
 * @faults: see struct fastzero_stats for these
 * @faults_ready: .
 * @faults_used: .
 * @faults_alloc: .
 * @resets: .
 * @cleared: .
 * @swapped: .
 * @dropped: .
 * @held: .
 * @huge_failed: how often a huge folio was wanted and could not be had
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
	atomic64_t huge_failed;
};

/**
 * struct fz_context - one open of the device: one tenant
 * @ref: the descriptor's, and one of each scratch
 * @lock: protects @scratches, @nr_scratches and @gone
 * @scratches: all that are alive
 * @nr_scratches: how many
 * @implicit: file of the implicit scratch, set once (cmpxchg) by the first mmap
 *	of the device, NULL before; the descriptor's reference
 * @gone: sums of the counters of scratches that are gone
 * @pool: pages at hand
 * @destroy: last work of all, when the last reference is gone
 */
struct fz_context {
	struct kref ref;
	struct mutex lock;	/* protects scratches, nr_scratches, gone */
	struct list_head scratches;
	unsigned int nr_scratches;
	struct file *implicit;
	struct fz_counters gone;
	struct fz_pool pool;
	struct work_struct destroy;
};

/**
 * struct fz_scratch - a memory object that can be made zero again
 * @ctx: its context, our reference
 * @inode: the inode that it lives and dies with
 * @link: in the context's list
 * @nr_pages: its size
 * @huge: whole chunks are backed by huge folios, where these can be had
 * @lock: held by a reset.  A folio leaves @chunks only under it
 * @chunks: struct fz_chunk by number; entries come, and go with the scratch
 * @roll: all folios of @chunks
 * @populated: pages populated now
 * @count: what STATS says
 */
struct fz_scratch {
	struct fz_context *ctx;
	struct inode *inode;
	struct list_head link;
	u64 nr_pages;
	bool huge;
	struct mutex lock;	/* protects folios in chunks from going */
	struct xarray chunks;
	struct fz_roll roll;
	atomic_long_t populated;
	struct fz_counters count;
};

static inline u64 fz_scratch_size(const struct fz_scratch *s)
{
	return s->nr_pages << PAGE_SHIFT;
}

/* context.c */
extern const struct file_operations fz_context_fops;
void fz_context_put(struct fz_context *ctx);
struct fz_scratch *fz_context_implicit(struct fz_context *ctx);

/* scratch.c */
extern const struct file_operations fz_scratch_fops;
struct file *fz_scratch_create(struct fz_context *ctx, u64 nr_pages, bool huge);
struct fz_scratch *fz_scratch_of(struct file *file);
int fz_scratch_pin_mount(void);
void fz_scratch_unpin_mount(void);

/* fault.c */
bool fz_vma_allowed(const struct vm_area_struct *vma);
int fz_scratch_mmap(struct file *file, struct vm_area_struct *vma);

/* reset.c */
int fz_reset_punch(struct fz_scratch *s, struct fz_range range);
void fz_reset_all(struct fz_scratch *s);

/* rw.c */
ssize_t fz_read_iter(struct kiocb *iocb, struct iov_iter *to);
ssize_t fz_write_iter(struct kiocb *iocb, struct iov_iter *from);
long fz_fallocate(struct file *file, int mode, loff_t offset, loff_t length);

/* stats.c */
void fz_counters_add(struct fz_counters *sum, const struct fz_counters *add);
void fz_context_show_fdinfo(struct seq_file *m, struct file *file);
void fz_scratch_show_fdinfo(struct seq_file *m, struct file *file);

/* limits.c */
u64 fz_limit_length(void);
u64 fz_limit_pages(void);
unsigned int fz_limit_scratches(void);

#endif

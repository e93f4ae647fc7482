// SPDX-License-Identifier: GPL-2.0-only
/*
 * RESET_DIRTY: make zero again those pages of a range that a bitmap names.
 */
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <uapi/linux/fastzero.h>

#include "ioctl.h"
#include "reset.h"

/* The largest granule: 1 GiB. */
#define DIRTY_MAX_GRANULE_SHIFT	30
/* Bytes of a bitmap between two checks for signals and the scheduler. */
#define DIRTY_STEP	SZ_64K

/* Fault a bitmap in.  It may be large, and need a fault for each page. */
static int dirty_fault_in(u64 at, u64 bytes)
{
	u64 nr;

	for (; bytes; at += nr, bytes -= nr) {
		nr = min_t(u64, bytes, DIRTY_STEP);
		if (fault_in_readable(u64_to_user_ptr(at), nr))
			return -EFAULT;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return 0;
}

/* Bytes of the words of the bitmap that the range needs. */
static u64 dirty_bytes(const struct fastzero_reset_dirty *cmd)
{
	u64 granule = 1ULL << cmd->granule_shift;
	u64 bits = (cmd->length + granule - 1) >> cmd->granule_shift;

	return DIV_ROUND_UP_ULL(bits, 64) * 8;
}

/* Check that a bitmap can be read, is aligned, and is long enough for the range. */
static int dirty_check_bitmap(const struct fastzero_reset_dirty *cmd)
{
	u64 granule = 1ULL << cmd->granule_shift;
	u64 bytes = dirty_bytes(cmd);

	if (cmd->offset & (granule - 1) || cmd->bitmap & 7 ||
	    cmd->bitmap_size & 7 || bytes > cmd->bitmap_size)
		return -EINVAL;
	/* Fault all of it in before the reset changes anything. */
	return dirty_fault_in(cmd->bitmap, bytes);
}

/*
 * The first page of the next piece, which begins with a word of the bitmap.  Skips parts
 * without populated pages: pages populated there later are zero.
 */
static u64 dirty_begin(struct fz_reset *r, const struct fz_range *all, u32 shift)
{
	u64 word = 64ULL << shift;
	u64 page;

	r->range.end = all->end;
	page = fz_chunk_skip(r->s, &r->range);
	if (page == all->end)
		return page;
	return all->first + ((page - all->first) & ~(word - 1));
}

/*
 * Read the bitmap piece by piece into @dirty's words, and reset.  The scratch's lock is
 * not held while reading.  The bitmap may lie in the scratch itself, or its fault may wait
 * for a thread that waits for the lock (userfaultfd).
 */
static int dirty_run(struct fz_reset *r, u32 mode,
			   struct fz_dirty *dirty, const u64 __user *bitmap)
{
	struct fz_range all = r->range;
	u64 pages = (u64)FZ_DIRTY_WORDS * 64 << dirty->shift;
	int err = 0;

	r->dirty = dirty;
	while (!err && r->range.first < all.end) {
		r->range.first = dirty_begin(r, &all, dirty->shift);
		if (r->range.first == all.end)
			break;
		dirty->first = r->range.first;
		r->range.end = min(all.end, dirty->first + pages);
		dirty->nr = DIV_ROUND_UP_ULL(r->range.end - dirty->first,
					     1ULL << dirty->shift);
		if (copy_from_user(dirty->words, bitmap +
				   ((dirty->first - all.first) >> dirty->shift) / 64,
				   fz_dirty_nr_words(dirty) * 8))
			return -EFAULT;
		fz_dirty_trim(dirty);
		err = mutex_lock_killable(&r->s->lock);
		if (err)
			return err;
		err = fz_reset_run(r, mode);
		mutex_unlock(&r->s->lock);
		/* If memory has failed, go on with the pages after it. */
		if (err == -EIO)
			err = 0;
	}
	return err ?: r->failed ? -EIO : 0;
}

/**
 * fz_ioctl_reset_dirty() - RESET_DIRTY
 * @ucmd: the call
 *
 * Return: 0 or a negative errno, see struct fastzero_reset_dirty.
 */
int fz_ioctl_reset_dirty(struct fz_ucmd *ucmd)
{
	struct fastzero_reset_dirty *cmd = ucmd->cmd;
	struct fz_reset r = { .s = ucmd->scratch };
	struct fz_dirty dirty = { };
	u64 first;
	int err;

	if (cmd->flags)
		return -EOPNOTSUPP;
	if (cmd->granule_shift < PAGE_SHIFT ||
	    cmd->granule_shift > DIRTY_MAX_GRANULE_SHIFT)
		return -EINVAL;
	err = fz_reset_check(&r, cmd->mode, cmd->offset, cmd->length);
	if (!err)
		err = dirty_check_bitmap(cmd);
	if (err)
		return err;

	dirty.shift = cmd->granule_shift - PAGE_SHIFT;
	/* No larger than needed: many kernels fill what they allocate with zeros. */
	dirty.words = kmalloc(min_t(u64, dirty_bytes(cmd), FZ_DIRTY_WORDS * 8),
			      GFP_KERNEL | __GFP_RETRY_MAYFAIL | __GFP_NOWARN);
	if (!dirty.words)
		return -ENOMEM;

	first = r.range.first;
	err = dirty_run(&r, cmd->mode, &dirty, u64_to_user_ptr(cmd->bitmap));
	fz_reset_end(&r, cmd->mode);
	kfree(dirty.words);

	fz_reset_tell(cmd, &r, first);
	return fz_ucmd_respond(ucmd) ?: err;
}

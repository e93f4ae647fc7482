// SPDX-License-Identifier: GPL-2.0-only
/*
 * RESET and RESET_DIRTY: make a range, or what a bitmap names of it, zero again.
 * How that is done is in inplace.c, swap.c and drop.c; here is what, and by which
 * way.
 */
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <uapi/linux/fastzero.h>

#include "ioctl.h"
#include "reset.h"

/* The largest granule of RESET_DIRTY: 1 GiB. */
#define RESET_MAX_GRANULE_SHIFT	30

/**
 * fz_reset_next() - the next chunk that a reset has to look at
 * @r: the reset; its range is moved on to there
 * @number: set to the number of the chunk
 *
 * Return: the chunk, NULL if nothing is left.
 */
struct fz_chunk *fz_reset_next(struct fz_reset *r, u64 *number)
{
	if (r->dirty && !fz_dirty_next(r->dirty, &r->range))
		return NULL;
	return fz_chunk_next(r->s, &r->range, number);
}

/*
 * AUTO, for now: while anybody maps the scratch its pages will be wanted again.
 * Clearing base pages keeps all page tables, nested ones included, as they are;
 * huge folios cost far less to swap than to clear.  What is mapped nowhere is
 * taken back.
 */
static u32 reset_choose(struct fz_scratch *s)
{
	if (!mapping_mapped(s->inode->i_mapping))
		return FASTZERO_MODE_DROP;
	return s->huge ? FASTZERO_MODE_SWAP : FASTZERO_MODE_INPLACE;
}

static bool reset_is_all(const struct fz_reset *r)
{
	return !r->dirty && !r->range.first && r->range.end == r->s->nr_pages;
}

/* Reset what is left of the range, until done or killed. */
static int reset_run(struct fz_reset *r, u32 mode)
{
	lockdep_assert_held(&r->s->lock);

	if (mode == FASTZERO_MODE_AUTO) {
		r->keep_held = true;
		mode = reset_choose(r->s);
	}

	if (mode == FASTZERO_MODE_INPLACE && reset_is_all(r)) {
		int err = fz_inplace_all(r);

		if (err != -EAGAIN)
			return err;
		r->cleared = 0;
		r->held = 0;
	}
	while (r->range.first < r->range.end) {
		if (fatal_signal_pending(current))
			return -EINTR;
		if (mode == FASTZERO_MODE_INPLACE)
			fz_inplace_some(r);
		else if (mode == FASTZERO_MODE_SWAP)
			fz_swap_some(r);
		else
			fz_drop_some(r);
		cond_resched();
	}
	return r->failed ? -EIO : 0;
}

/* What there is to do when a reset is over, or was given up. */
static void reset_end(struct fz_reset *r)
{
	struct fz_counters *count = &r->s->count;

	if (r->dropped || r->swapped)
		fz_zeroer_kick(&r->s->ctx->pool);
	atomic64_inc(&count->resets);
	atomic64_add(r->cleared, &count->cleared);
	atomic64_add(r->swapped, &count->swapped);
	atomic64_add(r->dropped, &count->dropped);
	atomic64_add(r->held, &count->held);
}

/**
 * fz_reset_punch() - a hole punch: drop whole pages
 * @s: the scratch, its lock held
 * @range: pages
 *
 * Return: 0, or -EINTR on a fatal signal.
 */
int fz_reset_punch(struct fz_scratch *s, struct fz_range range)
{
	struct fz_reset r = { .s = s, .range = range };
	int err = reset_run(&r, FASTZERO_MODE_DROP);

	reset_end(&r);
	return err;
}

/**
 * fz_reset_all() - drop every page, at the end of a scratch
 * @s: a scratch that nobody uses any more
 *
 * Cannot fail, and no signal ends it.  Nobody else can have the lock; it is only
 * tried, since all this may happen under mmap_lock: an mmap of the device has
 * made a scratch that it did not need.
 */
void fz_reset_all(struct fz_scratch *s)
{
	struct fz_reset r = { .s = s, .range = { .end = s->nr_pages } };
	bool alone = mutex_trylock(&s->lock);

	WARN_ON_ONCE(!alone);
	while (r.range.first < r.range.end) {
		fz_drop_some(&r);
		cond_resched();
	}
	if (alone)
		mutex_unlock(&s->lock);
	fz_zeroer_kick(&s->ctx->pool);
}

static int reset_check_mode(u32 mode)
{
	return mode > FASTZERO_MODE_DROP ? -EINVAL : 0;
}

/**
 * fz_ioctl_reset() - RESET
 * @ucmd: the call
 *
 * Return: 0 or a negative errno, see struct fastzero_reset.
 */
int fz_ioctl_reset(struct fz_ucmd *ucmd)
{
	struct fastzero_reset *cmd = ucmd->cmd;
	struct fz_scratch *s = ucmd->scratch;
	struct fz_reset r = { .s = s };
	u64 first;
	int err;

	if (cmd->flags)
		return -EOPNOTSUPP;
	if (cmd->__reserved)
		return -EINVAL;
	err = reset_check_mode(cmd->mode);
	if (!err)
		err = fz_range_check(cmd->offset, cmd->length,
				     fz_scratch_size(s), PAGE_SHIFT, &r.range);
	if (err)
		return err;

	first = r.range.first;
	err = mutex_lock_killable(&s->lock);
	if (!err) {
		err = reset_run(&r, cmd->mode);
		reset_end(&r);
		mutex_unlock(&s->lock);
	}

	cmd->out_done = (r.range.first - first) << PAGE_SHIFT;
	cmd->out_cleared = r.cleared;
	cmd->out_swapped = r.swapped;
	cmd->out_dropped = r.dropped;
	cmd->out_held = r.held;
	return fz_ucmd_respond(ucmd) ?: err;
}

/* Whether a bitmap is there, aligned, and long enough for a range. */
static int reset_check_bitmap(const struct fastzero_reset_dirty *cmd)
{
	u64 granule = 1ULL << cmd->granule_shift;
	u64 bits = (cmd->length + granule - 1) >> cmd->granule_shift;
	u64 bytes = DIV_ROUND_UP_ULL(bits, 64) * 8;

	if (cmd->offset & (granule - 1) || cmd->bitmap & 7 ||
	    cmd->bitmap_size & 7 || bytes > cmd->bitmap_size)
		return -EINVAL;
	/* Looked at as a whole before anything is changed. */
	if (fault_in_readable(u64_to_user_ptr(cmd->bitmap), bytes))
		return -EFAULT;
	return 0;
}

/*
 * The bitmap piece by piece, in @dirty's words.  It is read without the lock: it
 * may lie in the scratch itself, or wait for somebody who wants that lock.
 */
static int reset_dirty_run(struct fz_reset *r, u32 mode,
			   struct fz_dirty *dirty, const u64 __user *bitmap)
{
	struct fz_range all = r->range;
	u64 pages = (u64)FZ_DIRTY_WORDS * 64 << dirty->shift;
	int err = 0;

	r->dirty = dirty;
	while (!err && r->range.first < all.end) {
		dirty->first = r->range.first;
		r->range.end = min(all.end, dirty->first + pages);
		dirty->nr = DIV_ROUND_UP_ULL(r->range.end - dirty->first,
					     1ULL << dirty->shift);
		if (copy_from_user(dirty->words, bitmap,
				   DIV_ROUND_UP(dirty->nr, 64) * 8))
			return -EFAULT;
		bitmap += FZ_DIRTY_WORDS;
		fz_dirty_trim(dirty);
		err = mutex_lock_killable(&r->s->lock);
		if (err)
			return err;
		err = reset_run(r, mode);
		mutex_unlock(&r->s->lock);
		/* What has failed keeps nothing behind it from being zero. */
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
	struct fz_scratch *s = ucmd->scratch;
	struct fz_reset r = { .s = s };
	struct fz_dirty dirty = { };
	u64 first;
	int err;

	if (cmd->flags)
		return -EOPNOTSUPP;
	if (cmd->granule_shift < PAGE_SHIFT ||
	    cmd->granule_shift > RESET_MAX_GRANULE_SHIFT)
		return -EINVAL;
	err = reset_check_mode(cmd->mode);
	if (!err)
		err = fz_range_check(cmd->offset, cmd->length,
				     fz_scratch_size(s), PAGE_SHIFT, &r.range);
	if (!err)
		err = reset_check_bitmap(cmd);
	if (err)
		return err;

	dirty.shift = cmd->granule_shift - PAGE_SHIFT;
	dirty.words = kmalloc(FZ_DIRTY_WORDS * 8, GFP_KERNEL);
	if (!dirty.words)
		return -ENOMEM;

	first = r.range.first;
	err = reset_dirty_run(&r, cmd->mode, &dirty,
			      u64_to_user_ptr(cmd->bitmap));
	reset_end(&r);
	kfree(dirty.words);

	cmd->out_done = (r.range.first - first) << PAGE_SHIFT;
	cmd->out_cleared = r.cleared;
	cmd->out_swapped = r.swapped;
	cmd->out_dropped = r.dropped;
	cmd->out_held = r.held;
	return fz_ucmd_respond(ucmd) ?: err;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * RESET: make a range zero again.  reset_inplace.c, reset_swap.c and reset_drop.c have the
 * modes, and auto.c has the choice of AUTO.
 */
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>

#include <uapi/linux/fastzero.h>

#include "reset.h"
#include "trace.h"

static void reset_is_sparse(const struct fz_reset *r)
{
	r->s->sparse = atomic_long_read(&r->s->populated);
	r->s->sparse_ratio = r->ratio;
	r->s->lacks = r->lacks;
	r->s->lacks_ready = r->lacks_ready;
}

/* A named DROP of a range also forgets which of its pages are aged. */
static void reset_forget(struct fz_scratch *s, const struct fz_range *range)
{
	/* A hole punch of less than a page has no whole page. */
	if (range->first == range->end)
		return;
	fz_chunk_forget(s, range);
	fz_chunk_reap(s);
}

/* Reset the rest of the range in one mode, until done or killed. */
static int reset_go(struct fz_reset *r, u32 mode)
{
	struct fz_range all = r->range;
	int err = 0;

	if (mode == FASTZERO_MODE_INPLACE && r->all) {
		err = fz_sweep(r);
		fz_chunk_reap(r->s);
		if (err != -EAGAIN)
			return err;
		r->cleared = 0;
		r->held = 0;
		err = 0;
	}
	if (r->swap_base)
		r->bitmap = fz_pte_begin(r->s);
	while (r->range.first < r->range.end) {
		if (fatal_signal_pending(current)) {
			err = -EINTR;
			break;
		}
		if (mode == FASTZERO_MODE_INPLACE)
			fz_inplace_some(r);
		else if (mode == FASTZERO_MODE_SWAP)
			fz_swap_some(r);
		else
			fz_drop_some(r);
		fz_chunk_reap(r->s);
		cond_resched();
	}
	if (r->swap_base) {
		fz_pte_end(r->bitmap);
		r->bitmap = NULL;
	}
	/*
	 * AUTO has looked at all chunks and swapped none: none was worth it, or too few
	 * pages were ready.  It need not look again while the number of populated pages
	 * stays the same.  If pages were too few, it looks again when more are ready.
	 */
	if (!err && r->is_auto && r->all && r->swap_base && !r->swaps && !r->dropped)
		reset_is_sparse(r);
	if (mode == FASTZERO_MODE_SWAP)
		fz_swap_end(r);
	else if (mode == FASTZERO_MODE_DROP && !r->is_auto && !r->dirty)
		reset_forget(r->s, &all);
	return err ?: r->failed ? -EIO : 0;
}

/**
 * fz_reset_run() - make the rest of a range zero
 * @r: the reset; its range is moved on
 * @mode: enum fastzero_mode
 *
 * Return: 0, -EINTR on a fatal signal, -EIO if memory has failed.
 */
int fz_reset_run(struct fz_reset *r, u32 mode)
{
	u32 way = mode;
	int err;

	lockdep_assert_held(&r->s->lock);

	r->all = !r->dirty && !r->range.first && r->range.end == r->s->nr_pages;
	r->swap_base = mode == FASTZERO_MODE_SWAP;
	if (mode == FASTZERO_MODE_AUTO) {
		r->is_auto = true;
		r->keep_held = true;
		way = fz_auto_choose(r);
	}
	err = reset_go(r, way);
	trace_fastzero_reset(r, mode, way, err);
	return err;
}

/**
 * fz_reset_left() - the part of fz_reset_end() for resets that swapped or dropped pages
 * @r: the reset
 * @mode: the mode that the caller asked for
 *
 * Kicks the zeroer.  Not inline, since most resets clear in place.
 */
void fz_reset_left(struct fz_reset *r, u32 mode)
{
	struct fz_counters *count = &r->s->count;

	fz_queue_kick(&r->s->ctx->pool);
	atomic64_add(r->swapped, &count->swapped);
	atomic64_add(r->dropped, &count->dropped);
	if (mode == FASTZERO_MODE_AUTO && r->swapped)
		atomic64_inc(&count->auto_swap);
	else if (mode == FASTZERO_MODE_AUTO && r->why == FZ_WHY_UNMAPPED)
		atomic64_inc(&count->auto_drop);
}

/**
 * fz_reset_punch() - drop whole pages, for a hole punch
 * @s: the scratch, its lock held
 * @range: pages
 *
 * Return: 0, -EINTR on a fatal signal, -EIO if memory has failed.
 */
int fz_reset_punch(struct fz_scratch *s, struct fz_range range)
{
	struct fz_reset r = { .s = s, .range = range };
	int err = fz_reset_run(&r, FASTZERO_MODE_DROP);

	fz_reset_end(&r, FASTZERO_MODE_DROP);
	return err;
}

/**
 * fz_reset_all() - drop every page, at the end of a scratch
 * @s: a scratch that nobody uses any more
 *
 * Does not fail, and no signal ends it.  The lock is free, since nobody uses the scratch.
 * This uses a trylock, since the caller may hold mmap_lock: for example an mmap of the
 * device that could not make its scratch.
 */
void fz_reset_all(struct fz_scratch *s)
{
	struct fz_reset r = {
		.s = s, .range = { .end = s->nr_pages }, .ends = true,
	};
	bool alone = mutex_trylock(&s->lock);

	WARN_ON_ONCE(!alone);
	while (r.range.first < r.range.end) {
		fz_drop_some(&r);
		cond_resched();
	}
	if (alone)
		mutex_unlock(&s->lock);
	fz_queue_kick(&s->ctx->pool);
}

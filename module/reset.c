// SPDX-License-Identifier: GPL-2.0-only
/*
 * RESET: make a range zero again.  How that is done is in inplace.c, swap.c and
 * drop.c; here is by which way.
 */
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>

#include <uapi/linux/fastzero.h>

#include "prices.h"
#include "reset.h"
#include "trace.h"

/**
 * fz_reset_next() - the next chunk that a reset has to look at
 * @r: the reset; its range is moved on to there
 * @number: set to the number of the chunk
 *
 * Return: the chunk, NULL if nothing is left.
 */
struct fz_chunk *fz_reset_next(struct fz_reset *r, u64 *number)
{
	struct fz_chunk *chunk;

	if (!r->dirty)
		return fz_chunk_next(r->s, &r->range, number);
	if (!fz_dirty_next(r->dirty, &r->range))
		return NULL;
	/* What is dirty is populated, most often. */
	*number = r->range.first >> FZ_CHUNK_SHIFT;
	chunk = xa_load(&r->s->chunks, *number);
	if (likely(chunk && READ_ONCE(chunk->nr)))
		return chunk;
	return fz_chunk_next(r->s, &r->range, number);
}

/* No more pages than these are there to be made zero. */
static u64 reset_most(const struct fz_reset *r)
{
	return min_t(u64, r->range.end - r->range.first,
		     atomic_long_read(&r->s->populated));
}

/* Base pages that are ready, and those that wait for the zeroer, on all nodes. */
static void reset_pool(const struct fz_scratch *s, u64 *ready, u64 *used)
{
	const struct fz_store *store;

	*ready = 0;
	*used = 0;
	fz_for_each_store(&s->ctx->pool, store) {
		if (store->size != FZ_BASE)
			continue;
		*ready += READ_ONCE(store->nr_ready);
		*used += READ_ONCE(store->nr_used);
	}
}

/* Why base pages that are mapped are cleared in place, or that prices decide. */
static enum fz_why reset_why(struct fz_reset *r)
{
	const struct fz_prices *prices = fz_prices_now();
	struct fz_scratch *s = r->s;
	u64 nr = reset_most(r);
	u64 ready, used;

	/* No flush is cheaper than one clear; many resets find no more than that. */
	if (nr <= 1 || fz_cost_too_few(prices, nr))
		return FZ_WHY_FEW;
	if (nr == s->sparse && prices == s->sparse_prices)
		return FZ_WHY_SEEN;
	/* To swap or drop is a clear, too, by somebody else ... */
	if (s->total_cpu)
		return FZ_WHY_TOTAL;
	/* ... who may be late already. */
	reset_pool(s, &ready, &used);
	if (ready <= used)
		return FZ_WHY_LATE;
	r->shared = !fz_pte_can_swap(s);
	if (r->shared && !fz_cost_may_unmap(prices))
		return FZ_WHY_SHARED;
	s->sparse = 0;
	s->sparse_prices = prices;
	return FZ_WHY_PRICE;
}

/*
 * While anybody maps the scratch its pages will be wanted again.  Clearing base pages
 * keeps all page tables, nested ones included, as they are; if the caller's are the
 * only ones, ready pages may be cheaper.
 */
static u32 reset_choose(struct fz_reset *r)
{
	struct fz_scratch *s = r->s;
	enum fz_why why;

	if (!mapping_mapped(s->inode->i_mapping)) {
		r->why = FZ_WHY_UNMAPPED;
		return FASTZERO_MODE_DROP;
	}
	if (atomic_read(&s->nr_huge)) {
		r->why = s->total_cpu ? FZ_WHY_TOTAL : FZ_WHY_HUGE;
		return FASTZERO_MODE_SWAP;
	}
	why = reset_why(r);
	if (likely(why == FZ_WHY_FEW))
		return FASTZERO_MODE_INPLACE;
	r->why = why;
	if (why != FZ_WHY_PRICE)
		return FASTZERO_MODE_INPLACE;
	r->swap_base = true;
	return FASTZERO_MODE_SWAP;
}

/* What the ways would have cost, where no chunk was looked at for that. */
static noinline void reset_explain(const struct fz_reset *r, u32 mode)
{
	u64 nr = reset_most(r);
	struct fz_cost_chunk cost = {
		.pages = nr,
		.span = nr,
		.again = r->why == FZ_WHY_UNMAPPED ? 0 : FZ_AGAIN_ALL,
		.begun = r->why == FZ_WHY_UNMAPPED,
		.shared = r->why == FZ_WHY_SHARED,
		.total = r->why == FZ_WHY_LATE || r->s->total_cpu,
	};
	u64 used;

	reset_pool(r->s, &cost.ready, &used);
	if (mode != FASTZERO_MODE_SWAP)
		trace_fastzero_choice(r, -1, fz_prices_now(), &cost,
				      mode == FASTZERO_MODE_DROP ? FZ_DROP :
								   FZ_INPLACE);
}

static bool reset_is_all(const struct fz_reset *r)
{
	return !r->dirty && !r->range.first && r->range.end == r->s->nr_pages;
}

/* Reset what is left of the range by one way, until done or killed. */
static int reset_go(struct fz_reset *r, u32 mode)
{
	int err = 0;

	if (mode == FASTZERO_MODE_INPLACE && reset_is_all(r)) {
		err = fz_inplace_all(r);
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
	/* It looked at every chunk for nothing: not again for the same pages. */
	if (!err && r->keep_held && r->swap_base && !r->swapped && !r->dropped)
		r->s->sparse = atomic_long_read(&r->s->populated);
	if (mode == FASTZERO_MODE_SWAP)
		fz_swap_end(r);
	return err ?: r->failed ? -EIO : 0;
}

/**
 * fz_reset_run() - make what is left of a range zero
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

	if (mode == FASTZERO_MODE_AUTO) {
		r->keep_held = true;
		way = reset_choose(r);
		if (trace_fastzero_choice_enabled())
			reset_explain(r, way);
	} else if (mode == FASTZERO_MODE_SWAP) {
		r->swap_base = true;
	}
	err = reset_go(r, way);
	trace_fastzero_reset(r, mode, way, err);
	return err;
}

/**
 * fz_reset_left() - a reset has left pages for the zeroer
 * @r: the reset
 * @mode: the mode that it was asked for
 *
 * Apart from fz_reset_end(), for most resets have none.
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
 * fz_reset_punch() - a hole punch: drop whole pages
 * @s: the scratch, its lock held
 * @range: pages
 *
 * Return: 0, or -EINTR on a fatal signal.
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
 * Cannot fail, and no signal ends it.  Nobody else can have the lock; it is only
 * tried, since all this may happen under mmap_lock: an mmap of the device could not
 * make its scratch.
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

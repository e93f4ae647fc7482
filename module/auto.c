// SPDX-License-Identifier: GPL-2.0-only
/*
 * AUTO: by which way a reset goes.  docs/policy.md has all of it on a page.
 */
#include <linux/mm.h>
#include <linux/pagemap.h>

#include <uapi/linux/fastzero.h>

#include "ratio.h"
#include "reset.h"
#include "trace.h"

/* No more pages than these are there to be made zero. */
static u64 auto_most(const struct fz_reset *r)
{
	return min_t(u64, r->range.end - r->range.first,
		     atomic_long_read(&r->s->populated));
}

/* Base pages that are ready, and those that wait for the zeroer, on all nodes. */
static void auto_pool(const struct fz_scratch *s, u64 *ready, u64 *used)
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

/* Why base pages that are mapped are cleared in place, or that the inequality decides. */
static enum fz_why auto_why(const struct fz_reset *r, u64 nr)
{
	struct fz_scratch *s = r->s;
	u64 ready, used;

	/* No flush is cheaper than one clear; many resets find no more than that. */
	if (nr <= 1 || fz_cost_few(r->ratio, nr))
		return FZ_WHY_FEW;
	if (nr == s->sparse && r->ratio == s->sparse_ratio)
		return FZ_WHY_SEEN;
	/* The zeroer clears what is swapped ... */
	if (s->total_cpu)
		return FZ_WHY_TOTAL;
	/* ... and may be late already. */
	auto_pool(s, &ready, &used);
	if (ready <= used)
		return FZ_WHY_LATE;
	if (!fz_pte_can_swap(s))
		return FZ_WHY_SHARED;
	if (r->all && s->cold)
		return FZ_WHY_COLD;
	s->sparse = 0;
	return FZ_WHY_PRICE;
}

/* Trace both sides of the inequality for all pages, where no chunk is looked at. */
static noinline void auto_explain(const struct fz_reset *r, u64 nr, enum fz_way way)
{
	const struct fz_cost cost = { .pages = nr, .span = nr };
	u64 ready, used;

	auto_pool(r->s, &ready, &used);
	trace_fastzero_choice(r, -1, &cost, ready, way);
}

static u32 auto_base(struct fz_reset *r)
{
	u64 nr = auto_most(r);
	enum fz_why why = auto_why(r, nr);

	if (likely(why == FZ_WHY_FEW))
		goto inplace;
	r->why = why;
	if (why == FZ_WHY_PRICE) {
		r->swap_base = true;
		return FASTZERO_MODE_SWAP;
	}
inplace:
	if (trace_fastzero_choice_enabled())
		auto_explain(r, nr, FZ_INPLACE);
	return FASTZERO_MODE_INPLACE;
}

/* Why no huge folio is swapped, or that all are for which one is ready. */
static enum fz_why auto_why_huge(const struct fz_reset *r)
{
	const struct fz_cost cost = {
		.pages = FZ_CHUNK_PAGES,
		/* Each is unmapped.  It takes no lock to know how many there are. */
		.mappings = max(atomic_read(&r->s->inode->i_mapping->i_mmap_writable), 0),
	};
	bool swaps = fz_cost_swaps(r->ratio, &cost);

	/* The zeroer, too, would have all of it to look at. */
	if (r->s->total_cpu)
		return FZ_WHY_TOTAL;
	trace_fastzero_choice(r, -1, &cost, 0, swaps ? FZ_SWAP : FZ_INPLACE);
	return swaps ? FZ_WHY_HUGE : FZ_WHY_MAPPED;
}

/**
 * fz_auto_choose() - how to begin with a reset
 * @r: the reset
 *
 * While anybody maps the scratch its pages will be wanted again.  Clearing base pages
 * keeps all page tables, nested ones included, as they are.  If the caller's are the only
 * ones, ready pages may be cheaper.
 *
 * Return: the mode to begin with.
 */
u32 fz_auto_choose(struct fz_reset *r)
{
	struct fz_scratch *s = r->s;

	r->ratio = fz_ratio(atomic_long_read(&s->populated));
	if (!mapping_mapped(s->inode->i_mapping)) {
		r->why = FZ_WHY_UNMAPPED;
		if (trace_fastzero_choice_enabled())
			auto_explain(r, auto_most(r), FZ_DROP);
		return FASTZERO_MODE_DROP;
	}
	if (!atomic_read(&s->nr_huge))
		return auto_base(r);
	r->why = r->why_huge = auto_why_huge(r);
	return FASTZERO_MODE_SWAP;
}

/**
 * fz_auto_swaps() - whether base pages of a chunk are to be swapped
 * @r: the reset
 * @number: the chunk's number
 * @pages: pages of the chunk that are to be made zero
 * @span: from the first to the last of them
 * @begun: the reset flushes anyway
 * @ready: pages that could take their place
 *
 * Return: true if so; they are cleared in place if not.
 */
bool fz_auto_swaps(const struct fz_reset *r, u64 number, u64 pages, u64 span, bool begun,
		   u64 ready)
{
	const struct fz_cost cost = { .pages = pages, .span = span, .begun = begun };
	bool swaps = ready >= pages && fz_cost_swaps(r->ratio, &cost);

	trace_fastzero_choice(r, number, &cost, ready, swaps ? FZ_SWAP : FZ_INPLACE);
	return swaps;
}

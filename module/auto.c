// SPDX-License-Identifier: GPL-2.0-only
/*
 * AUTO: the choice of the way of a reset.  docs/policy.md has the rules.
 */
#include <linux/mm.h>
#include <linux/pagemap.h>

#include <uapi/linux/fastzero.h>

#include "ratio.h"
#include "reset.h"
#include "trace.h"

/* An upper bound on the number of pages to make zero. */
static u64 auto_most(const struct fz_reset *r)
{
	return min_t(u64, r->range.end - r->range.first,
		     atomic_long_read(&r->s->populated));
}

/* Count the ready and the used base pages of the pool, on all nodes. */
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

/* Whether ready pages are no reason to look again: none lacked, or no more are ready now. */
static bool auto_has_no_more(const struct fz_scratch *s)
{
	return !s->lacks || READ_ONCE(s->lacks->nr_ready) <= s->lacks_ready;
}

/* Why mapped base pages are cleared in place; FZ_WHY_PRICE: the inequality decides. */
static enum fz_why auto_why(const struct fz_reset *r, u64 nr)
{
	struct fz_scratch *s = r->s;
	u64 ready, used;

	/* A flush costs more than one clear.  Many resets find one page, so check that first. */
	if (nr <= 1 || fz_cost_few(r->ratio, nr))
		return FZ_WHY_FEW;
	if (atomic_long_read(&s->populated) == s->sparse && r->ratio == s->sparse_ratio &&
	    auto_has_no_more(s))
		return FZ_WHY_SEEN;
	/* The zeroer would have to clear swapped pages. */
	if (s->total_cpu)
		return FZ_WHY_TOTAL;
	/* The zeroer may be late already. */
	auto_pool(s, &ready, &used);
	if (ready <= used)
		return FZ_WHY_LATE;
	if (!fz_pte_can_swap(s))
		return FZ_WHY_SHARED;
	if (r->all && s->cold)
		return FZ_WHY_COLD;
	/* A look at a part says nothing about the whole. */
	if (r->all)
		s->sparse = 0;
	return FZ_WHY_PRICE;
}

/* Trace both sides of the inequality for all pages, as no chunk is looked at. */
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

/* Why huge folios are cleared in place; FZ_WHY_HUGE: they are swapped if one is ready. */
static enum fz_why auto_why_huge(const struct fz_reset *r)
{
	const struct fz_cost cost = {
		.pages = FZ_CHUNK_PAGES,
		/* A count of all writable mappings, which needs no lock. */
		.mappings = max(atomic_read(&r->s->inode->i_mapping->i_mmap_writable), 0),
	};
	bool swaps = fz_cost_swaps(r->ratio, &cost);

	/* The zeroer would have to look at all pages of a swapped folio. */
	if (r->s->total_cpu)
		return FZ_WHY_TOTAL;
	trace_fastzero_choice(r, -1, &cost, 0, swaps ? FZ_SWAP : FZ_INPLACE);
	return swaps ? FZ_WHY_HUGE : FZ_WHY_MAPPED;
}

/**
 * fz_auto_choose() - the mode in which a reset with AUTO begins
 * @r: the reset
 *
 * While a process maps the scratch, the next run will touch its pages again.  A clear in
 * place keeps all page tables, nested ones included.  If only the caller maps the scratch,
 * ready pages may be cheaper.
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
 * @pages: number of pages of the chunk that are to be made zero
 * @span: number of pages from the first to the last of them
 * @begun: the reset flushes anyway
 * @store: has the ready pages that could take their place
 *
 * Return: true if so; false if they are to be cleared in place.
 */
bool fz_auto_swaps(struct fz_reset *r, u64 number, u64 pages, u64 span, bool begun,
		   const struct fz_store *store)
{
	const struct fz_cost cost = { .pages = pages, .span = span, .begun = begun };
	u64 ready = READ_ONCE(store->nr_ready);
	bool cheaper = fz_cost_swaps(r->ratio, &cost);
	bool swaps = cheaper && ready >= pages;

	r->swaps |= swaps;
	if (cheaper && !swaps && !r->lacks) {
		r->lacks = store;
		r->lacks_ready = ready;
	}
	trace_fastzero_choice(r, number, &cost, ready, swaps ? FZ_SWAP : FZ_INPLACE);
	return swaps;
}

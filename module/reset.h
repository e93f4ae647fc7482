/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A reset, for the files of all modes.
 */
#ifndef FZ_RESET_H
#define FZ_RESET_H

#include <uapi/linux/fastzero.h>

#include "chunk.h"
#include "cost.h"
#include "dirty.h"
#include "map.h"

/**
 * enum fz_why - why AUTO chose its way
 * @FZ_WHY_FEW: few pages are not worth a flush.  It is 0, the initial value, since such
 *	resets are the fastest, and each instruction counts
 * @FZ_WHY_UNMAPPED: nobody maps the scratch, so no run will want its pages soon
 * @FZ_WHY_HUGE: huge folios cost far less to swap than to clear
 * @FZ_WHY_SEEN: the last look at all chunks swapped none, and the number of populated pages
 *	is the same
 * @FZ_WHY_COLD: the last reset found many pages that were not written: looking at them
 *	costs less than swapping them
 * @FZ_WHY_TOTAL: all CPU time counts (TOTAL_CPU), and the zeroer would have to clear
 *	swapped pages
 * @FZ_WHY_LATE: the pool has at least as many used pages as ready ones: the zeroer is late,
 *	and a swap would give it more work
 * @FZ_WHY_SHARED: a guest or another mapping may map the pages, and would fault
 * @FZ_WHY_PRICE: the inequality decides, chunk by chunk
 * @FZ_WHY_MAPPED: a huge folio has so many mappings that a swap costs more than a clear
 * @FZ_WHY_SPARSE: run after run wrote little of a huge folio, and no other was ready
 * @FZ_WHY_PART: a part of a huge folio cannot be swapped
 * @FZ_WHY_EMPTY: a huge folio would be swapped, but none is ready
 * @FZ_WHY_HELD: a huge folio is held
 * @FZ_WHY_SHORT: memory is short, and a run touched little of a huge folio
 * @FZ_WHY_NAMED: the mode is named; AUTO chose nothing
 */
enum fz_why {
	FZ_WHY_FEW,
	FZ_WHY_UNMAPPED,
	FZ_WHY_HUGE,
	FZ_WHY_SEEN,
	FZ_WHY_COLD,
	FZ_WHY_TOTAL,
	FZ_WHY_LATE,
	FZ_WHY_SHARED,
	FZ_WHY_PRICE,
	FZ_WHY_MAPPED,
	FZ_WHY_SPARSE,
	FZ_WHY_PART,
	FZ_WHY_EMPTY,
	FZ_WHY_HELD,
	FZ_WHY_SHORT,
	FZ_WHY_NAMED,
};

/**
 * struct fz_reset - a reset that is running
 * @s: the scratch, its lock held
 * @range: the rest of the range
 * @dirty: a piece of a bitmap, and @range lies inside it: reset only granules whose bit is
 *	set; NULL: reset all of @range
 * @all: the range is the whole scratch, without a bitmap
 * @is_auto: the mode is AUTO, and the reset learns from what it sees
 * @keep_held: clear held pages in place
 * @swap_base: swap base pages, not only huge folios
 * @swaps: AUTO found base pages that are worth a swap, and enough ready ones
 * @put_back: a folio that AUTO had taken out was held, and was put back
 * @failed: memory in a huge folio has failed and could not be made zero
 * @ends: the scratch ends: surplus is freed at once
 * @why: one of enum fz_why; with huge folios, the reason for the last one not swapped
 * @why_huge: the reason for all huge folios, found before the reset looks at any
 * @ratio: the ratio for AUTO, see ratio.h
 * @lacks: the first store with too few ready pages for a chunk that is worth a swap, or
 *	NULL
 * @lacks_ready: the number of its ready pages then
 * @bitmap: for fz_pte_swap(), from fz_pte_begin(); NULL: do not try that
 * @written: it is known that a run had written to a huge folio
 * @sampled: base pages looked at before they are swapped
 * @zero: pages among @sampled that were zero
 * @cleared: pages cleared in place so far
 * @swapped: pages replaced so far
 * @dropped: pages taken out so far
 * @held: held pages among these
 */
struct fz_reset {
	struct fz_scratch *s;
	struct fz_range range;
	const struct fz_dirty *dirty;
	bool all;
	bool is_auto;
	bool keep_held;
	bool swap_base;
	bool swaps;
	bool put_back;
	bool failed;
	bool ends;
	u8 why;
	u8 why_huge;
	u32 ratio;
	const struct fz_store *lacks;
	u64 lacks_ready;
	unsigned long *bitmap;
	bool written;
	u64 sampled;
	u64 zero;
	u64 cleared;
	u64 swapped;
	u64 dropped;
	u64 held;
};

/* A scratch is cold if more than one page in this many was not written. */
#define FZ_COLD		4

/* Chunks visited between two checks for signals and the scheduler, clean ones included. */
#define FZ_RESET_CHUNKS	64

/* reset_walk.c */
struct fz_chunk *fz_reset_next(struct fz_reset *r, u64 *number);

/* reset.c */
int fz_reset_run(struct fz_reset *r, u32 mode);
void fz_reset_left(struct fz_reset *r, u32 mode);

static inline int fz_reset_check_mode(u32 mode)
{
	return mode > FASTZERO_MODE_DROP ? -EINVAL : 0;
}

/* Check the arguments of a call, and set @r->range. */
static inline int fz_reset_check(struct fz_reset *r, u32 mode, u64 offset, u64 length)
{
	return fz_reset_check_mode(mode) ?:
	       fz_range_check(offset, length, fz_scratch_size(r->s), PAGE_SHIFT,
			      &r->range);
}

/* Write the results of RESET and RESET_DIRTY; the range began at page @begin. */
#define fz_reset_tell(cmd, r, begin) do {				\
	typeof(*(cmd)) *cmd_ = (cmd);					\
	const struct fz_reset *r_ = (r);				\
									\
	cmd_->out_done = (r_->range.first - (begin)) << PAGE_SHIFT;	\
	cmd_->out_cleared = r_->cleared;				\
	cmd_->out_swapped = r_->swapped;				\
	cmd_->out_dropped = r_->dropped;				\
	cmd_->out_held = r_->held;					\
} while (0)

/* End a reset, complete or not.  Inline, since it usually calls no function. */
static __always_inline void fz_reset_end(struct fz_reset *r, u32 mode)
{
	struct fz_counters *count = &r->s->count;

	if (unlikely(r->dropped | r->swapped))
		fz_reset_left(r, mode);
	fz_pool_refill(&r->s->ctx->pool);
	if (mode != FASTZERO_MODE_AUTO)
		atomic64_inc(&count->unchosen);
	atomic64_inc(&count->resets);
	atomic64_add(r->cleared, &count->cleared);
	atomic64_add(r->held, &count->held);
}

/* auto.c */
u32 fz_auto_choose(struct fz_reset *r);
bool fz_auto_swaps(struct fz_reset *r, u64 number, u64 pages, u64 span, bool begun,
		   const struct fz_store *store);

/* reset_inplace.c */
bool fz_inplace_is_held(struct folio *folio);
void fz_inplace_split_held(const struct fz_chunk *chunk, u64 *words, u64 *held);
u32 fz_inplace_look_huge(struct fz_reset *r, struct fz_chunk *chunk, u64 number,
			 u64 *words);
void fz_inplace_words(struct fz_reset *r, struct fz_chunk *chunk, u64 number,
		      const u64 *words);
void fz_inplace_some(struct fz_reset *r);

/* reset_sweep.c */
int fz_sweep(struct fz_reset *r);

/* reset_drop.c */
void fz_drop_some(struct fz_reset *r);
void fz_drop_aged(struct fz_reset *r);

/* unmap.c */
void fz_unmap(struct fz_reset *r, const struct fz_range *range,
	      struct list_head *out, bool in_place);
u64 fz_unmap_words(struct fz_reset *r, struct fz_chunk *chunk, u64 number,
		   const u64 *words);

/* reset_swap.c */
void fz_swap_some(struct fz_reset *r);
void fz_swap_end(struct fz_reset *r);

/* pte.c */
/* fz_pte_swap() takes ranges of up to this many pages. */
#define FZ_PTE_SPAN	32768
bool fz_pte_can_swap(struct fz_scratch *s);
unsigned long *fz_pte_begin(const struct fz_scratch *s);
void fz_pte_end(unsigned long *bitmap);
bool fz_pte_swap(struct fz_scratch *s, const struct fz_range *range,
		 unsigned long *bitmap);

#endif

// SPDX-License-Identifier: GPL-2.0-only
/*
 * RESET: make a range zero again.
 *
 * INPLACE clears folios where they are and touches no page table.  DROP takes
 * them out of the index, waits for faults that have found them (see fault.c),
 * unmaps, which flushes all TLBs and nested page tables, and retires them.
 */
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>

#include <uapi/linux/fastzero.h>

#include "chunk.h"
#include "compat/compat.h"
#include "ioctl.h"

/* Pages dropped between two looks at signals, and by one flush. */
#define RESET_BATCH	4096

/**
 * struct reset_tally - what one reset did
 * @cleared: pages cleared here
 * @dropped: pages taken out
 * @held: pages among these that somebody else referred to
 */
struct reset_tally {
	u64 cleared;
	u64 dropped;
	u64 held;
};

/* Whether somebody but the index and page tables refers to a folio. */
static bool reset_is_held(struct folio *folio)
{
	return folio_ref_count(folio) != 1 + fz_folio_mapcount(folio);
}

static void reset_clear(struct folio *folio, struct reset_tally *t)
{
	clear_highpage(folio_page(folio, 0));
	t->cleared++;
	if (unlikely(reset_is_held(folio)))
		t->held++;
}

/* Poisoned pages may not be touched again, not even to be cleared. */
static void reset_retire(struct fz_scratch *s, struct list_head *out,
			 struct reset_tally *t)
{
	struct folio *folio, *next;

	list_for_each_entry_safe(folio, next, out, lru) {
		if (likely(!PageHWPoison(folio_page(folio, 0))))
			continue;
		list_del(&folio->lru);
		fz_pool_forget(&s->ctx->pool, folio);
	}
	t->held += fz_pool_retire(&s->ctx->pool, out);
}

/* Unmap a range whose folios are out of the index, and retire them. */
static void reset_take_back(struct fz_scratch *s, const struct fz_range *range,
			    struct list_head *out, struct reset_tally *t)
{
	struct folio *folio;

	list_for_each_entry(folio, out, lru) {
		folio_lock(folio);
		folio_unlock(folio);
	}
	unmap_mapping_range(s->inode->i_mapping, range->first << PAGE_SHIFT,
			    (range->end - range->first) << PAGE_SHIFT, 1);
	reset_retire(s, out, t);
}

/* AUTO: clear the pages of a chunk that are held, and keep them out of @words. */
static void reset_clear_held(struct fz_chunk *chunk, u64 *words,
			     struct reset_tally *t)
{
	u32 i;

	for (i = 0; i < FZ_CHUNK_PAGES; i++) {
		u64 bit = 1ULL << (i % 64);

		if (!(words[i / 64] & bit) || !reset_is_held(chunk->folios[i]) ||
		    PageHWPoison(folio_page(chunk->folios[i], 0)))
			continue;
		reset_clear(chunk->folios[i], t);
		words[i / 64] &= ~bit;
	}
}

/*
 * Drop the next pages of a range, and move its begin on behind them.  With
 * @keep_held, pages that somebody else refers to are cleared in place.
 */
static void reset_drop_some(struct fz_scratch *s, struct fz_range *range,
			    bool keep_held, struct reset_tally *t)
{
	struct fz_range run = { };
	u64 words[FZ_CHUNK_WORDS];
	struct fz_chunk *chunk;
	LIST_HEAD(out);
	u64 number;
	u64 nr = 0;

	while (nr < RESET_BATCH && (chunk = fz_chunk_next(s, range, &number))) {
		u64 base = number << FZ_CHUNK_SHIFT;
		struct fz_range part, span;

		/* Walk no page tables of holes: they may be many. */
		if (nr && base - run.end > FZ_CHUNK_PAGES)
			break;

		part = fz_range_in_chunk(range, number);
		range->first = base + part.end;
		fz_chunk_snapshot(chunk, &part, words);
		if (keep_held)
			reset_clear_held(chunk, words, t);
		if (!fz_range_span(words, &span))
			continue;
		if (!nr)
			run.first = base + span.first;
		run.end = base + span.end;
		nr += fz_chunk_remove(s, chunk, number, words, &out);
	}
	if (!nr)
		return;

	t->dropped += nr;
	reset_take_back(s, &run, &out, t);
}

static void reset_drop_poisoned(struct fz_scratch *s, u64 page,
				struct reset_tally *t)
{
	struct fz_range one = { .first = page, .end = page + 1 };

	reset_drop_some(s, &one, false, t);
}

/* Clear the next populated chunk of a range, and move its begin on behind. */
static void reset_inplace_some(struct fz_scratch *s, struct fz_range *range,
			       struct reset_tally *t)
{
	u64 words[FZ_CHUNK_WORDS];
	struct fz_chunk *chunk;
	struct fz_range part;
	u64 number;
	u32 left;

	chunk = fz_chunk_next(s, range, &number);
	if (!chunk)
		return;

	/* Folios cannot go while we hold the lock; those that come are zero. */
	part = fz_range_in_chunk(range, number);
	for (left = fz_chunk_snapshot(chunk, &part, words); left;
	     left &= left - 1) {
		u32 w = __ffs(left);
		u64 word;

		for (word = words[w]; word; word &= word - 1) {
			u32 i = w * 64 + __ffs64(word);
			struct folio *folio = chunk->folios[i];

			if (likely(!PageHWPoison(folio_page(folio, 0))))
				reset_clear(folio, t);
			else
				reset_drop_poisoned(s, (number <<
						    FZ_CHUNK_SHIFT) + i, t);
		}
	}
	range->first = (number << FZ_CHUNK_SHIFT) + part.end;
}

/*
 * AUTO, for now: while anybody maps the scratch its pages will be wanted again
 * and clearing keeps all page tables, nested ones included, as they are.  What
 * is mapped nowhere is taken back.
 */
static u32 reset_choose(struct fz_scratch *s)
{
	return mapping_mapped(s->inode->i_mapping) ? FASTZERO_MODE_INPLACE :
						     FASTZERO_MODE_DROP;
}

/* Reset until done or killed; @range keeps what is left. */
static int reset_run(struct fz_scratch *s, struct fz_range *range, u32 mode,
		     struct reset_tally *t)
{
	bool keep_held = mode == FASTZERO_MODE_AUTO;
	int err = 0;

	lockdep_assert_held(&s->lock);

	if (mode == FASTZERO_MODE_AUTO)
		mode = reset_choose(s);

	while (range->first < range->end) {
		if (fatal_signal_pending(current)) {
			err = -EINTR;
			break;
		}
		if (mode == FASTZERO_MODE_INPLACE)
			reset_inplace_some(s, range, t);
		else
			reset_drop_some(s, range, keep_held, t);
		cond_resched();
	}

	if (t->dropped)
		fz_zeroer_kick(&s->ctx->pool);
	atomic64_inc(&s->count.resets);
	atomic64_add(t->cleared, &s->count.cleared);
	atomic64_add(t->dropped, &s->count.dropped);
	atomic64_add(t->held, &s->count.held);
	return err;
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
	struct reset_tally t = { };

	return reset_run(s, &range, FASTZERO_MODE_DROP, &t);
}

/**
 * fz_reset_all() - drop every page, at the end of a scratch
 * @s: a scratch that nobody uses any more
 *
 * Cannot fail, and no signal ends it.
 */
void fz_reset_all(struct fz_scratch *s)
{
	struct fz_range all = { .first = 0, .end = s->nr_pages };
	struct reset_tally t = { };

	mutex_lock(&s->lock);
	while (all.first < all.end) {
		reset_drop_some(s, &all, false, &t);
		cond_resched();
	}
	mutex_unlock(&s->lock);
	fz_zeroer_kick(&s->ctx->pool);
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
	struct reset_tally t = { };
	struct fz_range range;
	u64 first;
	int err;

	if (cmd->flags || cmd->mode == FASTZERO_MODE_SWAP)
		return -EOPNOTSUPP;
	if (cmd->__reserved || cmd->mode > FASTZERO_MODE_DROP)
		return -EINVAL;
	err = fz_range_check(cmd->offset, cmd->length, fz_scratch_size(s),
			     PAGE_SHIFT, &range);
	if (err)
		return err;

	first = range.first;
	err = mutex_lock_killable(&s->lock);
	if (!err) {
		err = reset_run(s, &range, cmd->mode, &t);
		mutex_unlock(&s->lock);
	}

	cmd->out_done = (range.first - first) << PAGE_SHIFT;
	cmd->out_cleared = t.cleared;
	cmd->out_swapped = 0;
	cmd->out_dropped = t.dropped;
	cmd->out_held = t.held;
	return fz_ucmd_respond(ucmd) ?: err;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One flush of SWAP, with its pages.
 */
#ifndef FZ_RESET_SWAP_H
#define FZ_RESET_SWAP_H

#include "reset.h"

/* Huge folios swapped by one flush. */
#define FZ_SWAP_HUGE	64

/**
 * struct fz_swap - the pages of one flush
 * @run: pages from the first to the last that was taken out; @run.end is 0 if none was
 * @out: the folios that were taken out
 * @nr_base: pages taken out, not counting huge folios that were replaced
 * @holes: some pages were not replaced, and are holes
 * @nr_huge: chunks that have a new huge folio
 * @huge: these chunks
 * @ready: huge folios from the pool.  When one is used, the old folio of its chunk takes
 *	its place in the list.  So all folios before @next are old ones
 * @next: the first unused folio in @ready; &@ready if there are no more
 */
struct fz_swap {
	struct fz_range run;
	struct list_head out;
	u64 nr_base;
	bool holes;
	unsigned int nr_huge;
	struct fz_map_item huge[FZ_SWAP_HUGE];
	struct list_head ready;
	struct list_head *next;
};

static inline void fz_swap_extend(struct fz_swap *b, u64 number,
			const struct fz_range *span)
{
	u64 base = number << FZ_CHUNK_SHIFT;

	if (!b->run.end)
		b->run.first = base + span->first;
	b->run.end = base + span->end;
}

/* Take pages out of a chunk, and leave holes. */
static inline void fz_swap_drop(struct fz_reset *r, struct fz_swap *b,
		      struct fz_chunk *chunk, u64 number, const u64 *words)
{
	struct fz_range span;
	u64 nr;

	if (!fz_range_span(words, &span))
		return;
	nr = fz_chunk_remove(r->s, chunk, number, words, &b->out);
	r->dropped += nr;
	b->nr_base += nr;
	b->holes = true;
	fz_swap_extend(b, number, &span);
}

/* The node of the folio that replaces @old: the one that CREATE named, or that of @old. */
static inline int fz_swap_node(const struct fz_scratch *s, struct folio *old)
{
	return s->node == NUMA_NO_NODE ? folio_nid(old) : s->node;
}

/* reset_swap_huge.c */
void fz_swap_huge(struct fz_reset *r, struct fz_swap *b, struct fz_chunk *chunk,
		  u64 number);
void fz_swap_put_back_huge(struct fz_reset *r, struct fz_swap *b);
void fz_swap_map_huge(struct fz_reset *r, struct fz_swap *b);

#endif

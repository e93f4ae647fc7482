// SPDX-License-Identifier: GPL-2.0-only
/*
 * DROP: take folios out of the index, unmap and retire them.
 */
#include <linux/list.h>
#include <linux/string.h>

#include "reset.h"

/*
 * A flush drops this many pages, and clears this many meanwhile, or a few more of the
 * last chunk.
 */
#define DROP_BATCH	4096
#define DROP_CLEAR	1024

/* Some pages must stay: clear them in place, and clear their bits in @words. */
static void drop_keep_some(struct fz_reset *r, struct fz_chunk *chunk,
			   u64 number, u64 *words)
{
	u64 keep[FZ_CHUNK_WORDS] = { };

	if (chunk->huge && !fz_range_all(words)) {
		/* A part of a huge folio cannot be taken out. */
		fz_inplace_words(r, chunk, number, words);
		memset(words, 0, sizeof(keep));
	} else if (r->keep_held) {
		fz_inplace_split_held(chunk, words, keep);
		fz_inplace_words(r, chunk, number, keep);
	}
}

/**
 * fz_drop_some() - drop the next pages of a reset
 * @r: the reset; its range is moved on
 */
void fz_drop_some(struct fz_reset *r)
{
	struct fz_range run = { };
	u64 words[FZ_CHUNK_WORDS];
	struct fz_chunk *chunk;
	LIST_HEAD(out);
	u64 until = r->cleared + DROP_CLEAR;
	int left = FZ_RESET_CHUNKS;
	u64 number;
	u64 nr = 0;

	while (nr < DROP_BATCH && r->cleared < until && left-- &&
	       (chunk = fz_reset_next(r, &number))) {
		u64 base = number << FZ_CHUNK_SHIFT;
		struct fz_range part, span;

		/*
		 * End the batch before a large hole: an unmap would walk the page tables
		 * of the hole.
		 */
		if (nr && base - run.end > FZ_CHUNK_PAGES)
			break;

		part = fz_range_in_chunk(&r->range, number);
		fz_chunk_snapshot(chunk, &part, words);
		if (r->dirty)
			fz_dirty_mask(r->dirty, number, words);
		r->range.first = base + part.end;
		drop_keep_some(r, chunk, number, words);
		if (!fz_range_span(words, &span))
			continue;
		if (!nr)
			run.first = base + span.first;
		run.end = base + span.end;
		nr += fz_chunk_remove(r->s, chunk, number, words, &out);
	}
	if (!nr)
		return;

	r->dropped += nr;
	fz_unmap(r, &run, &out, false);
}

/**
 * fz_drop_aged() - drop the pages that fz_chunk_age() has noted
 * @r: the reset
 */
void fz_drop_aged(struct fz_reset *r)
{
	struct fz_scratch *s = r->s;
	struct fz_chunk *chunk;
	unsigned long at;

	xa_for_each_marked(&s->chunks, at, chunk, FZ_CHUNK_AGED) {
		u64 words[FZ_CHUNK_WORDS];

		fz_chunk_take_aged(s, chunk, at, words);
		atomic64_add(fz_unmap_words(r, chunk, at, words), &s->count.aged);
		cond_resched();
	}
}

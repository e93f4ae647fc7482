// SPDX-License-Identifier: GPL-2.0-only
/*
 * SWAP: replace the folios of populated pages by ready ones.  The index has a folio for
 * each replaced page at all times.  If no ready folio is left, SWAP clears pages in
 * place.  SWAP by name drops held ones.
 */
#include <linux/mm.h>

#include "clear.h"
#include "reset_swap.h"

/*
 * A flush swaps this many base pages, and clears this many meanwhile, or a few more of
 * the last chunk.
 */
#define SWAP_BATCH	4096
#define SWAP_CLEAR	1024
/*
 * If two swapped pages are further apart than this, the walk over the page-table entries
 * between them costs more than another flush.
 */
#define SWAP_GAP	100
/* So no empty chunk is in a walk.  It may get a huge folio, which the walk must not meet. */
static_assert(SWAP_GAP < FZ_CHUNK_PAGES);

/* Swap the @nr base pages @words of a chunk; @span: from the first to the last of them. */
static void swap_base(struct fz_reset *r, struct fz_swap *b,
		      struct fz_chunk *chunk, u64 number, u64 *words, u64 nr,
		      const struct fz_range *span)
{
	struct fz_pool *pool = &r->s->ctx->pool;
	int node = fz_swap_node(r->s, fz_chunk_folio(chunk, span->first));
	LIST_HEAD(ready);

	/* AUTO needs no pool for base pages: it can clear them. */
	if (!r->is_auto) {
		r->s->wanted[FZ_BASE] += nr;
		r->s->wanted_node = node;
	}
	nr = fz_pool_take_ready(pool, fz_pool_store(pool, node, FZ_BASE), nr,
				&ready);
	if (nr)
		nr = fz_chunk_replace(r->s, chunk, number, words, r->keep_held,
				      &ready, &b->out);
	if (nr) {
		r->swapped += nr;
		b->nr_base += nr;
		fz_swap_extend(b, number, span);
	}
	if (!list_empty(&ready))
		fz_pool_put_back(pool, &ready);
	/* No ready page is left for the rest: drop held pages, and clear the others. */
	if (!r->keep_held) {
		u64 held[FZ_CHUNK_WORDS] = { };

		fz_inplace_split_held(chunk, words, held);
		fz_swap_drop(r, b, chunk, number, held);
	}
	fz_inplace_words(r, chunk, number, words);
}

/* Where the ready pages for base pages of a chunk are. */
static const struct fz_store *swap_store(const struct fz_reset *r,
					 const struct fz_chunk *chunk,
					 const struct fz_range *span)
{
	int node = fz_swap_node(r->s, fz_chunk_folio(chunk, span->first));

	return fz_pool_store(&r->s->ctx->pool, node, FZ_BASE);
}

/* Look at one page of a word, to see whether runs still write to the swapped pages. */
static void swap_sample(struct fz_reset *r, const struct fz_chunk *chunk, u32 w, u64 word)
{
	u64 turn = ror64(word, r->s->age.now % 64);
	struct folio *folio;

	folio = fz_chunk_base(chunk, w * 64 + (__ffs64(turn) + r->s->age.now) % 64);
	if (unlikely(fz_folio_is_bad(folio)))
		return;
	r->sampled++;
	r->zero += fz_page_is_zero(folio_page(folio, 0));
}

static void swap_words(struct fz_reset *r, struct fz_swap *b,
		       struct fz_chunk *chunk, u64 number, u64 *words)
{
	struct fz_range span;
	u64 nr = 0;
	u32 w;

	if (!fz_range_span(words, &span))
		return;
	for (w = 0; w < FZ_CHUNK_WORDS; w++)
		nr += hweight64(words[w]);
	if (!r->is_auto) {
		swap_base(r, b, chunk, number, words, nr, &span);
		return;
	}
	if (r->all)
		for (w = 0; w < FZ_CHUNK_WORDS; w++)
			if (words[w])
				swap_sample(r, chunk, w, words[w]);
	if (fz_auto_swaps(r, number, nr, span.end - span.first, b->run.end,
			  swap_store(r, chunk, &span)))
		swap_base(r, b, chunk, number, words, nr, &span);
	else
		fz_inplace_words(r, chunk, number, words);
}

static void swap_chunk(struct fz_reset *r, struct fz_swap *b,
		       struct fz_chunk *chunk, u64 number,
		       const struct fz_range *part)
{
	u64 words[FZ_CHUNK_WORDS];

	if (chunk->huge && !r->dirty && !part->first &&
	    part->end == FZ_CHUNK_PAGES) {
		fz_swap_huge(r, b, chunk, number);
		return;
	}

	fz_chunk_snapshot(chunk, part, words);
	if (r->dirty)
		fz_dirty_mask(r->dirty, number, words);
	if (chunk->huge && fz_range_all(words)) {
		fz_swap_huge(r, b, chunk, number);
	} else if (!chunk->huge && r->swap_base) {
		swap_words(r, b, chunk, number, words);
	} else {
		if (chunk->huge)
			r->why = FZ_WHY_PART;
		fz_inplace_words(r, chunk, number, words);
	}
}

/* Whether a chunk is so far after the last that it should have another flush. */
static bool swap_is_far(const struct fz_swap *b, const struct fz_chunk *chunk,
			u64 base)
{
	u32 w = 0;

	if (!b->run.end)
		return false;
	while (w < FZ_CHUNK_WORDS - 1 && !fz_chunk_populated(chunk, w))
		w++;
	base += w * 64 + __ffs64(fz_chunk_populated(chunk, w) | 1ULL << 63);
	return base - b->run.end > SWAP_GAP || base - b->run.first > FZ_PTE_SPAN -
								     FZ_CHUNK_PAGES;
}

/**
 * fz_swap_some() - swap the next pages of a reset
 * @r: the reset; its range is moved on
 */
void fz_swap_some(struct fz_reset *r)
{
	u64 cleared = r->cleared;
	struct fz_chunk *chunk;
	int left = FZ_RESET_CHUNKS;
	struct fz_swap b;
	u64 number;

	b.run.end = 0;
	b.nr_base = 0;
	b.holes = false;
	b.nr_huge = 0;
	INIT_LIST_HEAD(&b.out);
	INIT_LIST_HEAD(&b.ready);
	b.next = &b.ready;

	while (b.nr_base < SWAP_BATCH && b.nr_huge < FZ_SWAP_HUGE &&
	       r->cleared < cleared + SWAP_CLEAR && left-- &&
	       (chunk = fz_reset_next(r, &number))) {
		u64 base = number << FZ_CHUNK_SHIFT;
		struct fz_range part;

		if (swap_is_far(&b, chunk, base))
			break;

		part = fz_range_in_chunk(&r->range, number);
		r->range.first = base + part.end;
		swap_chunk(r, &b, chunk, number, &part);
	}

	fz_swap_put_back_huge(r, &b);
	if (!b.run.end)
		return;
	fz_unmap(r, &b.run, &b.out, !b.holes);
	/* No folio is in hand any more, so this may take mmap_lock. */
	if (b.nr_huge)
		fz_swap_map_huge(r, &b);
}

/**
 * fz_swap_end() - end a reset that swapped pages, or tried to
 * @r: the reset
 *
 * The pool learns how many ready folios the reset would take if enough were ready.  It may
 * allocate them for the next reset.
 */
void fz_swap_end(struct fz_reset *r)
{
	struct fz_scratch *s = r->s;

	lockdep_assert_held(&s->lock);

	s->written = r->written;
	if (r->sampled) {
		s->cold = r->zero > r->sampled / FZ_COLD;
		s->age.now++;
	}
	if (!(s->wanted[FZ_BASE] | s->wanted[FZ_HUGE]))
		return;
	fz_learn_wanted(&s->ctx->pool, s->wanted_node, s->wanted);
	/* If the reset swapped or dropped pages, fz_reset_left() kicks the zeroer. */
	if (!(r->swapped | r->dropped))
		fz_queue_kick(&s->ctx->pool);
	memset(s->wanted, 0, sizeof(s->wanted));
}

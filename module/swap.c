// SPDX-License-Identifier: GPL-2.0-only
/*
 * SWAP: put ready folios in the place of those that a run has used.  The rest is
 * as in drop.c, but that the index always has a folio.  Huge ones are mapped
 * again at once; what no ready folio is left for is cleared in place.
 */
#include <linux/mm.h>

#include "clear.h"
#include "large.h"
#include "reset.h"

/* Base pages swapped by one flush, and huge folios; and pages cleared meanwhile. */
#define SWAP_BATCH	4096
#define SWAP_BATCH_HUGE	64
#define SWAP_CLEAR	1024
/*
 * Pages between two that are swapped: to walk the entries of more than these costs more
 * than another flush.
 */
#define SWAP_GAP	100

/**
 * struct swap_batch - what one flush is for
 * @run: pages from the first to the last that was taken out; empty: none
 * @out: what was taken out
 * @nr_base: base pages among that
 * @holes: some of it left holes
 * @nr_huge: chunks that have a new huge folio
 * @huge: these
 * @ready: huge folios that were ready.  Old ones have taken the place of those that
 *	are in use now, up to @next
 * @next: in @ready; itself if there are no more
 */
struct swap_batch {
	struct fz_range run;
	struct list_head out;
	u64 nr_base;
	bool holes;
	unsigned int nr_huge;
	struct fz_map_item huge[SWAP_BATCH_HUGE];
	struct list_head ready;
	struct list_head *next;
};

static void swap_extend(struct swap_batch *b, u64 number,
			const struct fz_range *span)
{
	u64 base = number << FZ_CHUNK_SHIFT;

	if (!b->run.end)
		b->run.first = base + span->first;
	b->run.end = base + span->end;
}

/* Take a bitmap of pages out of a chunk. */
static void swap_drop(struct fz_reset *r, struct swap_batch *b,
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
	swap_extend(b, number, &span);
}

/* What takes the place of a folio is of its node, or of the scratch's own. */
static int swap_node(const struct fz_scratch *s, struct folio *old)
{
	return s->node == NUMA_NO_NODE ? folio_nid(old) : s->node;
}

static void swap_put_back_huge(struct fz_reset *r, struct swap_batch *b)
{
	LIST_HEAD(old);

	list_cut_before(&old, &b->ready, b->next);
	list_splice_tail(&old, &b->out);
	if (!list_empty(&b->ready))
		fz_pool_put_back(&r->s->ctx->pool, &b->ready);
	b->next = &b->ready;
}

/* Fetch ready huge folios for what is left: at once, for each lock costs. */
static bool swap_fetch_huge(struct fz_reset *r, struct swap_batch *b, int node)
{
	u64 left = DIV_ROUND_UP_ULL(r->range.end - r->range.first,
				    FZ_CHUNK_PAGES) + 1;
	struct fz_pool *pool = &r->s->ctx->pool;
	LIST_HEAD(more);
	struct folio *folio;

	if (!fz_pool_take_ready(pool, fz_pool_store(pool, node, FZ_HUGE),
				min_t(u64, left, SWAP_BATCH_HUGE - b->nr_huge),
				&more)) {
		folio = fz_pool_grow_huge(pool, node, b->nr_huge);
		if (!folio)
			return false;
		/* To allocate is to clear, while somebody waits. */
		atomic64_add(FZ_CHUNK_PAGES, &r->s->count.cleared);
		cond_resched();
		list_add(&folio->lru, &more);
	}
	b->next = more.next;
	list_splice_tail(&more, &b->ready);
	return true;
}

/*
 * A run has written @written pages of a chunk.  If it has written nothing anywhere it was
 * none.
 */
static void swap_learned(struct fz_reset *r, struct fz_chunk *chunk, u32 written)
{
	u8 *age = fz_roll_age(chunk->huge);

	if (written) {
		*age = 0;
		r->written = true;
	} else if (*age < FZ_AGE_STRIKES) {
		*age += r->written || r->s->written;
	}
}

/* Whether a chunk goes, for two runs have written nothing of it. */
static bool swap_is_old(struct fz_reset *r, struct fz_chunk *chunk, u64 number)
{
	u32 written = fz_density_take(r->s, number);

	if (written != FZ_DENSITY_UNKNOWN)
		swap_learned(r, chunk, written);
	return *fz_roll_age(chunk->huge) >= FZ_AGE_STRIKES;
}

static void swap_drop_huge(struct fz_reset *r, struct swap_batch *b,
			   struct fz_chunk *chunk, u64 number)
{
	u64 words[FZ_CHUNK_WORDS];

	memset(words, 0xff, sizeof(words));
	swap_drop(r, b, chunk, number, words);
}

/* AUTO has no use for a ready folio, or there is none. */
static void swap_clear_huge(struct fz_reset *r, struct swap_batch *b,
			    struct fz_chunk *chunk, u64 number, bool late)
{
	u64 words[FZ_CHUNK_WORDS];
	u32 nr = fz_inplace_look_huge(r, chunk, number, words);

	/* Memory in it may have failed.  What others hold is in use. */
	if (!chunk->huge || !r->keep_held || r->why == FZ_WHY_HELD)
		return;
	swap_learned(r, chunk, nr);
	if (late && fz_large_is_late(r->s, chunk, words, nr)) {
		r->why = FZ_WHY_SPARSE;
		r->cleared -= FZ_CHUNK_PAGES;
		swap_drop_huge(r, b, chunk, number);
	}
}

/* AUTO: true if that is all for the chunk. */
static bool swap_auto_huge(struct fz_reset *r, struct swap_batch *b,
			   struct fz_chunk *chunk, u64 number, bool held)
{
	if (!held && fz_large_breaks(r->s, chunk)) {
		r->why = FZ_WHY_SHORT;
		swap_drop_huge(r, b, chunk, number);
		return true;
	}
	if (!held && swap_is_old(r, chunk, number)) {
		spin_lock(&chunk->lock);
		memset(chunk->wanted, 0, sizeof(chunk->wanted));
		spin_unlock(&chunk->lock);
		swap_drop_huge(r, b, chunk, number);
		atomic64_add(FZ_CHUNK_PAGES, &r->s->count.aged);
		return true;
	}
	if (!held && r->why_huge == FZ_WHY_HUGE)
		return false;
	r->why = held ? FZ_WHY_HELD : r->why_huge;
	swap_clear_huge(r, b, chunk, number, false);
	return true;
}

/* A chunk with a huge folio, all of which is to be zero. */
static void swap_huge(struct fz_reset *r, struct swap_batch *b,
		      struct fz_chunk *chunk, u64 number)
{
	const struct fz_range all = { .end = FZ_CHUNK_PAGES };
	bool held = fz_inplace_is_held(chunk->huge);
	int node = swap_node(r->s, chunk->huge);

	if (r->keep_held && swap_auto_huge(r, b, chunk, number, held))
		return;
	r->s->wanted[FZ_HUGE]++;
	r->s->wanted_node = node;
	if (unlikely(b->next != &b->ready &&
		     folio_nid(list_entry(b->next, struct folio, lru)) != node))
		swap_put_back_huge(r, b);
	if (b->next != &b->ready || swap_fetch_huge(r, b, node)) {
		struct folio *folio = list_entry(b->next, struct folio, lru);
		struct folio *old = fz_chunk_replace_huge(r->s, chunk, number,
							  folio);

		b->next = b->next->next;
		/* There is a check in each of list_del() and list_add(). */
		list_replace(&folio->lru, &old->lru);
		swap_extend(b, number, &all);
		b->huge[b->nr_huge].number = number;
		b->huge[b->nr_huge++].folio = folio;
		r->swapped += FZ_CHUNK_PAGES;
		chunk->late -= !!chunk->late;
		return;
	}

	r->why = FZ_WHY_EMPTY;
	/* As in DROP, a holder keeps what it holds. */
	if (r->keep_held)
		swap_clear_huge(r, b, chunk, number, true);
	else if (held)
		swap_drop_huge(r, b, chunk, number);
	else
		swap_clear_huge(r, b, chunk, number, false);
}

/* Base pages of a chunk: @nr in @words, of which @span is from the first to the last. */
static void swap_base(struct fz_reset *r, struct swap_batch *b,
		      struct fz_chunk *chunk, u64 number, u64 *words, u64 nr,
		      const struct fz_range *span)
{
	struct fz_pool *pool = &r->s->ctx->pool;
	int node = swap_node(r->s, fz_chunk_folio(chunk, span->first));
	LIST_HEAD(ready);

	/* AUTO swaps base pages if it comes cheap, and clears them if not. */
	if (!r->keep_held) {
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
		swap_extend(b, number, span);
	}
	if (!list_empty(&ready))
		fz_pool_put_back(pool, &ready);
	/* There are no more: holders keep theirs, the rest is cleared. */
	if (!r->keep_held) {
		u64 held[FZ_CHUNK_WORDS] = { };

		fz_inplace_split_held(chunk, words, held);
		swap_drop(r, b, chunk, number, held);
	}
	fz_inplace_words(r, chunk, number, words);
}

/* How many pages could take the place of base pages of a chunk. */
static u64 swap_ready(const struct fz_reset *r, const struct fz_chunk *chunk,
		      const struct fz_range *span)
{
	int node = swap_node(r->s, fz_chunk_folio(chunk, span->first));
	const struct fz_store *store = fz_pool_store(&r->s->ctx->pool, node, FZ_BASE);

	return READ_ONCE(store->nr_ready);
}

/* Look at one page of a word: whether runs still write to what is swapped. */
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

static void swap_words(struct fz_reset *r, struct swap_batch *b,
		       struct fz_chunk *chunk, u64 number, u64 *words)
{
	struct fz_range span;
	u64 nr = 0;
	u32 w;

	if (!fz_range_span(words, &span))
		return;
	for (w = 0; w < FZ_CHUNK_WORDS; w++)
		nr += hweight64(words[w]);
	if (!r->keep_held) {
		swap_base(r, b, chunk, number, words, nr, &span);
		return;
	}
	if (r->all)
		for (w = 0; w < FZ_CHUNK_WORDS; w++)
			if (words[w])
				swap_sample(r, chunk, w, words[w]);
	if (fz_auto_swaps(r, number, nr, span.end - span.first, b->run.end,
			  swap_ready(r, chunk, &span)))
		swap_base(r, b, chunk, number, words, nr, &span);
	else
		fz_inplace_words(r, chunk, number, words);
}

static void swap_chunk(struct fz_reset *r, struct swap_batch *b,
		       struct fz_chunk *chunk, u64 number,
		       const struct fz_range *part)
{
	u64 words[FZ_CHUNK_WORDS];

	if (chunk->huge && !r->dirty && !part->first &&
	    part->end == FZ_CHUNK_PAGES) {
		swap_huge(r, b, chunk, number);
		return;
	}

	fz_chunk_snapshot(chunk, part, words);
	if (r->dirty)
		fz_dirty_mask(r->dirty, number, words);
	if (chunk->huge && fz_range_all(words)) {
		swap_huge(r, b, chunk, number);
	} else if (!chunk->huge && r->swap_base) {
		swap_words(r, b, chunk, number, words);
	} else {
		if (chunk->huge)
			r->why = FZ_WHY_PART;
		fz_inplace_words(r, chunk, number, words);
	}
}

/* Chunks that have their old folio again are to be mapped to that. */
static void swap_look_again(struct fz_scratch *s, struct swap_batch *b)
{
	unsigned int i;

	for (i = 0; i < b->nr_huge; i++) {
		u64 page = b->huge[i].number << FZ_CHUNK_SHIFT;

		b->huge[i].folio = fz_chunk_find(s, page);
		/* It stays as long as we have the lock. */
		folio_put(b->huge[i].folio);
	}
}

/* Whether a chunk is to be left to the next flush. */
static bool swap_is_far(const struct swap_batch *b, const struct fz_chunk *chunk,
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
	struct swap_batch b;
	u64 number;

	b.run.end = 0;
	b.nr_base = 0;
	b.holes = false;
	b.nr_huge = 0;
	INIT_LIST_HEAD(&b.out);
	INIT_LIST_HEAD(&b.ready);
	b.next = &b.ready;

	while (b.nr_base < SWAP_BATCH && b.nr_huge < SWAP_BATCH_HUGE &&
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

	swap_put_back_huge(r, &b);
	if (!b.run.end)
		return;
	fz_drop_unmap(r, &b.run, &b.out, !b.holes);
	if (unlikely(r->put_back))
		swap_look_again(r->s, &b);
	/* Nothing is in hand any more: this takes mmap_lock. */
	if (b.nr_huge)
		fz_map_huge_chunks(r->s, b.huge, b.nr_huge);
}

/**
 * fz_swap_end() - a reset has swapped what there was to swap
 * @r: the reset
 *
 * The pool learns what it would have taken, and may get it for the next one.
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
	/* It is to work anyway, most often. */
	if (!(r->swapped | r->dropped))
		fz_queue_kick(&s->ctx->pool);
	memset(s->wanted, 0, sizeof(s->wanted));
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * SWAP of huge folios: replaces each by a ready one, and maps that at once.
 */
#include <linux/mm.h>

#include "huge.h"
#include "reset_swap.h"

/**
 * fz_swap_put_back_huge() - give unused ready folios back to the pool
 * @r: the reset
 * @b: the flush; old folios move from @ready to @out
 */
void fz_swap_put_back_huge(struct fz_reset *r, struct fz_swap *b)
{
	LIST_HEAD(old);

	list_cut_before(&old, &b->ready, b->next);
	list_splice_tail(&old, &b->out);
	if (!list_empty(&b->ready))
		fz_pool_put_back(&r->s->ctx->pool, &b->ready);
	b->next = &b->ready;
}

/* Take ready huge folios for the rest of the range, all at once, to lock the pool once. */
static bool swap_fetch_huge(struct fz_reset *r, struct fz_swap *b, int node)
{
	u64 left = DIV_ROUND_UP_ULL(r->range.end - r->range.first,
				    FZ_CHUNK_PAGES) + 1;
	struct fz_pool *pool = &r->s->ctx->pool;
	LIST_HEAD(more);
	struct folio *folio;

	if (!fz_pool_take_ready(pool, fz_pool_store(pool, node, FZ_HUGE),
				min_t(u64, left, FZ_SWAP_HUGE - b->nr_huge),
				&more)) {
		folio = fz_pool_grow_huge(pool, node, b->nr_huge);
		if (!folio)
			return false;
		/* The allocation has cleared it, on the critical path. */
		atomic64_add(FZ_CHUNK_PAGES, &r->s->count.cleared);
		cond_resched();
		list_add(&folio->lru, &more);
	}
	b->next = more.next;
	list_splice_tail(&more, &b->ready);
	return true;
}

/*
 * The last run has written @written pages of a chunk.  A chunk with none gets a strike, but
 * only if some other chunk was written: else there may have been no run.
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

/* Whether a chunk is to be dropped: two runs have written nothing to it. */
static bool swap_is_old(struct fz_reset *r, struct fz_chunk *chunk, u64 number)
{
	u32 written = fz_density_take(r->s, number);

	if (written != FZ_DENSITY_UNKNOWN)
		swap_learned(r, chunk, written);
	return *fz_roll_age(chunk->huge) >= FZ_AGE_STRIKES;
}

static void swap_drop_huge(struct fz_reset *r, struct fz_swap *b,
			   struct fz_chunk *chunk, u64 number)
{
	u64 words[FZ_CHUNK_WORDS];

	memset(words, 0xff, sizeof(words));
	fz_swap_drop(r, b, chunk, number, words);
}

/* Clear a huge folio in place.  @late: no folio was ready. */
static void swap_clear_huge(struct fz_reset *r, struct fz_swap *b,
			    struct fz_chunk *chunk, u64 number, bool late)
{
	u64 words[FZ_CHUNK_WORDS];
	u32 nr = fz_inplace_look_huge(r, chunk, number, words);

	/* The folio was dropped if its memory has failed.  A held folio is in use. */
	if (!chunk->huge || !r->is_auto || r->why == FZ_WHY_HELD)
		return;
	swap_learned(r, chunk, nr);
	if (late && fz_large_is_late(r->s, chunk, words, nr)) {
		r->why = FZ_WHY_SPARSE;
		r->cleared -= FZ_CHUNK_PAGES;
		swap_drop_huge(r, b, chunk, number);
	}
}

/* AUTO: drop a huge folio, or clear it in place; false if it is to be swapped. */
static bool swap_auto_huge(struct fz_reset *r, struct fz_swap *b,
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

/**
 * fz_swap_huge() - swap a huge folio; with AUTO, swap, drop or clear it
 * @r: the reset
 * @b: the flush
 * @chunk: a chunk with a huge folio, all of which is to be zero
 * @number: its number
 */
void fz_swap_huge(struct fz_reset *r, struct fz_swap *b,
		      struct fz_chunk *chunk, u64 number)
{
	const struct fz_range all = { .end = FZ_CHUNK_PAGES };
	/* A fault may just have installed it: then see its place on the roll as well. */
	struct folio *huge = smp_load_acquire(&chunk->huge);
	bool held = fz_inplace_is_held(huge);
	int node = fz_swap_node(r->s, huge);

	if (r->is_auto && swap_auto_huge(r, b, chunk, number, held))
		return;
	r->s->wanted[FZ_HUGE]++;
	r->s->wanted_node = node;
	if (unlikely(b->next != &b->ready &&
		     folio_nid(list_entry(b->next, struct folio, lru)) != node))
		fz_swap_put_back_huge(r, b);
	if (b->next != &b->ready || swap_fetch_huge(r, b, node)) {
		struct folio *folio = list_entry(b->next, struct folio, lru);
		struct folio *old = fz_chunk_replace_huge(r->s, chunk, number,
							  folio);

		b->next = b->next->next;
		/* Faster than list_del() and list_add(), which check the list. */
		list_replace(&folio->lru, &old->lru);
		fz_swap_extend(b, number, &all);
		b->huge[b->nr_huge].number = number;
		b->huge[b->nr_huge++].folio = folio;
		r->swapped += FZ_CHUNK_PAGES;
		chunk->late -= !!chunk->late;
		return;
	}

	r->why = FZ_WHY_EMPTY;
	/* As in named DROP, a held folio is left to its holder. */
	if (held && !r->is_auto)
		swap_drop_huge(r, b, chunk, number);
	else
		swap_clear_huge(r, b, chunk, number, r->is_auto);
}

/* Some chunks have got their old folio back: look up which one to map. */
static void swap_look_again(struct fz_scratch *s, struct fz_swap *b)
{
	unsigned int i;

	for (i = 0; i < b->nr_huge; i++) {
		u64 page = b->huge[i].number << FZ_CHUNK_SHIFT;

		b->huge[i].folio = fz_chunk_find(s, page);
		/* The scratch's lock keeps it in the index. */
		folio_put(b->huge[i].folio);
	}
}

/**
 * fz_swap_map_huge() - map the new huge folios
 * @r: the reset, with no folio in hand, since this takes mmap_lock
 * @b: the flush, which is over
 */
void fz_swap_map_huge(struct fz_reset *r, struct fz_swap *b)
{
	if (unlikely(r->put_back))
		swap_look_again(r->s, b);
	fz_map_huge_chunks(r->s, b->huge, b->nr_huge);
}

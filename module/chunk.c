// SPDX-License-Identifier: GPL-2.0-only
/*
 * The index of a scratch: an xarray of chunks, each an array of folios with a
 * bitmap of what is there, so that a reset costs what is populated.
 */
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "chunk.h"
#include "compat/compat.h"

static struct fz_chunk *chunk_alloc(struct fz_scratch *s, u64 number, gfp_t gfp)
{
	u64 left = s->nr_pages - (number << FZ_CHUNK_SHIFT);
	struct fz_chunk *chunk;

	chunk = kzalloc(sizeof(*chunk), gfp);
	if (!chunk)
		return NULL;
	chunk->folios = kcalloc(min_t(u64, left, FZ_CHUNK_PAGES),
				sizeof(*chunk->folios), gfp);
	if (!chunk->folios) {
		kfree(chunk);
		return NULL;
	}
	spin_lock_init(&chunk->lock);
	return chunk;
}

static void chunk_free(struct fz_chunk *chunk)
{
	kfree(chunk->folios);
	kfree(chunk);
}

/* @gfp is meant for folios: from it comes only how hard to try. */
static struct fz_chunk *chunk_get(struct fz_scratch *s, u64 number, gfp_t gfp)
{
	struct fz_chunk *chunk = xa_load(&s->chunks, number);
	struct mem_cgroup *old;
	struct fz_chunk *have;

	if (likely(chunk))
		return chunk;

	gfp = GFP_KERNEL_ACCOUNT | (gfp & (__GFP_NORETRY | __GFP_NOWARN));
	old = set_active_memcg(s->ctx->pool.memcg);
	chunk = chunk_alloc(s, number, gfp);
	have = chunk ? xa_cmpxchg(&s->chunks, number, NULL, chunk, gfp) :
		       XA_ERROR(-ENOMEM);
	set_active_memcg(old);

	if (!have)
		return chunk;
	if (chunk)
		chunk_free(chunk);
	return xa_is_err(have) ? ERR_PTR(xa_err(have)) : have;
}

static void chunk_install(struct fz_scratch *s, struct fz_chunk *chunk,
			  u64 page, struct folio *folio)
{
	unsigned int i = page % FZ_CHUNK_PAGES;

	lockdep_assert_held(&chunk->lock);

	fz_folio_attach(folio, s->inode->i_mapping, page);
	WRITE_ONCE(chunk->folios[i], folio);
	/* A reset that sees the bit without our lock sees the folio, too. */
	smp_store_release(&chunk->populated[i / 64],
			  chunk->populated[i / 64] | 1ULL << (i % 64));
	if (!chunk->nr++)
		xa_set_mark(&s->chunks, page >> FZ_CHUNK_SHIFT,
			    FZ_CHUNK_POPULATED);
	atomic_long_inc(&s->populated);
}

/**
 * fz_chunk_get() - the folio of a page, populating it if it is a hole
 * @s: the scratch
 * @page: page, inside the scratch
 * @gfp: how to allocate what is missing: FZ_GFP_FAULT or FZ_GFP_TELL
 * @added: set to whether it was a hole; may be NULL
 *
 * Return: the folio with a reference for the caller, or an ERR_PTR: -ENOMEM,
 * -ENOSPC beyond the context's limit, -EINTR.
 */
struct folio *fz_chunk_get(struct fz_scratch *s, u64 page, gfp_t gfp,
			   bool *added)
{
	struct fz_chunk *chunk = chunk_get(s, page >> FZ_CHUNK_SHIFT, gfp);
	struct fz_pool *pool = &s->ctx->pool;
	unsigned int i = page % FZ_CHUNK_PAGES;
	struct fz_pool_try try = { };
	struct folio *fresh = NULL;
	struct folio *folio;

	if (IS_ERR(chunk))
		return ERR_CAST(chunk);

	for (;;) {
		bool install;

		try.seen = fz_pool_seen(pool);
		spin_lock(&chunk->lock);
		install = !chunk->folios[i] && fresh;
		if (install)
			chunk_install(s, chunk, page, fresh);
		folio = chunk->folios[i];
		if (folio)
			folio_get(folio);
		spin_unlock(&chunk->lock);

		if (folio) {
			if (install)
				fz_pool_settle(pool, 1);
			else if (fresh)
				fz_pool_put_back(pool, fresh);
			if (added)
				*added = install;
			return folio;
		}
		fresh = fz_pool_take(pool, gfp, &try, &s->count);
		if (fresh == ERR_PTR(-EAGAIN))
			fresh = NULL;
		else if (IS_ERR(fresh))
			return fresh;
	}
}

/**
 * fz_chunk_find() - the folio of a page, if there is one
 * @s: the scratch
 * @page: page, inside the scratch
 *
 * Return: the folio with a reference for the caller, NULL for a hole.
 */
struct folio *fz_chunk_find(struct fz_scratch *s, u64 page)
{
	struct fz_chunk *chunk = xa_load(&s->chunks, page >> FZ_CHUNK_SHIFT);
	struct folio *folio;

	if (!chunk)
		return NULL;

	spin_lock(&chunk->lock);
	folio = chunk->folios[page % FZ_CHUNK_PAGES];
	if (folio)
		folio_get(folio);
	spin_unlock(&chunk->lock);
	return folio;
}

/**
 * fz_chunk_has() - whether a page is still backed by a folio
 * @s: the scratch
 * @page: page, inside the scratch
 * @folio: a folio that was found there, locked by the caller
 *
 * Return: true if it is.  As long as the caller keeps the folio locked, a reset
 * that takes the folio away will wait for it before it unmaps.
 */
bool fz_chunk_has(struct fz_scratch *s, u64 page, struct folio *folio)
{
	struct fz_chunk *chunk = xa_load(&s->chunks, page >> FZ_CHUNK_SHIFT);

	return READ_ONCE(chunk->folios[page % FZ_CHUNK_PAGES]) == folio;
}

/**
 * fz_chunk_next() - the next populated chunk of a range
 * @s: the scratch
 * @range: pages to visit; its begin is moved on to that chunk
 * @number: set to the number of the chunk
 *
 * Return: the chunk, NULL if the rest of the range is a hole.
 */
struct fz_chunk *fz_chunk_next(struct fz_scratch *s, struct fz_range *range,
			       u64 *number)
{
	unsigned long at = range->first >> FZ_CHUNK_SHIFT;
	struct fz_chunk *chunk;

	if (range->first >= range->end)
		return NULL;
	chunk = xa_find(&s->chunks, &at, (range->end - 1) >> FZ_CHUNK_SHIFT,
			FZ_CHUNK_POPULATED);
	if (!chunk) {
		range->first = range->end;
		return NULL;
	}
	range->first = max(range->first, (u64)at << FZ_CHUNK_SHIFT);
	*number = at;
	return chunk;
}

/**
 * fz_chunk_snapshot() - which pages of a part of a chunk are populated
 * @chunk: the chunk
 * @part: pages, counted from the begin of the chunk
 * @words: bitmap of FZ_CHUNK_WORDS words, written
 *
 * Pages that come later were zero at this instant.
 */
void fz_chunk_snapshot(struct fz_chunk *chunk, const struct fz_range *part,
		       u64 *words)
{
	spin_lock(&chunk->lock);
	memcpy(words, chunk->populated, sizeof(chunk->populated));
	spin_unlock(&chunk->lock);
	fz_range_mask(words, part);
}

/**
 * fz_chunk_remove() - make pages of a chunk holes in the index
 * @s: the scratch, its lock held
 * @chunk: the chunk
 * @number: its number
 * @words: bitmap of populated pages of the chunk
 * @out: their folios are linked here by lru, in hand, with the references that the
 *	index had.  They may still be mapped, and a fault may be about to map
 *	them: drop.c sees to that
 *
 * Return: how many.
 */
u64 fz_chunk_remove(struct fz_scratch *s, struct fz_chunk *chunk, u64 number,
		    const u64 *words, struct list_head *out)
{
	u64 nr = 0;
	u32 w;

	lockdep_assert_held(&s->lock);

	for (w = 0; w < FZ_CHUNK_WORDS; w++)
		nr += hweight64(words[w]);
	fz_pool_lift(&s->ctx->pool, nr);

	spin_lock(&chunk->lock);
	for (w = 0; w < FZ_CHUNK_WORDS; w++) {
		u64 word = words[w];

		for (; word; word &= word - 1) {
			u32 i = w * 64 + __ffs64(word);

			list_add_tail(&chunk->folios[i]->lru, out);
			WRITE_ONCE(chunk->folios[i], NULL);
		}
		chunk->populated[w] &= ~words[w];
	}
	chunk->nr -= nr;
	if (!chunk->nr)
		xa_clear_mark(&s->chunks, number, FZ_CHUNK_POPULATED);
	spin_unlock(&chunk->lock);
	atomic_long_sub(nr, &s->populated);
	return nr;
}

/**
 * fz_chunk_destroy_all() - free the index
 * @s: a scratch that nobody uses any more and whose pages were dropped
 */
void fz_chunk_destroy_all(struct fz_scratch *s)
{
	struct fz_chunk *chunk;
	unsigned long at;

	xa_for_each(&s->chunks, at, chunk)
		chunk_free(chunk);
	xa_destroy(&s->chunks);
}

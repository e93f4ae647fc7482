// SPDX-License-Identifier: GPL-2.0-only
/*
 * Filling holes: the folio of a page, and a new one if there is none.
 */
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "chunk.h"
#include "compat/compat.h"
#include "large.h"

static struct fz_chunk *fill_alloc_chunk(struct fz_scratch *s, u64 number, gfp_t gfp)
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

/**
 * fz_chunk_free() - free a chunk that nobody can find
 * @chunk: the chunk
 */
void fz_chunk_free(struct fz_chunk *chunk)
{
	kfree(chunk->folios);
	kfree(chunk);
}

/* @gfp is meant for folios: from it comes only how hard to try. */
static gfp_t fill_gfp(gfp_t gfp)
{
	if (!(gfp & __GFP_DIRECT_RECLAIM))
		return GFP_NOWAIT | __GFP_ACCOUNT | __GFP_NOWARN;
	return GFP_KERNEL_ACCOUNT | (gfp & (__GFP_RETRY_MAYFAIL | __GFP_NOWARN));
}

/**
 * fz_chunk_at() - the chunk of a page; it stays until the scratch goes
 * @s: the scratch
 * @page: page, inside the scratch
 * @gfp: how to allocate it if it is missing: FZ_GFP_FAULT or FZ_GFP_TELL
 *
 * Return: the chunk, or an ERR_PTR: -ENOMEM.
 */
struct fz_chunk *fz_chunk_at(struct fz_scratch *s, u64 page, gfp_t gfp)
{
	u64 number = page >> FZ_CHUNK_SHIFT;
	struct fz_chunk *chunk = xa_load(&s->chunks, number);
	struct mem_cgroup *old;
	struct fz_chunk *have;

	if (likely(chunk))
		return chunk;

	gfp = fill_gfp(gfp);
	old = set_active_memcg(s->ctx->pool.memcg);
	chunk = fill_alloc_chunk(s, number, gfp);
	have = chunk ? xa_cmpxchg(&s->chunks, number, NULL, chunk, gfp) :
		       XA_ERROR(-ENOMEM);
	set_active_memcg(old);

	if (!have)
		return chunk;
	if (chunk)
		fz_chunk_free(chunk);
	return xa_is_err(have) ? ERR_PTR(xa_err(have)) : have;
}

/* After this a reset that sees the bits without our lock sees the folio, too. */
static void fill_set_populated(struct fz_scratch *s, struct fz_chunk *chunk,
				u64 number, u32 w, u64 bits)
{
	lockdep_assert_held(&chunk->lock);

	smp_store_release(&chunk->populated[w], chunk->populated[w] | bits);
	chunk->wanted[w] |= bits;
	if (!chunk->nr)
		xa_set_mark(&s->chunks, number, FZ_CHUNK_POPULATED);
	chunk->nr += hweight64(bits);
	atomic_long_add(hweight64(bits), &s->populated);
}

/* False if there is no room on the roll. */
static bool fill_install(struct fz_scratch *s, struct fz_chunk *chunk,
			  u64 page, struct folio *folio)
{
	u64 number = page >> FZ_CHUNK_SHIFT;
	unsigned int i = page % FZ_CHUNK_PAGES;
	bool aged;
	u32 w;

	aged = chunk->aged[i / 64] >> (i % 64) & 1;
	if (unlikely(!fz_roll_add(&s->roll, folio,
				  aged ? FZ_WORKSET_STICKY : 0)))
		return false;
	if (unlikely(aged)) {
		chunk->aged[i / 64] &= ~(1ULL << (i % 64));
		atomic64_inc(&s->count.returned);
	}
	if (!folio_test_large(folio)) {
		fz_folio_attach(folio, s->inode->i_mapping, page);
		WRITE_ONCE(chunk->folios[i], folio);
		fill_set_populated(s, chunk, number, i / 64, 1ULL << (i % 64));
		return true;
	}
	fz_folio_attach(folio, s->inode->i_mapping, number << FZ_CHUNK_SHIFT);
	WRITE_ONCE(chunk->huge, folio);
	fz_large_installed(s, chunk);
	for (w = 0; w < FZ_CHUNK_WORDS; w++)
		fill_set_populated(s, chunk, number, w, ~0ULL);
	return true;
}

static int fill_grow_roll(struct fz_scratch *s, gfp_t gfp)
{
	return fz_roll_grow(&s->roll, s->ctx->pool.memcg, fill_gfp(gfp));
}

static void fill_put_back(struct fz_scratch *s, struct folio *folio)
{
	LIST_HEAD(unused);

	list_add(&folio->lru, &unused);
	fz_pool_put_back(&s->ctx->pool, &unused);
}

/* Put a folio where another one is; false if that is not one of its size. */
static bool fill_replace(struct fz_scratch *s, struct fz_chunk *chunk, u64 page,
			 struct folio *folio, struct list_head *out)
{
	struct folio **slot = folio_test_large(folio) ? &chunk->huge :
			      &chunk->folios[page % FZ_CHUNK_PAGES];
	struct folio *have = *slot;

	lockdep_assert_held(&chunk->lock);

	if (!have)
		return false;
	fz_folio_attach(folio, s->inode->i_mapping, page);
	fz_roll_replace(have, folio);
	WRITE_ONCE(*slot, folio);
	list_add_tail(&have->lru, out);
	return true;
}

/* Put a folio into a hole of its size. */
static bool fill_hole(struct fz_scratch *s, struct fz_chunk *chunk, u64 page,
		      struct folio *folio)
{
	bool done;

	if (s->zero)
		fz_zero_fill_begin(s, page);
	spin_lock(&chunk->lock);
	done = !fz_chunk_folio(chunk, page % FZ_CHUNK_PAGES) &&
	       (!chunk->nr || !folio_test_large(folio)) &&
	       fill_install(s, chunk, page, folio);
	spin_unlock(&chunk->lock);
	if (s->zero)
		fz_zero_fill_end(s);
	return done;
}

/**
 * fz_chunk_put_back() - have a folio that was taken out in its place again
 * @s: the scratch, its lock held since that
 * @folio: in hand, zero, and mapped nowhere; out of hand if it is back
 * @out: what has come into its place since is linked here, in hand, as by
 *	fz_chunk_remove()
 *
 * Return: whether it is back.  It is not if pages of another size are there, or
 * without memory: nobody waits for that with folios in hand.
 */
bool fz_chunk_put_back(struct fz_scratch *s, struct folio *folio,
		       struct list_head *out)
{
	u64 page = folio->index;
	struct fz_chunk *chunk = xa_load(&s->chunks, page >> FZ_CHUNK_SHIFT);
	bool replaced;

	lockdep_assert_held(&s->lock);

	spin_lock(&chunk->lock);
	replaced = fill_replace(s, chunk, page, folio, out);
	spin_unlock(&chunk->lock);
	/* One goes out of hand, and one comes. */
	if (replaced)
		return true;
	if (!fill_hole(s, chunk, page, folio) &&
	    (fill_grow_roll(s, GFP_NOWAIT) ||
	     !fill_hole(s, chunk, page, folio)))
		return false;
	fz_pool_settle(&s->ctx->pool, 1);
	return true;
}

/**
 * fz_chunk_get() - the folio of a page, populating it if it is a hole
 * @s: the scratch
 * @chunk: the chunk of the page
 * @page: page, inside the scratch
 * @gfp: how to allocate what is missing: FZ_GFP_FAULT or FZ_GFP_TELL
 * @place: where to take it from
 * @vmf: the fault that wants it, NULL if it is something else
 * @nr_added: increased by the pages that were holes; may be NULL
 *
 * Return: the folio with a reference for the caller, or an ERR_PTR: -ENOMEM,
 * -ENOSPC beyond the context's limit, -EINTR.
 */
struct folio *fz_chunk_get(struct fz_scratch *s, struct fz_chunk *chunk,
			   u64 page, gfp_t gfp, const struct fz_place *place,
			   const struct vm_fault *vmf, u64 *nr_added)
{
	struct fz_pool *pool = &s->ctx->pool;
	unsigned int i = page % FZ_CHUNK_PAGES;
	struct fz_pool_try try = { };
	struct folio *fresh = NULL;
	struct folio *folio;
	bool no_huge = false;

	for (;;) {
		bool zeros = fresh && s->zero;
		bool install, no_room;

		try.seen = fz_pool_seen(pool);
		if (zeros)
			fz_zero_fill_begin(s, page);
		spin_lock(&chunk->lock);
		folio = fz_chunk_folio(chunk, i);
		install = !folio && fresh &&
			  (!chunk->nr || !folio_test_large(fresh));
		no_room = install && !fill_install(s, chunk, page, fresh);
		if (install && !no_room)
			folio = fresh;
		if (folio)
			folio_get(folio);
		spin_unlock(&chunk->lock);
		if (zeros)
			fz_zero_fill_end(s);

		if (no_room) {
			if (!fill_grow_roll(s, gfp))
				continue;
			fill_put_back(s, fresh);
			return ERR_PTR(-ENOMEM);
		}
		if (install) {
			fz_pool_settle(pool, 1);
			if (nr_added)
				*nr_added += folio_nr_pages(folio);
		} else if (fresh) {
			fill_put_back(s, fresh);
		}
		if (folio)
			return folio;

		fresh = NULL;
		if (!no_huge && fz_large_wanted(s, chunk, page, vmf)) {
			fresh = fz_pool_take_huge(pool, place, &s->count);
			no_huge = !fresh;
		}
		if (!fresh)
			fresh = fz_pool_take(pool, place, gfp, &try,
					     &s->count);
		if (fresh == ERR_PTR(-EAGAIN))
			fresh = NULL;
		else if (IS_ERR(fresh))
			return fresh;
	}
}

/**
 * fz_chunk_fill() - fz_chunk_at() and fz_chunk_get()
 * @s: the scratch
 * @page: page, inside the scratch
 * @gfp: as there
 * @place: as there
 * @nr_added: as there
 *
 * Return: as fz_chunk_get().
 */
struct folio *fz_chunk_fill(struct fz_scratch *s, u64 page, gfp_t gfp,
			    const struct fz_place *place, u64 *nr_added)
{
	struct fz_chunk *chunk = fz_chunk_at(s, page, gfp);

	if (IS_ERR(chunk))
		return ERR_CAST(chunk);
	return fz_chunk_get(s, chunk, page, gfp, place, NULL, nr_added);
}

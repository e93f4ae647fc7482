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
	return GFP_KERNEL_ACCOUNT | (gfp & (__GFP_NORETRY | __GFP_NOWARN));
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

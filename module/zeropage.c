// SPDX-License-Identifier: GPL-2.0-only
/*
 * ZEROPAGE: a hole that is only read is mapped to a page of zeros that all holes
 * of its scratch share, and takes no memory.
 *
 * That page is mapped for reading only, see page_mkwrite in fault.c.  A hole may be
 * mapped to it, or be filled, but never both: else a reader would go on seeing
 * zeros while others write.  Its folio lock decides.  A fault looks under it that
 * the page is a hole, and core code maps the zeros before it unlocks.  To fill
 * a hole, a thread takes the lock, unmaps the zeros from there, puts the new folio into
 * the index, and unlocks.  So no thread finds a folio in the index while zeros are
 * mapped in its place.
 */
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched/mm.h>

#include "chunk.h"
#include "compat/compat.h"

/*
 * References that are too many: the page table entries of a few TiB could make the
 * count wrap around.  Far from where the kernel begins to refuse them.
 */
#define ZERO_MOST_REFS	(INT_MAX / 2)

/**
 * fz_zero_init() - give a scratch its page of zeros
 * @s: a new scratch, with its inode
 *
 * A page of its own, not one of all: so it can bear the scratch's address space,
 * faults of one scratch do not wait for others, and tenants share no cache line.
 *
 * Return: 0 or -ENOMEM.
 */
int fz_zero_init(struct fz_scratch *s)
{
	struct mem_cgroup *old = set_active_memcg(s->ctx->pool.memcg);
	struct page *page = alloc_page(FZ_GFP_TELL | __GFP_ZERO | __GFP_ACCOUNT);

	set_active_memcg(old);
	if (!page)
		return -ENOMEM;
	s->zero = page_folio(page);
	fz_pool_count(1);
	atomic_long_inc(&s->ctx->nr_zeros);
	/* An index that no page has: a futex there is not taken for another's. */
	fz_folio_attach(s->zero, s->inode->i_mapping, s->nr_pages);
	return 0;
}

/**
 * fz_zero_destroy() - the end of it
 * @s: a scratch that nobody maps any more
 *
 * A pipe or the like may still refer to the page; it goes with the last of them.
 */
void fz_zero_destroy(struct fz_scratch *s)
{
	if (!s->zero)
		return;
	folio_lock(s->zero);
	fz_folio_detach(s->zero);
	folio_unlock(s->zero);
	folio_put(s->zero);
	fz_pool_count(-1);
	atomic_long_dec(&s->ctx->nr_zeros);
}

/* A chunk that is not there has only holes. */
static bool zero_is_hole(struct fz_scratch *s, u64 page)
{
	struct fz_chunk *chunk;
	u64 word = 0;

	rcu_read_lock();
	chunk = fz_chunk_look(s, page >> FZ_CHUNK_SHIFT);
	if (chunk)
		word = fz_chunk_populated(chunk, page % FZ_CHUNK_PAGES / 64);
	rcu_read_unlock();
	return !(word >> (page % 64) & 1);
}

/**
 * fz_zero_get() - the page of zeros for a fault that reads a hole
 * @s: a scratch that has one
 * @page: the page that is read
 *
 * Return: the folio, locked, with a reference for the caller, to be mapped before it
 * is unlocked; NULL if the page is populated, or must be.
 */
struct folio *fz_zero_get(struct fz_scratch *s, u64 page)
{
	struct folio *zero = s->zero;

	/* Most that are populated are seen without the lock. */
	if (!zero_is_hole(s, page))
		return NULL;

	folio_lock(zero);
	if (unlikely(!zero_is_hole(s, page) || fz_folio_is_bad(zero) ||
		     folio_ref_count(zero) >= ZERO_MOST_REFS)) {
		folio_unlock(zero);
		return NULL;
	}
	s->zero_mapped = true;
	folio_get(zero);
	return zero;
}

/**
 * fz_zero_fill_begin() - a folio is about to come to a hole: nobody reads zeros there
 * @s: a scratch that has a page of them
 * @page: the hole
 *
 * To be followed by fz_zero_fill_end().
 */
void fz_zero_fill_begin(struct fz_scratch *s, u64 page)
{
	folio_lock(s->zero);
	if (s->zero_mapped)
		unmap_mapping_range(s->inode->i_mapping, page << PAGE_SHIFT,
				    PAGE_SIZE, 1);
}

/**
 * fz_zero_fill_end() - the folio is in the index
 * @s: the scratch
 */
void fz_zero_fill_end(struct fz_scratch *s)
{
	folio_unlock(s->zero);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * ZEROPAGE: a hole that is only read is mapped to the page of zeros, which all holes of
 * its scratch share.  So it takes no memory.
 *
 * The page of zeros is mapped for reading only, see fault_mkwrite() in fault.c.  A hole may
 * be mapped to it, or be filled, but never both: else a reader would still see zeros while
 * others write.  The folio lock of the page of zeros excludes one from the other.  A fault
 * checks under it that the page is a hole, and core code maps the zeros before it unlocks.
 * To fill a hole, a thread takes the lock, unmaps the zeros there, puts the new folio into
 * the index, and unlocks.  So no thread finds a folio in the index while zeros are mapped
 * in its place.
 */
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched/mm.h>

#include "chunk.h"
#include "compat/compat.h"

/*
 * A bound on the references to the page of zeros: the page-table entries of a few TiB could
 * overflow the count.  The kernel itself refuses references far above this.
 */
#define ZERO_MOST_REFS	(INT_MAX / 2)

/**
 * fz_zero_init() - give a scratch its page of zeros
 * @s: a new scratch, with its inode
 *
 * Each scratch has its own page of zeros, in its own address_space.  So faults of one
 * scratch do not wait for those of others, and tenants share no cache line.
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
	/* Use an index of no other page: the kernel identifies a futex by its page's index. */
	fz_folio_attach(s->zero, s->inode->i_mapping, s->nr_pages);
	return 0;
}

/**
 * fz_zero_destroy() - drop the scratch's reference to its page of zeros
 * @s: a scratch that nobody maps any more
 *
 * The page may be held, by a pipe for example.  It is freed when its holders release it.
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

/* Whether a page is a hole.  A chunk that does not exist has only holes. */
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
 * @s: a scratch with a page of zeros
 * @page: the page that is read
 *
 * Return: the folio, locked, with a reference for the caller, which maps it before it
 * unlocks it.  NULL if the page is populated, or if the fault has to populate it.
 */
struct folio *fz_zero_get(struct fz_scratch *s, u64 page)
{
	struct folio *zero = s->zero;

	/* This finds most populated pages without taking the lock. */
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
 * fz_zero_fill_begin() - before a hole is filled: unmap zeros there, and keep them unmapped
 * @s: a scratch with a page of zeros
 * @page: the hole
 *
 * The caller then calls fz_zero_fill_end().
 */
void fz_zero_fill_begin(struct fz_scratch *s, u64 page)
{
	folio_lock(s->zero);
	if (s->zero_mapped)
		unmap_mapping_range(s->inode->i_mapping, page << PAGE_SHIFT,
				    PAGE_SIZE, 1);
}

/**
 * fz_zero_fill_end() - allow zeros to be mapped again, after fz_zero_fill_begin()
 * @s: the scratch
 */
void fz_zero_fill_end(struct fz_scratch *s)
{
	folio_unlock(s->zero);
}

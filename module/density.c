// SPDX-License-Identifier: GPL-2.0-only
/*
 * The zeroer looks at each page of a huge folio before it stores to it.  So it knows how
 * many pages the run has written.  It leaves that number in a table of the pool, where
 * the next reset finds it by scratch and chunk.  The table is the pool's, since the
 * scratch may be gone when the zeroer clears the folio.
 */
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "context.h"
#include "density.h"

/* The lower bits of a slot hold the number of pages, plus 1; the upper bits the key. */
#define DENSITY_SHIFT	10
/*
 * The lower bits of a key hold the number of the chunk, the upper bits the inode's.  Two
 * chunks may have the same key: then a hint is wrong.
 */
#define DENSITY_CHUNKS	30

static u64 density_key(const struct fz_scratch *s, u64 number)
{
	return ((u64)s->inode->i_ino << DENSITY_CHUNKS | number) &
	       (~0ULL >> DENSITY_SHIFT);
}

static u64 *density_slot(struct fz_density *density, u64 key)
{
	return &density->slots[(key + (key >> DENSITY_CHUNKS) * 37) % FZ_DENSITY_SLOTS];
}

/**
 * fz_density_mark() - note in a huge folio which chunk it has left
 * @s: the scratch, its lock held
 * @folio: in hand, mapped nowhere, and held by nobody, so its index may be overwritten
 */
void fz_density_mark(struct fz_scratch *s, struct folio *folio)
{
	struct fz_pool *pool = &s->ctx->pool;
	struct fz_density *density;
	struct mem_cgroup *old;

	lockdep_assert_held(&s->lock);

	folio->index = density_key(s, folio->index >> FZ_CHUNK_SHIFT);
	if (READ_ONCE(pool->density))
		return;
	old = set_active_memcg(pool->memcg);
	density = kzalloc(sizeof(*density), GFP_NOWAIT | __GFP_ACCOUNT | __GFP_NOWARN);
	set_active_memcg(old);
	if (density && cmpxchg(&pool->density, NULL, density))
		kfree(density);
}

/**
 * fz_density_note() - the zeroer has made a huge folio zero
 * @pool: its pool
 * @folio: the folio
 * @written: pages that were not zero
 */
void fz_density_note(struct fz_pool *pool, const struct folio *folio, u64 written)
{
	struct fz_density *density = READ_ONCE(pool->density);

	if (density && folio->index)
		WRITE_ONCE(*density_slot(density, folio->index),
			   (u64)folio->index << DENSITY_SHIFT | (written + 1));
}

/**
 * fz_density_take() - how many pages of a chunk a run had written; forgets the number
 * @s: the scratch, its lock held
 * @number: the chunk
 *
 * Return: the last number that the zeroer has noted, or FZ_DENSITY_UNKNOWN.
 */
u32 fz_density_take(const struct fz_scratch *s, u64 number)
{
	struct fz_density *density = READ_ONCE(s->ctx->pool.density);
	u64 key = density_key(s, number);
	u64 *slot, is;

	lockdep_assert_held(&s->lock);

	if (!density)
		return FZ_DENSITY_UNKNOWN;
	slot = density_slot(density, key);
	is = READ_ONCE(*slot);
	if (is >> DENSITY_SHIFT != key)
		return FZ_DENSITY_UNKNOWN;
	WRITE_ONCE(*slot, 0);
	return (is & ((1U << DENSITY_SHIFT) - 1)) - 1;
}

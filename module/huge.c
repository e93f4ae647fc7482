// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which chunks are backed by huge folios.  A dense chunk gets a huge folio.  A sparse
 * chunk loses it when memory is short: the chunk is *broken*.  The model is the
 * large-page policy of ESXi (Waldspurger and others).  Here breaking a chunk copies
 * nothing: a reset may drop the folio, since all of it is to be zero.
 */
#include <linux/mm.h>

#include "clear.h"
#include "compat/compat.h"
#include "huge.h"
#include "map.h"
#include "reset.h"

/* A chunk is dense with LARGE_DENSE pages or more, and sparse with fewer than LARGE_SPARSE. */
#define LARGE_DENSE	(FZ_CHUNK_PAGES / 2)
#define LARGE_SPARSE	(FZ_CHUNK_PAGES / 4)
/* After a look at a chunk that was not sparse, this many resets do not look again. */
#define LARGE_PATIENCE	32
/*
 * A sparse chunk is broken when fz_chunk.late reaches this.  Each reset that finds no
 * folio ready adds 2, and each that finds one subtracts 1.
 */
#define LARGE_LATE	8

/* Pages of the working set in a chunk; *@broken: fz_chunk.broken. */
static u64 large_recall(struct fz_scratch *s, u64 number, bool *broken)
{
	struct fz_chunk *chunk;
	u64 nr = 0;
	u32 w;

	*broken = false;
	rcu_read_lock();
	chunk = fz_chunk_look(s, number);
	if (chunk) {
		*broken = READ_ONCE(chunk->broken);
		for (w = 0; w < FZ_CHUNK_WORDS; w++)
			nr += hweight64(READ_ONCE(chunk->wanted[w]));
	}
	rcu_read_unlock();
	return nr;
}

/**
 * fz_large_wanted() - whether a huge folio is wanted for a hole
 * @s: the scratch
 * @page: page, inside the scratch, in a chunk without a folio
 * @vmf: the fault that asks, or NULL
 *
 * While nothing is known of a chunk, only FASTZERO_PAGES_2M gives it a huge folio.
 *
 * Return: true if so.  Before the caller installs one, it checks that the chunk is still
 * empty.
 */
bool fz_large_wanted(struct fz_scratch *s, u64 page, const struct vm_fault *vmf)
{
	u64 number = page >> FZ_CHUNK_SHIFT;
	bool broken;

	if (s->policy == FASTZERO_PAGES_4K || !fz_has_huge() ||
	    (page | (FZ_CHUNK_PAGES - 1)) >= s->nr_pages)
		return false;
	if (s->policy == FASTZERO_PAGES_2M) {
		large_recall(s, number, &broken);
		if (!broken)
			return true;
	}
	/* For a fault this check is the quickest, and it usually decides. */
	if (vmf && !fz_map_takes_huge(s, number, vmf))
		return false;
	return large_recall(s, number, &broken) >= LARGE_DENSE &&
	       !fz_pool_is_short(&s->ctx->pool) &&
	       (vmf || fz_map_takes_huge(s, number, NULL));
}

/**
 * fz_large_installed() - note that a chunk has got a huge folio
 * @s: the scratch
 * @chunk: the chunk, its lock held
 */
void fz_large_installed(struct fz_scratch *s, struct fz_chunk *chunk)
{
	lockdep_assert_held(&chunk->lock);

	atomic_inc(&s->nr_huge);
	if (s->policy != FASTZERO_PAGES_2M || chunk->broken)
		atomic64_inc(&s->count.rebuilt);
	chunk->broken = false;
}

static void large_break(struct fz_scratch *s, struct fz_chunk *chunk, const u64 *words)
{
	spin_lock(&chunk->lock);
	memcpy(chunk->wanted, words, sizeof(chunk->wanted));
	chunk->broken = true;
	spin_unlock(&chunk->lock);
	atomic64_inc(&s->count.broken);
}

/**
 * fz_large_is_late() - no huge folio was ready for a chunk, so it was cleared in place
 * @s: the scratch, its lock held
 * @chunk: the chunk
 * @words: bitmap of the pages that a run had written
 * @nr: number of these pages
 *
 * For a sparse chunk the zeroer looks at 512 pages.  If it is repeatedly late for the
 * chunk, base pages cost less.
 *
 * Return: true if the chunk is broken: the caller drops its folio, as for
 * fz_large_breaks().
 */
bool fz_large_is_late(struct fz_scratch *s, struct fz_chunk *chunk, const u64 *words,
		      u32 nr)
{
	lockdep_assert_held(&s->lock);

	if (nr >= LARGE_SPARSE) {
		chunk->late = 0;
		return false;
	}
	chunk->late += 2;
	if (chunk->late < LARGE_LATE)
		return false;
	chunk->late = 0;
	large_break(s, chunk, words);
	return true;
}

/**
 * fz_large_breaks() - while memory is short, whether a reset breaks a chunk
 * @s: the scratch, its lock held
 * @chunk: a chunk with a huge folio that nobody holds, all of which is to be zero
 *
 * The look costs up to as much as a clear of the chunk.  It ends early at a chunk that is
 * not sparse, and the next resets do not look at that one.
 *
 * Return: true if the chunk is broken: the caller drops its folio.  The working set is
 * then the pages that were not zero, and the chunk gets base pages.
 */
bool fz_large_breaks(struct fz_scratch *s, struct fz_chunk *chunk)
{
	u64 words[FZ_CHUNK_WORDS] = { };
	u32 nr = 0;
	u32 i;

	lockdep_assert_held(&s->lock);

	if (likely(!fz_pool_is_short(&s->ctx->pool)))
		return false;
	if (chunk->patience) {
		chunk->patience--;
		return false;
	}
	cond_resched();
	for (i = 0; i < FZ_CHUNK_PAGES; i++) {
		struct page *page = folio_page(chunk->huge, i);

		if (PageHWPoison(page))
			return false;
		if (fz_page_is_zero(page))
			continue;
		words[i / 64] |= 1ULL << (i % 64);
		if (++nr < LARGE_SPARSE)
			continue;
		chunk->patience = LARGE_PATIENCE;
		return false;
	}

	large_break(s, chunk, words);
	return true;
}

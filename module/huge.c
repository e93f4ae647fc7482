// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which chunks are backed by huge folios.  One whose runs touch much of it is worth
 * one; one whose runs touch little is broken when memory is short.  After the
 * large-page policy of ESXi (Waldspurger and others), with what a reset knows: it
 * may take away whatever there is, for all of it is to be zero.
 */
#include <linux/mm.h>

#include "clear.h"
#include "compat/compat.h"
#include "huge.h"
#include "map.h"
#include "reset.h"

/* Pages of a chunk that make it dense, and those that keep it so. */
#define LARGE_DENSE	(FZ_CHUNK_PAGES / 2)
#define LARGE_SPARSE	(FZ_CHUNK_PAGES / 4)
/* Resets that do not look again at one that was found dense. */
#define LARGE_PATIENCE	32
/*
 * The zeroer may be late for a sparse one half as often; each time that it is not takes
 * one off.
 */
#define LARGE_LATE	8

/* Pages of the working set in a chunk; *@broken: it had a huge folio, and lost it. */
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
 * @page: page, inside the scratch, in a chunk that has none
 * @vmf: the fault that asks, or NULL
 *
 * Without a word of what runs touch of a chunk only FASTZERO_PAGES_2M makes it huge.
 *
 * Return: true if so; whoever installs one has to look at the chunk again.
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
	/* For a fault this is the quickest to be seen, and most often so. */
	if (vmf && !fz_map_takes_huge(s, number, vmf))
		return false;
	return large_recall(s, number, &broken) >= LARGE_DENSE &&
	       !fz_pool_is_short(&s->ctx->pool) &&
	       (vmf || fz_map_takes_huge(s, number, NULL));
}

/**
 * fz_large_installed() - a huge folio has come into a chunk
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
 * @nr: how many
 *
 * A sparse chunk costs the zeroer a look at 512 pages.  If the zeroer is late for it
 * again and again, base pages cost less.
 *
 * Return: true if the chunk is to be broken: the caller drops it, as it does for
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
 * fz_large_breaks() - whether a chunk is to be broken, now that a reset may do so
 * @s: the scratch, its lock held
 * @chunk: a chunk with a huge folio that nobody holds, all of which is to be zero
 *
 * Only while memory is short.  To look costs up to what it costs to clear the
 * chunk; a dense one is soon seen to be so, and not looked at for a while.
 *
 * Return: true if so: the caller drops it.  Its working set is then what was
 * found in it, and it gets base pages.
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

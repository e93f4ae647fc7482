// SPDX-License-Identifier: GPL-2.0-only
/*
 * The index of a scratch: an xarray of chunks.  A chunk has arrays of 64 folios each, and
 * a bitmap of populated pages.  So the cost of a reset grows with the populated pages.
 */
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/xarray.h>

#include "chunk.h"
#include "compat/compat.h"
#include "wsformat.h"

/**
 * fz_chunk_find() - the folio of a page, if there is one
 * @s: the scratch
 * @page: page, inside the scratch
 *
 * Return: the folio with a reference for the caller, NULL for a hole.
 */
struct folio *fz_chunk_find(struct fz_scratch *s, u64 page)
{
	struct folio *folio = NULL;
	struct fz_chunk *chunk;

	rcu_read_lock();
	chunk = fz_chunk_look(s, page >> FZ_CHUNK_SHIFT);
	if (chunk) {
		spin_lock(&chunk->lock);
		folio = fz_chunk_folio(chunk, page % FZ_CHUNK_PAGES);
		if (folio)
			folio_get(folio);
		spin_unlock(&chunk->lock);
	}
	rcu_read_unlock();
	return folio;
}

/**
 * fz_chunk_next() - the next populated chunk of a range
 * @s: the scratch, its lock held
 * @range: pages to visit; its start is moved on to that chunk
 * @number: set to the number of the chunk
 *
 * Return: the chunk, NULL if the rest of the range is a hole.
 */
struct fz_chunk *fz_chunk_next(struct fz_scratch *s, struct fz_range *range,
			       u64 *number)
{
	unsigned long at = range->first >> FZ_CHUNK_SHIFT;
	struct fz_chunk *chunk;

	lockdep_assert_held(&s->lock);

	if (range->first >= range->end)
		return NULL;
	/* In a scratch with huge folios the very next chunk usually exists. */
	chunk = atomic_read(&s->nr_huge) ? xa_load(&s->chunks, at) : NULL;
	if (chunk && READ_ONCE(chunk->nr)) {
		*number = at;
		return chunk;
	}
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
 * fz_chunk_skip() - skip chunks without a page
 * @s: the scratch
 * @range: pages
 *
 * Return: the first of its pages that may be populated, or the end of the range.
 */
u64 fz_chunk_skip(struct fz_scratch *s, const struct fz_range *range)
{
	unsigned long at = range->first >> FZ_CHUNK_SHIFT;

	if (!xa_find(&s->chunks, &at, (range->end - 1) >> FZ_CHUNK_SHIFT,
		     FZ_CHUNK_POPULATED))
		return range->end;
	return max(range->first, (u64)at << FZ_CHUNK_SHIFT);
}

/**
 * fz_chunk_snapshot() - which pages of a part of a chunk are populated
 * @chunk: the chunk
 * @part: pages, counted from the start of the chunk
 * @words: bitmap of FZ_CHUNK_WORDS words, written
 *
 * Pages that are populated later were zero at this instant.
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
 * fz_chunk_next_wanted() - the next chunk, and its pages in the working set
 * @s: the scratch
 * @number: the first chunk to look at; set to the number of the chunk found
 * @last: the last chunk to look at
 * @words: bitmap of FZ_CHUNK_WORDS words, written
 *
 * Return: false if there is none.
 */
bool fz_chunk_next_wanted(struct fz_scratch *s, unsigned long *number,
			  unsigned long last, u64 *words)
{
	struct fz_chunk *chunk;

	rcu_read_lock();
	chunk = xa_find(&s->chunks, number, last, XA_PRESENT);
	if (chunk) {
		spin_lock(&chunk->lock);
		memcpy(words, chunk->wanted, sizeof(chunk->wanted));
		spin_unlock(&chunk->lock);
	}
	rcu_read_unlock();
	return chunk;
}

/**
 * fz_chunk_make() - make a chunk, if it does not exist
 * @s: the scratch, its lock held
 * @number: the chunk
 *
 * The caller then calls fz_chunk_want_only(), or fz_chunk_unmake() and fz_chunk_reap().
 *
 * Return: 0; -ENOMEM, also if the index has no room for one more.
 */
int fz_chunk_make(struct fz_scratch *s, u64 number)
{
	lockdep_assert_held(&s->lock);

	if (xa_load(&s->chunks, number))
		return 0;
	if (!fz_index_has_room(s, 1))
		return -ENOMEM;
	return fz_index_new_chunk(s, number, FZ_GFP_TELL);
}

/**
 * fz_chunk_is_empty() - whether a chunk may be freed
 * @chunk: the chunk, locked
 *
 * Return: true if the chunk has no folio, no thread is about to add one, and it records
 * nothing that must be kept.
 */
bool fz_chunk_is_empty(const struct fz_chunk *chunk)
{
	u64 any = chunk->nr | chunk->users | chunk->broken;
	u32 w;

	for (w = 0; w < FZ_CHUNK_WORDS; w++)
		any |= chunk->wanted[w] | fz_chunk_aged(chunk, w);
	return !any;
}

/*
 * Free a chunk if it is empty, or has only records and the index has no room for them.
 * Threads that find it under RCU meanwhile see fz_chunk.gone.
 */
static void chunk_reap(struct fz_scratch *s, struct fz_chunk *chunk, u64 number)
{
	bool goes;

	lockdep_assert_held(&s->lock);

	spin_lock(&chunk->lock);
	goes = fz_chunk_is_empty(chunk) ||
	       (!chunk->nr && !chunk->users && !fz_index_has_room(s, 0));
	chunk->gone = goes;
	if (goes)
		xa_erase(&s->chunks, number);
	else if (!chunk->users)
		xa_clear_mark(&s->chunks, number, FZ_CHUNK_EMPTY);
	spin_unlock(&chunk->lock);
	if (goes)
		fz_index_free_chunk(s, chunk);
}

/**
 * fz_chunk_reap_some() - free empty chunks, for fz_chunk_reap()
 * @s: the scratch, its lock held
 */
void fz_chunk_reap_some(struct fz_scratch *s)
{
	struct fz_chunk *chunk;
	unsigned long at;

	lockdep_assert_held(&s->lock);

	xa_for_each_marked(&s->chunks, at, chunk, FZ_CHUNK_EMPTY) {
		chunk_reap(s, chunk, at);
		cond_resched();
		/* The rest is freed later, most likely with the scratch. */
		if (fatal_signal_pending(current))
			break;
	}
}

/**
 * fz_chunk_unmake() - undo fz_chunk_make(): mark empty chunks for fz_chunk_reap()
 * @s: the scratch, its lock held
 */
void fz_chunk_unmake(struct fz_scratch *s)
{
	struct fz_chunk *chunk;
	unsigned long at;

	lockdep_assert_held(&s->lock);

	xa_for_each(&s->chunks, at, chunk) {
		spin_lock(&chunk->lock);
		if (fz_chunk_is_empty(chunk))
			xa_set_mark(&s->chunks, at, FZ_CHUNK_EMPTY);
		spin_unlock(&chunk->lock);
		cond_resched();
	}
}

/* Set a chunk's pages in the working set; @words is NULL for none. */
static void chunk_want(struct fz_scratch *s, struct fz_chunk *chunk, u64 number,
		       const u64 *words)
{
	spin_lock(&chunk->lock);
	if (words)
		memcpy(chunk->wanted, words, sizeof(chunk->wanted));
	else
		memset(chunk->wanted, 0, sizeof(chunk->wanted));
	if (chunk->aged)
		memset(chunk->aged, 0, sizeof(*chunk->aged));
	if (!chunk->nr)
		chunk->broken = false;
	if (!words && fz_chunk_is_empty(chunk))
		xa_set_mark(&s->chunks, number, FZ_CHUNK_EMPTY);
	spin_unlock(&chunk->lock);
}

/**
 * fz_chunk_want_only() - replace the working set, and forget aged pages
 * @s: the scratch, its lock held
 * @walk: a walk over the new working set, all of whose chunks exist
 *
 * The caller then calls fz_chunk_reap().
 *
 * Return: 0, or -EINTR on a fatal signal.
 */
int fz_chunk_want_only(struct fz_scratch *s, struct fz_wsformat_walk *walk)
{
	u64 words[FZ_CHUNK_WORDS];
	struct fz_chunk *chunk;
	unsigned long at;
	u64 number;
	bool more;

	lockdep_assert_held(&s->lock);

	more = fz_wsformat_next(walk, &number, words);
	xa_for_each(&s->chunks, at, chunk) {
		bool named = more && number == at;

		chunk_want(s, chunk, at, named ? words : NULL);
		if (named)
			more = fz_wsformat_next(walk, &number, words);
		cond_resched();
		if (fatal_signal_pending(current))
			return -EINTR;
	}
	return 0;
}

/* Move base pages of a word of a chunk to @out. */
static void chunk_take_word(struct fz_scratch *s, struct fz_chunk *chunk, u32 w,
			    u64 word, struct list_head *out)
{
	struct folio **slots = chunk->folios[w];

	lockdep_assert_held(&chunk->lock);

	for (; word; word &= word - 1) {
		u32 i = __ffs64(word);
		struct folio *folio = slots[i];

		fz_roll_remove(&s->roll, folio);
		list_add_tail(&folio->lru, out);
		slots[i] = NULL;
	}
}

/**
 * fz_chunk_remove() - make pages of a chunk holes in the index
 * @s: the scratch, its lock held
 * @chunk: the chunk
 * @number: its number
 * @words: bitmap of populated pages of the chunk: all, if it has a huge folio
 * @out: their folios are linked here by lru, in hand, with the references that the
 *	index had.  They may still be mapped, and a fault may be about to map them:
 *	the caller unmaps them (unmap.c)
 *
 * Return: how many.
 */
u64 fz_chunk_remove(struct fz_scratch *s, struct fz_chunk *chunk, u64 number,
		    const u64 *words, struct list_head *out)
{
	struct folio **empty[FZ_CHUNK_WORDS];
	u32 nr_empty = 0;
	u64 nr = 0;
	u32 w;

	lockdep_assert_held(&s->lock);

	for (w = 0; w < FZ_CHUNK_WORDS; w++)
		nr += hweight64(words[w]);
	fz_pool_lift(&s->ctx->pool, chunk->huge ? 1 : nr);

	spin_lock(&chunk->lock);
	spin_lock(&s->roll.lock);
	if (chunk->huge) {
		fz_roll_remove(&s->roll, chunk->huge);
		list_add_tail(&chunk->huge->lru, out);
		WRITE_ONCE(chunk->huge, NULL);
		atomic_dec(&s->nr_huge);
		memset(chunk->populated, 0, sizeof(chunk->populated));
	} else {
		for (w = 0; w < FZ_CHUNK_WORDS; w++) {
			if (!words[w])
				continue;
			chunk_take_word(s, chunk, w, words[w], out);
			chunk->populated[w] &= ~words[w];
			if (chunk->populated[w])
				continue;
			empty[nr_empty++] = chunk->folios[w];
			WRITE_ONCE(chunk->folios[w], NULL);
		}
	}
	spin_unlock(&s->roll.lock);
	chunk->nr -= nr;
	if (!chunk->nr) {
		xa_clear_mark(&s->chunks, number, FZ_CHUNK_POPULATED);
		if (fz_chunk_is_empty(chunk) || !fz_index_has_room(s, 0))
			xa_set_mark(&s->chunks, number, FZ_CHUNK_EMPTY);
	}
	spin_unlock(&chunk->lock);
	while (nr_empty)
		fz_index_free_slots(s, empty[--nr_empty]);
	atomic_long_sub(nr, &s->populated);
	return nr;
}

/**
 * fz_chunk_replace() - put ready base pages in the place of those of a chunk
 * @s: the scratch, its lock held
 * @chunk: a chunk without a huge folio
 * @number: its number
 * @words: bitmap of populated pages of the chunk; the bits of replaced pages are cleared
 * @keep_held: leave held pages in place
 * @ready: zeroed base pages, in hand, linked by lru; no more than in @words.  Unused
 *	ones stay linked
 * @out: the old folios are linked here, as by fz_chunk_remove()
 *
 * Return: how many pages were replaced.
 */
u64 fz_chunk_replace(struct fz_scratch *s, struct fz_chunk *chunk, u64 number,
		     u64 *words, bool keep_held, struct list_head *ready,
		     struct list_head *out)
{
	u64 base = number << FZ_CHUNK_SHIFT;
	struct list_head *at = ready->next;
	LIST_HEAD(done);
	u64 nr = 0;
	u32 w;

	lockdep_assert_held(&s->lock);

	/* Each new folio was in hand, and the old one is now: the count stays the same. */
	spin_lock(&chunk->lock);
	for (w = 0; w < FZ_CHUNK_WORDS; w++) {
		struct folio **slots = chunk->folios[w];
		u64 word = words[w];

		for (; word && at != ready; word &= word - 1) {
			u32 i = __ffs64(word);
			struct folio *old = slots[i];
			struct folio *folio = list_entry(at, struct folio, lru);

			if (keep_held && unlikely(fz_base_is_held(old)) &&
			    !fz_folio_is_bad(old))
				continue;
			words[w] &= ~(word & -word);
			at = at->next;
			fz_folio_attach(folio, s->inode->i_mapping,
					base + w * 64 + i);
			fz_roll_replace(old, folio);
			/* Faster than list_del() and list_add(), which check the list. */
			list_replace(&folio->lru, &old->lru);
			WRITE_ONCE(slots[i], folio);
			nr++;
		}
	}
	spin_unlock(&chunk->lock);
	list_cut_before(&done, ready, at);
	list_splice_tail(&done, out);
	return nr;
}

/**
 * fz_chunk_replace_huge() - replace the huge folio of a chunk by a ready one
 * @s: the scratch, its lock held
 * @chunk: a chunk with a huge folio
 * @number: its number
 * @folio: a zeroed huge folio, in hand
 *
 * Return: the old one, in hand, as by fz_chunk_remove().
 */
struct folio *fz_chunk_replace_huge(struct fz_scratch *s, struct fz_chunk *chunk,
				    u64 number, struct folio *folio)
{
	struct folio *old = chunk->huge;

	lockdep_assert_held(&s->lock);

	fz_folio_attach(folio, s->inode->i_mapping, number << FZ_CHUNK_SHIFT);
	spin_lock(&chunk->lock);
	fz_roll_replace(old, folio);
	WRITE_ONCE(chunk->huge, folio);
	spin_unlock(&chunk->lock);
	return old;
}

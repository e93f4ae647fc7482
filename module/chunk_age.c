// SPDX-License-Identifier: GPL-2.0-only
/*
 * A chunk records its aged pages: how often each had come back soon, and in which of the
 * last two periods it went.
 */
#include <linux/sched/signal.h>
#include <linux/xarray.h>

#include "chunk.h"

/* Set the number of a page in fz_aged.planes; 0 forgets the page. */
static void chunk_note(struct fz_chunk *chunk, unsigned int i, u32 number)
{
	u64 bit = 1ULL << (i % 64);
	u32 k;

	lockdep_assert_held(&chunk->lock);

	for (k = 0; k < FZ_AGED_PLANES; k++)
		if (number & 1U << k)
			chunk->aged->planes[k][i / 64] |= bit;
		else
			chunk->aged->planes[k][i / 64] &= ~bit;
}

/* How many periods ago a reset last noted an aged page of the chunk. */
static u32 chunk_periods(const struct fz_scratch *s, const struct fz_chunk *chunk)
{
	return fz_age_period(READ_ONCE(s->age.now)) - chunk->period;
}

/* If a new period has begun, forget pages that were away for all of the last one. */
static void chunk_turn(struct fz_scratch *s, struct fz_chunk *chunk)
{
	struct fz_aged *aged = chunk->aged;
	u32 ago = chunk_periods(s, chunk);
	u32 k, w;

	lockdep_assert_held(&chunk->lock);

	if (!ago)
		return;
	for (w = 0; w < FZ_CHUNK_WORDS; w++) {
		for (k = 0; k < FZ_AGED_PLANES; k++)
			aged->planes[k][w] &= ago == 1 ? aged->recent[w] : 0;
		aged->recent[w] = 0;
	}
	chunk->period += ago;
}

/**
 * fz_chunk_age() - note that this reset will drop a page as aged
 * @s: the scratch, its lock held
 * @page: a populated page
 * @back: how often it came back soon
 *
 * If there is no memory for the note, the page stays.
 */
void fz_chunk_age(struct fz_scratch *s, u64 page, u32 back)
{
	struct fz_chunk *chunk = xa_load(&s->chunks, page >> FZ_CHUNK_SHIFT);

	lockdep_assert_held(&s->lock);
	BUILD_BUG_ON(FZ_AGE_MAX_BACK + 1 >= 1U << FZ_AGED_PLANES);

	if (!chunk->aged) {
		struct fz_aged *aged = fz_index_alloc_aged(s);

		spin_lock(&chunk->lock);
		chunk->aged = aged;
		spin_unlock(&chunk->lock);
		if (!aged)
			return;
	}
	spin_lock(&chunk->lock);
	chunk_turn(s, chunk);
	chunk_note(chunk, page % FZ_CHUNK_PAGES, back + 1);
	xa_set_mark(&s->chunks, page >> FZ_CHUNK_SHIFT, FZ_CHUNK_AGED);
	spin_unlock(&chunk->lock);
}

/* Whether an aged page comes back soon if a thread populates it now. */
static bool chunk_went_lately(const struct fz_scratch *s, const struct fz_chunk *chunk,
			      unsigned int i)
{
	u32 ago = chunk_periods(s, chunk);

	lockdep_assert_held(&chunk->lock);

	return !ago || (ago == 1 && chunk->aged->recent[i / 64] >> (i % 64) & 1);
}

/**
 * fz_chunk_age_of_hole() - the age of a page that is about to be populated
 * @s: the scratch
 * @chunk: its chunk, locked
 * @i: its number in the chunk
 *
 * Return: its age; 0 if it is not an aged page.
 */
u8 fz_chunk_age_of_hole(const struct fz_scratch *s, const struct fz_chunk *chunk,
			unsigned int i)
{
	u32 number = 0;
	u32 k;

	lockdep_assert_held(&chunk->lock);

	for (k = 0; chunk->aged && k < FZ_AGED_PLANES; k++)
		number |= (chunk->aged->planes[k][i / 64] >> (i % 64) & 1) << k;
	return number ? fz_age_returned(number - 1, chunk_went_lately(s, chunk, i)) : 0;
}

/**
 * fz_chunk_came_back() - a page was populated: if it is aged, count it as come back
 * @s: the scratch
 * @chunk: its chunk, which has &struct fz_aged, locked
 * @i: its number in the chunk
 */
void fz_chunk_came_back(struct fz_scratch *s, struct fz_chunk *chunk, unsigned int i)
{
	lockdep_assert_held(&chunk->lock);

	if (!(fz_chunk_aged(chunk, i / 64) >> (i % 64) & 1))
		return;
	chunk_note(chunk, i, 0);
	atomic64_inc(&s->count.returned);
	if (chunk_went_lately(s, chunk, i))
		atomic_long_inc(&s->back);
}

/**
 * fz_chunk_forget() - forget aged pages
 * @s: the scratch, its lock held
 * @range: forget these pages
 *
 * The caller then calls fz_chunk_reap().
 */
void fz_chunk_forget(struct fz_scratch *s, const struct fz_range *range)
{
	unsigned long at = range->first >> FZ_CHUNK_SHIFT;
	struct fz_chunk *chunk;

	bool all = !range->first && range->end == s->nr_pages;

	lockdep_assert_held(&s->lock);

	if (all) {
		s->age.went = 0;
		s->age.back = 0;
	}
	if (!s->has_aged)
		return;
	xa_for_each_range(&s->chunks, at, chunk, at,
			  (range->end - 1) >> FZ_CHUNK_SHIFT) {
		struct fz_range part = fz_range_in_chunk(range, at);
		u32 k, w;

		if (!chunk->aged)
			continue;
		spin_lock(&chunk->lock);
		for (k = 0; k < FZ_AGED_PLANES; k++)
			for (w = part.first / 64; w * 64 < part.end; w++)
				chunk->aged->planes[k][w] &= ~fz_range_word(&part, w);
		if (fz_chunk_is_empty(chunk))
			xa_set_mark(&s->chunks, at, FZ_CHUNK_EMPTY);
		spin_unlock(&chunk->lock);
		cond_resched();
		if (fatal_signal_pending(current))
			return;
	}
	if (all)
		s->has_aged = false;
}

/**
 * fz_chunk_take_aged() - take the pages that fz_chunk_age() has noted
 * @s: the scratch, its lock held since then
 * @chunk: a chunk marked FZ_CHUNK_AGED; the mark is cleared
 * @number: its number
 * @words: bitmap of FZ_CHUNK_WORDS words, set to these pages.  They leave the working
 *	set
 */
void fz_chunk_take_aged(struct fz_scratch *s, struct fz_chunk *chunk, u64 number,
			u64 *words)
{
	u32 w;

	lockdep_assert_held(&s->lock);

	spin_lock(&chunk->lock);
	for (w = 0; w < FZ_CHUNK_WORDS; w++) {
		words[w] = fz_chunk_aged(chunk, w) & chunk->populated[w];
		chunk->wanted[w] &= ~words[w];
		chunk->aged->recent[w] |= words[w];
	}
	s->has_aged = true;
	xa_clear_mark(&s->chunks, number, FZ_CHUNK_AGED);
	spin_unlock(&chunk->lock);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * INPLACE: clear folios where they are.  No page table is touched, so the next
 * run does not fault, and whoever else refers to a folio sees the zeros.
 */
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>

#include "clear.h"
#include "compat/compat.h"
#include "prices.h"
#include "reset.h"

/* Pages cleared between two looks at signals and the scheduler, or a few more. */
#define INPLACE_BATCH	512

/**
 * fz_inplace_is_held() - whether somebody but us and page tables refers to a folio
 * @folio: a folio of a scratch
 *
 * Return: true if so, and sometimes while a fault is under way.
 */
bool fz_inplace_is_held(struct folio *folio)
{
	return folio_ref_count(folio) != 1 + fz_folio_mapcount(folio);
}

/**
 * fz_inplace_split_held() - find the pages of a chunk that somebody else refers to
 * @chunk: the chunk
 * @words: bitmap of populated pages: held ones that have not failed are cleared
 * @held: bitmap in which they are set
 */
void fz_inplace_split_held(const struct fz_chunk *chunk, u64 *words, u64 *held)
{
	u32 w;

	if (chunk->huge) {
		if (!fz_inplace_is_held(chunk->huge))
			return;
		memcpy(held, words, FZ_CHUNK_WORDS * sizeof(*words));
		memset(words, 0, FZ_CHUNK_WORDS * sizeof(*words));
		return;
	}
	for (w = 0; w < FZ_CHUNK_WORDS; w++) {
		u64 word = words[w];

		for (; word; word &= word - 1) {
			u32 i = w * 64 + __ffs64(word);

			struct folio *folio = fz_chunk_base(chunk, i);

			if (!fz_inplace_is_held(folio) || fz_folio_is_bad(folio))
				continue;
			held[w] |= 1ULL << (i % 64);
			words[w] &= ~(1ULL << (i % 64));
		}
	}
}

static void inplace_page(struct fz_reset *r, struct page *page)
{
	clear_highpage(page);
	r->cleared++;
}

/* Clear the base pages of a word of a chunk's bitmap. */
static void inplace_word(struct fz_reset *r, struct fz_chunk *chunk,
			 u64 number, u32 w, u64 word)
{
	struct folio **folios = READ_ONCE(chunk->folios[w]);

	for (; word; word &= word - 1) {
		u32 i = __ffs64(word);
		struct folio *folio = folios[i];

		if (unlikely(PageHWPoison(folio_page(folio, 0)))) {
			fz_drop_page(r, (number << FZ_CHUNK_SHIFT) + w * 64 + i);
			continue;
		}
		inplace_page(r, folio_page(folio, 0));
		if (unlikely(fz_base_is_held(folio)))
			r->held++;
	}
}

/* Clear pages of a huge folio, each of which may have failed. */
static void inplace_huge(struct fz_reset *r, struct fz_chunk *chunk, u64 number,
			 const u64 *words)
{
	struct folio *folio = chunk->huge;
	u64 before = r->cleared;
	bool failed = false;
	u32 w;

	for (w = 0; w < FZ_CHUNK_WORDS; w++) {
		u64 word = words[w];

		for (; word; word &= word - 1) {
			struct page *page = folio_page(folio, w * 64 +
						       __ffs64(word));

			if (likely(!PageHWPoison(page)))
				inplace_page(r, page);
			else
				failed = true;
		}
	}
	if (unlikely(fz_inplace_is_held(folio)))
		r->held += r->cleared - before;
	if (likely(!failed))
		return;
	/* It goes as a whole, unless others want the rest. */
	if (fz_range_all(words))
		fz_drop_page(r, number << FZ_CHUNK_SHIFT);
	else
		r->failed = true;
}

/**
 * fz_inplace_words() - clear populated pages of a chunk
 * @r: the reset
 * @chunk: the chunk
 * @number: its number
 * @words: bitmap of the pages
 */
void fz_inplace_words(struct fz_reset *r, struct fz_chunk *chunk, u64 number,
		      const u64 *words)
{
	u32 w;

	if (chunk->huge) {
		inplace_huge(r, chunk, number, words);
		return;
	}
	for (w = 0; w < FZ_CHUNK_WORDS; w++)
		inplace_word(r, chunk, number, w, words[w]);
}

/* Folios cannot go while we hold the lock; those that come are zero. */
static void inplace_chunk(struct fz_reset *r, struct fz_chunk *chunk, u64 number)
{
	struct fz_range part = fz_range_in_chunk(&r->range, number);
	u64 words[FZ_CHUNK_WORDS] = { };
	u32 w;

	for (w = part.first / 64; w * 64 < part.end; w++) {
		u64 word = fz_chunk_populated(chunk, w);

		if (!word)
			continue;
		word &= fz_range_word(&part, w);
		if (r->dirty)
			word &= fz_dirty_word(r->dirty, number, w);
		/* The short way: most words are clean. */
		if (chunk->huge)
			words[w] = word;
		else
			inplace_word(r, chunk, number, w, word);
	}
	if (chunk->huge)
		inplace_huge(r, chunk, number, words);
	r->range.first = (number << FZ_CHUNK_SHIFT) + part.end;
}

/* Dirty base pages of a chunk; false if its words do not lie in the bitmap as here. */
static bool inplace_dirty(struct fz_reset *r, struct fz_chunk *chunk, u64 number)
{
	const u64 *dirty;
	u32 w;

	if (!r->dirty || chunk->huge)
		return false;
	dirty = fz_dirty_words(r->dirty, number);
	if (!dirty)
		return false;
	/* The range begins with a dirty page: what is before that is clean. */
	for (w = 0; w < FZ_CHUNK_WORDS; w++)
		if (dirty[w])
			inplace_word(r, chunk, number, w, dirty[w] &
				     fz_chunk_populated(chunk, w));
	r->range.first = min((number + 1) << FZ_CHUNK_SHIFT, r->range.end);
	return true;
}

/**
 * fz_inplace_some() - clear the next populated chunks of a reset
 * @r: the reset; its range is moved on
 */
void fz_inplace_some(struct fz_reset *r)
{
	u64 until = r->cleared + INPLACE_BATCH;
	struct fz_chunk *chunk;
	int left = FZ_RESET_CHUNKS;
	u64 number;

	while (r->cleared < until && left-- &&
	       (chunk = fz_reset_next(r, &number)))
		if (!inplace_dirty(r, chunk, number))
			inplace_chunk(r, chunk, number);
}

/* Clear some folios of a sheet; false if the memory of one has failed. */
static __always_inline bool inplace_sheet(struct fz_reset *r,
					  struct fz_roll_sheet *sheet,
					  u64 first, u64 end)
{
	struct folio **slot = sheet->folios + first;
	struct folio **behind = sheet->folios + end;
	u64 held = 0;

	for (; slot < behind; slot++) {
		struct folio *folio = *slot;

		if (unlikely(PageHWPoison(folio_page(folio, 0))))
			return false;
		clear_highpage(folio_page(folio, 0));
		if (unlikely(fz_base_is_held(folio)))
			held++;
	}
	r->cleared += end - first;
	r->held += held;
	return true;
}

/* The same, and see which of them runs do not write to any more. */
static bool inplace_look(struct fz_reset *r, struct fz_roll_sheet *sheet,
			 u64 first, u64 end, struct fz_workset_look *look)
{
	u64 n;

	for (n = first; n < end; n++) {
		struct folio *folio = sheet->folios[n];
		bool held = fz_base_is_held(folio);
		bool zero;

		/* One that is huge has come since we looked for such. */
		if (unlikely(PageHWPoison(folio_page(folio, 0)) ||
			     folio_test_large(folio)))
			return false;
		zero = fz_page_is_zero(folio_page(folio, 0));
		if (!zero)
			clear_highpage(folio_page(folio, 0));
		/* What others hold is in use. */
		if (fz_workset_goes(look, &sheet->ages[n], zero && !held)) {
			fz_chunk_age(r->s, folio->index);
			continue;
		}
		r->cleared++;
		r->held += held;
	}
	return true;
}

/* Clear some folios of a sheet, and see how long that takes. */
static bool inplace_measured(struct fz_reset *r, struct fz_roll_sheet *sheet,
			     u64 first, u64 end)
{
	u64 begin = ktime_get_ns();
	bool good = inplace_sheet(r, sheet, first, end);

	fz_prices_cleared(end - first, ktime_get_ns() - begin);
	return good;
}

/* Clear the first @nr folios of a sheet, and look at those whose turn it is. */
static bool inplace_both(struct fz_reset *r, struct fz_roll_sheet *sheet, u64 nr,
			 u64 base, struct fz_workset_look *look)
{
	u64 first = clamp(look->first, base, base + nr) - base;
	u64 end = clamp(look->end, base, base + nr) - base;

	if (!inplace_sheet(r, sheet, 0, first) ||
	    !inplace_look(r, sheet, first, end, look))
		return false;
	/* Once is enough. */
	if (!base && nr - end >= FZ_PRICES_LEAST)
		return inplace_measured(r, sheet, end, nr);
	return inplace_sheet(r, sheet, end, nr);
}

/* Made twice: without a look each instruction counts. */
static __always_inline int inplace_sheets(struct fz_reset *r,
					  struct fz_workset_look *look)
{
	struct fz_roll_sheet *sheet = NULL;
	u64 base = 0;
	u64 nr;

	do {
		sheet = fz_roll_next(&r->s->roll, sheet, &nr);
		if (!sheet)
			break;
		if (!(look ? inplace_both(r, sheet, nr, base, look) :
			     inplace_sheet(r, sheet, 0, nr)))
			return -EAGAIN;
		if (nr < FZ_ROLL_SHEET)
			break;
		base += nr;
		cond_resched();
		if (fatal_signal_pending(current))
			return -EINTR;
	} while (true);

	r->range.first = r->range.end;
	return 0;
}

/* Clear, and let go of what runs do not want any more. */
static noinline int inplace_learn(struct fz_reset *r)
{
	struct fz_scratch *s = r->s;
	u64 returned = atomic64_read(&s->count.returned);
	int err;

	fz_workset_begin(&s->workset, atomic_long_read(&s->populated),
			 returned - s->returned, fz_prices_now(), &s->look);
	s->returned = returned;
	err = inplace_sheets(r, &s->look);
	if (s->look.gone)
		fz_drop_aged(r);
	fz_workset_end(&s->workset, atomic_long_read(&s->populated), &s->look);
	return err;
}

/**
 * fz_inplace_all() - clear all folios of a scratch
 * @r: a reset of all of it; its range is moved on
 *
 * AUTO takes back pages that runs have stopped writing to.
 *
 * Return: 0; -EINTR, with nothing promised; -EAGAIN if it has to be done chunk by
 * chunk, for there are huge folios, or memory that has failed.
 */
int fz_inplace_all(struct fz_reset *r)
{
	if (atomic_read(&r->s->nr_huge))
		return -EAGAIN;
	if (r->keep_held &&
	    fz_workset_due(&r->s->workset, atomic_long_read(&r->s->populated)))
		return inplace_learn(r);
	return inplace_sheets(r, NULL);
}

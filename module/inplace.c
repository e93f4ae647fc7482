// SPDX-License-Identifier: GPL-2.0-only
/*
 * INPLACE: clear folios where they are.  No page table is touched, so the next
 * run does not fault, and whoever else refers to a folio sees the zeros.
 */
#include <linux/mm.h>
#include <linux/prefetch.h>
#include <linux/sched/signal.h>

#include "clear.h"
#include "compat/compat.h"
#include "reset.h"

/* Pages cleared between two looks at signals and the scheduler, or a few more. */
#define INPLACE_BATCH	512
/* Steps that are written out, where each instruction counts. */
#define INPLACE_UNROLL	16
/* So many pages may lie in a cache of their processor's. */
#define INPLACE_NEAR	256

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
	fz_clear_page(page_address(page));
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
 * fz_inplace_look_huge() - clear a huge folio, but look at each page first
 * @r: the reset
 * @chunk: a chunk with a huge folio, all of which is to be zero
 * @number: its number
 * @words: bitmap of FZ_CHUNK_WORDS words, set to the pages that were not zero
 *
 * Return: how many these are.
 */
u32 fz_inplace_look_huge(struct fz_reset *r, struct fz_chunk *chunk, u64 number,
			 u64 *words)
{
	struct folio *folio = chunk->huge;
	void *pages[64];
	u32 w, i, nr = 0;

	if (unlikely(fz_folio_has_failed(folio))) {
		memset(words, 0xff, FZ_CHUNK_WORDS * sizeof(*words));
		fz_inplace_words(r, chunk, number, words);
		return FZ_CHUNK_PAGES;
	}
	for (w = 0; w < FZ_CHUNK_WORDS; w++) {
		u64 left;

		for (i = 0; i < 64; i++)
			pages[i] = page_address(folio_page(folio, w * 64 + i));
		words[w] = ~fz_clear_look(pages, ~0ULL);
		nr += hweight64(words[w]);
		for (left = words[w]; left; left &= left - 1)
			fz_clear_page(pages[__ffs64(left)]);
	}
	r->cleared += FZ_CHUNK_PAGES;
	if (unlikely(fz_inplace_is_held(folio)))
		r->held += FZ_CHUNK_PAGES;
	return nr;
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

/*
 * Whether folios may be cleared: false if the memory of one has failed.  Counts those
 * that are held.
 */
static __always_inline bool inplace_check(struct folio *const *folios, u64 nr,
					  u64 *held)
{
	struct folio *const *end = folios + nr;
	struct folio *const *slot = folios;
	unsigned long flags = 0;
	u64 counts = 0;
	int k;

	for (; slot + INPLACE_UNROLL <= end; slot += INPLACE_UNROLL) {
#pragma GCC unroll 16
		for (k = 0; k < INPLACE_UNROLL; k++) {
			flags |= fz_page_flags(folio_page(slot[k], 0));
			counts += fz_base_counts(slot[k]);
			/* One after the other: other orders take more. */
			OPTIMIZER_HIDE_VAR(flags);
			OPTIMIZER_HIDE_VAR(counts);
		}
	}
	for (; slot < end; slot++) {
		flags |= fz_page_flags(folio_page(*slot, 0));
		counts += fz_base_counts(*slot);
	}
	if (unlikely(flags & FZ_PAGE_FAILED))
		return false;
	/*
	 * A page that is mapped nowhere counts as 2 as well: it has one reference, and
	 * carries another from the lower half.  Any other count is more, and then it takes
	 * a closer look.
	 */
	if (unlikely((counts + BIT_ULL(31)) >> 32 != 2 * nr))
		for (slot = folios; slot < end; slot++)
			*held += fz_base_is_held(*slot);
	return true;
}

/*
 * Clear pages.  While one is cleared the processor fetches the beginning of the next,
 * unless all of them are few enough to lie in a cache.
 */
static __always_inline void inplace_pages(void *const *pages, u64 nr, bool far)
{
	void *const *end = pages + nr;
	int k;

	for (; pages + INPLACE_UNROLL <= end; pages += INPLACE_UNROLL) {
#pragma GCC unroll 16
		for (k = 0; k < INPLACE_UNROLL; k++) {
			if (far)
				prefetchw(pages[k + 1]);
			fz_clear_page(pages[k]);
		}
	}
	for (; pages < end; pages++)
		fz_clear_page(*pages);
}

/* Clear some folios of a sheet; false if the memory of one has failed. */
static __always_inline bool inplace_part(struct fz_reset *r,
					 const struct fz_roll_sheet *sheet,
					 u64 first, u64 nr, bool far)
{
	u64 held = 0;

	if (!inplace_check(sheet->folios + first, nr, &held))
		return false;
	if (far)
		inplace_pages(sheet->pages + first, nr, true);
	else
		inplace_pages(sheet->pages + first, nr, false);
	r->cleared += nr;
	r->held += held;
	return true;
}

/* What a look tells of a folio; false if it is huge: one has come meanwhile. */
static bool inplace_saw(struct fz_reset *r, struct fz_roll_sheet *sheet, u64 n,
			struct fz_age_look *look, bool hand, bool zero)
{
	struct folio *folio = sheet->folios[n];
	u8 *age = &sheet->ages[n];

	if (unlikely(folio_test_large(folio)))
		return false;
	/* What others hold is in use, whatever is in it. */
	if (zero && unlikely(fz_base_is_held(folio))) {
		*age &= ~FZ_AGE_MASK;
		return true;
	}
	if (fz_age_saw(&r->s->age, look, age, hand, zero)) {
		fz_chunk_age(r->s, folio->index, fz_age_back(*age));
		r->cleared--;
	} else if (!zero) {
		r->s->witness = folio->index;
	}
	return true;
}

/*
 * Clear a group of a sheet, but look at some of its pages first, which costs less than to
 * clear them if they are zero: those that were so the last time, and those in @hand.
 */
static noinline bool inplace_look(struct fz_reset *r, struct fz_roll_sheet *sheet,
				  u64 first, u64 nr, u64 hand,
				  struct fz_age_look *look)
{
	void *const *pages = sheet->pages + first;
	u64 all = GENMASK_ULL(nr - 1, 0);
	u64 which = (sheet->zero[first / 64] | hand) & all;
	u64 zero, left;

	if (!inplace_check(sheet->folios + first, nr, &r->held))
		return false;
	zero = fz_clear_look(pages, which);
	for (left = all & ~zero; left; left &= left - 1)
		fz_clear_page(pages[__ffs64(left)]);
	sheet->zero[first / 64] = zero;
	r->cleared += nr;

	for (left = look ? which : 0; left; left &= left - 1) {
		u64 bit = left & -left;

		if (!inplace_saw(r, sheet, first + __ffs64(left), look, hand & bit,
				 zero & bit))
			return false;
	}
	return true;
}

/* Clear the folios of a sheet group by group; @base: how many are on those before. */
static noinline bool inplace_groups(struct fz_reset *r, struct fz_roll_sheet *sheet,
				    u64 nr, u64 base, struct fz_age_look *look)
{
	bool good = true;
	u64 first;

	for (first = 0; good && first < nr; first += 64) {
		u64 some = min_t(u64, nr - first, 64);
		u64 hand = look ? fz_age_turn(look, base + first, some) : 0;

		if (hand | sheet->zero[first / 64])
			good = inplace_look(r, sheet, first, some, hand, look);
		else
			good = inplace_part(r, sheet, first, some, true);
	}
	return good;
}

/* Whether a reset has found any page of a sheet zero. */
static bool inplace_has_zero(const struct fz_roll_sheet *sheet)
{
	u64 any = 0;
	int i;

	for (i = 0; i < FZ_ROLL_GROUPS; i++)
		any |= sheet->zero[i];
	return any;
}

static int inplace_sheets(struct fz_reset *r, struct fz_age_look *look)
{
	bool far = atomic_long_read(&r->s->populated) > INPLACE_NEAR;
	struct fz_roll_sheet *sheet = NULL;
	u64 base = 0;
	u64 nr;

	do {
		sheet = fz_roll_next(&r->s->roll, sheet, &nr);
		if (!sheet)
			break;
		if (!((look && look->left && base + nr > look->hand) ||
		      inplace_has_zero(sheet) ?
		      inplace_groups(r, sheet, nr, base, look) :
		      inplace_part(r, sheet, 0, nr, far)))
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

/*
 * Whether there was a run since the last look, as far as can be told before this one: it
 * has faulted, or written again to a page that was written before.
 */
static bool inplace_was_run(struct fz_scratch *s)
{
	u64 faults = atomic64_read(&s->count.faults);
	struct folio *folio;
	bool run;

	if (faults != s->faults) {
		s->faults = faults;
		return true;
	}
	folio = fz_chunk_find(s, s->witness);
	if (!folio)
		return false;
	run = fz_folio_is_bad(folio) || !fz_page_is_zero(folio_page(folio, 0));
	folio_put(folio);
	return run;
}

/* Clear, and let go of what runs do not want any more. */
static noinline int inplace_learn(struct fz_reset *r)
{
	struct fz_scratch *s = r->s;
	u64 populated = atomic_long_read(&s->populated);
	struct fz_age_look look;
	int err;

	fz_age_came_back(&s->age, atomic_long_xchg(&s->back, 0));
	fz_age_begin(&s->age, populated, inplace_was_run(s), &look);
	err = inplace_sheets(r, &look);
	/* Pages that were not written cost less to look at than to swap. */
	s->cold = look.zero > populated / FZ_COLD;
	if (look.gone)
		fz_drop_aged(r);
	fz_age_end(&s->age, &look);
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
	struct fz_scratch *s = r->s;

	if (atomic_read(&s->nr_huge))
		return -EAGAIN;
	if (r->keep_held && fz_age_due(&s->age, atomic_long_read(&s->populated)))
		return inplace_learn(r);
	return inplace_sheets(r, NULL);
}

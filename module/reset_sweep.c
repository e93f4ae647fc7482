// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sweep: INPLACE of a whole scratch without huge folios, sheet by sheet of its roll.  AUTO
 * looks at some of the pages, and learns which of them runs do not write any more.
 */
#include <linux/mm.h>
#include <linux/prefetch.h>
#include <linux/sched/signal.h>

#include "clear.h"
#include "compat/compat.h"
#include "reset.h"

/* Loops are unrolled by this: in a sweep each instruction counts. */
#define SWEEP_UNROLL	16
/* This many pages may lie in the processor's own caches. */
#define SWEEP_NEAR	256

/* Whether folios may be cleared: false if the memory of one has failed.  Counts held ones. */
static __always_inline bool sweep_check(struct folio *const *folios, u64 nr,
					  u64 *held)
{
	struct folio *const *end = folios + nr;
	struct folio *const *slot = folios;
	unsigned long flags = 0;
	u64 counts = 0;
	int k;

	for (; slot + SWEEP_UNROLL <= end; slot += SWEEP_UNROLL) {
#pragma GCC unroll 16
		for (k = 0; k < SWEEP_UNROLL; k++) {
			flags |= fz_page_flags(folio_page(slot[k], 0));
			counts += fz_base_counts(slot[k]);
			/* Keeps the compiler from an order that needs more instructions. */
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
	 * The upper half of @counts is the sum of the references.  A page that is mapped
	 * once adds 2.  A page that is mapped nowhere has 1 reference, and 0xffffffff
	 * (-1) in the lower half.  Together these are 1 less than 2 in the upper half.
	 * BIT_ULL(31) makes up for all such ones.  A page that is held, or mapped more
	 * often, adds more than 2: then count the held pages one by one.
	 */
	if (unlikely((counts + BIT_ULL(31)) >> 32 != 2 * nr))
		for (slot = folios; slot < end; slot++)
			*held += fz_base_is_held(*slot);
	return true;
}

/*
 * Clear pages.  @far: they do not lie in the processor's own caches.  Then fetch the start
 * of the next page while one is cleared.
 */
static __always_inline void sweep_pages(void *const *pages, u64 nr, bool far)
{
	void *const *end = pages + nr;
	int k;

	for (; pages + SWEEP_UNROLL <= end; pages += SWEEP_UNROLL) {
#pragma GCC unroll 16
		for (k = 0; k < SWEEP_UNROLL; k++) {
			if (far)
				prefetchw(pages[k + 1]);
			fz_clear_page(pages[k]);
		}
	}
	for (; pages < end; pages++)
		fz_clear_page(*pages);
}

/* Clear some folios of a sheet; false if the memory of one has failed. */
static __always_inline bool sweep_part(struct fz_reset *r,
					 const struct fz_roll_sheet *sheet,
					 u64 first, u64 nr, bool far)
{
	u64 held = 0;

	if (!sweep_check(sheet->folios + first, nr, &held))
		return false;
	if (far)
		sweep_pages(sheet->pages + first, nr, true);
	else
		sweep_pages(sheet->pages + first, nr, false);
	r->cleared += nr;
	r->held += held;
	return true;
}

/* Pages of a group were written: they lose their strikes. */
static void sweep_saw_written(struct fz_reset *r, struct fz_roll_sheet *sheet,
			      u64 first, u64 which)
{
	u64 n;

	r->s->witness = sheet->folios[first + __fls(which)]->index;
	if (which == ~0ULL) {
		for (n = first; n < first + 64; n += 8) {
			u64 *ages = (u64 *)&sheet->ages[n];

			*ages = fz_age_written_8(*ages);
		}
		return;
	}
	for (; which; which &= which - 1) {
		n = first + __ffs64(which);
		sheet->ages[n] = fz_age_written(sheet->ages[n]);
	}
}

/* A page was zero after a run.  False if the folio is huge: a fault has just added it. */
static bool sweep_saw_zero(struct fz_reset *r, struct fz_roll_sheet *sheet, u64 n,
			   struct fz_age_look *look)
{
	struct folio *folio = sheet->folios[n];
	u8 *age = &sheet->ages[n];

	if (unlikely(folio_test_large(folio)))
		return false;
	/* A held page is in use, even if it is zero. */
	if (unlikely(fz_base_is_held(folio))) {
		*age = fz_age_written(*age);
		return true;
	}
	if (fz_age_strike(&r->s->age, look, age)) {
		fz_chunk_age(r->s, folio->index, fz_age_back(*age));
		r->cleared--;
	}
	return true;
}

/* Learn from a look at a group; false if the reset has to go chunk by chunk. */
static bool sweep_saw(struct fz_reset *r, struct fz_roll_sheet *sheet, u64 first,
		      u64 which, u64 zero, bool hand, struct fz_age_look *look)
{
	u64 written = which & ~zero;

	if (written) {
		fz_age_saw_written(look, hweight64(written), hand);
		sweep_saw_written(r, sheet, first, written);
	}
	if (!zero || !fz_age_saw_zero(look, hweight64(zero), hand))
		return true;
	for (; zero; zero &= zero - 1)
		if (!sweep_saw_zero(r, sheet, first + __ffs64(zero), look))
			return false;
	return true;
}

/*
 * Look at pages of a group, and clear all but zero ones.  With @hand it looks at all pages,
 * else at those that were zero the last time.  For a zero page a look costs less than a
 * clear.
 */
static noinline bool sweep_look(struct fz_reset *r, struct fz_roll_sheet *sheet,
				u64 first, u64 nr, bool hand,
				struct fz_age_look *look)
{
	void *const *pages = sheet->pages + first;
	u64 all = GENMASK_ULL(nr - 1, 0);
	u64 which = hand ? all : sheet->zero[first / 64] & all;
	u64 zero, left;

	if (!sweep_check(sheet->folios + first, nr, &r->held))
		return false;
	zero = fz_clear_look(pages, which);
	if (!zero)
		sweep_pages(pages, nr, true);
	else
		for (left = all & ~zero; left; left &= left - 1)
			fz_clear_page(pages[__ffs64(left)]);
	sheet->zero[first / 64] = zero;
	r->cleared += nr;
	return !look || sweep_saw(r, sheet, first, which, zero, hand, look);
}

/* Clear a sheet group by group; @base: number of folios on the sheets before it. */
static noinline bool sweep_groups(struct fz_reset *r, struct fz_roll_sheet *sheet,
				    u64 nr, u64 base, struct fz_age_look *look)
{
	bool good = true;
	u64 first;

	for (first = 0; good && first < nr; first += 64) {
		u64 some = min_t(u64, nr - first, 64);
		bool hand = look && fz_age_turn(look, base + first, some);

		if (hand || sheet->zero[first / 64])
			good = sweep_look(r, sheet, first, some, hand, look);
		else
			good = sweep_part(r, sheet, first, some, true);
	}
	return good;
}

/* Whether the last look found any page of a sheet zero. */
static bool sweep_has_zero(const struct fz_roll_sheet *sheet)
{
	u64 any = 0;
	int i;

	for (i = 0; i < FZ_ROLL_GROUPS; i++)
		any |= sheet->zero[i];
	return any;
}

static int sweep_sheets(struct fz_reset *r, struct fz_age_look *look)
{
	bool far = atomic_long_read(&r->s->populated) > SWEEP_NEAR;
	struct fz_roll_sheet *sheet = NULL;
	u64 base = 0;
	u64 nr;

	do {
		sheet = fz_roll_next(&r->s->roll, sheet, &nr);
		if (!sheet)
			break;
		if (!((look && !look->rests && base + nr > look->hand) ||
		      sweep_has_zero(sheet) ?
		      sweep_groups(r, sheet, nr, base, look) :
		      sweep_part(r, sheet, 0, nr, far)))
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
 * Whether there certainly was a run since the last look.  Evidence is a fault, or a fresh
 * write to the witness: a page that the last look saw written.
 */
static bool sweep_was_run(struct fz_scratch *s)
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

/* Sweep with a look, and drop pages to which runs have stopped writing. */
static noinline int sweep_learn(struct fz_reset *r)
{
	struct fz_scratch *s = r->s;
	u64 populated = atomic_long_read(&s->populated);
	struct fz_age_look look;
	int err;

	fz_age_came_back(&s->age, atomic_long_xchg(&s->back, 0));
	fz_age_begin(&s->age, populated, sweep_was_run(s), &look);
	err = sweep_sheets(r, &look);
	/* Looking at a page that was not written costs less than swapping it. */
	s->cold = look.zero > populated / FZ_COLD;
	if (look.gone)
		fz_drop_aged(r);
	fz_age_end(&s->age, &look);
	return err;
}

/**
 * fz_sweep() - clear all folios of a scratch
 * @r: a reset of all of it; its range is moved on
 *
 * AUTO drops pages to which runs have stopped writing.
 *
 * Return: 0; -EINTR, and then any page may be dirty.  -EAGAIN: the reset has to go chunk by
 * chunk, because there are huge folios or failed memory.
 */
int fz_sweep(struct fz_reset *r)
{
	struct fz_scratch *s = r->s;

	if (atomic_read(&s->nr_huge))
		return -EAGAIN;
	if (r->is_auto && fz_age_due(&s->age, atomic_long_read(&s->populated)))
		return sweep_learn(r);
	return sweep_sheets(r, NULL);
}

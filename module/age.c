// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ageing, after the CLOCK algorithm.  In each reset a hand looks at a part of the pages,
 * and zero pages get strikes.  A page that came back soon needs more strikes.
 */
#include "age.h"

/*
 * At first, 1 page in this many goes in a reset.  While pages that went stay away, each
 * reset may let twice as many go as the last one.
 */
#define AGE_TRIAL	64
/* If more than 1 in this many of the pages that went came back soon, runs want them. */
#define AGE_WANTED	4
/*
 * A page needs twice as many strikes each time that it comes back soon, up to this many
 * times.  Each further time halves the number of resets that give it a strike.
 */
#define AGE_COUNTED	3

/**
 * fz_age_begin() - begin the look of a reset
 * @age: what the scratch has learned
 * @populated: pages of the scratch
 * @run: there certainly was a run since the last reset
 * @look: the look, written
 */
void fz_age_begin(const struct fz_age *age, u64 populated, bool run,
		  struct fz_age_look *look)
{
	*look = (struct fz_age_look){
		.populated = populated,
		.hand = age->hand < populated ? age->hand : 0,
		.left = age->credit,
		.end = age->hand < populated ? age->hand : 0,
		.most = populated / AGE_TRIAL + 1,
		.keep = age->back * AGE_WANTED > age->went,
		.run = run,
	};
	if (!look->keep && look->most < age->last * 2)
		look->most = age->last * 2;
}

static u32 age_needed(u32 back)
{
	return FZ_AGE_STRIKES << (back < AGE_COUNTED ? back : AGE_COUNTED);
}

/* Whether a zero page that came back soon @back times gets a strike in this reset. */
static bool age_counts(const struct fz_age *age, u32 back)
{
	return back <= AGE_COUNTED ||
	       !(age->now & ((1U << (back - AGE_COUNTED)) - 1));
}

/* Whether a page with enough strikes goes now.  If not, it may have to wait longer. */
static bool age_is_due(struct fz_age_look *look, u8 *page, u32 back, u32 strikes)
{
	bool trial = !(look->due++ % AGE_TRIAL);

	if (look->keep ? trial : look->gone < look->most) {
		look->gone++;
		return true;
	}
	/*
	 * Pages like this one came back soon.  Count as if this page had come back soon
	 * too, without dropping it and taking the fault.
	 */
	if (look->keep && back < FZ_AGE_MAX_BACK)
		*page = (back + 1) << FZ_AGE_SHIFT |
			(back < AGE_COUNTED ? strikes : strikes / 2);
	return false;
}

/**
 * fz_age_strike() - give a page a strike: it was zero, and fz_age_saw_zero() returned true
 * @age: what the scratch has learned
 * @look: the look
 * @page: the page's byte, updated
 *
 * Return: true if the page goes.
 */
bool fz_age_strike(const struct fz_age *age, struct fz_age_look *look, u8 *page)
{
	u32 back = fz_age_back(*page);
	u32 strikes = *page & FZ_AGE_MASK;

	if (strikes < age_needed(back) && age_counts(age, back))
		*page = back << FZ_AGE_SHIFT | ++strikes;
	return strikes >= age_needed(back) && age_is_due(look, page, back, strikes);
}

/**
 * fz_age_end() - end the look of a reset
 * @age: what the scratch has learned, updated
 * @look: the look
 */
void fz_age_end(struct fz_age *age, const struct fz_age_look *look)
{
	/* The hand goes round: after the last page comes the first. */
	age->hand = look->end < look->populated ? look->end : 0;
	age->credit = look->left < look->populated ? look->left : look->populated;
	age->zero = look->zero - look->gone;
	if (!look->gone) {
		age->last -= (age->last + 3) / 4;
		return;
	}
	age->last = look->gone;
	/* Old counts weigh half, or nothing after a trial. */
	age->went = look->keep ? look->gone : age->went / 2 + look->gone;
	age->back = look->keep ? 0 : age->back / 2;
}

/**
 * fz_age_came_back() - count pages that went and have come back soon
 * @age: what the scratch has learned
 * @nr: number of pages
 */
void fz_age_came_back(struct fz_age *age, u64 nr)
{
	age->back += nr;
	if (age->back > age->went)
		age->back = age->went;
}

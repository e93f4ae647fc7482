// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ageing: a CLOCK whose hand looks at a part of the pages in each reset, strikes, and
 * back-off for what came back.
 */
#include "age.h"

/* One page in this many goes first.  Twice as many follow as long as they stay away. */
#define AGE_TRIAL	64
/* Pages that went are wanted after all if one in this many came back soon. */
#define AGE_WANTED	4
/* Beyond this the strikes stay the same, and fewer resets count. */
#define AGE_COUNTED	3

/**
 * fz_age_begin() - a reset begins to look
 * @age: what is known
 * @populated: pages of the scratch
 * @run: there was a run since the last reset, for sure
 * @look: set
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

/* Whether this reset counts for a page that came back that often. */
static bool age_counts(const struct fz_age *age, u32 back)
{
	return back <= AGE_COUNTED ||
	       !(age->now & ((1U << (back - AGE_COUNTED)) - 1));
}

/* The page has enough strikes: what now? */
static bool age_is_due(struct fz_age_look *look, u8 *page, u32 back, u32 strikes)
{
	bool trial = !(look->due++ % AGE_TRIAL);

	if (look->keep ? trial : look->gone < look->most) {
		look->gone++;
		return true;
	}
	/* It came back like its kind, but without the fault. */
	if (look->keep && back < FZ_AGE_MAX_BACK)
		*page = (back + 1) << FZ_AGE_SHIFT |
			(back < AGE_COUNTED ? strikes : strikes / 2);
	return false;
}

/**
 * fz_age_strike() - a page was zero, and fz_age_saw_zero() says that this says something
 * @age: what is known
 * @look: the look
 * @page: the page's byte, moved on
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
 * fz_age_end() - a reset is over
 * @age: what is known
 * @look: what it saw
 */
void fz_age_end(struct fz_age *age, const struct fz_age_look *look)
{
	/* Behind the last page is the first, also if others come there. */
	age->hand = look->end < look->populated ? look->end : 0;
	age->credit = look->left < look->populated ? look->left : look->populated;
	age->zero = look->zero - look->gone;
	if (!look->gone) {
		age->last -= (age->last + 3) / 4;
		return;
	}
	age->last = look->gone;
	/* Old counts weigh less, and nothing where this was a trial. */
	age->went = look->keep ? look->gone : age->went / 2 + look->gone;
	age->back = look->keep ? 0 : age->back / 2;
}

/**
 * fz_age_came_back() - pages that went have come back soon
 * @age: what is known
 * @nr: how many
 */
void fz_age_came_back(struct fz_age *age, u64 nr)
{
	age->back += nr;
	if (age->back > age->went)
		age->back = age->went;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ageing: resets learn which pages runs do not write any more.  docs/policy.md has the
 * rules.
 *
 * A page has one byte, its age: its strikes (looks in a row that found it zero), and how
 * often it came back soon.  Each such return doubles the number of resets until it goes.
 */
#ifndef FZ_AGE_H
#define FZ_AGE_H

#include "pure.h"

/* A scratch with fewer pages learns nothing. */
#define FZ_AGE_LEAST	16
/* The hand looks at whole groups of this many pages, when it has the credit for one. */
#define FZ_AGE_GROUP	64
/* A page found zero gives the hand credit for looks at this many written pages. */
#define FZ_AGE_PAYS	16
/* Each reset gives the hand credit for looks at 1 page in this many. */
#define FZ_AGE_PART	16
/* A page that has never come back soon goes with this many strikes. */
#define FZ_AGE_STRIKES	2
/* Resets in a period.  A page comes back soon in the period in which it went, or the next. */
#define FZ_AGE_PERIOD	16
/* A page that came back soon this often, or more often, goes after 128 resets. */
#define FZ_AGE_MAX_BACK	6

/* The byte of a page: strikes in the lower bits, how often it came back soon above. */
#define FZ_AGE_SHIFT	5
#define FZ_AGE_MASK	((1U << FZ_AGE_SHIFT) - 1)

/**
 * struct fz_age - what a scratch has learned of its pages
 * @hand: number of the page at which the hand is
 * @credit: how many written pages the hand may look at
 * @zero: pages that the last look found zero; each reset looks at them again
 * @now: number of resets of the whole scratch with AUTO that went through its base pages
 * @went: pages that went lately
 * @back: pages among @went that came back soon
 * @last: how many pages went in the last reset in which any did; decays after it
 */
struct fz_age {
	u64 hand;
	u64 credit;
	u64 zero;
	u32 now;
	u64 went;
	u64 back;
	u64 last;
};

/**
 * struct fz_age_look - one reset's look at the pages
 * @populated: pages of the scratch
 * @hand: the hand looks at pages from this number on
 * @left: how many written pages the hand may still look at
 * @rests: @left is less than a group: the hand looks at no more pages in this reset
 * @end: the number after the last page that the hand has looked at
 * @most: how many pages may go
 * @keep: too many of the pages that went lately came back soon, so due pages wait longer
 * @run: there was a run: a page was written, or faulted in
 * @written: pages looked at that were not zero
 * @zero: pages looked at that were zero
 * @due: pages that have enough strikes
 * @gone: pages among @due that go
 */
struct fz_age_look {
	u64 populated;
	u64 hand;
	u64 left;
	bool rests;
	u64 end;
	u64 most;
	bool keep;
	bool run;
	u64 written;
	u64 zero;
	u64 due;
	u64 gone;
};

/*
 * Count a reset, give the hand credit, and return whether the reset looks at pages.
 * Inline: most resets do not, and should not pay.
 */
static inline bool fz_age_due(struct fz_age *age, u64 populated)
{
	age->now++;
	if (populated < FZ_AGE_LEAST)
		return false;
	age->credit += populated / FZ_AGE_PART + 1;
	return age->zero || age->credit >= FZ_AGE_GROUP || age->credit >= populated;
}

/*
 * Whether the hand looks at a group of up to 64 pages.  @first is the number of its first
 * page, and grows from call to call.  At a group that the credit does not cover, the hand
 * stops for this reset.
 */
static inline bool fz_age_turn(struct fz_age_look *look, u64 first, u64 nr)
{
	if (look->rests || first + nr <= look->hand)
		return false;
	look->rests = look->left < nr;
	if (look->rests)
		return false;
	look->end = first + nr;
	return true;
}

/* A look found pages that were not zero: so there was a run.  @hand: the hand looked. */
static inline void fz_age_saw_written(struct fz_age_look *look, u64 nr, bool hand)
{
	look->written += nr;
	look->run |= nr;
	if (hand)
		look->left -= nr < look->left ? nr : look->left;
}

/*
 * A look found zero pages.  Returns whether they get strikes: only in a reset that has
 * seen a run by then.  So idle resets teach nothing.  @hand: the hand looked.
 */
static inline bool fz_age_saw_zero(struct fz_age_look *look, u64 nr, bool hand)
{
	look->zero += nr;
	if (hand)
		look->left += nr * FZ_AGE_PAYS;
	return look->run;
}

/* The period of a reset, by fz_age.now. */
static inline u32 fz_age_period(u32 now)
{
	return now / FZ_AGE_PERIOD;
}

/* How often a page came back soon. */
static inline u32 fz_age_back(u8 age)
{
	return age >> FZ_AGE_SHIFT;
}

/* The age of a page after a run wrote it: it loses its strikes. */
static inline u8 fz_age_written(u8 age)
{
	return age & ~FZ_AGE_MASK;
}

/* The same for eight pages at once. */
static inline u64 fz_age_written_8(u64 ages)
{
	return ages & ~(FZ_AGE_MASK * 0x0101010101010101ULL);
}

/* The age of a page that came back.  If it was away for long, it is that of a new page. */
static inline u8 fz_age_returned(u32 back, bool soon)
{
	if (!soon)
		return 0;
	return (back < FZ_AGE_MAX_BACK ? back + 1 : back) << FZ_AGE_SHIFT;
}

void fz_age_begin(const struct fz_age *age, u64 populated, bool run,
		  struct fz_age_look *look);
bool fz_age_strike(const struct fz_age *age, struct fz_age_look *look, u8 *page);
void fz_age_end(struct fz_age *age, const struct fz_age_look *look);
void fz_age_came_back(struct fz_age *age, u64 nr);

#endif

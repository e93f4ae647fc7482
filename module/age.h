/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which pages runs have stopped writing to, as resets see it.  docs/policy.md has the
 * picture.
 *
 * A page has one byte: its strikes (looks in a row that found it zero), and how often it
 * came back soon after it went.  Each of these doubles the strikes that it takes to go.
 */
#ifndef FZ_AGE_H
#define FZ_AGE_H

#include "pure.h"

/* With fewer pages there is nothing to be learned. */
#define FZ_AGE_LEAST	16
/* The hand looks at groups of this many pages, or at all, and saves up for them. */
#define FZ_AGE_GROUP	64
/* To find a page zero is worth a look at this many that were written. */
#define FZ_AGE_PAYS	16
/* In each reset it saves up for one page in this many. */
#define FZ_AGE_PART	16
/* Strikes of a page that has never come back. */
#define FZ_AGE_STRIKES	2
/*
 * Resets to a period.  A page comes back soon if it does so in the period in which it
 * went, or in the next.
 */
#define FZ_AGE_PERIOD	16
/* A page that came back soon this often, or more often, takes 128 times as many. */
#define FZ_AGE_MAX_BACK	6

/* The byte of a page: strikes below, and how often it came back above. */
#define FZ_AGE_SHIFT	5
#define FZ_AGE_MASK	((1U << FZ_AGE_SHIFT) - 1)

/**
 * struct fz_age - what a scratch has learned of its pages
 * @hand: number of the page that the hand points to
 * @credit: how many pages that were written the hand may look at
 * @zero: pages that the last look found zero; each reset looks at them again
 * @now: resets with AUTO of all pages, also those that looked at none
 * @went: pages that went, lately
 * @back: those among them that came back soon
 * @last: how many the last of these resets let go
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
 * @left: how many that were written it may still look at
 * @rests: these are less than a group, which the next reset begins with
 * @end: the number behind the last that it has looked at
 * @most: how many pages may go
 * @keep: what went lately came back: what is due has to wait longer
 * @run: something was written, or faulted in: there was a run
 * @written: pages looked at that were not zero
 * @zero: pages looked at that were
 * @due: pages that had enough strikes
 * @gone: those that go
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

/* Whether a reset looks at pages; most need not, and should not pay for it. */
static inline bool fz_age_due(struct fz_age *age, u64 populated)
{
	age->now++;
	if (populated < FZ_AGE_LEAST)
		return false;
	age->credit += populated / FZ_AGE_PART + 1;
	return age->zero || age->credit >= FZ_AGE_GROUP || age->credit >= populated;
}

/*
 * Whether the hand looks at a group of up to 64 pages: at all of it, or not at all and at
 * none after it.  @first is the number of the first, greater than in the call before.
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

/* Pages were not zero when a reset looked: there was a run.  @hand: the hand did. */
static inline void fz_age_saw_written(struct fz_age_look *look, u64 nr, bool hand)
{
	look->written += nr;
	look->run |= nr;
	if (hand)
		look->left -= nr < look->left ? nr : look->left;
}

/*
 * Pages were zero.  Whether that says anything of them: in a reset that has seen no run
 * yet it does not.  So idle resets teach nothing, however many there are.
 */
static inline bool fz_age_saw_zero(struct fz_age_look *look, u64 nr, bool hand)
{
	look->zero += nr;
	if (hand)
		look->left += nr * FZ_AGE_PAYS;
	return look->run;
}

/* In which period a reset is, by fz_age.now. */
static inline u32 fz_age_period(u32 now)
{
	return now / FZ_AGE_PERIOD;
}

/* How often a page came back soon. */
static inline u32 fz_age_back(u8 age)
{
	return age >> FZ_AGE_SHIFT;
}

/* The age of a page that was written. */
static inline u8 fz_age_written(u8 age)
{
	return age & ~FZ_AGE_MASK;
}

/* The same of eight pages at once. */
static inline u64 fz_age_written_8(u64 ages)
{
	return ages & ~(FZ_AGE_MASK * 0x0101010101010101ULL);
}

/* The age of a page that came back: after it was away for long it is as good as new. */
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

// SPDX-License-Identifier: GPL-2.0-only
/*
 * An estimate that follows measurements.  What interrupts a measurement makes it
 * dearer, often by far: such samples are left out, unless there is nothing else.
 */
#include "estimate.h"

/* What a sample weighs: one part in so many. */
#define ESTIMATE_WEIGHT	8
/* So many unbelievable samples in a row are believed. */
#define ESTIMATE_ODD	8
/* A change by less than one part in so many is none: choices shall not flap. */
#define ESTIMATE_STEP	16

static u64 estimate_within(u64 value, u64 least, u64 most)
{
	if (value < least)
		return least;
	return value > most ? most : value;
}

/* A factor; nothing that is measured is that large. */
static u64 estimate_factor(u64 expected, u64 measured)
{
	const u64 most = FZ_ESTIMATE_ONE * 1024;

	if (measured >= expected * 1024)
		return most;
	return estimate_within(measured * FZ_ESTIMATE_ONE / expected, 1, most);
}

/**
 * fz_estimate_begin() - set it
 * @e: the estimate
 * @expected: what something should cost, below 2^53, not 0
 * @measured: what it did, in the same unit
 */
void fz_estimate_begin(struct fz_estimate *e, u64 expected, u64 measured)
{
	*e = (struct fz_estimate){ };
	e->begun = estimate_factor(expected, measured);
	e->now = e->begun;
	e->told = e->begun;
}

static void estimate_approach(struct fz_estimate *e, u64 factor)
{
	u64 now = (u64)e->now * (ESTIMATE_WEIGHT - 1) + factor;

	/* Rounded to where it comes from, it would never arrive. */
	if (factor > e->now)
		now += ESTIMATE_WEIGHT - 1;
	e->now = estimate_within(now / ESTIMATE_WEIGHT,
				 e->begun / FZ_ESTIMATE_MOST + 1,
				 (u64)e->begun * FZ_ESTIMATE_MOST);
}

/**
 * fz_estimate_add() - a measurement
 * @e: the estimate
 * @expected: what it should have cost, below 2^53; 0 counts as no measurement
 * @measured: what it did
 */
void fz_estimate_add(struct fz_estimate *e, u64 expected, u64 measured)
{
	u64 least = e->now / FZ_ESTIMATE_MOST;
	u64 most = (u64)e->now * FZ_ESTIMATE_MOST;
	u64 factor;

	if (!expected)
		return;
	factor = estimate_factor(expected, measured);
	if (factor >= least && factor <= most)
		e->odd = 0;
	else if (++e->odd < ESTIMATE_ODD)
		return;
	estimate_approach(e, estimate_within(factor, least, most));
}

/**
 * fz_estimate_fade() - nothing was measured for long
 * @e: the estimate; goes back to where it began, or what is taken for too dear to
 *	be done would never be measured again
 */
void fz_estimate_fade(struct fz_estimate *e)
{
	estimate_approach(e, e->begun);
}

/**
 * fz_estimate_moved() - whether it is another one now
 * @e: the estimate
 *
 * Return: true if it is by 6 % different from what it was when this was last true.
 */
bool fz_estimate_moved(struct fz_estimate *e)
{
	u32 by = e->now > e->told ? e->now - e->told : e->told - e->now;

	if ((u64)by * ESTIMATE_STEP < e->told)
		return false;
	e->told = e->now;
	return true;
}

/**
 * fz_estimate_price() - a price by an estimate
 * @e: the estimate, as fz_estimate_moved() last told it
 * @price: the expected price
 *
 * Return: the price, at least 1.
 */
u32 fz_estimate_price(const struct fz_estimate *e, u32 price)
{
	return estimate_within((u64)price * e->told / FZ_ESTIMATE_ONE, 1, ~0u);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Learning how many folios runs need at once.
 *
 * A count of all folios taken in some time would be too high: a folio that comes back
 * soon counts at each take, but serves many runs.
 */
#include "demand.h"

/* After this many ticks without a taken folio the demand is 0. */
#define DEMAND_ALL	(FZ_DEMAND_SPAN + FZ_DEMAND_HOLD + FZ_DEMAND_FADE + 1)

/* End a tick: update the decaying maximum. */
static void demand_end(struct fz_peak *p, u64 tick)
{
	u64 least = 0;
	u32 i;

	p->recent[tick % (FZ_DEMAND_HOLD + 1)] = p->now;
	p->now = 0;
	for (i = 0; i <= FZ_DEMAND_HOLD; i++)
		if (p->recent[i] > least)
			least = p->recent[i];

	if (p->level > least + p->step) {
		p->level -= p->step;
	} else {
		p->level = least;
		p->step = least / FZ_DEMAND_FADE + !!(least % FZ_DEMAND_FADE);
	}
}

static u64 demand_level(const struct fz_peak *p)
{
	return p->now > p->level ? p->now : p->level;
}

/* End the ticks up to @tick.  A tick in the past is ignored. */
static void demand_advance(struct fz_demand *d, u64 tick)
{
	u64 nr = tick > d->tick ? tick - d->tick : 0;
	u32 i;

	if (nr > DEMAND_ALL) {
		d->tick = tick - DEMAND_ALL;
		nr = DEMAND_ALL;
	}
	for (; nr; nr--) {
		demand_end(&d->taken, d->tick);
		demand_end(&d->wanted, d->tick);
		d->lows[++d->tick % FZ_DEMAND_SPAN] = d->net;
		d->low = d->net;
		for (i = 0; i < FZ_DEMAND_SPAN; i++)
			if (d->lows[i] < d->low)
				d->low = d->lows[i];
	}
}

/* Add pending folios to the sums, and end the ticks up to @tick. */
static void demand_settle(struct fz_demand *d, u64 tick)
{
	u64 rise;

	if (d->pending) {
		demand_advance(d, d->when);
		d->net += d->pending;
		d->pending = 0;
		rise = d->net - d->low;
		if (rise > d->taken.now)
			d->taken.now = rise;
	}
	demand_advance(d, tick);
}

/**
 * fz_demand_give() - count folios that have become ready
 * @d: the demand
 * @tick: now
 * @nr: folios
 */
void fz_demand_give(struct fz_demand *d, u64 tick, u64 nr)
{
	s64 *low;

	demand_settle(d, tick);
	low = &d->lows[d->tick % FZ_DEMAND_SPAN];
	d->net -= nr;
	if (d->net < *low)
		*low = d->net;
	if (d->net < d->low)
		d->low = d->net;
}

/**
 * fz_demand_want() - note how many ready folios a reset would take if enough were ready
 * @d: the demand
 * @tick: now
 * @nr: this number of folios
 */
void fz_demand_want(struct fz_demand *d, u64 tick, u64 nr)
{
	demand_settle(d, tick);
	if (nr > d->wanted.now)
		d->wanted.now = nr;
}

/**
 * fz_demand_forget() - forget what was learned
 * @d: the demand
 */
void fz_demand_forget(struct fz_demand *d)
{
	u32 i;

	demand_settle(d, d->tick);
	d->taken = (struct fz_peak){ };
	d->wanted = (struct fz_peak){ };
	d->low = d->net;
	for (i = 0; i < FZ_DEMAND_SPAN; i++)
		d->lows[i] = d->net;
}

/**
 * fz_demand_keep() - how many folios to keep, of those that the store has
 * @d: the demand
 * @tick: now
 *
 * Return: folios.
 */
u64 fz_demand_keep(struct fz_demand *d, u64 tick)
{
	u64 taken, wanted;

	demand_settle(d, tick);
	taken = demand_level(&d->taken);
	wanted = demand_level(&d->wanted);
	return taken > wanted ? taken : wanted;
}

/**
 * fz_demand_ahead() - how many folios to have, even if they must be allocated
 * @d: the demand
 * @tick: now
 *
 * Folios that faults took do not count: they come back when they are dropped.  If the pool
 * also allocated ahead for those that are never dropped, the context would own twice as
 * many.
 *
 * Return: folios.
 */
u64 fz_demand_ahead(struct fz_demand *d, u64 tick)
{
	demand_settle(d, tick);
	return demand_level(&d->wanted);
}

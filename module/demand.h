/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How many folios runs need at once, as a store sees it that they are taken from.
 */
#ifndef FZ_DEMAND_H
#define FZ_DEMAND_H

#include "pure.h"

/* Ticks, of about a second: so long runs that overlap are seen as one. */
#define FZ_DEMAND_SPAN	5
/* So long a demand is remembered in full, and so long it fades after that. */
#define FZ_DEMAND_HOLD	3
#define FZ_DEMAND_FADE	5

/**
 * struct fz_peak - a decaying maximum
 * @now: the most in this tick
 * @recent: the same of the last ticks
 * @level: what is remembered: no less than these
 * @step: how much of it each tick takes away when it fades
 */
struct fz_peak {
	u64 now;
	u64 recent[FZ_DEMAND_HOLD + 1];
	u64 level;
	u64 step;
};

/**
 * struct fz_demand - the demand for folios of a store
 * @pending: folios taken that are not in the following yet
 * @when: the tick when the last of them were
 * @tick: the tick that the following is of
 * @net: folios taken, less those that have come ready
 * @lows: the lowest @net of each of the last ticks
 * @low: the lowest of these
 * @taken: how far @net rose above @low: folios that a run has taken before they came
 *	back
 * @wanted: most that one reset wanted ready, whether they were there or not
 */
struct fz_demand {
	u64 pending;
	u64 when;
	u64 tick;
	s64 net;
	s64 lows[FZ_DEMAND_SPAN];
	s64 low;
	struct fz_peak taken;
	struct fz_peak wanted;
};

void fz_demand_give(struct fz_demand *d, u64 tick, u64 nr);
void fz_demand_want(struct fz_demand *d, u64 tick, u64 nr);
void fz_demand_forget(struct fz_demand *d);
u64 fz_demand_keep(struct fz_demand *d, u64 tick);
u64 fz_demand_ahead(struct fz_demand *d, u64 tick);

/**
 * fz_demand_take() - folios are taken, or would have been had they been there
 * @d: the demand
 * @tick: now
 * @nr: folios
 *
 * Every fault comes here: the sums are done when something comes back.
 */
static inline void fz_demand_take(struct fz_demand *d, u64 tick, u64 nr)
{
	d->pending += nr;
	d->when = tick;
}

#endif

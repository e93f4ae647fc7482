/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How many folios runs need at once, learned from what they take from a store.
 */
#ifndef FZ_DEMAND_H
#define FZ_DEMAND_H

#include "pure.h"

/* The folios that runs take within this many ticks, of about a second each, add up. */
#define FZ_DEMAND_SPAN	5
/* A demand is remembered in full for HOLD ticks, and fades during FADE ticks after that. */
#define FZ_DEMAND_HOLD	3
#define FZ_DEMAND_FADE	5

/**
 * struct fz_peak - a decaying maximum
 * @now: the maximum in this tick
 * @recent: the maxima of the last ticks
 * @level: the decaying maximum, no less than any of @recent
 * @step: by how much a tick lowers @level while it fades
 */
struct fz_peak {
	u64 now;
	u64 recent[FZ_DEMAND_HOLD + 1];
	u64 level;
	u64 step;
};

/**
 * struct fz_demand - the demand for folios of a store
 * @pending: folios taken that the members below do not count yet
 * @when: the tick in which the last of them were taken
 * @tick: the tick up to which the members below are valid
 * @net: folios taken, minus folios that have become ready
 * @lows: the lowest @net of each of the last ticks
 * @low: the lowest of @lows
 * @taken: how far @net rose above @low: folios that runs took before any came back
 * @wanted: the most folios that one reset would take if enough were ready
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
 * fz_demand_take() - count folios that are taken, or would be if the store had them
 * @d: the demand
 * @tick: now
 * @nr: folios
 *
 * Every fault calls this, so it only notes them.  demand_settle() adds them to the sums.
 */
static inline void fz_demand_take(struct fz_demand *d, u64 tick, u64 nr)
{
	d->pending += nr;
	d->when = tick;
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A bound on work in a second.
 */
#ifndef FZ_RATE_H
#define FZ_RATE_H

#include "pure.h"

#define FZ_RATE_SECOND	1000000000ULL
/*
 * The burst: unused work is saved up for this many ns.  A thread that wakes up late by
 * less than this loses no work.
 */
#define FZ_RATE_BURST	(FZ_RATE_SECOND / 50)

/**
 * struct fz_rate - how far work is ahead of its rate
 * @per_second: the bound for which @even is valid
 * @even: the time in ns at which the bound allows the work done so far
 */
struct fz_rate {
	u64 per_second;
	u64 even;
};

void fz_rate_spend(struct fz_rate *r, u64 now, u64 per_second, u64 nr);
u64 fz_rate_wait(const struct fz_rate *r, u64 now, u64 per_second);

#endif

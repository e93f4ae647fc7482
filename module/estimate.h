/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An estimate that follows measurements, of which any may be spoilt.
 */
#ifndef FZ_ESTIMATE_H
#define FZ_ESTIMATE_H

#include "pure.h"

/* An estimate is a factor in parts of this. */
#define FZ_ESTIMATE_ONE		1024
/* It stays within so many times of where it began, and minds no sample beyond. */
#define FZ_ESTIMATE_MOST	8

/**
 * struct fz_estimate - how many times as dear as expected something is
 * @begun: what it began with, in parts of FZ_ESTIMATE_ONE
 * @now: what it is now
 * @told: what it was when fz_estimate_moved() last said yes
 * @odd: samples in a row that were beyond belief
 */
struct fz_estimate {
	u32 begun;
	u32 now;
	u32 told;
	u32 odd;
};

void fz_estimate_begin(struct fz_estimate *e, u64 expected, u64 measured);
void fz_estimate_add(struct fz_estimate *e, u64 expected, u64 measured);
void fz_estimate_fade(struct fz_estimate *e);
bool fz_estimate_moved(struct fz_estimate *e);
u32 fz_estimate_price(const struct fz_estimate *e, u32 price);

#endif

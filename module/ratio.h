/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ratio of this host, for the inequality of cost.h.
 */
#ifndef FZ_RATIO_H
#define FZ_RATIO_H

#include "cost.h"

/* Sets of fewer base pages than this (4 MiB) are taken to lie in a processor's caches. */
#define FZ_RATIO_WARM	1024

/**
 * struct fz_ratios - the ratios of this host
 * @warm: the ratio of pages in the caches, measured at load
 * @cold: the ratio of other pages, measured at load
 * @set: the ratio that the operator has set; 0 for the measured ones
 */
struct fz_ratios {
	u32 warm;
	u32 cold;
	u32 set;
};

extern struct fz_ratios fz_ratios;

/* The ratio for a set of @pages base pages. */
static inline u32 fz_ratio(u64 pages)
{
	u32 set = READ_ONCE(fz_ratios.set);

	if (unlikely(set))
		return set;
	return pages < FZ_RATIO_WARM ? fz_ratios.warm : fz_ratios.cold;
}

void fz_ratio_measure(void);

#endif

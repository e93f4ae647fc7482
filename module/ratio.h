/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ratio of this host, for the inequality of cost.h.
 */
#ifndef FZ_RATIO_H
#define FZ_RATIO_H

#include "cost.h"

/* Fewer base pages than these are taken to lie in a processor's caches: 4 MiB. */
#define FZ_RATIO_WARM	1024

/**
 * struct fz_ratios - the ratios that there are
 * @warm: of pages in the caches, written at load
 * @cold: of others
 * @set: what the administrator has set it to, 0 if it is as measured
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

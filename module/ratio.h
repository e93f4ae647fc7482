/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ratio of this host, for the inequality of cost.h.
 */
#ifndef FZ_RATIO_H
#define FZ_RATIO_H

#include "cost.h"

/* Fewer base pages than these are taken to lie in a processor's caches: 4 MiB. */
#define FZ_RATIO_WARM	1024

u32 fz_ratio(u64 pages);
void fz_ratio_measure(void);

#endif

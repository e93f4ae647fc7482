/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Prices of this host, for the cost model.
 */
#ifndef FZ_PRICES_H
#define FZ_PRICES_H

#include <linux/ktime.h>

#include "cost.h"

/* What is measured must be so many pages, or the clock shows. */
#define FZ_PRICES_LEAST	64

extern const struct fz_prices *fz_prices_in_use;

/* The prices to go by; each reset asks anew, and a call would be dear. */
static inline const struct fz_prices *fz_prices_now(void)
{
	return READ_ONCE(fz_prices_in_use);
}

void fz_prices_measure(void);
void fz_prices_cleared(u64 pages, u64 ns);
void fz_prices_swapped(u64 pages, u64 span, u64 ns);

#endif

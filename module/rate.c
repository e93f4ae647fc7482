// SPDX-License-Identifier: GPL-2.0-only
/*
 * A bound on work in a second.  This is the generic cell rate algorithm (ITU-T I.371),
 * which keeps one time instead of a bucket of tokens.
 */
#include "rate.h"

/**
 * fz_rate_spend() - account for work that was done
 * @r: the rate
 * @now: time in ns
 * @per_second: the bound; 0 for none
 * @nr: how much was done, below 2^32
 */
void fz_rate_spend(struct fz_rate *r, u64 now, u64 per_second, u64 nr)
{
	u64 from = now > FZ_RATE_BURST ? now - FZ_RATE_BURST : 0;

	/* After a change of the bound, forget debts and savings. */
	if (r->per_second != per_second) {
		r->per_second = per_second;
		r->even = now;
	}
	if (!per_second)
		return;
	if (r->even < from)
		r->even = from;
	r->even += nr * FZ_RATE_SECOND / per_second;
}

/**
 * fz_rate_wait() - how long to wait before more work
 * @r: the rate
 * @now: time in ns
 * @per_second: the bound, as it is now
 *
 * Return: ns, 0 if work may be done now.
 */
u64 fz_rate_wait(const struct fz_rate *r, u64 now, u64 per_second)
{
	if (r->per_second != per_second || !per_second || r->even <= now)
		return 0;
	return r->even - now;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Time to responsiveness: the price that a request pays for the reset before it.
 */
#ifndef RESPONSE_H
#define RESPONSE_H

#include "measure.h"

/**
 * struct response - results of a peer
 * @samples: of each request: its reset, and the excess of its run over one on warm
 *	memory; freed by the caller
 * @nr: how many
 * @late: requests that arrived before the memory was ready for them
 * @why: if measuring fails: why
 */
struct response {
	uint64_t *samples;
	unsigned int nr;
	unsigned int late;
	char why[WHY];
};

/**
 * response_measure() - serve requests that arrive at a given rate
 * @rig: the rig
 * @cell: the cell of each request
 * @touches: the pages
 * @peer: the peer
 * @warm: cost of a run on warm memory
 * @think_ns: mean time from one arrival to the next, 0: at once; each is up to
 *	half of it more or less
 * @requests: how many
 * @r: where to put the result
 *
 * The reset follows its run at once, as hosts do it; the rest of the time to the next
 * arrival belongs to the background.
 *
 * Return: 0; -EOPNOTSUPP if this peer cannot run here; or another -errno.
 */
int response_measure(const struct rig *rig, const struct cell *cell,
		     const struct touches *touches, const struct peer *peer,
		     uint64_t warm, uint64_t think_ns, unsigned int requests,
		     struct response *r);

#endif /* RESPONSE_H */

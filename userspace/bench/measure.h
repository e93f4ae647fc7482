/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Cycles of one peer: a reset, and the run after it.
 */
#ifndef MEASURE_H
#define MEASURE_H

#include "counters.h"
#include "minivm.h"
#include "peers.h"

/**
 * struct rig - what the peers take turns with
 * @vm: the guest
 * @nested: KVM's counter of its faults
 * @cycles: how many cycles are measured
 * @warmup: how many go before them
 */
struct rig {
	struct minivm *vm;
	struct nested_counter nested;
	unsigned int cycles;
	unsigned int warmup;
};

/**
 * struct cycle - what one cycle cost, or the median of several
 * @reset: ns of the reset
 * @run: ns of the run after it
 * @sum: ns of both
 * @faults: page faults in both
 * @nested: nested faults in both
 * @bg_pages: pages that were cleared in the background
 * @bg_ns: ns that this took
 */
struct cycle {
	uint64_t reset;
	uint64_t run;
	uint64_t sum;
	uint64_t faults;
	uint64_t nested;
	uint64_t bg_pages;
	uint64_t bg_ns;
};

/**
 * struct outcome - what came of a peer
 * @median: of each figure by itself
 * @stale: pages that were not zero after a reset, all cycles together
 * @why: if measure() fails: why
 */
struct outcome {
	struct cycle median;
	uint64_t stale;
	char why[160];
};

/**
 * measure() - measure a peer
 * @rig: the rig
 * @plan: what its runs touch
 * @peer: the peer
 * @o: where to put the outcome
 *
 * Return: 0; -EOPNOTSUPP if this peer cannot be had here; or another -errno.
 */
int measure(struct rig *rig, const struct plan *plan, const struct peer *peer,
	    struct outcome *o);

#endif /* MEASURE_H */

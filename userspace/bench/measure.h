/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Cycles of one peer: a reset, and the run after it.
 */
#ifndef MEASURE_H
#define MEASURE_H

#include "counters.h"
#include "turn.h"

/* Cycles that are only counted, not timed. */
#define COUNTED_CYCLES	3
/*
 * More cycles to warm up if runs differ, so that peers which learn have seen all runs.
 */
#define CHANGING_WARMUP	6

/**
 * struct sample - costs of one cycle, in the unit of the clock
 * @reset: the reset
 * @run: the run after it
 * @whole: both in one piece, without the wait between them
 */
struct sample {
	uint64_t reset;
	uint64_t run;
	uint64_t whole;
};

/**
 * struct counts - counts of one cycle
 * @values: the counters
 * @reset_cleared: base pages cleared by the reset
 * @run_cleared: base pages cleared in faults of the run
 * @bg_cleared: base pages cleared in the background
 * @bg_cost: time that this took
 * @before: base pages held before the reset
 * @between: after it
 * @after: after the run
 */
struct counts {
	uint64_t values[COUNTERS];
	uint64_t reset_cleared;
	uint64_t run_cleared;
	uint64_t bg_cleared;
	uint64_t bg_cost;
	uint64_t before;
	uint64_t between;
	uint64_t after;
};

/**
 * struct outcome - results of a peer in a cell
 * @samples: of all cycles; freed by outcome_free()
 * @nr: how many
 * @counts: of the last counted cycle; there are none with threads
 * @counted: whether there are
 * @whole: mean of the cycles in one piece; with threads, the time in which all of them
 *	do a cycle
 * @stale: pages that were not zero after a reset
 * @why: if measure() fails: why
 */
struct outcome {
	struct sample *samples;
	unsigned int nr;
	struct counts counts;
	bool counted;
	uint64_t whole;
	uint64_t stale;
	char why[WHY];
};

/**
 * measure() - measure a peer
 * @rig: the rig
 * @cell: the cell
 * @touches: its pages
 * @peer: the peer
 * @o: where to put the outcome
 *
 * Return: 0; -EOPNOTSUPP if this peer cannot run here; or another -errno.
 */
int measure(const struct rig *rig, const struct cell *cell,
	    const struct touches *touches, const struct peer *peer,
	    struct outcome *o);
void outcome_free(struct outcome *o);

/*
 * Cost of an empty cycle: no reset, and a run without pages.  A guest's run needs work,
 * and touches one warm page. 0: the measurement failed.
 */
uint64_t measure_empty(const struct rig *rig, struct minivm *vm);

/* threads.c: the same for cells with threads */
int measure_threads(const struct rig *rig, const struct cell *cell,
		    const struct touches *touches, const struct peer *peer,
		    struct outcome *o);

#endif /* MEASURE_H */

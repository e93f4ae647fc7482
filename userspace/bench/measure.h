/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Cycles of one peer: a reset, and the run after it.
 */
#ifndef MEASURE_H
#define MEASURE_H

#include "clock.h"
#include "counters.h"
#include "pattern.h"
#include "peers.h"
#include "user.h"

/* Cycles that are only counted, not timed. */
#define COUNTED_CYCLES	3
/* More cycles to warm up where runs differ: what learns shall have seen them. */
#define CHANGING_WARMUP	6

/**
 * struct rig - what the peers take turns with
 * @vm: the guest, or NULL if there is none
 * @no_vm: why there is none, as errno
 * @device: path of the fastzero device
 * @total_cpu: scratches are made with FASTZERO_CREATE_TOTAL_CPU
 * @cycles: how many cycles are measured
 * @warmup: how many go before them
 * @seed: of the choice of pages
 * @clear: what clears cost
 */
struct rig {
	struct minivm *vm;
	int no_vm;
	const char *device;
	bool total_cpu;
	unsigned int cycles;
	unsigned int warmup;
	uint64_t seed;
	struct clear_cost clear;
};

/**
 * struct cell - one combination that all peers are measured in
 * @guest: a KVM guest uses the memory, not this process
 * @touch: what the runs do
 * @pattern: to which pages
 * @size: bytes of memory
 * @pages: pages that each run touches
 * @threads: how many threads do so, each with a memory of its own; 0: none but
 *	this one, and no guest otherwise
 */
struct cell {
	bool guest;
	enum touch touch;
	enum pattern pattern;
	uint64_t size;
	uint64_t pages;
	unsigned int threads;
};

/**
 * struct sample - what one cycle cost, in the unit of the clock
 * @reset: the reset
 * @run: the run after it
 * @whole: both in one piece, without what is waited between them
 */
struct sample {
	uint64_t reset;
	uint64_t run;
	uint64_t whole;
};

/**
 * struct counts - what one cycle did, as counted
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
 * struct outcome - what came of a peer in a cell
 * @samples: of all cycles; freed by outcome_free()
 * @nr: how many
 * @counts: of the last counted cycle; there are none with threads
 * @counted: whether there are
 * @whole: mean of the cycles in one piece; with threads, what it took all of
 *	them to do a cycle each
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
	char why[160];
};

/**
 * measure() - measure a peer
 * @rig: the rig
 * @cell: the cell
 * @touches: its pages
 * @peer: the peer
 * @o: where to put the outcome
 *
 * Return: 0; -EOPNOTSUPP if this peer cannot be had here; or another -errno.
 */
int measure(const struct rig *rig, const struct cell *cell,
	    const struct touches *touches, const struct peer *peer,
	    struct outcome *o);
void outcome_free(struct outcome *o);

/*
 * What a cycle costs in which nothing is done: no reset, and a run of no page, or
 * of a warm one in a guest, which is to do something.  0: it failed.
 */
uint64_t measure_empty(const struct rig *rig, struct minivm *vm);

/* threads.c: the same for cells with threads */
int measure_threads(const struct rig *rig, const struct cell *cell,
		    const struct touches *touches, const struct peer *peer,
		    struct outcome *o);

/* For the others that do cycles. */
int outcome_explain(struct outcome *o, const char *what, int err);
int peer_setup(const struct rig *rig, const struct cell *cell,
	       const struct peer *peer, struct memory *m, struct outcome *o);

/* What run number @i of a cell is; @m gets what it will have written. */
struct run next_run(const struct cell *cell, const struct touches *t,
		    unsigned int i);
void was_run(struct memory *m, const struct cell *cell,
	     const struct touches *t, unsigned int i);

/* A clear is to count the same for everybody: moves it from one cost to the other. */
uint64_t adjust_clears(const struct rig *rig, uint64_t cost, uint64_t cleared);

#endif /* MEASURE_H */

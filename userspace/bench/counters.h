/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counts beside the time, taken in cycles that are not timed.
 */
#ifndef COUNTERS_H
#define COUNTERS_H

#include <stdint.h>

/**
 * enum counter - a kind of event
 * @COUNTER_FAULTS: page faults of this process, those for the guest included
 * @COUNTER_NESTED: faults of the guest that KVM answered
 * @COUNTER_TLB: TLB flushes that this process caused, those that come with a
 *	change of tasks not counted
 * @COUNTER_NOTIFIER: calls of KVM's MMU notifier that take entries away
 */
enum counter {
	COUNTER_FAULTS,
	COUNTER_NESTED,
	COUNTER_TLB,
	COUNTER_NOTIFIER,
	COUNTERS
};

#define COUNTER_TEXT	120

/* A counter's name, as in the JSON, and the reason why it is missing, or NULL. */
const char *counter_name(enum counter counter);
const char *counter_missing(enum counter counter);

/**
 * counters_init() - find out which counters are available
 * @vcpu: descriptor of a vCPU, for KVM's statistics, or -1
 */
void counters_init(int vcpu);
void counters_exit(void);

/**
 * counters_set_nested() - there will be a guest, but not yet
 * @missing: why its faults cannot be counted, as a child has found out; "" if they can
 */
void counters_set_nested(const char *missing);

/* Tracepoints count from start to stop only: they cost time. */
void counters_start(void);
void counters_stop(void);

/* Reads all counters; missing ones are 0. */
void counters_read(uint64_t values[COUNTERS]);

#endif /* COUNTERS_H */

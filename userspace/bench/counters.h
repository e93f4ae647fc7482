/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is counted: time, page faults, and KVM's nested faults.
 */
#ifndef COUNTERS_H
#define COUNTERS_H

#include <stdint.h>

/**
 * struct counters - one reading
 * @ns: CLOCK_MONOTONIC; guest instructions in a VM that counts them
 * @faults: page faults of this process, those for the guest's sake included
 * @nested: faults of the guest that KVM answered, 0 if it does not say
 */
struct counters {
	uint64_t ns;
	uint64_t faults;
	uint64_t nested;
};

/* Where KVM's counter of nested faults is read. */
struct nested_counter {
	int fd;
	uint64_t offset;
};

/**
 * nested_open() - find KVM's counter of nested faults
 * @n: where to put it
 * @vcpu: descriptor of the vCPU
 *
 * Return: 0, or -errno if there is none; @n then counts nothing.
 */
int nested_open(struct nested_counter *n, int vcpu);
void nested_close(struct nested_counter *n);

uint64_t now_ns(void);

/* The clock is read last by the one and first by the other. */
void counters_begin(struct counters *c, const struct nested_counter *n);
void counters_end(struct counters *c, const struct nested_counter *n);

#endif /* COUNTERS_H */

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The clock: nanoseconds, or instructions where the machine counts them.
 *
 * A virtual machine whose emulator counts instructions (QEMU's -icount) runs
 * its time stamp counter by them.  That is found out, so that the output
 * cannot name the wrong unit.
 */
#ifndef CLOCK_H
#define CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/**
 * clock_init() - find out the unit of this machine's clock
 *
 * Where it is instructions, the process is made a real-time one as well, so
 * that work in the background waits until we wait for it.
 */
void clock_init(void);

/* Whether the unit is instructions; else it is ns. */
bool clock_counts_instructions(void);
const char *clock_unit(void);

/* In the unit of the clock. */
uint64_t clock_now(void);

/* CLOCK_MONOTONIC, for both units. */
uint64_t clock_ns(void);

/**
 * clock_quiet() - let everything else come to rest before something is timed
 *
 * Where instructions are counted it sleeps until just after a timer tick:
 * what takes less than a tick is then counted without one.
 */
void clock_quiet(void);

/* The same, but only if half of a quiet time that began at @since is over. */
void clock_quiet_again(uint64_t since);

/**
 * clock_pause() - let time pass
 * @us: microseconds
 *
 * Where instructions are counted a pause of two ticks or more ends just after a
 * tick, as clock_quiet().
 */
void clock_pause(uint64_t us);

/**
 * clock_share() - let others have the processor, or no more
 * @share: whether
 *
 * Where instructions are counted the background then runs beside this process, not
 * only when this waits; see clock_init().
 */
void clock_share(bool share);

/**
 * struct clear_cost - instructions to clear a page
 * @user: by memset in user space
 * @kernel: by the string store that the kernel's clear_page is
 *
 * Emulators count vector stores and string stores differently; a clear is to cost the
 * same for every peer.  Both are 0 where the unit is ns.
 */
struct clear_cost {
	uint64_t user;
	uint64_t kernel;
};

int clock_clear_cost(struct clear_cost *cost);

/* Time of reading the clock twice, in its unit. */
uint64_t clock_overhead(void);

#endif /* CLOCK_H */

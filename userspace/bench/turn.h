/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A peer at work in a cell: its memory, and the memory's user.
 */
#ifndef TURN_H
#define TURN_H

#include "clock.h"
#include "pattern.h"
#include "peers.h"
#include "user.h"

#define WHY	160	/* bytes of a text that says why something failed */

/**
 * struct rig - the equipment that peers use in turn
 * @vm: the guest, or NULL if there is none
 * @no_vm: why there is none, as errno
 * @device: path of the fastzero device
 * @total_cpu: scratches are made with FASTZERO_CREATE_TOTAL_CPU
 * @cycles: how many cycles are measured
 * @warmup: how many go before them
 * @seed: of the choice of pages
 * @clear: costs of clears
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
 * struct cell - one combination in which all peers are measured
 * @guest: a KVM guest uses the memory, not this process
 * @touch: kind of touch of runs
 * @pattern: to which pages
 * @size: bytes of memory
 * @pages: pages that each run touches
 * @memories: how many such memories their owner has, 0: this one
 * @threads: how many threads do so, each with a memory of its own; 0: none but
 *	this one, and no guest otherwise
 */
struct cell {
	bool guest;
	enum touch touch;
	enum pattern pattern;
	uint64_t size;
	uint64_t pages;
	unsigned int memories;
	unsigned int threads;
};

/**
 * struct turn - a peer's turn in a cell
 * @rig: the rig
 * @cell: the cell
 * @touches: its pages
 * @peer: the peer
 * @m: its memory
 * @user: its user
 */
struct turn {
	const struct rig *rig;
	const struct cell *cell;
	const struct touches *touches;
	const struct peer *peer;
	struct memory m;
	struct user user;
};

/* Formats WHAT and the meaning of @err.  Returns @err. */
int explain(char why[static WHY], const char *what, int err);

/**
 * turn_begin() - make the memory of a turn, and hand it to its user
 * @t: the turn; its first four members are set, and the descriptor is -1
 * @with: a memory that it belongs with, or NULL
 * @why: where to put the reason of a failure
 *
 * turn_end() is due in either case.
 *
 * Return: 0; -EOPNOTSUPP if this peer cannot run here; or another -errno.
 */
int turn_begin(struct turn *t, const struct memory *with, char why[static WHY]);
void turn_end(struct turn *t);

/* Run number @i. */
struct run turn_run(const struct turn *t, unsigned int i);

/* Tells the memory which pages run number @i has written. */
void turn_was_run(struct turn *t, unsigned int i);

/* Makes clears in user space cost as much as the kernel's: returns @cost, adjusted. */
uint64_t adjust_clears(const struct rig *rig, uint64_t cost, uint64_t cleared);

/* A reset, and its time. */
int turn_reset(struct turn *t, uint64_t *cost);

/* A reset of all memories with one owner, and its time. */
int turn_reset_many(struct turn *turns, unsigned int nr, uint64_t *cost);

/* Pages and work of the peer, as the peer or the system reports them. 0 or -errno. */
int turn_account(struct turn *t, struct account *a);

/* Only waits, until the peer has no more work in the background. */
int turn_rest(struct turn *t);


/**
 * turn_check() - dirty whole pages, make them zero, and look at them
 * @t: the turn
 * @i: number of the run whose pages these are
 * @stale: where to add the number of pages that are not zero
 *
 * Return: 0 or -errno.
 */
int turn_check(struct turn *t, unsigned int i, uint64_t *stale);

#endif /* TURN_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Two ways to do the same work: which of them is cheaper here shows as it is done.
 */
#ifndef FZ_CHOICE_H
#define FZ_CHOICE_H

#include "pure.h"

/* Pieces of work between two tries of what seems dearer: at first, and at most. */
#define FZ_CHOICE_SOON	64
#define FZ_CHOICE_LATE	4096

/**
 * struct fz_choice - what is known of two ways, 0 and 1
 * @price: ns for 1024 units of work, 0 if not measured yet
 * @best: the cheaper one
 * @trying: the other one is to be tried next
 * @since: pieces of work done since it was
 * @pause: how many are to be
 */
struct fz_choice {
	u64 price[2];
	bool best;
	bool trying;
	u32 since;
	u32 pause;
};

void fz_choice_add(struct fz_choice *c, bool way, u64 work, u64 ns);

/* The way for the next piece of work. */
static inline bool fz_choice_way(const struct fz_choice *c)
{
	return c->best ^ c->trying;
}

#endif

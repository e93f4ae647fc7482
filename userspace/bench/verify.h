/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Is all of the memory as it must be?
 */
#ifndef VERIFY_H
#define VERIFY_H

#include "peers.h"

/**
 * verify_after_run() - look for what a reset left behind
 * @m: the memory, after a reset and a run that wrote @value to the first word
 *	of each page of the plan
 * @plan: the plan
 * @value: what the run wrote
 * @bad: where to put the number of pages that are not as they must be
 *
 * Looks at every byte without populating any page, so that it does not change
 * what is measured: through the file if there is one, else only at the pages
 * that are present, since the others read zero.
 *
 * Return: 0 or -errno.
 */
int verify_after_run(const struct memory *m, const struct plan *plan,
		     uint64_t value, uint64_t *bad);

/**
 * verify_zero() - count pages that are not zero, through the mapping
 * @m: the memory, after a reset
 *
 * Return: their number.
 */
uint64_t verify_zero(const struct memory *m);

#endif /* VERIFY_H */

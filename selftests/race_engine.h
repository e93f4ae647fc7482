/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Faults against resets, many thousand times.
 *
 * In each round writers touch some pages while resets of parts of them come at
 * random moments.  Then, with the writers at rest, four signs show a stale page:
 *
 * - old: a value that was there before the reset began is still to be seen.
 *   Writers number their stores and say which one is done, so that this is
 *   exact and a store that the reset let live is no error
 * - lost: pread does not find a store through the mapping, so the mapping leads to a
 *   page that is no longer in the scratch
 * - foreign: a second scratch, which takes the pages that the reset freed, has
 *   values that it did not write
 * - stuck: later writes of the guest never arrive in the scratch
 */
#ifndef RACE_ENGINE_H
#define RACE_ENGINE_H

#include "fz.h"

struct race_config {
	uint32_t mode;		/* of the resets under test */
	bool guest;		/* a KVM guest writes, besides a thread */
	bool huge;		/* chunks of huge folios; a reset is of one */
	bool zeropage;		/* holes share a page of zeros; writers read first */
	bool alone;		/* mapped once, and writers let go of pages, too */
	bool one_cpu;		/* all on one CPU, else on two */
	uint64_t resets;	/* so many */
	uint64_t stop_at;	/* or so many stale pages, 0 for never */
};

struct race_result {
	uint64_t resets;	/* all while a writer was at work */
	uint64_t old;
	uint64_t lost;
	uint64_t foreign;
	uint64_t stuck;
	char first[160];	/* the first stale page in words */
};

static inline uint64_t race_stale(const struct race_result *r)
{
	return r->old + r->lost + r->foreign + r->stuck;
}

/* 0, or -errno when it cannot be run here. */
int race_run(const struct race_config *config, struct race_result *result);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The courses that are run, and by whom.
 */
#ifndef COURSES_H
#define COURSES_H

#include "options.h"
#include "progress.h"

/*
 * Calls @found for each course that is wanted, until that fails: those with a guest,
 * or those without.
 */
int courses_each(const struct choice *choice, bool guest,
		 int (*found)(const struct course *course, const struct cell *cell,
			      void *arg),
		 void *arg);

/* How many are wanted, and how many of these with a guest. */
size_t courses_count(const struct choice *choice);
size_t courses_with_guest(const struct choice *choice);

/* The part of --course that names no course, and its length; NULL if all parts do. */
const char *courses_stray(const struct choice *choice, int *len);

/**
 * courses_measure() - have the peers go through courses
 * @o: the options, and the guest, if there is one
 * @guest: those with a guest, or those without
 * @progress: to be shown
 * @rep: where to put the results
 *
 * Return: 0 or -errno; a result that cannot be measured has its reason.
 */
int courses_measure(const struct options *o, bool guest,
		    struct progress *progress, struct report *rep);

#endif /* COURSES_H */

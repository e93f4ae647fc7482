/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * More mappings in the process, as large programs have them.
 */
#ifndef MAPPINGS_H
#define MAPPINGS_H

#include "peers.h"

/* Makes @nr mappings of a page each, to be unmapped as one range; NULL without room. */
char *mappings_others(unsigned int nr);

/**
 * mappings_views() - map a memory more often
 * @m: the memory, which has a file
 * @nr: how often
 * @views: where to put the first one; the others follow.  To be unmapped as one
 *	range unless it is NULL, also if the call fails
 *
 * Return: 0 or -errno.
 */
int mappings_views(const struct memory *m, unsigned int nr, char **views);

#endif /* MAPPINGS_H */

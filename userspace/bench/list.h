/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * --list: the cells and peers that would be measured.
 */
#ifndef LIST_H
#define LIST_H

#include "grid.h"

/* Prints the peers, the cells, and the courses. */
void list_print(const struct choice *choice, const struct cell *cells, size_t nr,
		bool respond);

/*
 * Whether there is nothing to measure, or less than was asked for; then it reports that.
 */
bool list_refuses(const struct choice *choice, size_t parts);

#endif /* LIST_H */

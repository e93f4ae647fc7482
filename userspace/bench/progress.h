/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How far a long run is.
 */
#ifndef PROGRESS_H
#define PROGRESS_H

#include <stdbool.h>
#include <stddef.h>

/**
 * struct progress - how far we are
 * @total: parts of the work
 * @done: those that are done
 * @plain: say "DONE TOTAL" in lines, for a program that reads this; else a
 *	line for people, if standard error is a terminal
 */
struct progress {
	size_t total;
	size_t done;
	bool plain;
};

void progress_show(const struct progress *p);

#endif /* PROGRESS_H */

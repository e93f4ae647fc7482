/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counting checks.
 */
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>

static int failed, checked;

#define CHECK(cond) do {						\
	checked++;							\
	if (!(cond)) {							\
		failed++;						\
		fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #cond); \
	}								\
} while (0)

/* The exit status. */
static inline int check_end(const char *name)
{
	printf("%s: %d checks, %d failed\n", name, checked, failed);
	return failed != 0;
}

#endif /* CHECK_H */

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shared by all unit tests of pure logic.
 */
#ifndef UNIT_H
#define UNIT_H

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

static unsigned int tests, failed;
static uint64_t random_state = 1;

static inline uint64_t random_number(void)
{
	uint64_t x = random_state += 0x9e3779b97f4a7c15ULL;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

/* One test, in TAP: a function that says how many of its cases went wrong. */
static inline void test(const char *name, unsigned int (*fn)(void))
{
	unsigned int wrong = fn();

	tests++;
	if (wrong) {
		failed++;
		printf("# %u wrong\nnot ok %u %s\n", wrong, tests, name);
	} else {
		printf("ok %u %s\n", tests, name);
	}
}

/* The plan comes last: a program that ends before has failed. */
static inline int test_end(void)
{
	printf("1..%u\n", tests);
	return !!failed;
}

#endif

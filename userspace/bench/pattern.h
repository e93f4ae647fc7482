/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which pages the runs touch.
 */
#ifndef PATTERN_H
#define PATTERN_H

#include <stdint.h>

/**
 * enum pattern - how the pages of a run lie in memory
 * @PATTERN_DENSE: the first ones
 * @PATTERN_STRIDED: at equal distances over all of the memory
 * @PATTERN_RANDOM: anywhere, in random order
 * @PATTERN_CLUSTERED: 16 together, the clusters anywhere
 * @PATTERN_DRIFTING: anywhere, each run has a tenth other pages than the last
 * @PATTERN_ALTERNATING: two sets of pages, in turns
 */
enum pattern {
	PATTERN_DENSE,
	PATTERN_STRIDED,
	PATTERN_RANDOM,
	PATTERN_CLUSTERED,
	PATTERN_DRIFTING,
	PATTERN_ALTERNATING,
	PATTERNS
};

const char *pattern_name(enum pattern pattern);

/* Runs of a drifting pattern until it starts over: usually, and at most. */
#define TOUCHES_DRIFT	16
#define TOUCHES_MAX	128

/**
 * struct touches - the pages of all runs
 * @count: pages in each list
 * @nr: lists; run number i uses list i % nr
 * @lists: in the order in which the run touches them
 * @sorted: the same, in ascending order
 */
struct touches {
	uint64_t count;
	unsigned int nr;
	uint64_t *lists[TOUCHES_MAX];
	uint64_t *sorted[TOUCHES_MAX];
};

/**
 * touches_make() - choose pages
 * @t: where to put them
 * @pattern: how
 * @pages: pages of the memory
 * @count: pages that each run touches
 * @runs: runs until it starts over, of a drifting pattern; at most TOUCHES_MAX
 * @seed: for another choice
 *
 * Return: 0; -EINVAL if there are not that many pages; -ENOMEM.
 */
int touches_make(struct touches *t, enum pattern pattern, uint64_t pages,
		 uint64_t count, unsigned int runs, uint64_t seed);
void touches_free(struct touches *t);

/* xorshift64*: the same on every machine. */
uint64_t random_next(uint64_t *state);
uint64_t random_seed(uint64_t seed);

/* For qsort: numbers in ascending order. */
int ascending(const void *a, const void *b);

#endif /* PATTERN_H */

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What others do to make runs of two bitmaps.
 */
#ifndef BITMAP_PEERS_H
#define BITMAP_PEERS_H

#include <stdbool.h>
#include <stdint.h>

#include "fastzero_bitmap.h"

#define BUFFER_RUNS	1024

/**
 * struct bitmaps - what is walked
 * @a: the one
 * @b: the other
 * @words: words that each has
 * @runs: the buffer that all ways fill, again and again
 * @check: all runs are added up, outside of what is measured
 */
struct bitmaps {
	uint64_t *a;
	uint64_t *b;
	uint64_t words;
	struct fastzero_bitmap_run runs[BUFFER_RUNS];
	bool check;
};

/**
 * struct outcome - what a walk has given
 * @runs: how many
 * @sum: of their places, to compare
 */
struct outcome {
	uint64_t runs;
	uint64_t sum;
};

/* Takes a buffer of runs: next to no work, so that this is not what is measured. */
static inline void take_runs(struct bitmaps *b, uint64_t nr, struct outcome *out)
{
	uint64_t i;

	out->runs += nr;
	for (i = 0; b->check && i < nr; i++)
		out->sum = out->sum * 31 + b->runs[i].first * 3 + b->runs[i].end;
}

/* Does nothing but read both. */
void peer_read(struct bitmaps *b, struct outcome *out);

/* Looks at each bit of each word. */
void peer_bits(struct bitmaps *b, struct outcome *out);

/* Takes the lowest set bit of a word, again and again, and joins neighbours. */
void peer_words(struct bitmaps *b, struct outcome *out);

#endif /* BITMAP_PEERS_H */

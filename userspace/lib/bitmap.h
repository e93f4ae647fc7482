/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * libfastzero: what the files of the bitmap walk share.
 *
 * An edge is a bit that differs from the one before it.  The first of a bitmap is the
 * begin of a run, the next its end, and so on in turn: edges in ascending order are runs.
 */
#ifndef FASTZERO_BITMAP_INTERNAL_H
#define FASTZERO_BITMAP_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

/* A word has up to 64 edges; vectors write beyond the last by less than another 64. */
#define FZ_BITMAP_SLACK	128

/**
 * struct fz_bitmap_scan - whole words whose edges are wanted
 * @a: the words
 * @b: others, ORed to them; the same for one bitmap
 * @word: the next word
 * @end: the word after the last
 * @carry: the bit before @word, 0 or 1
 * @out: where the next edge goes
 * @limit: a word is not begun when @out is beyond this, after which there is room for
 *	FZ_BITMAP_SLACK edges
 */
struct fz_bitmap_scan {
	const uint64_t *a;
	const uint64_t *b;
	uint64_t word;
	uint64_t end;
	uint64_t carry;
	uint64_t *out;
	uint64_t *limit;
};

/**
 * struct fz_bitmap_isa - one way to find edges
 * @name: as in fastzero_bitmap_isa()
 * @usable: whether the processor can do it
 * @edges: scans words, at least one, up to the end or beyond the limit
 */
struct fz_bitmap_isa {
	const char *name;
	bool (*usable)(void);
	void (*edges)(struct fz_bitmap_scan *scan);
};

extern const struct fz_bitmap_isa fz_bitmap_scalar;
#ifdef __x86_64__
extern const struct fz_bitmap_isa fz_bitmap_sse2;
extern const struct fz_bitmap_isa fz_bitmap_avx2;
extern const struct fz_bitmap_isa fz_bitmap_avx512;
#endif

#endif /* FASTZERO_BITMAP_INTERNAL_H */

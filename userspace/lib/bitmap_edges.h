/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * libfastzero: edges in two steps, which the ways to find them share.
 *
 * The first step makes a list of the words of a block that have edges.  It adds each word
 * and moves on only if the word has edges, without a branch that could be guessed wrong.
 * The second step writes the edges of the words of the list; where counting bits is cheap,
 * it writes a number of them at once that goes by how many a word has.  Where a block had none, words are tested for zero first.
 */
#ifndef FASTZERO_BITMAP_EDGES_H
#define FASTZERO_BITMAP_EDGES_H

#include "bitmap.h"

/* Words of a block: few where many have edges, since the buffer may end in it. */
#define FZ_EDGES_DENSE	64
#define FZ_EDGES_SPARSE	256
/* How far ahead memory is asked for, in words: two pages. */
#define FZ_EDGES_AHEAD	(8192 / 8)

#define fz_inline	inline __attribute__((always_inline))

/* Words with edges, and their first bits; there is room for a vector after the last. */
struct fz_edges {
	uint64_t edges[FZ_EDGES_SPARSE + 8];
	uint64_t first[FZ_EDGES_SPARSE + 8];
};

/**
 * struct fz_block - words of a scan
 * @a: the first of them
 * @b: what is ORed to that
 * @n: how many
 * @first: the number of their first bit
 * @carry: the bit before that, 0 or 1
 */
struct fz_block {
	const uint64_t *a;
	const uint64_t *b;
	unsigned int n;
	uint64_t first;
	uint64_t carry;
};

static fz_inline void fz_edges_prefetch(const struct fz_block *block, unsigned int i)
{
	__builtin_prefetch(block->a + i + FZ_EDGES_AHEAD);
	__builtin_prefetch(block->b + i + FZ_EDGES_AHEAD);
}

/* Adds words from @i on one by one, the @nr-th first; @carry is the last bit before them. */
static fz_inline unsigned int fz_edges_add(struct fz_edges *list, unsigned int nr,
					   const struct fz_block *block, unsigned int i,
					   unsigned int end, uint64_t *carry)
{
	uint64_t word, edges;

	for (; i < end; i++) {
		word = block->a[i] | block->b[i];
		edges = word ^ (word << 1 | *carry);
		*carry = word >> 63;
		list->edges[nr] = edges;
		list->first[nr] = block->first + i * 64;
		nr += edges != 0;
	}
	return nr;
}

/* Edges of four words of a list. */
static fz_inline unsigned int fz_edges_of_four(const struct fz_edges *list, unsigned int nr,
					       unsigned int (*weight)(uint64_t word))
{
	return weight(list->edges[0]) + weight(list->edges[nr / 4]) +
	       weight(list->edges[nr / 2]) + weight(list->edges[nr / 4 * 3]);
}

/*
 * Writes the edges of the words of a list, two at a time, since a run has two.  The second
 * may be nothing, and then does not count.  Returns how many words were done when the limit
 * was passed.
 */
static fz_inline unsigned int fz_edges_put_pairs(const struct fz_edges *list, unsigned int nr,
						 uint64_t **to, const uint64_t *limit)
{
	uint64_t *out = *to;
	uint64_t edges, first;
	unsigned int i;

	for (i = 0; i < nr && out <= limit; i++) {
		edges = list->edges[i];
		first = list->first[i];
		do {
			out[0] = first + __builtin_ctzll(edges);
			edges &= edges - 1;
			out[1] = first + __builtin_ctzll(edges | 1ull << 63);
			out += 1 + (edges != 0);
			edges &= edges - 1;
		} while (edges);
	}
	*to = out;
	return i;
}

/*
 * The same, but @k at least for each word, and then @step more at a time: those beyond the
 * number are overwritten.
 */
static fz_inline unsigned int fz_edges_put_by(const struct fz_edges *list, unsigned int nr,
					      uint64_t **to, const uint64_t *limit,
					      unsigned int (*weight)(uint64_t word),
					      const unsigned int k, const unsigned int step)
{
	uint64_t *out = *to;
	uint64_t edges, first;
	unsigned int i, j, m, n;

	for (i = 0; i < nr && out <= limit; i++) {
		edges = list->edges[i];
		first = list->first[i];
		n = weight(edges);
		for (j = 0; j < k || __builtin_expect(j < n, 0); j += step) {
#pragma GCC unroll 8
			for (m = 0; m < step; m++) {
				out[j + m] = first + __builtin_ctzll(edges | 1ull << 63);
				edges &= edges - 1;
			}
		}
		out += n;
	}
	*to = out;
	return i;
}

/* How many bits are set, where no instruction tells. */
static fz_inline unsigned int fz_edges_weight(uint64_t word)
{
	word -= word >> 1 & 0x5555555555555555;
	word = (word & 0x3333333333333333) + (word >> 2 & 0x3333333333333333);
	word = (word + (word >> 4)) & 0x0f0f0f0f0f0f0f0f;
	return word * 0x0101010101010101 >> 56;
}

/* The better of the two.  Few edges, and very many, are dearer to count than to meet. */
static fz_inline unsigned int fz_edges_put(const struct fz_edges *list, unsigned int nr,
					   uint64_t **to, const uint64_t *limit)
{
	unsigned int four = fz_edges_of_four(list, nr, fz_edges_weight);

	if (four > 4 * 3 && four <= 4 * 9)
		return fz_edges_put_by(list, nr, to, limit, fz_edges_weight, 8, 4);
	return fz_edges_put_pairs(list, nr, to, limit);
}

/**
 * fz_edges_scan() - a scan, by given steps
 * @scan: the scan
 * @zeros: how many words at the begin of a block are zero, or less
 * @gather: makes a list of the words of a block that have edges; returns how many
 * @put: writes the edges of a list; returns how many words were done
 */
static fz_inline void
fz_edges_scan(struct fz_bitmap_scan *scan, unsigned int (*zeros)(const struct fz_block *block),
	      unsigned int (*gather)(struct fz_edges *list, const struct fz_block *block),
	      unsigned int (*put)(const struct fz_edges *list, unsigned int nr,
				  uint64_t **to, const uint64_t *limit))
{
	unsigned int done, nr, most = 0;
	uint64_t *out = scan->out;
	struct fz_edges list;
	struct fz_block block;
	uint64_t left;

	while (scan->word < scan->end && out <= scan->limit) {
		left = scan->end - scan->word;
		block.a = scan->a + scan->word;
		block.b = scan->b + scan->word;
		block.first = scan->word * 64;
		block.carry = (scan->carry ^ (out - scan->out)) & 1;
		if (!most && !block.carry) {
			block.n = left < FZ_EDGES_SPARSE ? left : FZ_EDGES_SPARSE;
			done = zeros(&block);
			if (done) {
				scan->word += done;
				continue;
			}
		}
		if (!most)
			most = FZ_EDGES_DENSE;
		block.n = left < most ? left : most;
		nr = gather(&list, &block);
		done = nr ? put(&list, nr, &out, scan->limit) : 0;
		scan->word = done < nr ? list.first[done] / 64 : scan->word + block.n;
		if (!nr)
			most = 0;
		else
			most = nr < block.n / 4 ? FZ_EDGES_SPARSE : FZ_EDGES_DENSE;
	}
	scan->carry = (scan->carry ^ (out - scan->out)) & 1;
	scan->out = out;
}

#endif /* FASTZERO_BITMAP_EDGES_H */

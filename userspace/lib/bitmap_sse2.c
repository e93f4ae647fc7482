// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * libfastzero: edges of bitmaps, with SSE2.
 */
#ifdef __x86_64__
#include "bitmap_edges.h"

#include <emmintrin.h>

static fz_inline __m128i fz_sse2_or(const uint64_t *a, const uint64_t *b)
{
	return _mm_or_si128(_mm_loadu_si128((const __m128i *)a),
			    _mm_loadu_si128((const __m128i *)b));
}

static fz_inline unsigned int fz_sse2_zeros(const struct fz_block *block)
{
	const uint64_t *a = block->a, *b = block->b;
	const __m128i zero = _mm_setzero_si128();
	unsigned int i;
	__m128i any;

	for (i = 0; i + 8 <= block->n; i += 8) {
		fz_edges_prefetch(block, i);
		any = _mm_or_si128(_mm_or_si128(fz_sse2_or(a + i, b + i),
						fz_sse2_or(a + i + 2, b + i + 2)),
				   _mm_or_si128(fz_sse2_or(a + i + 4, b + i + 4),
						fz_sse2_or(a + i + 6, b + i + 6)));
		if (_mm_movemask_epi8(_mm_cmpeq_epi8(any, zero)) != 0xffff)
			break;
	}
	return i;
}

static fz_inline unsigned int fz_sse2_gather(struct fz_edges *list,
					     const struct fz_block *block)
{
	__m128i last = _mm_set_epi64x(block->carry << 63, 0);
	uint64_t carry = block->carry;
	unsigned int nr = 0, i;

	for (i = 0; i + 8 <= block->n; i += 8) {
		unsigned int k;

		fz_edges_prefetch(block, i);
#pragma GCC unroll 4
		for (k = i; k < i + 8; k += 2) {
			__m128i words = fz_sse2_or(block->a + k, block->b + k);
			__m128d both = _mm_shuffle_pd(_mm_castsi128_pd(last),
						      _mm_castsi128_pd(words), 1);
			__m128i before = _mm_castpd_si128(both);
			__m128i edges = _mm_xor_si128(words,
						      _mm_or_si128(_mm_slli_epi64(words, 1),
								   _mm_srli_epi64(before, 63)));
			uint64_t low = _mm_cvtsi128_si64(edges);
			uint64_t high = _mm_cvtsi128_si64(_mm_unpackhi_epi64(edges, edges));

			last = words;
			list->edges[nr] = low;
			list->first[nr] = block->first + k * 64;
			nr += low != 0;
			list->edges[nr] = high;
			list->first[nr] = block->first + k * 64 + 64;
			nr += high != 0;
		}
	}
	carry = (uint64_t)_mm_cvtsi128_si64(_mm_unpackhi_epi64(last, last)) >> 63;
	return fz_edges_add(list, nr, block, i, block->n, &carry);
}

static void fz_sse2_edges(struct fz_bitmap_scan *scan)
{
	fz_edges_scan(scan, fz_sse2_zeros, fz_sse2_gather, fz_edges_put);
}

static bool fz_sse2_usable(void)
{
	return __builtin_cpu_supports("sse2");
}

const struct fz_bitmap_isa fz_bitmap_sse2 = {
	.name = "sse2",
	.usable = fz_sse2_usable,
	.edges = fz_sse2_edges,
};
#endif /* __x86_64__ */

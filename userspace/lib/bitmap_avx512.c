// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * libfastzero: edges of bitmaps, with AVX-512: vpcompressb makes of a word of edges their
 * places in it.
 */
#ifdef __x86_64__
#include "bitmap_edges.h"

#include <immintrin.h>

#define FZ_AVX512	__attribute__((target("avx512f,avx512bw,avx512vbmi,avx512vbmi2,bmi,popcnt")))

FZ_AVX512 static inline __m512i fz_avx512_or(const uint64_t *a, const uint64_t *b)
{
	return _mm512_or_si512(_mm512_loadu_si512(a), _mm512_loadu_si512(b));
}

FZ_AVX512 static inline unsigned int fz_avx512_zeros(const struct fz_block *block)
{
	unsigned int i;
	__m512i any;

	for (i = 0; i + 8 <= block->n; i += 8) {
		fz_edges_prefetch(block, i);
		any = fz_avx512_or(block->a + i, block->b + i);
		if (_mm512_test_epi64_mask(any, any))
			break;
	}
	return i;
}

/* Adds eight words, @first their first bits; *@last are the eight words before them. */
FZ_AVX512 static inline unsigned int fz_avx512_add(struct fz_edges *list, unsigned int nr,
						   __m512i words, __m512i first, __m512i *last)
{
	__m512i before = _mm512_alignr_epi64(words, *last, 7);
	__m512i edges = _mm512_xor_si512(words, _mm512_shldi_epi64(words, before, 1));
	__mmask8 set = _mm512_test_epi64_mask(edges, edges);

	_mm512_storeu_si512(&list->edges[nr], _mm512_maskz_compress_epi64(set, edges));
	_mm512_storeu_si512(&list->first[nr], _mm512_maskz_compress_epi64(set, first));
	*last = words;
	return nr + _mm_popcnt_u32(set);
}

FZ_AVX512 static inline unsigned int fz_avx512_gather(struct fz_edges *list,
						      const struct fz_block *block)
{
	const __m512i step = _mm512_set1_epi64(512);
	const __m512i lanes = _mm512_set_epi64(448, 384, 320, 256, 192, 128, 64, 0);
	__m512i first = _mm512_add_epi64(_mm512_set1_epi64(block->first), lanes);
	__m512i last = _mm512_set1_epi64(block->carry << 63);
	const uint64_t *a = block->a, *b = block->b;
	unsigned int n = block->n, nr = 0, i;
	__m512i words;
	__mmask8 some;

	for (i = 0; i + 8 <= n; i += 8) {
		fz_edges_prefetch(block, i);
		nr = fz_avx512_add(list, nr, fz_avx512_or(a + i, b + i), first, &last);
		first = _mm512_add_epi64(first, step);
	}
	if (i < n) {
		some = (1u << (n - i)) - 1;
		words = _mm512_or_si512(_mm512_maskz_loadu_epi64(some, a + i),
					_mm512_maskz_loadu_epi64(some, b + i));
		nr = fz_avx512_add(list, nr, words, first, &last);
		/* An end right after the last word is its carry, and not of this list. */
		if (nr && list->first[nr - 1] == block->first + n * 64)
			nr--;
	}
	return nr;
}

/* For vpermb: bytes 8 * k to 8 * k + 7, each the lowest byte of 64 bits. */
FZ_AVX512 static inline __m512i fz_avx512_spread(__m512i places, unsigned int k)
{
	const __m512i lanes = _mm512_set_epi64(7, 6, 5, 4, 3, 2, 1, 0);

	return _mm512_maskz_permutexvar_epi8(0x0101010101010101ull,
					     _mm512_add_epi64(lanes, _mm512_set1_epi64(8 * k)),
					     places);
}

FZ_AVX512 static inline unsigned int fz_avx512_weight(uint64_t word)
{
	return _mm_popcnt_u64(word);
}

/*
 * Writes the edges of the words of a list, for each word @vectors times eight at least:
 * those beyond the number are overwritten.  Returns how many words were done when the limit
 * was passed.
 */
FZ_AVX512 static fz_inline unsigned int
fz_avx512_put_by(const struct fz_edges *list, unsigned int nr, uint64_t **to,
		 const uint64_t *limit, const unsigned int vectors)
{
	const __m512i iota =
		_mm512_set_epi64(0x3f3e3d3c3b3a3938, 0x3736353433323130, 0x2f2e2d2c2b2a2928,
				 0x2726252423222120, 0x1f1e1d1c1b1a1918, 0x1716151413121110,
				 0x0f0e0d0c0b0a0908, 0x0706050403020100);
	uint64_t *out = *to;
	__m512i places, first;
	unsigned int i, k, n;

	for (i = 0; i < nr && out <= limit; i++) {
		n = fz_avx512_weight(list->edges[i]);
		places = _mm512_maskz_compress_epi8(list->edges[i], iota);
		first = _mm512_set1_epi64(list->first[i]);
#pragma GCC unroll 8
		for (k = 0; k < vectors; k++)
			_mm512_storeu_si512(out + 8 * k,
					    _mm512_add_epi64(first, fz_avx512_spread(places, k)));
		for (; __builtin_expect(n > 8 * k, 0); k++)
			_mm512_storeu_si512(out + 8 * k,
					    _mm512_add_epi64(first, fz_avx512_spread(places, k)));
		out += n;
	}
	*to = out;
	return i;
}

/* The same; @vectors is such that few words have more. */
FZ_AVX512 static inline unsigned int fz_avx512_put(const struct fz_edges *list,
						   unsigned int nr, uint64_t **to,
						   const uint64_t *limit)
{
	unsigned int four = fz_edges_of_four(list, nr, fz_avx512_weight);

	if (four <= 4 * 3)
		return fz_avx512_put_by(list, nr, to, limit, 1);
	if (four <= 4 * 9)
		return fz_avx512_put_by(list, nr, to, limit, 2);
	if (four <= 4 * 22)
		return fz_avx512_put_by(list, nr, to, limit, 4);
	return fz_avx512_put_by(list, nr, to, limit, 6);
}

FZ_AVX512 static void fz_avx512_edges(struct fz_bitmap_scan *scan)
{
	fz_edges_scan(scan, fz_avx512_zeros, fz_avx512_gather, fz_avx512_put);
}

static bool fz_avx512_usable(void)
{
	return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	       __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512vbmi2") &&
	       __builtin_cpu_supports("bmi") && __builtin_cpu_supports("popcnt");
}

const struct fz_bitmap_isa fz_bitmap_avx512 = {
	.name = "avx512",
	.usable = fz_avx512_usable,
	.edges = fz_avx512_edges,
};
#endif /* __x86_64__ */

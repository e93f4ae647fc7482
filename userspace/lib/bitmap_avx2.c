// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * libfastzero: edges of bitmaps, with AVX2 and BMI.
 */
#ifdef __x86_64__
#include "bitmap_edges.h"

#include <immintrin.h>

#define FZ_AVX2	__attribute__((target("avx2,bmi,bmi2,popcnt")))

/* For each set of four words: these words first, as pairs of 32-bit numbers. */
#define FZ_PAIR(word)	2 * (word), 2 * (word) + 1
#define FZ_PACK(a, b, c, d)	{ FZ_PAIR(a), FZ_PAIR(b), FZ_PAIR(c), FZ_PAIR(d) }

static const uint32_t fz_avx2_pack[16][8] __attribute__((aligned(32))) = {
	FZ_PACK(0, 0, 0, 0), FZ_PACK(0, 0, 0, 0), FZ_PACK(1, 0, 0, 0), FZ_PACK(0, 1, 0, 0),
	FZ_PACK(2, 0, 0, 0), FZ_PACK(0, 2, 0, 0), FZ_PACK(1, 2, 0, 0), FZ_PACK(0, 1, 2, 0),
	FZ_PACK(3, 0, 0, 0), FZ_PACK(0, 3, 0, 0), FZ_PACK(1, 3, 0, 0), FZ_PACK(0, 1, 3, 0),
	FZ_PACK(2, 3, 0, 0), FZ_PACK(0, 2, 3, 0), FZ_PACK(1, 2, 3, 0), FZ_PACK(0, 1, 2, 3),
};

FZ_AVX2 static inline __m256i fz_avx2_or(const uint64_t *a, const uint64_t *b)
{
	return _mm256_or_si256(_mm256_loadu_si256((const __m256i *)a),
			       _mm256_loadu_si256((const __m256i *)b));
}

FZ_AVX2 static inline unsigned int fz_avx2_zeros(const struct fz_block *block)
{
	const uint64_t *a = block->a, *b = block->b;
	unsigned int i;
	__m256i any;

	for (i = 0; i + 8 <= block->n; i += 8) {
		fz_edges_prefetch(block, i);
		any = _mm256_or_si256(fz_avx2_or(a + i, b + i),
				      fz_avx2_or(a + i + 4, b + i + 4));
		if (!_mm256_testz_si256(any, any))
			break;
	}
	return i;
}

/* Adds four words; *@last has the word before them in its lowest lane. */
FZ_AVX2 static inline unsigned int fz_avx2_add(struct fz_edges *list, unsigned int nr,
					       __m256i words, __m256i first, __m256i *last)
{
	__m256i turned = _mm256_permute4x64_epi64(words, 0x93);
	__m256i before = _mm256_blend_epi32(turned, *last, 0x03);
	__m256i edges = _mm256_xor_si256(words,
					 _mm256_or_si256(_mm256_slli_epi64(words, 1),
							 _mm256_srli_epi64(before, 63)));
	__m256i none = _mm256_cmpeq_epi64(edges, _mm256_setzero_si256());
	unsigned int set = ~_mm256_movemask_pd(_mm256_castsi256_pd(none)) & 15;
	__m256i pack = _mm256_load_si256((const __m256i *)fz_avx2_pack[set]);

	_mm256_storeu_si256((__m256i *)&list->edges[nr],
			    _mm256_permutevar8x32_epi32(edges, pack));
	_mm256_storeu_si256((__m256i *)&list->first[nr],
			    _mm256_permutevar8x32_epi32(first, pack));
	*last = turned;
	return nr + _mm_popcnt_u32(set);
}

FZ_AVX2 static inline unsigned int fz_avx2_gather(struct fz_edges *list,
						  const struct fz_block *block)
{
	const __m256i step = _mm256_set1_epi64x(256);
	__m256i last = _mm256_set_epi64x(0, 0, 0, block->carry << 63);
	__m256i first = _mm256_add_epi64(_mm256_set1_epi64x(block->first),
					 _mm256_set_epi64x(192, 128, 64, 0));
	const uint64_t *a = block->a, *b = block->b;
	unsigned int nr = 0, i;
	uint64_t carry;

	for (i = 0; i + 8 <= block->n; i += 8) {
		fz_edges_prefetch(block, i);
		nr = fz_avx2_add(list, nr, fz_avx2_or(a + i, b + i), first, &last);
		first = _mm256_add_epi64(first, step);
		nr = fz_avx2_add(list, nr, fz_avx2_or(a + i + 4, b + i + 4), first, &last);
		first = _mm256_add_epi64(first, step);
	}
	carry = (uint64_t)_mm256_extract_epi64(last, 0) >> 63;
	return fz_edges_add(list, nr, block, i, block->n, &carry);
}

FZ_AVX2 static inline unsigned int fz_avx2_weight(uint64_t word)
{
	return _mm_popcnt_u64(word);
}

/* The same; @k is such that few words have more. */
FZ_AVX2 static fz_inline unsigned int
fz_avx2_put(const struct fz_edges *list, unsigned int nr, uint64_t **to,
	    const uint64_t *limit)
{
	unsigned int four = fz_edges_of_four(list, nr, fz_avx2_weight);

	if (four <= 4 * 2)
		return fz_edges_put_by(list, nr, to, limit, fz_avx2_weight, 2, 2);
	if (four <= 4 * 3)
		return fz_edges_put_by(list, nr, to, limit, fz_avx2_weight, 4, 4);
	if (four <= 4 * 9)
		return fz_edges_put_by(list, nr, to, limit, fz_avx2_weight, 12, 4);
	if (four <= 4 * 20)
		return fz_edges_put_by(list, nr, to, limit, fz_avx2_weight, 24, 8);
	return fz_edges_put_by(list, nr, to, limit, fz_avx2_weight, 40, 8);
}

FZ_AVX2 static void fz_avx2_edges(struct fz_bitmap_scan *scan)
{
	fz_edges_scan(scan, fz_avx2_zeros, fz_avx2_gather, fz_avx2_put);
}

static bool fz_avx2_usable(void)
{
	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
	       __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("popcnt");
}

const struct fz_bitmap_isa fz_bitmap_avx2 = {
	.name = "avx2",
	.usable = fz_avx2_usable,
	.edges = fz_avx2_edges,
};
#endif /* __x86_64__ */

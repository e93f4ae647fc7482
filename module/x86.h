/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * x86 instructions that compilers do not generate in a kernel.  This includes no kernel
 * header, so that unit tests can run them on the host.  The caller checks that the
 * processor has them, and saves the vector registers.
 */
#ifndef FZ_X86_H
#define FZ_X86_H

#include "pure.h"

#define FZ_X86_PAGE	4096

/* A clobber, for compilers that use vector registers.  Others do not accept the name. */
#ifdef __SSE__
#define X86_CHANGED	"xmm0"
#else
#define X86_CHANGED	"cc"
#endif

/* Whether @nr vectors of 32 bytes are zero, with one test for all. */
#define X86_IS_ZERO_AVX2(at, nr) ({					\
	bool zero_;							\
									\
	asm volatile("vpxor %%xmm0, %%xmm0, %%xmm0\n\t"			\
		     ".set .Lfz_at, 0\n\t"				\
		     ".rept %c[n]\n\t"					\
		     "vpor .Lfz_at(%[from]), %%ymm0, %%ymm0\n\t"	\
		     ".set .Lfz_at, .Lfz_at + 32\n\t"			\
		     ".endr\n\t"					\
		     "vptest %%ymm0, %%ymm0"				\
		     : "=@ccz" (zero_) : [from] "r" (at), [n] "i" (nr)	\
		     : "memory", X86_CHANGED);				\
	zero_;								\
})

/*
 * Whether a page is zero.  Most dirty pages have a non-zero word near their start.  So the
 * first test covers few vectors, and the others cover many.
 */
static inline bool fz_x86_is_zero_avx2(const void *page)
{
	const char *at = page;
	const char *end = at + FZ_X86_PAGE;
	bool zero = X86_IS_ZERO_AVX2(at, 8);

	for (at += 8 * 32; zero && at != end; at += 40 * 32)
		zero = X86_IS_ZERO_AVX2(at, 40);
	return zero;
}

/* To be called after the last page: clears the upper halves, for code that uses SSE. */
static inline void fz_x86_end_avx2(void)
{
	asm volatile("vzeroupper" : : : "memory", X86_CHANGED);
}

/* Whether @nr vectors of 16 bytes are zero. */
#define X86_IS_ZERO_SSE2(at, nr) ({					\
	u64 low_, high_;						\
									\
	asm volatile("pxor %%xmm0, %%xmm0\n\t"				\
		     ".set .Lfz_at, 0\n\t"				\
		     ".rept %c[n]\n\t"					\
		     "por .Lfz_at(%[from]), %%xmm0\n\t"		\
		     ".set .Lfz_at, .Lfz_at + 16\n\t"			\
		     ".endr\n\t"					\
		     "movq %%xmm0, %[low]\n\t"				\
		     "psrldq $8, %%xmm0\n\t"				\
		     "movq %%xmm0, %[high]"				\
		     : [low] "=&r" (low_), [high] "=&r" (high_)		\
		     : [from] "r" (at), [n] "i" (nr)			\
		     : "memory", X86_CHANGED);				\
	!(low_ | high_);						\
})

/* The same for processors without AVX2. */
static inline bool fz_x86_is_zero_sse2(const void *page)
{
	const char *at = page;
	const char *end = at + FZ_X86_PAGE;
	bool zero = X86_IS_ZERO_SSE2(at, 16);

	for (at += 16 * 16; zero && at != end; at += 40 * 16)
		zero = X86_IS_ZERO_SSE2(at, 40);
	return zero;
}

/* Make a page zero, bypassing the caches; the caller issues an sfence after it. */
static inline void fz_x86_clzero(void *page)
{
	char *at = page;
	char *end = at + FZ_X86_PAGE;

	for (; at != end; at += 64)
		asm volatile("clzero" : : "a" (at) : "memory");
}

#endif

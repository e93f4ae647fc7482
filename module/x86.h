/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Instructions of x86 that compilers do not make in a kernel.  Nothing of the kernel is
 * in here, so that unit tests run them on the host.  Whether the processor has them,
 * and whose its vector registers are, is the caller's business.
 */
#ifndef FZ_X86_H
#define FZ_X86_H

#include "pure.h"

#define FZ_X86_PAGE	4096

/* A compiler that uses vectors itself is told; one that does not knows no such names. */
#ifdef __SSE__
#define X86_CHANGED	"xmm0"
#else
#define X86_CHANGED	"cc"
#endif

/* Whether a page is zero, by 32 loads and one look at a time. */
static inline bool fz_x86_is_zero_avx2(const void *page)
{
	const char *at = page;
	const char *end = at + FZ_X86_PAGE;
	bool zero;

	do {
		asm volatile("vpxor %%xmm0, %%xmm0, %%xmm0\n\t"
			     ".set .Lfz_at, 0\n\t"
			     ".rept 32\n\t"
			     "vpor .Lfz_at(%[at]), %%ymm0, %%ymm0\n\t"
			     ".set .Lfz_at, .Lfz_at + 32\n\t"
			     ".endr\n\t"
			     "vptest %%ymm0, %%ymm0"
			     : "=@ccz" (zero) : [at] "r" (at)
			     : "memory", X86_CHANGED);
		at += 1024;
	} while (zero && at != end);
	return zero;
}

/* After the last page: what follows may use the lower halves alone. */
static inline void fz_x86_end_avx2(void)
{
	asm volatile("vzeroupper" : : : "memory", X86_CHANGED);
}

/* The same for processors without AVX2. */
static inline bool fz_x86_is_zero_sse2(const void *page)
{
	const char *at = page;
	const char *end = at + FZ_X86_PAGE;
	u64 low, high;

	do {
		asm volatile("pxor %%xmm0, %%xmm0\n\t"
			     ".set .Lfz_at, 0\n\t"
			     ".rept 32\n\t"
			     "por .Lfz_at(%[at]), %%xmm0\n\t"
			     ".set .Lfz_at, .Lfz_at + 16\n\t"
			     ".endr\n\t"
			     "movq %%xmm0, %[low]\n\t"
			     "psrldq $8, %%xmm0\n\t"
			     "movq %%xmm0, %[high]"
			     : [low] "=&r" (low), [high] "=&r" (high)
			     : [at] "r" (at)
			     : "memory", X86_CHANGED);
		at += 512;
	} while (!(low | high) && at != end);
	return !(low | high);
}

/* Make a page zero past the caches; an sfence has to follow. */
static inline void fz_x86_clzero(void *page)
{
	char *at = page;
	char *end = at + FZ_X86_PAGE;

	for (; at != end; at += 64)
		asm volatile("clzero" : : "a" (at) : "memory");
}

#endif

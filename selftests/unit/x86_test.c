// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Unit tests of x86.h: a look sees one byte that is not zero anywhere, and a clear
 * clears exactly its page.
 */
#include <stdbool.h>
#include <stdlib.h>

#include "unit.h"

#ifdef __x86_64__
#include <cpuid.h>

#include "x86.h"

#define PAGE	FZ_X86_PAGE

/* Three pages.  The test works on the middle one. */
static unsigned char pages[3 * PAGE] __attribute__((aligned(PAGE)));
static unsigned char *const page = pages + PAGE;

/* Only this page is zero, so reading beyond it would show. */
static void prepare(void)
{
	memset(pages, 0xff, sizeof(pages));
	memset(page, 0, PAGE);
}

static unsigned int wrong_looks(bool (*is_zero)(const void *))
{
	unsigned int wrong = 0;
	int at, bit;

	prepare();
	wrong += !is_zero(page);
	for (at = 0; at < PAGE; at++) {
		for (bit = 0; bit < 8; bit++) {
			page[at] = 1 << bit;
			wrong += is_zero(page);
		}
		page[at] = 0;
		wrong += !is_zero(page);
	}
	/* Many at once do not cancel each other out. */
	memset(page, 0x80, PAGE);
	wrong += is_zero(page);
	return wrong;
}

static unsigned int test_sse2(void)
{
	return wrong_looks(fz_x86_is_zero_sse2);
}

static unsigned int test_avx2(void)
{
	unsigned int wrong = wrong_looks(fz_x86_is_zero_avx2);

	fz_x86_end_avx2();
	return wrong;
}

static unsigned int test_clzero(void)
{
	unsigned int wrong = 0;
	int at;

	memset(pages, 0xff, sizeof(pages));
	fz_x86_clzero(page);
	asm volatile("sfence" : : : "memory");
	for (at = 0; at < 3 * PAGE; at++)
		wrong += pages[at] != (at / PAGE == 1 ? 0 : 0xff);
	return wrong;
}

static bool has_clzero(void)
{
	unsigned int a, b, c, d;

	return __get_cpuid(0x80000008, &a, &b, &c, &d) && (b & 1);
}

int main(void)
{
	test("a byte is seen with SSE2", test_sse2);
	if (__builtin_cpu_supports("avx2"))
		test("a byte is seen with AVX2", test_avx2);
	else
		puts("this processor has no AVX2");
	if (has_clzero())
		test("CLZERO clears a page and no more", test_clzero);
	else
		puts("this processor has no CLZERO");
	return test_end();
}
#else
static unsigned int test_nothing(void)
{
	return 0;
}

int main(void)
{
	test("this processor has none of these", test_nothing);
	return test_end();
}
#endif

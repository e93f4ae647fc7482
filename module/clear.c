// SPDX-License-Identifier: GPL-2.0-only
/*
 * Making folios zero.
 *
 * A page cleared on the critical path is used next, so it is cleared through the caches.
 * A page cleared in the background is not needed soon.  Then stores that bypass the caches
 * are cheaper, if the page lies in no cache, and leave the caches to others.
 */
#include <linux/kernel.h>
#include <linux/sched.h>

#include "clear.h"
#include "compat/compat.h"

#ifdef CONFIG_X86_64
#include <asm/cpufeature.h>
#include <asm/fpu/api.h>

#include "x86.h"

static bool clear_has_vectors(void)
{
	return irq_fpu_usable();
}

/* This disables preemption: for some 30 us with 64 pages that lie in no cache. */
static u64 clear_look_vectors(void *const *pages, u64 which)
{
	u64 zero = 0;

	kernel_fpu_begin();
	if (boot_cpu_has(X86_FEATURE_AVX2)) {
		for (; which; which &= which - 1)
			if (fz_x86_is_zero_avx2(pages[__ffs64(which)]))
				zero |= which & -which;
		fz_x86_end_avx2();
	} else {
		for (; which; which &= which - 1)
			if (fz_x86_is_zero_sse2(pages[__ffs64(which)]))
				zero |= which & -which;
	}
	kernel_fpu_end();
	return zero;
}

static bool clear_has_cold(void)
{
	return boot_cpu_has(X86_FEATURE_CLZERO);
}

static void clear_cold(void *page)
{
	kmsan_unpoison_memory(page, PAGE_SIZE);
	fz_x86_clzero(page);
}
#else
static bool clear_has_vectors(void)
{
	return false;
}

static u64 clear_look_vectors(void *const *pages, u64 which)
{
	return 0;
}

static bool clear_has_cold(void)
{
	return false;
}

static void clear_cold(void *page)
{
}
#endif

static bool clear_is_zero(const u64 *words)
{
	u64 any = words[0];
	int i, k;

	for (i = 0; i < PAGE_SIZE / 8 && !any; i += 32) {
#pragma GCC unroll 32
		for (k = 0; k < 32; k++)
			any |= words[i + k];
	}
	return !any;
}

static u64 clear_look_words(void *const *pages, u64 which)
{
	u64 zero = 0;

	for (; which; which &= which - 1)
		if (clear_is_zero(pages[__ffs64(which)]))
			zero |= which & -which;
	return zero;
}

/**
 * fz_clear_look() - which pages are zero already
 * @pages: up to 64 pages that have not failed
 * @which: a bit for each page to be looked at
 *
 * Return: a bit for each of these pages that is zero.
 */
u64 fz_clear_look(void *const *pages, u64 which)
{
	/* For one page it does not pay to save the vector registers. */
	if (which & (which - 1) && clear_has_vectors())
		return clear_look_vectors(pages, which);
	return clear_look_words(pages, which);
}

/**
 * fz_page_is_zero() - whether a page is zero already
 * @page: a page that has not failed
 *
 * Most dirty pages have a non-zero word near their start.
 *
 * Return: true if so.
 */
bool fz_page_is_zero(struct page *page)
{
	return clear_is_zero(page_address(page));
}

/**
 * fz_folio_has_failed() - whether the memory of any page of a huge folio has failed
 * @folio: a huge folio, whose struct pages lie one after the other
 *
 * Every kernel flags the page.  Most kernels also flag the folio, but only if it is of a
 * kind that they know, such as THP.
 *
 * Return: true if so.
 */
bool fz_folio_has_failed(struct folio *folio)
{
	const struct page *page = folio_page(folio, 0);
	unsigned long flags = 0;
	int i, k;

	for (i = 0; i < FZ_CHUNK_PAGES; i += 32, page += 32) {
#pragma GCC unroll 32
		for (k = 0; k < 32; k++)
			flags |= fz_page_flags(page + k);
	}
	return flags & FZ_PAGE_FAILED;
}

/**
 * fz_clear_end() - make other CPUs see that folios are zero
 *
 * To be called after the last fz_folio_zero() in the background, and before another
 * thread gets one of the folios.
 */
void fz_clear_end(void)
{
	/* Nothing else orders stores that bypass the caches. */
	if (clear_has_cold())
		wmb();
}

static void clear_one(void *page, bool cold)
{
	if (cold && clear_has_cold())
		clear_cold(page);
	else
		fz_clear_page(page);
}

/*
 * Clear a batch of pages of a huge folio, from @first on; false if one has failed.  Many
 * may still be zero, so look at each first, which is cheaper than a clear.
 */
static bool clear_huge_part(struct folio *folio, long first, struct fz_clear *clear)
{
	void *pages[FZ_CLEAR_BATCH];
	u64 which = 0, zero;
	bool good = true;
	int i;

	for (i = 0; i < FZ_CLEAR_BATCH; i++) {
		struct page *page = folio_page(folio, first + i);

		pages[i] = page_address(page);
		if (likely(!PageHWPoison(page)))
			which |= BIT_ULL(i);
		else
			good = false;
	}
	zero = fz_clear_look(pages, which);
	which &= ~zero;
	if (clear) {
		clear->looks += hweight64(zero);
		clear->stores += hweight64(which);
	}
	for (; which; which &= which - 1)
		clear_one(pages[__ffs64(which)], clear);
	return good;
}

static bool clear_huge(struct folio *folio, struct fz_clear *clear)
{
	bool good = true;
	long i;

	for (i = 0; i < folio_nr_pages(folio); i += FZ_CLEAR_BATCH) {
		good &= clear_huge_part(folio, i, clear);
		cond_resched();
	}
	return good;
}

/**
 * fz_folio_zero() - make a folio zero
 * @folio: a folio that the caller has in hand
 * @clear: NULL on the critical path.  In the background the work is added here, and the
 *	caller calls fz_clear_end() after the last folio
 *
 * Return: false if memory of the folio has failed: it cannot be used.
 */
bool fz_folio_zero(struct folio *folio, struct fz_clear *clear)
{
	if (folio_test_large(folio))
		return clear_huge(folio, clear);
	if (unlikely(PageHWPoison(folio_page(folio, 0))))
		return false;
	clear_one(folio_address(folio), clear);
	if (clear)
		clear->stores++;
	return true;
}

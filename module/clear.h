/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Making pages zero, and finding pages that are zero.
 */
#ifndef FZ_CLEAR_H
#define FZ_CLEAR_H

#include <linux/mm.h>
#ifdef CONFIG_X86_64
#include <linux/kmsan-checks.h>
#include <asm/alternative.h>
#include <asm/cpufeatures.h>
#endif

/* Base pages cleared before the caller takes the lock, or reschedules, again. */
#define FZ_CLEAR_BATCH	32

/**
 * struct fz_clear - work done in the background
 * @stores: base pages cleared
 * @looks: base pages that were found zero
 */
struct fz_clear {
	u64 stores;
	u64 looks;
};

/*
 * Work done, in clears of a base page.  A look that finds a page zero has read all of it.
 * That takes 150 instructions with vectors, against 512 for a clear.
 */
static inline u64 fz_clear_work(const struct fz_clear *clear)
{
	return clear->stores + DIV_ROUND_UP(clear->looks, 4);
}

/*
 * Clear a page on the critical path: it stays in the caches.  Like clear_page(), but inline.
 * It is fast only with fast string stores, which all processors in use have.
 */
static __always_inline void fz_clear_page(void *page)
{
#ifdef CONFIG_X86_64
	kmsan_unpoison_memory(page, PAGE_SIZE);
	asm volatile(ALTERNATIVE("movl $512, %%ecx; rep stosq",
				 "movl $4096, %%ecx; rep stosb",
				 X86_FEATURE_ERMS)
		     : "+D" (page) : "a" (0UL) : "rcx", "memory");
#else
	clear_page(page);
#endif
}

u64 fz_clear_look(void *const *pages, u64 which);
bool fz_page_is_zero(struct page *page);
bool fz_folio_zero(struct folio *folio, struct fz_clear *clear);
void fz_clear_end(void);
bool fz_folio_has_failed(struct folio *folio);

#endif

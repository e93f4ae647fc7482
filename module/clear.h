/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Making folios zero.
 */
#ifndef FZ_CLEAR_H
#define FZ_CLEAR_H

#include <linux/mm.h>

/* Base pages cleared between two looks at locks, the scheduler and the clock. */
#define FZ_CLEAR_BATCH	32

/**
 * struct fz_clear - clears in the background, to be measured
 * @streaming: by stores past the caches
 * @begin: since then, in ns
 * @pages: so many base pages
 * @other: something else was done meanwhile: it is no measurement
 * @stores: base pages cleared in all
 * @looks: base pages that were found zero, in all
 */
struct fz_clear {
	bool streaming;
	bool other;
	u64 begin;
	u64 pages;
	u64 stores;
	u64 looks;
};

/*
 * What that was, in clears of a base page.  To find a page zero takes reading all of
 * it: 640 instructions, against 512 for a clear.
 */
static inline u64 fz_clear_work(const struct fz_clear *clear)
{
	return clear->stores + clear->looks * 5 / 4;
}

void fz_clear_begin(struct fz_clear *clear);
void fz_clear_end(struct fz_clear *clear);
bool fz_folio_zero(struct folio *folio, struct fz_clear *clear);
bool fz_page_is_zero(struct page *page);
bool fz_folio_has_failed(struct folio *folio);
void fz_clear_measure(void);

#endif

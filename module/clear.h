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
 */
struct fz_clear {
	bool streaming;
	bool other;
	u64 begin;
	u64 pages;
};

void fz_clear_begin(struct fz_clear *clear);
void fz_clear_end(struct fz_clear *clear);
bool fz_folio_zero(struct folio *folio, struct fz_clear *clear);
bool fz_page_is_zero(struct page *page);
bool fz_folio_has_failed(struct folio *folio);
void fz_clear_measure(void);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How many pages of a huge folio a run has written: the zeroer counts them when it clears
 * the folio.
 */
#ifndef FZ_DENSITY_H
#define FZ_DENSITY_H

#include <linux/types.h>

struct fz_scratch;
struct fz_pool;
struct folio;

/* A pool remembers up to this many chunks. */
#define FZ_DENSITY_SLOTS	1024
/* Nothing is known. */
#define FZ_DENSITY_UNKNOWN	(~0U)

/**
 * struct fz_density - numbers that the zeroer has noted, and no reset has taken yet
 * @slots: a key, and the number of pages in the lower bits; 0 if empty.  They are hints,
 *	read and written as a whole without a lock
 */
struct fz_density {
	u64 slots[FZ_DENSITY_SLOTS];
};

void fz_density_mark(struct fz_scratch *s, struct folio *folio);
void fz_density_note(struct fz_pool *pool, const struct folio *folio, u64 written);
u32 fz_density_take(const struct fz_scratch *s, u64 number);

#endif

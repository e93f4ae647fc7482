/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How many pages of a chunk of 2 MiB a run has written, as the zeroer sees it that looks
 * at each page of the folio later.
 */
#ifndef FZ_DENSITY_H
#define FZ_DENSITY_H

#include <linux/types.h>

struct fz_scratch;
struct fz_pool;
struct folio;

/* Chunks that are remembered for a pool; of more, some. */
#define FZ_DENSITY_SLOTS	1024
/* Nothing is known. */
#define FZ_DENSITY_UNKNOWN	(~0U)

/**
 * struct fz_density - what the zeroer has seen, and no reset has asked for yet
 * @slots: a key, and the pages in the lower bits; 0 for nothing.  Read and written
 *	whole, without a lock: they are hints
 */
struct fz_density {
	u64 slots[FZ_DENSITY_SLOTS];
};

void fz_density_mark(struct fz_scratch *s, struct folio *folio);
void fz_density_note(struct fz_pool *pool, const struct folio *folio, u64 written);
u32 fz_density_take(const struct fz_scratch *s, u64 number);

#endif

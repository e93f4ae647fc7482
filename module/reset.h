/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A reset under way, for the files that know a way to do it.
 */
#ifndef FZ_RESET_H
#define FZ_RESET_H

#include "chunk.h"
#include "dirty.h"

/**
 * struct fz_reset - one reset under way
 * @s: the scratch, its lock held
 * @range: what is left of the range
 * @dirty: reset only these granules, NULL for all; @range lies inside of it
 * @keep_held: clear pages in place that somebody else refers to
 * @cleared: pages cleared here so far
 * @dropped: pages taken out
 * @held: pages among these that somebody else referred to
 */
struct fz_reset {
	struct fz_scratch *s;
	struct fz_range range;
	const struct fz_dirty *dirty;
	bool keep_held;
	u64 cleared;
	u64 dropped;
	u64 held;
};

/* reset.c */
struct fz_chunk *fz_reset_next(struct fz_reset *r, u64 *number);

/* inplace.c */
bool fz_inplace_is_held(struct folio *folio);
void fz_inplace_clear(struct fz_reset *r, struct folio *folio);
void fz_inplace_some(struct fz_reset *r);

/* drop.c */
void fz_drop_some(struct fz_reset *r);
void fz_drop_page(struct fz_reset *r, u64 page);

#endif

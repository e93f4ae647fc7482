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
 * @swapped: pages replaced
 * @dropped: pages taken out
 * @held: pages among these that somebody else referred to
 * @failed: memory in a huge folio has failed and could not be made zero
 */
struct fz_reset {
	struct fz_scratch *s;
	struct fz_range range;
	const struct fz_dirty *dirty;
	bool keep_held;
	u64 cleared;
	u64 swapped;
	u64 dropped;
	u64 held;
	bool failed;
};

/**
 * struct fz_map_item - a chunk to be mapped
 * @number: its number
 * @folio: its huge folio
 */
struct fz_map_item {
	u64 number;
	struct folio *folio;
};

/* reset.c */
struct fz_chunk *fz_reset_next(struct fz_reset *r, u64 *number);

/* inplace.c */
bool fz_inplace_is_held(struct folio *folio);
void fz_inplace_split_held(const struct fz_chunk *chunk, u64 *words, u64 *held);
void fz_inplace_words(struct fz_reset *r, struct fz_chunk *chunk, u64 number,
		      const u64 *words);
void fz_inplace_some(struct fz_reset *r);
int fz_inplace_all(struct fz_reset *r);

/* drop.c */
void fz_drop_some(struct fz_reset *r);
void fz_drop_page(struct fz_reset *r, u64 page);
void fz_drop_unmap(struct fz_reset *r, const struct fz_range *range,
		   struct list_head *out);

/* swap.c */
void fz_swap_some(struct fz_reset *r);

/* map.c */
void fz_map_huge_chunks(struct fz_scratch *s, const struct fz_map_item *items,
			unsigned int nr);

#endif

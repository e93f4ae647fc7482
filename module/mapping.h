/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The caller's mappings of a scratch.
 */
#ifndef FZ_MAPPING_H
#define FZ_MAPPING_H

#include "context.h"

/* A search goes through all mappings of the scratch, and notes this many. */
#define FZ_MAPPINGS	32

/**
 * struct fz_mapping_place - a noted mapping, which may have changed since
 * @start: its first address
 * @end: the address after its last one
 */
struct fz_mapping_place {
	unsigned long start;
	unsigned long end;
};

/**
 * struct fz_mappings - a walk over the caller's mappings, by address
 * @view: the noted mappings
 * @nr: number of noted mappings
 * @at: the first of them that the walk has not finished
 * @more: there may be others after the noted ones
 */
struct fz_mappings {
	struct fz_mapping_place view[FZ_MAPPINGS];
	u32 nr;
	u32 at;
	bool more;
};

struct vm_area_struct *fz_mapping_only(struct fz_scratch *s);
struct vm_area_struct *fz_mapping_to_write(struct fz_scratch *s);
struct vm_area_struct *fz_mapping_first(struct fz_scratch *s,
					const struct fz_range *range);
bool fz_mapping_overlap(struct vm_area_struct *vma, const struct fz_range *range,
			unsigned long addr, struct fz_range *here);

void fz_mappings_begin(struct fz_mappings *v);
struct vm_area_struct *fz_mappings_next(struct fz_mappings *v, struct fz_scratch *s,
					const struct fz_range *range, unsigned long addr);
bool fz_mappings_are_left(const struct fz_mappings *v, unsigned long addr);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Mapping folios, so that the next touch does not fault.
 */
#ifndef FZ_MAP_H
#define FZ_MAP_H

#include "context.h"

struct vm_fault;

/**
 * struct fz_map_item - a chunk to be mapped
 * @number: its number
 * @folio: its huge folio
 */
struct fz_map_item {
	u64 number;
	struct folio *folio;
};

bool fz_map_takes_huge(struct fz_scratch *s, u64 number,
		       const struct vm_fault *vmf);
void fz_map_huge_chunks(struct fz_scratch *s, const struct fz_map_item *items,
			unsigned int nr);
bool fz_map_can_insert(const struct fz_scratch *s);
long fz_map_words(struct fz_scratch *s, struct vm_area_struct *vma, u64 number,
		  u64 *words);

#endif

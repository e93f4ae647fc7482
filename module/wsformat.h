/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A working set as bytes, see struct fastzero_workset_head.
 */
#ifndef FZ_WSFORMAT_H
#define FZ_WSFORMAT_H

#include "range.h"

/**
 * struct fz_wsformat - what a working set belongs to
 * @page_shift: log2 of the page size
 * @nr_pages: pages of the scratch
 */
struct fz_wsformat {
	u32 page_shift;
	u64 nr_pages;
};

u64 fz_wsformat_size(u64 nr_runs);
u64 fz_wsformat_most(const struct fz_wsformat *of);
void fz_wsformat_put_head(const struct fz_wsformat *of, u8 *buf, u64 nr_runs);
void fz_wsformat_put(u8 *buf, u64 n, const struct fz_range *run);
void fz_wsformat_get(const u8 *buf, u64 n, struct fz_range *run);
int fz_wsformat_check_head(const struct fz_wsformat *of, const u8 *buf,
			   u64 size, u64 *nr_runs);
int fz_wsformat_check_runs(const struct fz_wsformat *of, const u8 *buf,
			   u64 n, u64 end, u64 *behind);

#endif

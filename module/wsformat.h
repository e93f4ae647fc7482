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

/**
 * struct fz_wsformat_sum - what is known of runs that were checked
 * @behind: no run may begin before this page
 * @pages: pages in them
 * @chunk: the chunk behind the last of them
 * @chunks: chunks that they meet
 */
struct fz_wsformat_sum {
	u64 behind;
	u64 pages;
	u64 chunk;
	u64 chunks;
};

/**
 * struct fz_wsformat_walk - a walk over a working set, chunk by chunk
 * @buf: a working set that was checked
 * @nr: its runs
 * @n: the next of them
 * @run: what is left of the one before
 */
struct fz_wsformat_walk {
	const u8 *buf;
	u64 nr;
	u64 n;
	struct fz_range run;
};

u64 fz_wsformat_size(u64 nr_runs);
u64 fz_wsformat_most(const struct fz_wsformat *of);
void fz_wsformat_put_head(const struct fz_wsformat *of, u8 *buf, u64 nr_runs);
void fz_wsformat_put(u8 *buf, u64 n, const struct fz_range *run);
int fz_wsformat_check_head(const struct fz_wsformat *of, const u8 *buf,
			   u64 size, u64 *nr_runs);
int fz_wsformat_check_runs(const struct fz_wsformat *of, const u8 *buf,
			   u64 n, u64 end, struct fz_wsformat_sum *sum);
bool fz_wsformat_next(struct fz_wsformat_walk *walk, u64 *number, u64 *words);

#endif

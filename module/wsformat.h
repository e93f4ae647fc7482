/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The format of a working set, see struct fastzero_workset_head.
 */
#ifndef FZ_WSFORMAT_H
#define FZ_WSFORMAT_H

#include "range.h"

/**
 * struct fz_wsformat - the scratch that a working set belongs to
 * @page_shift: log2 of the page size
 * @nr_pages: pages of the scratch
 */
struct fz_wsformat {
	u32 page_shift;
	u64 nr_pages;
};

/**
 * struct fz_wsformat_sum - sums over runs that were checked
 * @behind: the next run may not begin before this page
 * @pages: pages of the runs
 * @chunk: the chunk after the last run
 * @chunks: chunks that have pages of the runs
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
 * @nr: number of its runs
 * @n: number of the next run
 * @run: the rest of the run before it
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

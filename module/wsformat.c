// SPDX-License-Identifier: GPL-2.0-only
/*
 * A working set as bytes: a head and runs of pages, all numbers little-endian, so
 * that it can travel to another host.  What comes from outside is looked at as a
 * whole before anything is done with it.
 */
#include "wsformat.h"

#define WSFORMAT_MAGIC	0x5357305aU	/* "Z0WS" */
#define WSFORMAT_HEAD	32
#define WSFORMAT_RUN	16

static void wsformat_put64(u8 *to, u64 value)
{
	int i;

	for (i = 0; i < 8; i++)
		to[i] = value >> 8 * i;
}

static u64 wsformat_get64(const u8 *from)
{
	u64 value = 0;
	int i;

	for (i = 0; i < 8; i++)
		value |= (u64)from[i] << 8 * i;
	return value;
}

/**
 * fz_wsformat_size() - how long a working set is
 * @nr_runs: its runs
 *
 * Return: bytes.
 */
u64 fz_wsformat_size(u64 nr_runs)
{
	return WSFORMAT_HEAD + nr_runs * WSFORMAT_RUN;
}

/**
 * fz_wsformat_most() - how long one can be
 * @of: what it belongs to
 *
 * Return: bytes, with every other page in it.
 */
u64 fz_wsformat_most(const struct fz_wsformat *of)
{
	return fz_wsformat_size(of->nr_pages / 2 + 1);
}

/**
 * fz_wsformat_put_head() - write the head
 * @of: what it belongs to
 * @buf: where
 * @nr_runs: how many runs follow
 */
void fz_wsformat_put_head(const struct fz_wsformat *of, u8 *buf, u64 nr_runs)
{
	wsformat_put64(buf, WSFORMAT_MAGIC | (u64)of->page_shift << 32);
	wsformat_put64(buf + 8, of->nr_pages << of->page_shift);
	wsformat_put64(buf + 16, nr_runs);
	wsformat_put64(buf + 24, 0);
}

/**
 * fz_wsformat_put() - write a run
 * @buf: a working set
 * @n: number of the run
 * @run: pages
 */
void fz_wsformat_put(u8 *buf, u64 n, const struct fz_range *run)
{
	wsformat_put64(buf + fz_wsformat_size(n), run->first);
	wsformat_put64(buf + fz_wsformat_size(n) + 8, run->end - run->first);
}

/**
 * fz_wsformat_get() - read a run
 * @buf: a working set that was checked
 * @n: number of the run
 * @run: pages, written
 */
void fz_wsformat_get(const u8 *buf, u64 n, struct fz_range *run)
{
	run->first = wsformat_get64(buf + fz_wsformat_size(n));
	run->end = run->first + wsformat_get64(buf + fz_wsformat_size(n) + 8);
}

/**
 * fz_wsformat_check_head() - whether bytes begin like a working set
 * @of: what it must belong to
 * @buf: the bytes
 * @size: how many
 * @nr_runs: set to the number of runs
 *
 * Return: 0, or -EINVAL for one of another size or page size, and for anything but
 * a head and its runs.
 */
int fz_wsformat_check_head(const struct fz_wsformat *of, const u8 *buf,
			   u64 size, u64 *nr_runs)
{
	if (size < WSFORMAT_HEAD || size > fz_wsformat_most(of) ||
	    wsformat_get64(buf) != (WSFORMAT_MAGIC | (u64)of->page_shift << 32) ||
	    wsformat_get64(buf + 8) != of->nr_pages << of->page_shift ||
	    wsformat_get64(buf + 24))
		return -EINVAL;
	*nr_runs = wsformat_get64(buf + 16);
	if (*nr_runs > of->nr_pages || fz_wsformat_size(*nr_runs) != size)
		return -EINVAL;
	return 0;
}

/**
 * fz_wsformat_check_runs() - whether some runs are those of a working set
 * @of: what it must belong to
 * @buf: one whose head was checked
 * @n: the first run, next to the last one that was checked
 * @end: the run behind the last
 * @behind: 0 for the first call, and then left as it is
 *
 * There may be millions: so the caller can do something else in between.
 *
 * Return: 0, or -EINVAL for runs that are empty, not in order, overlap or touch, or
 * lie outside.
 */
int fz_wsformat_check_runs(const struct fz_wsformat *of, const u8 *buf,
			   u64 n, u64 end, u64 *behind)
{
	for (; n < end; n++) {
		u64 first = wsformat_get64(buf + fz_wsformat_size(n));
		u64 nr = wsformat_get64(buf + fz_wsformat_size(n) + 8);

		if (!nr || first < *behind || first >= of->nr_pages ||
		    nr > of->nr_pages - first)
			return -EINVAL;
		*behind = first + nr + 1;
	}
	return 0;
}

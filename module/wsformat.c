// SPDX-License-Identifier: GPL-2.0-only
/*
 * The format of a working set: a head and runs of pages, all numbers little-endian, so
 * that another host can read it.  All bytes from user space are checked before any of
 * them is used.
 */
#include "wsformat.h"

#define WSFORMAT_MAGIC	0x5357305aU	/* "Z0WS" */
#define WSFORMAT_HEAD	32
#define WSFORMAT_RUN	16

/* For little-endian processors, compilers turn each of these two into one load or store. */
static inline void wsformat_put64(u8 *to, u64 value)
{
	to[0] = value;
	to[1] = value >> 8;
	to[2] = value >> 16;
	to[3] = value >> 24;
	to[4] = value >> 32;
	to[5] = value >> 40;
	to[6] = value >> 48;
	to[7] = value >> 56;
}

static inline u64 wsformat_get64(const u8 *from)
{
	return (u64)from[0] | (u64)from[1] << 8 | (u64)from[2] << 16 |
	       (u64)from[3] << 24 | (u64)from[4] << 32 | (u64)from[5] << 40 |
	       (u64)from[6] << 48 | (u64)from[7] << 56;
}

/**
 * fz_wsformat_size() - the length of a working set
 * @nr_runs: its runs
 *
 * Return: bytes.
 */
u64 fz_wsformat_size(u64 nr_runs)
{
	return WSFORMAT_HEAD + nr_runs * WSFORMAT_RUN;
}

/**
 * fz_wsformat_most() - the length of the longest working set of a scratch
 * @of: the scratch that it belongs to
 *
 * Return: bytes; the longest has every other page.
 */
u64 fz_wsformat_most(const struct fz_wsformat *of)
{
	return fz_wsformat_size(of->nr_pages / 2 + 1);
}

/**
 * fz_wsformat_put_head() - write the head
 * @of: the scratch that it belongs to
 * @buf: the buffer
 * @nr_runs: number of runs that follow
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

static inline void wsformat_get(const u8 *buf, u64 n, struct fz_range *run)
{
	buf += WSFORMAT_HEAD + n * WSFORMAT_RUN;
	run->first = wsformat_get64(buf);
	run->end = run->first + wsformat_get64(buf + 8);
}

/**
 * fz_wsformat_check_head() - check the head of a working set, and its length
 * @of: the scratch that it must belong to
 * @buf: the bytes
 * @size: number of bytes
 * @nr_runs: set to the number of runs
 *
 * Return: 0; -EINVAL for a scratch of another size or page size, and for anything but a
 * head and its runs.
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
 * fz_wsformat_check_runs() - check some runs of a working set
 * @of: the scratch that it must belong to
 * @buf: a working set whose head was checked
 * @n: the first run to check: the one after the last run of the previous call
 * @end: the run after the last one to check
 * @sum: all 0 for the first call; the next call continues with it
 *
 * There may be millions of runs.  So the caller checks for signals between two calls.
 *
 * Return: 0, or -EINVAL for runs that are empty, not in order, overlap or touch, or
 * lie outside.
 */
int fz_wsformat_check_runs(const struct fz_wsformat *of, const u8 *buf,
			   u64 n, u64 end, struct fz_wsformat_sum *sum)
{
	struct fz_wsformat_sum at = *sum;
	struct fz_range run;

	for (; n < end; n++) {
		u64 chunk;

		wsformat_get(buf, n, &run);
		/* The end is the sum of two numbers of the user, and may have wrapped around. */
		if (run.end <= run.first || run.first < at.behind ||
		    run.end > of->nr_pages)
			return -EINVAL;
		at.behind = run.end + 1;
		at.pages += run.end - run.first;
		/* The run may begin in the chunk in which the last one ends. */
		chunk = run.first >> FZ_CHUNK_SHIFT;
		if (chunk < at.chunk)
			chunk = at.chunk;
		at.chunk = ((run.end - 1) >> FZ_CHUNK_SHIFT) + 1;
		at.chunks += at.chunk - chunk;
	}
	*sum = at;
	return 0;
}

/* Set the bits of pages of a chunk. */
static inline void wsformat_set(u64 *words, u64 first, u64 end)
{
	const struct fz_range range = { .first = first, .end = end };
	u32 w = first / 64;

	if (!words)
		return;
	if (end == first + 1) {
		words[w] |= 1ULL << first % 64;
		return;
	}
	for (; w * 64 < end; w++)
		words[w] |= fz_range_word(&range, w);
}

/*
 * Skip the runs from @n on that begin before page @behind, in steps that double.  Returns
 * the first run that begins at or after that page, or @nr.
 */
static u64 wsformat_pass(const u8 *buf, u64 n, u64 nr, u64 behind)
{
	u64 step = 1;

	buf += WSFORMAT_HEAD - WSFORMAT_RUN;
	for (; n + step <= nr && wsformat_get64(buf + (n + step) * WSFORMAT_RUN) < behind;
	     step *= 2)
		n += step;
	for (step /= 2; step; step /= 2)
		if (n + step <= nr &&
		    wsformat_get64(buf + (n + step) * WSFORMAT_RUN) < behind)
			n += step;
	return n;
}

/**
 * fz_wsformat_next() - the next chunk that has pages in a working set
 * @walk: the walk, with @buf and @nr set, and all other members 0 for the first call
 * @number: set to the number of the chunk
 * @words: bitmap of FZ_CHUNK_WORDS words, set to these pages; NULL if it is not wanted
 *
 * Return: false if there is none.
 */
bool fz_wsformat_next(struct fz_wsformat_walk *walk, u64 *number, u64 *words)
{
	struct fz_range run = walk->run;
	u64 base, behind, n = walk->n;
	u32 w;

	if (run.first == run.end) {
		if (n == walk->nr)
			return false;
		wsformat_get(walk->buf, n++, &run);
	}
	*number = run.first >> FZ_CHUNK_SHIFT;
	base = *number << FZ_CHUNK_SHIFT;
	behind = base + FZ_CHUNK_PAGES;
	for (w = 0; words && w < FZ_CHUNK_WORDS; w++)
		words[w] = 0;
	if (!words) {
		u64 last = wsformat_pass(walk->buf, n, walk->nr, behind);

		/* The skipped runs are in this chunk, too. */
		if (last > n)
			wsformat_get(walk->buf, last - 1, &run);
		n = last;
	}
	while (run.end <= behind) {
		wsformat_set(words, run.first - base, run.end - base);
		run.first = run.end;
		if (n == walk->nr)
			break;
		wsformat_get(walk->buf, n++, &run);
		if (run.first >= behind)
			break;
	}
	/* The run continues in the next chunk. */
	if (run.first < behind && run.end > behind) {
		wsformat_set(words, run.first - base, FZ_CHUNK_PAGES);
		run.first = behind;
	}
	walk->run = run;
	walk->n = n;
	return true;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * libfastzero: from dirty bitmaps to runs of pages.
 */
#ifndef FASTZERO_BITMAP_H
#define FASTZERO_BITMAP_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * DOC: Bitmaps
 *
 * A bitmap is an array of 64-bit words in the order of the processor.  Bit n % 64 of
 * word n / 64 stands for page n, as KVM_GET_DIRTY_LOG has it on little-endian machines.
 * A run is as long as it can be: the bits before and after it are not set.
 *
 * ::
 *
 *	struct fastzero_bitmap_walk walk = {
 *		.size = sizeof(walk), .bitmap = log, .other = own, .nbits = pages,
 *	};
 *	struct fastzero_bitmap_run runs[256];
 *	int64_t i, nr;
 *
 *	while ((nr = fastzero_bitmap_runs(&walk, runs, 256)) > 0)
 *		for (i = 0; i < nr; i++)
 *			clear_pages(runs[i].first, runs[i].end);
 *
 * No function allocates memory.  Any number of threads may walk the same bitmaps, each
 * with a walk of its own.  A walk may see bits that change meanwhile, or miss them.
 */

/* Bits of a bitmap that one bit of its summary stands for: 4 KiB of words. */
#define FASTZERO_BITMAP_BLOCK	32768u

/**
 * struct fastzero_bitmap_run - neighbours that are set
 * @first: number of the first bit
 * @end: number of the bit after the last, greater than @first
 */
struct fastzero_bitmap_run {
	uint64_t first;
	uint64_t end;
};

/**
 * struct fastzero_bitmap_walk - which bitmaps are walked, and how far
 * @size: sizeof(struct fastzero_bitmap_walk)
 * @flags: must be 0
 * @bitmap: the bitmap, nbits / 64 words, rounded up; it remains the caller's
 * @other: another one of the same size: a bit counts if it is set in either; or NULL
 * @summary: one bit for FASTZERO_BITMAP_BLOCK bits (fastzero_bitmap_summarize()), or NULL.
 *	The walk skips a block of both bitmaps if the bit of the block is not set
 * @nbits: how many bits there are; any number.  Bits beyond them do not count
 * @next: the first bit that the walk has not reached; 0 to begin
 */
struct fastzero_bitmap_walk {
	uint32_t size;
	uint32_t flags;
	const uint64_t *bitmap;
	const uint64_t *other;
	const uint64_t *summary;
	uint64_t nbits;
	uint64_t next;
};

/**
 * fastzero_bitmap_runs() - the next runs, into the caller's buffer
 * @walk: the walk; its member next says afterwards where the next call goes on
 * @runs: where to put them, in ascending order
 * @nr: how many runs fit into @runs, not 0.  256 and more is fast, 64 and less is slow
 *
 * Return: the number of runs, which may be less than @nr although more follow; 0 when
 * there are no more; -EINVAL without a bitmap or room, or if a size member is too small;
 * -EOPNOTSUPP if a flag is set; -E2BIG if @walk is longer than this library's, and not
 * zero beyond that length.
 */
int64_t fastzero_bitmap_runs(struct fastzero_bitmap_walk *walk,
			     struct fastzero_bitmap_run *runs, size_t nr);

/**
 * typedef fastzero_bitmap_fn - a function to call for each run
 * @arg: as given to fastzero_bitmap_for_each()
 * @first: number of the first bit
 * @end: number of the bit after the last
 *
 * Return: 0 to go on; anything else ends the walk after this run.
 */
typedef int (*fastzero_bitmap_fn)(void *arg, uint64_t first, uint64_t end);

/**
 * fastzero_bitmap_for_each() - call a function for each run
 * @walk: the walk; its member next says afterwards where another call would go on
 * @fn: the function
 * @arg: given to @fn
 *
 * Return: 0; the value of @fn, if that was not 0; or -errno as fastzero_bitmap_runs().
 */
int fastzero_bitmap_for_each(struct fastzero_bitmap_walk *walk, fastzero_bitmap_fn fn,
			     void *arg);

/**
 * fastzero_bitmap_summarize() - set the bits of a summary
 * @bitmap: a bitmap
 * @nbits: how many bits it has
 * @summary: nbits / FASTZERO_BITMAP_BLOCK bits, rounded up, in whole words
 *
 * It sets the bit of each block in which @bitmap has a bit, and clears none.  To make one
 * summary of two bitmaps, set it to zero, and call this for each of them.  The call costs
 * as much as reading the bitmap.  So use it only if you walk a bitmap more than once.  A
 * program that sets the bits of the bitmap itself can set the summary's bits at the same
 * time, and needs no call.
 */
void fastzero_bitmap_summarize(const uint64_t *bitmap, uint64_t nbits, uint64_t *summary);

/**
 * fastzero_bitmap_isa() - which instructions the walk uses
 *
 * These are the best that the processor has, unless the environment variable
 * FASTZERO_BITMAP names others that it has.
 *
 * Return: "avx512", "avx2", "sse2", or "c".
 */
const char *fastzero_bitmap_isa(void);

/**
 * fastzero_bitmap_use() - choose the instructions, for tests
 * @isa: as fastzero_bitmap_isa() names them, or NULL for the best
 *
 * The choice holds for the whole process, from the next call of fastzero_bitmap_runs()
 * on.
 *
 * Return: 0; -EINVAL for another name; -EOPNOTSUPP if the processor does not have them.
 */
int fastzero_bitmap_use(const char *isa);

#ifdef __cplusplus
}
#endif

#endif /* FASTZERO_BITMAP_H */

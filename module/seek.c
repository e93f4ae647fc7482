// SPDX-License-Identifier: GPL-2.0-only
/*
 * lseek: finds data and holes by the index.
 *
 * Populated pages are data, also those that a reset has cleared in place.  lseek populates
 * no page.
 */
#include <linux/fs.h>
#include <linux/sched/signal.h>

#include "chunk.h"

/*
 * Look at the chunk in which @range begins, or at the next that has pages.  If the data or
 * hole begins there, move @range on to it, and return true.  Else move @range on to the
 * page where the search continues.
 */
static bool seek_in_chunk(struct fz_scratch *s, struct fz_range *range, bool hole)
{
	struct fz_range run = { }, part;
	u64 words[FZ_CHUNK_WORDS];
	u64 begin = range->first;
	struct fz_chunk *chunk;
	u64 number, base, at;
	bool any;

	lockdep_assert_held(&s->lock);

	chunk = fz_chunk_next(s, range, &number);
	/* fz_chunk_next() has skipped chunks without a page, or there are no more pages. */
	if (hole && (!chunk || range->first > begin)) {
		range->first = begin;
		return true;
	}
	if (!chunk)
		return false;

	base = number << FZ_CHUNK_SHIFT;
	part = fz_range_in_chunk(range, number);
	fz_chunk_snapshot(chunk, &part, words);
	any = fz_range_next_run(words, &run);
	if (!hole)
		at = any ? run.first : part.end;
	else
		at = any && run.first == part.first ? run.end : part.first;
	range->first = base + at;
	return at < part.end;
}

/* @offset is inside the scratch. */
static loff_t seek_find(struct fz_scratch *s, u64 offset, bool hole)
{
	struct fz_range range = { .first = offset >> PAGE_SHIFT, .end = s->nr_pages };
	bool found = false;

	while (!found && range.first < range.end) {
		/* Release the lock after each chunk, since a reset may wait for it. */
		if (fatal_signal_pending(current) || mutex_lock_killable(&s->lock))
			return -EINTR;
		found = seek_in_chunk(s, &range, hole);
		mutex_unlock(&s->lock);
		cond_resched();
	}
	if (found)
		return max(offset, range.first << PAGE_SHIFT);
	/* The end counts as a hole. */
	return hole ? fz_scratch_size(s) : -ENXIO;
}

/**
 * fz_seek() - lseek, as on a memfd
 * @file: the file whose position changes
 * @s: its scratch; NULL while a context has none: then the size is 0
 * @offset: as for lseek
 * @whence: as for lseek
 *
 * Return: the new position.  -ENXIO: SEEK_DATA or SEEK_HOLE begins outside of the scratch,
 * or there is no data.  -EINVAL, -EINTR on a fatal signal.
 */
loff_t fz_seek(struct file *file, struct fz_scratch *s, loff_t offset, int whence)
{
	loff_t size = s ? fz_scratch_size(s) : 0;

	if (whence != SEEK_DATA && whence != SEEK_HOLE)
		return generic_file_llseek_size(file, offset, whence,
						MAX_LFS_FILESIZE, size);
	if (offset < 0 || offset >= size)
		return -ENXIO;
	offset = seek_find(s, offset, whence == SEEK_HOLE);
	return offset < 0 ? offset : vfs_setpos(file, offset, MAX_LFS_FILESIZE);
}

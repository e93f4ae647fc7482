// SPDX-License-Identifier: GPL-2.0-only
/*
 * lseek: where data and holes are, from the index.
 *
 * Populated pages are data, also those that a reset has made zero.  lseek populates
 * nothing.
 */
#include <linux/fs.h>
#include <linux/sched/signal.h>

#include "chunk.h"

/*
 * Look at the chunk that @range begins in, or at the next that has pages.  Return true
 * if the data or hole begins there, and move @range on to it; else move @range on to
 * the place where the search continues.
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
	/* It has passed over chunks without a page. */
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
		/* The lock is taken for each chunk: a reset may wait for it. */
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
 * @file: whose position it is
 * @s: the scratch behind it; NULL for none, then the size is 0
 * @offset: as for lseek
 * @whence: as for lseek
 *
 * Return: the new position; -ENXIO when SEEK_DATA or SEEK_HOLE begin outside of
 * the scratch or there is no data, -EINVAL, -EINTR on a fatal signal.
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

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading, writing and punching a scratch through its descriptor.
 */
#include <linux/fs.h>
#include <linux/falloc.h>
#include <linux/highmem.h>
#include <linux/nospec.h>
#include <linux/sched/signal.h>
#include <linux/uio.h>

#include "chunk.h"

/* The number of the page at a position inside the scratch, in bounds under speculation. */
static u64 rw_page(const struct fz_scratch *s, loff_t pos)
{
	return array_index_nospec(pos >> PAGE_SHIFT, s->nr_pages);
}

/*
 * Like copy_page_to_iter(), but always copies.  On some kernels that function puts the page
 * itself into a pipe.  A reset would then clear the held page before the pipe is read.
 */
static size_t rw_copy_out(struct page *page, size_t offset, size_t bytes,
			  struct iov_iter *to)
{
	void *from = kmap_local_page(page);
	size_t nr = copy_to_iter(from + offset, bytes, to);

	kunmap_local(from);
	return nr;
}

/* A hole reads zero and stays a hole. */
ssize_t fz_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct fz_scratch *s = fz_scratch_of(iocb->ki_filp);
	u64 size = fz_scratch_size(s);
	ssize_t done = 0;
	int err = 0;

	while (iov_iter_count(to) && iocb->ki_pos < size) {
		size_t offset = offset_in_page(iocb->ki_pos);
		size_t want = min3((u64)(PAGE_SIZE - offset),
				   (u64)iov_iter_count(to),
				   size - iocb->ki_pos);
		u64 page = rw_page(s, iocb->ki_pos);
		struct folio *folio;
		size_t nr;

		folio = fz_chunk_find(s, page);
		if (folio && PageHWPoison(fz_folio_page(folio, page))) {
			folio_put(folio);
			err = -EIO;
			break;
		}
		if (folio) {
			nr = rw_copy_out(fz_folio_page(folio, page), offset,
					 want, to);
			folio_put(folio);
		} else {
			nr = iov_iter_zero(want, to);
		}
		done += nr;
		iocb->ki_pos += nr;
		if (nr < want)
			err = -EFAULT;
		else if (fatal_signal_pending(current))
			err = -EINTR;
		if (err)
			break;
		cond_resched();
	}
	return done ?: err;
}

ssize_t fz_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	struct fz_scratch *s = fz_scratch_of(iocb->ki_filp);
	u64 size = fz_scratch_size(s);
	struct fz_place place;
	ssize_t done = 0;
	int err = 0;

	if (iocb->ki_flags & IOCB_APPEND)
		iocb->ki_pos = size;

	while (iov_iter_count(from) && !err) {
		size_t offset = offset_in_page(iocb->ki_pos);
		struct folio *folio;
		size_t want, nr;
		u64 page;

		if (iocb->ki_pos >= size) {
			err = -ENOSPC;
			break;
		}
		page = rw_page(s, iocb->ki_pos);
		want = min3((u64)(PAGE_SIZE - offset),
			    (u64)iov_iter_count(from), size - iocb->ki_pos);
		fz_place_find(&place, s, NULL, page);
		folio = fz_chunk_fill(s, page, FZ_GFP_TELL, &place, NULL, NULL);
		if (IS_ERR(folio)) {
			err = folio == ERR_PTR(-EINTR) ? -EINTR : -ENOMEM;
			break;
		}
		if (PageHWPoison(fz_folio_page(folio, page))) {
			folio_put(folio);
			err = -EIO;
			break;
		}
		nr = copy_page_from_iter(fz_folio_page(folio, page), offset,
					 want, from);
		folio_put(folio);
		done += nr;
		iocb->ki_pos += nr;
		if (nr < want)
			err = -EFAULT;
		else if (fatal_signal_pending(current))
			err = -EINTR;
		cond_resched();
	}
	return done ?: err;
}

/* Zero bytes inside one page, at the ends of a hole punch. */
static int rw_zero_part(struct fz_scratch *s, u64 from, u64 to)
{
	u64 page = from >> PAGE_SHIFT;
	struct folio *folio;
	int err = 0;

	if (from >= to)
		return 0;
	folio = fz_chunk_find(s, page);
	if (!folio)
		return 0;
	if (PageHWPoison(fz_folio_page(folio, page)))
		err = -EIO;
	else
		memzero_page(fz_folio_page(folio, page), offset_in_page(from),
			     to - from);
	folio_put(folio);
	return err;
}

/* Populate a range, as POPULATE does, but map nothing.  Pages populated before an error stay. */
static int rw_preallocate(struct fz_scratch *s, u64 begin, u64 end)
{
	struct fz_range range = {
		.first = begin >> PAGE_SHIFT,
		.end = DIV_ROUND_UP(end, PAGE_SIZE),
	};
	u64 nr_added = 0;

	/* The size is fixed. */
	if (end > fz_scratch_size(s))
		return -ENOSPC;
	return fz_populate_back(s, &range, &nr_added);
}

/*
 * FALLOC_FL_PUNCH_HOLE drops whole pages, and zeroes the bytes before and after them.  It
 * ignores bytes beyond the end, as on a memfd.
 */
long fz_fallocate(struct file *file, int mode, loff_t offset, loff_t length)
{
	struct fz_scratch *s = fz_scratch_of(file);
	u64 begin = min_t(u64, offset, fz_scratch_size(s));
	u64 end = min_t(u64, offset + length, fz_scratch_size(s));
	struct fz_range whole = {
		.first = DIV_ROUND_UP(begin, PAGE_SIZE),
		.end = end >> PAGE_SHIFT,
	};
	long err;

	if (mode & ~(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE))
		return -EOPNOTSUPP;
	if (!(mode & FALLOC_FL_PUNCH_HOLE))
		return rw_preallocate(s, offset, offset + length);

	err = mutex_lock_killable(&s->lock);
	if (err)
		return err;
	if (whole.first > whole.end) {
		err = rw_zero_part(s, begin, end);
	} else {
		/* If memory has failed (-EIO), go on with the rest. */
		err = fz_reset_punch(s, whole);
		if (!err || err == -EIO) {
			err = rw_zero_part(s, begin, whole.first << PAGE_SHIFT) ?: err;
			err = rw_zero_part(s, whole.end << PAGE_SHIFT, end) ?: err;
		}
	}
	mutex_unlock(&s->lock);
	return err;
}

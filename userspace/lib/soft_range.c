// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * libfastzero: calls on a range of a fallback's scratch, with the checks of the module.
 */
#include "soft.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE	23
#endif

/* The largest granule: 1 GiB. */
#define RANGE_MAX_SHIFT	30
/* Pages of a bitmap that are looked at in one call. */
#define RANGE_LOOKS	64
/* Bytes that fallocate() is asked for at once: a signal undoes a call. */
#define RANGE_BACK	(32ull << 20)

int fz_soft_check_mode(const struct fz_backend *backend, unsigned int mode)
{
	if (mode > FASTZERO_MODE_DROP)
		return fz_fail(-EINVAL, "there is no mode %u", mode);
	if (!(backend->soft->modes & (1u << mode)))
		return fz_fail(-EOPNOTSUPP, "the backend %s has no mode %s", backend->name,
			       fastzero_mode_name(mode));
	return 0;
}

static int range_check(const struct fastzero_scratch *scratch, uint64_t offset,
		       uint64_t length)
{
	uint64_t end = offset + length;

	if (end < offset)
		return fz_fail(-EOVERFLOW, "offset + length wraps around");
	if (!length || offset % FZ_PAGE || length % FZ_PAGE)
		return fz_fail(-EINVAL, "the range is empty, or not one of whole pages");
	if (end > scratch->length)
		return fz_fail(-EINVAL, "the range ends beyond the scratch, of %" PRIu64
			       " bytes", scratch->length);
	if (scratch->memory->soft->ops->is_private &&
	    scratch->memory->forks != fz_segment_forks)
		return fz_fail(-EOPNOTSUPP,
			       "the memory is private to the process that made the scratch");
	return 0;
}

/* Resets of private memory go by its segments, which shall not change meanwhile. */
static void range_lock(struct fz_memory *memory)
{
	if (memory->soft->ops->is_private)
		pthread_mutex_lock(&memory->lock);
}

static void range_unlock(struct fz_memory *memory)
{
	if (memory->soft->ops->is_private)
		pthread_mutex_unlock(&memory->lock);
}

int fz_soft_reset(const struct fastzero_scratch *scratch, struct fastzero_reset *reset)
{
	struct fz_memory *memory = scratch->memory;
	bool is_idle = reset->flags & FASTZERO_RESET_IDLE;
	struct fz_done done = { 0 };
	int ret = 0;

	if (reset->flags & ~FASTZERO_RESET_IDLE)
		return fz_fail(-EOPNOTSUPP, "an unknown flag");
	ret = fz_soft_check_mode(scratch->backend, reset->mode);
	if (!ret)
		ret = range_check(scratch, reset->offset, reset->length);
	if (ret)
		return ret;
	if (!is_idle) {
		range_lock(memory);
		ret = memory->soft->ops->reset(memory, reset->offset, reset->length,
					       reset->mode, &done);
		range_unlock(memory);
	}
	fz_soft_count(memory->soft, memory, reset->mode == FASTZERO_MODE_AUTO && !is_idle,
		      &done);
	reset->out_done = ret ? 0 : reset->length;
	reset->out_cleared = done.cleared;
	reset->out_dropped = done.dropped;
	return ret;
}

/* Whether all of a buffer can be read: a byte of each page, so that it is no signal. */
static int range_readable(const void *buffer, uint64_t size)
{
	struct iovec remote[RANGE_LOOKS], local;
	uintptr_t at = (uintptr_t)buffer, end = at + size;
	char bytes[RANGE_LOOKS];
	int n;

	while (at < end) {
		for (n = 0; n < RANGE_LOOKS && at < end; n++) {
			remote[n].iov_base = (void *)at;
			remote[n].iov_len = 1;
			at = (at & -FZ_PAGE) + FZ_PAGE;
		}
		local.iov_base = bytes;
		local.iov_len = n;
		if (process_vm_readv(getpid(), &local, 1, remote, n, 0) != n &&
		    (errno == EFAULT || errno == 0))
			return fz_fail(-EFAULT, "the bitmap cannot be read");
	}
	return 0;
}

static int range_check_bitmap(const struct fastzero_reset_dirty *dirty)
{
	uint64_t granule = 1ull << dirty->granule_shift;
	uint64_t bits = (dirty->length + granule - 1) >> dirty->granule_shift;
	uint64_t bytes = (bits + 63) / 64 * 8;

	if (dirty->offset & (granule - 1))
		return fz_fail(-EINVAL, "the offset is not a multiple of the granule");
	if (dirty->bitmap & 7)
		return fz_fail(-EINVAL, "the bitmap is not aligned to 8 bytes");
	if (dirty->bitmap_size & 7)
		return fz_fail(-EINVAL, "the bitmap's size is not a multiple of 8 bytes");
	if (bytes > dirty->bitmap_size)
		return fz_fail(-EINVAL, "the bitmap has %" PRIu64 " bytes; the range needs %" PRIu64,
			       (uint64_t)dirty->bitmap_size, bytes);
	errno = 0;
	return range_readable((const void *)(uintptr_t)dirty->bitmap, bytes);
}

struct range_runs {
	struct fz_memory *memory;
	struct fastzero_reset_dirty *dirty;
	struct fz_done *done;
};

/* A run of set bits: its granules, of which the last may be cut off. */
static int range_reset_run(void *arg, uint64_t first, uint64_t end)
{
	const struct range_runs *runs = arg;
	struct fastzero_reset_dirty *dirty = runs->dirty;
	uint64_t offset = first << dirty->granule_shift;
	uint64_t length = (end << dirty->granule_shift) - offset;
	int ret;

	if (length > dirty->length - offset)
		length = dirty->length - offset;
	ret = runs->memory->soft->ops->reset(runs->memory, dirty->offset + offset, length,
					     dirty->mode, runs->done);
	dirty->out_done = ret ? offset : offset + length;
	return ret;
}

/* Resets the runs of set bits. */
static int range_reset_runs(struct fz_memory *memory, struct fastzero_reset_dirty *dirty,
			    struct fz_done *done)
{
	const uint64_t granule = 1ull << dirty->granule_shift;
	struct range_runs runs = { memory, dirty, done };
	struct fastzero_bitmap_walk walk = {
		.size = sizeof(walk),
		.bitmap = (const uint64_t *)(uintptr_t)dirty->bitmap,
		.nbits = (dirty->length + granule - 1) >> dirty->granule_shift,
	};
	int ret = walk.nbits ? fastzero_bitmap_for_each(&walk, range_reset_run, &runs) : 0;

	if (!ret)
		dirty->out_done = dirty->length;
	return ret;
}

int fz_soft_reset_dirty(const struct fastzero_scratch *scratch,
			struct fastzero_reset_dirty *dirty)
{
	struct fz_memory *memory = scratch->memory;
	struct fz_done done = { 0 };
	int ret;

	if (dirty->flags)
		return fz_fail(-EOPNOTSUPP, "an unknown flag");
	if (dirty->granule_shift < FZ_PAGE_SHIFT || dirty->granule_shift > RANGE_MAX_SHIFT)
		return fz_fail(-EINVAL, "a granule of 1 << %u bytes", dirty->granule_shift);
	ret = fz_soft_check_mode(scratch->backend, dirty->mode);
	if (!ret)
		ret = range_check(scratch, dirty->offset, dirty->length);
	if (!ret)
		ret = range_check_bitmap(dirty);
	if (ret)
		return ret;
	range_lock(memory);
	ret = range_reset_runs(memory, dirty, &done);
	range_unlock(memory);
	fz_soft_count(memory->soft, memory, dirty->mode == FASTZERO_MODE_AUTO, &done);
	dirty->out_cleared = done.cleared;
	dirty->out_dropped = done.dropped;
	return ret;
}

/* Backs a range of a memfd, and says how many pages came. */
static int range_back(struct fz_memory *memory, struct fastzero_populate *populate)
{
	int64_t before = fz_memfd_pages(memory->fd);
	int64_t after;
	uint64_t step;
	int ret = 0;

	while (!ret && populate->out_done < populate->length) {
		step = populate->length - populate->out_done;
		if (step > RANGE_BACK)
			step = RANGE_BACK;
		if (!fallocate(memory->fd, FALLOC_FL_KEEP_SIZE,
			       (off_t)(populate->offset + populate->out_done), (off_t)step))
			populate->out_done += step;
		else if (errno != EINTR)
			ret = fz_fail(-errno, NULL);
	}
	after = fz_memfd_pages(memory->fd);
	if (after > before)
		populate->out_added = after - before;
	return ret;
}

static int range_touch(const struct fz_segment *part)
{
	int ret;

	do
		ret = madvise(part->addr, part->length, MADV_POPULATE_WRITE);
	while (ret && errno == EINTR);
	return ret ? -errno : 0;
}

/* Maps what a memfd has where it may be written; elsewhere it faults as ever. */
static int range_map_shared(struct fz_memory *memory, struct fastzero_populate *populate)
{
	struct fz_segment part;
	size_t i = SIZE_MAX;

	while (fz_segment_next(memory, populate->offset,
			       populate->offset + populate->length, &i, &part))
		if (!range_touch(&part))
			populate->out_mapped += part.length / FZ_PAGE;
	return 0;
}

/* Without a mapping there is no memory, and without access it cannot be had. */
static int range_map_private(struct fz_memory *memory, struct fastzero_populate *populate)
{
	const uint64_t end = populate->offset + populate->length;
	struct fz_segment part;
	uint64_t present;
	size_t i = SIZE_MAX;
	int ret;

	while (populate->out_done < populate->length) {
		if (!fz_segment_next(memory, populate->offset, end, &i, &part) ||
		    part.offset != populate->offset + populate->out_done)
			return fz_fail(-EOPNOTSUPP,
				       "the backend populates only what is mapped");
		present = fz_pages_present(part.addr, part.length);
		ret = range_touch(&part);
		if (ret == -EINVAL)
			return fz_fail(-EOPNOTSUPP,
				       "the backend populates only what may be written, from Linux 5.14 on");
		if (ret)
			return fz_fail(ret, NULL);
		populate->out_done += part.length;
		populate->out_mapped += part.length / FZ_PAGE;
		populate->out_added += part.length / FZ_PAGE - present;
	}
	return 0;
}

int fz_soft_populate(const struct fastzero_scratch *scratch,
		     struct fastzero_populate *populate)
{
	struct fz_memory *memory = scratch->memory;
	int ret;

	if (populate->flags & FASTZERO_POPULATE_WORKSET)
		return fz_backend_lacks(scratch->backend, "working set");
	if (populate->flags)
		return fz_fail(-EOPNOTSUPP, "an unknown flag");
	ret = range_check(scratch, populate->offset, populate->length);
	if (!ret && memory->fd >= 0)
		ret = range_back(memory, populate);
	if (ret)
		return ret;
	pthread_mutex_lock(&memory->lock);
	ret = memory->fd >= 0 ? range_map_shared(memory, populate) :
				range_map_private(memory, populate);
	pthread_mutex_unlock(&memory->lock);
	return ret;
}

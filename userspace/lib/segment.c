// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * libfastzero: which parts of the fallbacks' scratches are mapped where.
 */
#include "soft.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/*
 * Taken by all that changes mappings.  segment_all and the segments of all memories
 * change under it; taken before the lock of a memory.
 */
static pthread_mutex_t segment_lock = PTHREAD_MUTEX_INITIALIZER;
static struct fz_memory *segment_all;
static pthread_once_t segment_once = PTHREAD_ONCE_INIT;

/* Increased in each child, where private memories are not mapped. */
unsigned int fz_segment_forks;

static void segment_fork_begin(void)
{
	pthread_mutex_lock(&segment_lock);
}

static void segment_fork_end(void)
{
	pthread_mutex_unlock(&segment_lock);
}

static void segment_fork_child(void)
{
	fz_segment_forks++;
	segment_fork_end();
}

static void segment_init(void)
{
	pthread_atfork(segment_fork_begin, segment_fork_end, segment_fork_child);
}

void fz_segment_register(struct fz_memory *memory)
{
	pthread_once(&segment_once, segment_init);
	pthread_mutex_lock(&segment_lock);
	memory->forks = fz_segment_forks;
	memory->all_next = segment_all;
	if (segment_all)
		segment_all->all_prev = memory;
	segment_all = memory;
	pthread_mutex_unlock(&segment_lock);
}

/* Its mappings live on; the library no longer knows of them. */
void fz_segment_unregister(struct fz_memory *memory)
{
	pthread_mutex_lock(&segment_lock);
	if (memory->all_prev)
		memory->all_prev->all_next = memory->all_next;
	else
		segment_all = memory->all_next;
	if (memory->all_next)
		memory->all_next->all_prev = memory->all_prev;
	pthread_mutex_unlock(&segment_lock);
	free(memory->segments);
}

/* The first segment that ends beyond an offset, if none overlaps another. */
static size_t segment_find(const struct fz_memory *memory, uint64_t offset)
{
	size_t low = 0, high = memory->nr, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (memory->segments[middle].offset + memory->segments[middle].length <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/*
 * The next part of a range that is mapped.  @index is SIZE_MAX at first.  Of memory that
 * is not private, parts may overlap.
 */
bool fz_segment_next(const struct fz_memory *memory, uint64_t offset, uint64_t end,
		     size_t *index, struct fz_segment *part)
{
	const struct fz_segment *s;
	uint64_t skip, last;

	if (*index != SIZE_MAX)
		++*index;
	else
		*index = memory->soft->ops->is_private ? segment_find(memory, offset) : 0;
	for (; *index < memory->nr; ++*index) {
		s = &memory->segments[*index];
		if (s->offset >= end)
			return false;
		last = s->offset + s->length;
		if (last <= offset)
			continue;
		skip = offset > s->offset ? offset - s->offset : 0;
		part->addr = s->addr + skip;
		part->offset = s->offset + skip;
		part->length = (last < end ? last : end) - part->offset;
		return true;
	}
	return false;
}

/* Has room for one more. */
static int segment_room(struct fz_memory *memory)
{
	size_t room = memory->room ? 2 * memory->room : 4;
	struct fz_segment *segments;

	if (memory->nr < memory->room)
		return 0;
	segments = realloc(memory->segments, room * sizeof(*segments));
	if (!segments)
		return fz_fail(-ENOMEM, NULL);
	memory->segments = segments;
	memory->room = room;
	return 0;
}

/* There is room for it. */
static void segment_insert(struct fz_memory *memory, const struct fz_segment *segment)
{
	size_t i = memory->nr;

	while (i && memory->segments[i - 1].offset > segment->offset)
		i--;
	memmove(memory->segments + i + 1, memory->segments + i,
		(memory->nr - i) * sizeof(*segment));
	memory->segments[i] = *segment;
	memory->nr++;
}

/* Takes the part [addr, end) out of a segment; there is room for one more. */
static void segment_cut(struct fz_memory *memory, size_t i, char *addr, char *end)
{
	struct fz_segment *s = &memory->segments[i];
	struct fz_segment rest = *s;

	rest.addr = end;
	rest.offset += end - s->addr;
	rest.length -= end - s->addr;
	s->length = addr - s->addr;
	if (!s->length)
		memmove(s, s + 1, (--memory->nr - i) * sizeof(*s));
	if (rest.length)
		segment_insert(memory, &rest);
}

/* Takes away what a memory has mapped in [addr, end). */
static int segment_take(struct fz_memory *memory, char *addr, char *end, bool reserve)
{
	size_t i;

	for (i = memory->nr; i-- > 0; ) {
		const struct fz_segment *s = &memory->segments[i];
		char *from = s->addr > addr ? s->addr : addr;
		char *to = s->addr + s->length < end ? s->addr + s->length : end;
		int ret;

		if (from >= to)
			continue;
		pthread_mutex_lock(&memory->lock);
		ret = segment_room(memory);
		if (!ret && (reserve ? mmap(from, to - from, PROT_NONE,
					    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE |
					    MAP_FIXED, -1, 0) == MAP_FAILED :
				       munmap(from, to - from)))
			ret = fz_fail(-errno, NULL);
		if (!ret)
			segment_cut(memory, i, from, to);
		pthread_mutex_unlock(&memory->lock);
		if (ret)
			return ret;
	}
	return 0;
}

static int segment_take_all(char *addr, size_t length, bool reserve)
{
	struct fz_memory *memory;
	int ret = 0;

	for (memory = segment_all; memory && !ret; memory = memory->all_next)
		if (memory->forks == fz_segment_forks || !memory->soft->ops->is_private)
			ret = segment_take(memory, addr, addr + length, reserve);
	return ret;
}

/*
 * Takes mappings of fallbacks away, so that no reset comes to these addresses any more.
 * With @reserve the addresses stay reserved.
 */
int fz_segment_forget(void *addr, size_t length, bool reserve)
{
	int ret;

	if ((uintptr_t)addr % FZ_PAGE || !length || length > -(uintptr_t)addr)
		return fz_fail(-EINVAL, "%p and %zu are no range of whole pages", addr, length);
	length = (length + FZ_PAGE - 1) & -FZ_PAGE;
	pthread_mutex_lock(&segment_lock);
	ret = segment_take_all(addr, length, reserve);
	pthread_mutex_unlock(&segment_lock);
	return ret;
}

/* EINVAL: a kernel without huge pages, or without the advice. */
static int segment_advise(void *addr, size_t length, int advice)
{
	return madvise(addr, length, advice) && errno != EINVAL ? fz_fail(-errno, NULL) : 0;
}

/*
 * What the device's mappings are, too: in no core dump.  Private memory would be copied in
 * a child, and a reset not be seen there.
 */
static int segment_prepare(struct fz_memory *memory, void *addr, size_t length)
{
	const struct fz_soft_ops *ops = memory->soft->ops;
	int ret = segment_advise(addr, length, MADV_DONTDUMP);

	if (!ret && ops->is_private)
		ret = segment_advise(addr, length, MADV_DONTFORK);
	if (!ret && (ops->base_pages || memory->policy == FASTZERO_PAGES_4K))
		ret = segment_advise(addr, length, MADV_NOHUGEPAGE);
	if (!ret && ops->mapped)
		ret = ops->mapped(memory, addr, length);
	return ret;
}

static int segment_map(struct fz_memory *memory, struct fz_segment *s, int prot, int flags)
{
	const bool is_private = memory->soft->ops->is_private;
	struct fz_segment part;
	size_t i = SIZE_MAX;
	void *p;
	int ret;

	if (is_private && fz_segment_next(memory, s->offset, s->offset + s->length, &i, &part))
		return fz_fail(-EOPNOTSUPP,
			       "the backend maps a page once, and %" PRIu64 " is mapped at %p",
			       part.offset, (void *)part.addr);
	flags |= is_private ? MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE : MAP_SHARED;
	p = mmap(s->addr, s->length, prot, flags, memory->fd,
		 is_private ? 0 : (off_t)s->offset);
	if (p == MAP_FAILED)
		return fz_fail(-errno, NULL);
	s->addr = p;
	ret = segment_prepare(memory, p, s->length);
	/* Fixed addresses were reserved, and stay so. */
	if (ret && flags & MAP_FIXED)
		mmap(p, s->length, PROT_NONE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
	else if (ret)
		munmap(p, s->length);
	return ret;
}

/* The map of struct fz_backend. */
int fz_soft_map(const struct fastzero_scratch *scratch, void **addr, uint64_t length,
		int prot, int flags, uint64_t offset)
{
	struct fz_segment segment = { .addr = *addr, .offset = offset, .length = length };
	struct fz_memory *memory = scratch->memory;
	int ret;

	pthread_mutex_lock(&segment_lock);
	pthread_mutex_lock(&memory->lock);
	ret = segment_room(memory);
	if (!ret)
		ret = segment_map(memory, &segment, prot, flags);
	if (!ret) {
		segment_insert(memory, &segment);
		*addr = segment.addr;
	}
	pthread_mutex_unlock(&memory->lock);
	pthread_mutex_unlock(&segment_lock);
	return ret;
}

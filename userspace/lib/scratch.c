// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * libfastzero: scratches and their mappings.
 */
#include "internal.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE	0x100000
#endif

static int fz_scratch_new(int fd, uint64_t length,
			  struct fastzero_scratch **out)
{
	struct fastzero_scratch *scratch = malloc(sizeof(*scratch));

	if (!scratch)
		return -ENOMEM;
	scratch->fd = fd;
	scratch->length = length;
	*out = scratch;
	return 0;
}

FASTZERO_API int
fastzero_scratch_create(const struct fastzero_ctx *ctx, uint64_t length,
			const struct fastzero_scratch_opts *opts,
			struct fastzero_scratch **out)
{
	struct fastzero_create create = { .size = sizeof(create) };
	struct fastzero_scratch_opts o;
	int ret;

	ret = fz_struct_in(&o, sizeof(o), opts);
	if (ret)
		return ret;
	create.flags = o.flags;
	create.length = length;
	create.page_policy = o.page_policy;
	create.node = o.node;
	create.name = (uintptr_t)o.name;
	ret = fz_device_call(ctx->fd, FASTZERO_IOC_CREATE, &create);
	if (ret)
		return ret;
	ret = fz_scratch_new(create.out_fd, length, out);
	if (ret)
		close(create.out_fd);
	return ret;
}

FASTZERO_API int fastzero_scratch_adopt(int fd, struct fastzero_scratch **out)
{
	uint64_t length;
	int ret = fz_device_is_scratch(fd, &length);

	return ret ? ret : fz_scratch_new(fd, length, out);
}

FASTZERO_API void fastzero_scratch_close(struct fastzero_scratch *scratch)
{
	if (!scratch)
		return;
	close(scratch->fd);
	free(scratch);
}

FASTZERO_API int fastzero_scratch_fd(const struct fastzero_scratch *scratch)
{
	return scratch->fd;
}

FASTZERO_API uint64_t
fastzero_scratch_length(const struct fastzero_scratch *scratch)
{
	return scratch->length;
}

FASTZERO_API int fastzero_scratch_stats(const struct fastzero_scratch *scratch,
					struct fastzero_stats *stats)
{
	return fz_device_query(scratch->fd, FASTZERO_IOC_STATS, stats);
}

/* The flags of mmap(2), or -errno. */
static int fz_map_flags(const struct fastzero_map_opts *o)
{
	uint32_t where = o->flags & (FASTZERO_MAP_FIXED |
				     FASTZERO_MAP_NOREPLACE);

	if (o->flags & ~(where | FASTZERO_MAP_READONLY))
		return -EOPNOTSUPP;
	switch (where) {
	case 0:
		return MAP_SHARED;
	case FASTZERO_MAP_FIXED:
		return o->addr ? MAP_SHARED | MAP_FIXED : -EINVAL;
	case FASTZERO_MAP_NOREPLACE:
		return o->addr ? MAP_SHARED | MAP_FIXED_NOREPLACE : -EINVAL;
	default:
		return -EINVAL;
	}
}

FASTZERO_API int fastzero_map(const struct fastzero_scratch *scratch,
			      const struct fastzero_map_opts *opts, void **addr)
{
	struct fastzero_map_opts o;
	int prot = PROT_READ | PROT_WRITE;
	int flags, ret;
	void *p;

	ret = fz_struct_in(&o, sizeof(o), opts);
	if (ret)
		return ret;
	flags = fz_map_flags(&o);
	if (flags < 0)
		return flags;
	if (o.offset >= scratch->length)
		return -EINVAL;
	if (!o.length)
		o.length = scratch->length - o.offset;
	if (o.length > scratch->length - o.offset || o.length > SIZE_MAX)
		return -EINVAL;
	if (o.flags & FASTZERO_MAP_READONLY)
		prot = PROT_READ;
	p = mmap(o.addr, o.length, prot, flags, scratch->fd, (off_t)o.offset);
	if (p == MAP_FAILED)
		return -errno;
	/* A kernel before 4.17 takes NOREPLACE for a hint. */
	if ((o.flags & FASTZERO_MAP_NOREPLACE) && p != o.addr) {
		munmap(p, o.length);
		return -EEXIST;
	}
	*addr = p;
	return 0;
}

FASTZERO_API int fastzero_unmap(void *addr, size_t length)
{
	return munmap(addr, length) ? -errno : 0;
}

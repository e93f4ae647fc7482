// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * libfastzero: the backend device, which is the module.
 */
#include "internal.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int device_ioctl(int fd, unsigned long request, void *arg)
{
	int ret = ioctl(fd, request, arg);

	return ret < 0 ? fz_fail(-errno, NULL) : ret;
}

/*
 * @fd is known to be of the module: a number that it does not know is a call
 * that it is too old for.
 */
static int device_call(int fd, unsigned long request, void *arg)
{
	int ret = device_ioctl(fd, request, arg);

	return ret == -ENOTTY ? fz_fail(-EOPNOTSUPP, "the module is too old for this call") :
				ret;
}

/*
 * The program's own structure of outputs, of whatever version it is.  A module
 * that is older refuses what is beyond its own version unless it is zero.
 */
static int device_query(int fd, unsigned long request, void *arg)
{
	uint32_t *head = arg;

	memset(head + 2, 0, head[0] - 2 * sizeof(*head));
	return device_call(fd, request, arg);
}

int fz_device_is_ctx(int fd)
{
	struct fastzero_info info = FASTZERO_INFO_INIT;

	return device_ioctl(fd, FASTZERO_IOC_INFO, &info);
}

/* What all of the library relies on. */
static int device_is_new_enough(int fd)
{
	struct fastzero_info info = FASTZERO_INFO_INIT;
	int ret = device_ioctl(fd, FASTZERO_IOC_INFO, &info);

	if (ret)
		return ret;
	return info.out_modes & (1u << FASTZERO_MODE_AUTO) ? 0 : -EOPNOTSUPP;
}

static int device_open(struct fastzero_ctx *ctx, const struct fastzero_ctx_opts *opts)
{
	const char *path = opts->path ? opts->path : FASTZERO_DEVICE;
	int ret;

	ctx->fd = open(path, O_RDWR | O_CLOEXEC);
	if (ctx->fd < 0)
		return fz_why_open(path, -errno);
	ret = device_is_new_enough(ctx->fd);
	if (ret) {
		ret = fz_why_no_device(path, ctx->fd, ret);
		close(ctx->fd);
		ctx->fd = -1;
	}
	return ret;
}

static void device_close(struct fastzero_ctx *ctx)
{
	close(ctx->fd);
}

static int device_ctx_query(const struct fastzero_ctx *ctx, unsigned long request,
			    void *arg)
{
	return device_query(ctx->fd, request, arg);
}

static int device_pool(const struct fastzero_ctx *ctx, struct fastzero_pool *pool)
{
	struct fastzero_info info = FASTZERO_INFO_INIT;
	int ret = device_call(ctx->fd, FASTZERO_IOC_POOL, pool);

	if (ret == -ENOMEM)
		return fz_fail(ret, "the memory cgroup of the context, its max_pages or the host has no room for this pool");
	if (ret == -EINVAL && !device_ioctl(ctx->fd, FASTZERO_IOC_INFO, &info) &&
	    info.out_max_pages && pool->target > info.out_max_pages >> pool->order)
		return fz_fail(ret, "the module's parameter max_pages allows %" PRIu64 " pages of 4 KiB, pools included",
			       (uint64_t)info.out_max_pages);
	return ret;
}

static int device_zero(const struct fastzero_ctx *ctx, struct fastzero_zero *zero)
{
	return device_call(ctx->fd, FASTZERO_IOC_ZERO, zero);
}

static int device_reset_many(const struct fastzero_ctx *ctx,
			     struct fastzero_reset_many *many)
{
	return device_call(ctx->fd, FASTZERO_IOC_RESET_MANY, many);
}

/* The limits of the context, which one number may stand for. */
static int device_create_failed(const struct fastzero_ctx *ctx, int ret, uint64_t length)
{
	struct fastzero_info info = FASTZERO_INFO_INIT;
	struct fastzero_stats stats = FASTZERO_STATS_INIT;

	if (ioctl(ctx->fd, FASTZERO_IOC_INFO, &info) < 0 ||
	    ioctl(ctx->fd, FASTZERO_IOC_STATS, &stats) < 0)
		return fz_fail(ret, NULL);
	if (ret == -ENOSPC)
		return fz_fail(ret,
			       "the context has %" PRIu64 " scratches, and max_scratches is %u: close some, open another context, or raise it in /sys/module/fastzero/parameters",
			       (uint64_t)stats.out_scratches, info.out_max_scratches);
	if (ret == -EINVAL && length > info.out_max_length)
		return fz_fail(ret,
			       "a length of %" PRIu64 " bytes is beyond max_length, %" PRIu64 ": raise it in /sys/module/fastzero/parameters",
			       length, (uint64_t)info.out_max_length);
	if (ret == -EINVAL && (!length || length % info.out_page_size))
		return fz_fail(ret,
			       "a length of %" PRIu64 " bytes is not a multiple of the page size, %u, or is 0",
			       length, info.out_page_size);
	return fz_fail(ret, NULL);
}

static int device_create(const struct fastzero_ctx *ctx, struct fastzero_create *create,
			 struct fastzero_scratch *scratch)
{
	int ret = device_call(ctx->fd, FASTZERO_IOC_CREATE, create);

	if (ret == -ENOSPC || ret == -EINVAL)
		return device_create_failed(ctx, ret, create->length);
	if (!ret)
		scratch->fd = create->out_fd;
	return ret;
}

/* A context has counters, too, but it is not a regular file. */
static int device_is_scratch(int fd, uint64_t *length)
{
	struct fastzero_stats stats = FASTZERO_STATS_INIT;
	struct stat st;
	int ret;

	if (fstat(fd, &st))
		return fz_fail(-errno, NULL);
	if (!S_ISREG(st.st_mode))
		return fz_fail(-ENOTTY, "the descriptor is not one of a scratch");
	ret = device_ioctl(fd, FASTZERO_IOC_STATS, &stats);
	if (!ret)
		*length = st.st_size;
	return ret;
}

static int device_stats(const struct fastzero_scratch *scratch,
			struct fastzero_stats *stats)
{
	return device_query(scratch->fd, FASTZERO_IOC_STATS, stats);
}

static int device_map(const struct fastzero_scratch *scratch, void **addr,
		      uint64_t length, int prot, int flags, uint64_t offset)
{
	void *p = mmap(*addr, length, prot, MAP_SHARED | flags, scratch->fd,
		       (off_t)offset);

	if (p == MAP_FAILED)
		return fz_fail(-errno, NULL);
	*addr = p;
	return 0;
}

static int device_reset(const struct fastzero_scratch *scratch,
			struct fastzero_reset *reset)
{
	return device_call(scratch->fd, FASTZERO_IOC_RESET, reset);
}

static int device_reset_dirty(const struct fastzero_scratch *scratch,
			      struct fastzero_reset_dirty *dirty)
{
	return device_call(scratch->fd, FASTZERO_IOC_RESET_DIRTY, dirty);
}

static int device_populate(const struct fastzero_scratch *scratch,
			   struct fastzero_populate *populate)
{
	return device_call(scratch->fd, FASTZERO_IOC_POPULATE, populate);
}

static int device_workset(const struct fastzero_scratch *scratch,
			  struct fastzero_workset *workset)
{
	return device_call(scratch->fd, FASTZERO_IOC_WORKSET, workset);
}

const struct fz_backend fz_backend_device = {
	.id		= FASTZERO_BACKEND_DEVICE,
	.name		= "device",
	.has_fd		= true,
	.open		= device_open,
	.close		= device_close,
	.query		= device_ctx_query,
	.pool		= device_pool,
	.zero		= device_zero,
	.reset_many	= device_reset_many,
	.create		= device_create,
	.is_scratch	= device_is_scratch,
	.stats		= device_stats,
	.map		= device_map,
	.reset		= device_reset,
	.reset_dirty	= device_reset_dirty,
	.populate	= device_populate,
	.workset	= device_workset,
};

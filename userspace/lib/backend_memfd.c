// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * libfastzero: the backend memfd, into which holes are punched.
 */
#include "soft.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL	0x0008u
#endif
#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE	0x0010
#endif

#define MEMFD_SIZED	(F_SEAL_SHRINK | F_SEAL_GROW)

static int memfd_make(const char *name)
{
	const unsigned int flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	int fd = memfd_create(name, flags | MFD_NOEXEC_SEAL);

	/* Before 6.3. */
	if (fd < 0 && errno == EINVAL)
		fd = memfd_create(name, flags);
	return fd < 0 ? fz_fail(-errno, "memfd_create: %m") : fd;
}

static int memfd_open(struct fz_soft *soft)
{
	int fd = memfd_make("fastzero");

	(void)soft;
	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

static int memfd_create_scratch(const struct fastzero_ctx *ctx,
				struct fastzero_create *create,
				struct fastzero_scratch *scratch)
{
	const char *name = (const char *)(uintptr_t)create->name;
	int ret;

	ret = fz_soft_create(ctx, create, scratch);
	if (ret)
		return ret;
	ret = memfd_make(name && *name ? name : "fastzero");
	if (ret >= 0) {
		scratch->fd = ret;
		scratch->memory->fd = ret;
		ret = 0;
		if (ftruncate(scratch->fd, (off_t)create->length) ||
		    fcntl(scratch->fd, F_ADD_SEALS, MEMFD_SIZED | F_SEAL_SEAL))
			ret = fz_fail(-errno, NULL);
	}
	if (ret) {
		fz_soft_end(scratch);
		if (scratch->fd >= 0)
			close(scratch->fd);
	}
	return ret;
}

/* One whose size cannot change, and which can be punched. */
static int memfd_is_scratch(int fd, uint64_t *length)
{
	struct statfs fs;
	struct stat st;
	int seals;

	if (fstatfs(fd, &fs) || fstat(fd, &st))
		return fz_fail(-errno, NULL);
	seals = fcntl(fd, F_GET_SEALS);
	if (seals < 0 || fs.f_type != TMPFS_MAGIC || (seals & MEMFD_SIZED) != MEMFD_SIZED ||
	    seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE) || !st.st_size ||
	    st.st_size % FZ_PAGE)
		return fz_fail(-ENOTTY,
			       "the descriptor is neither one of a scratch nor a memfd whose size is sealed");
	*length = st.st_size;
	return 0;
}

int64_t fz_memfd_pages(int fd)
{
	struct stat st;

	return fstat(fd, &st) ? -errno : st.st_blocks / (int64_t)(FZ_PAGE / 512);
}

static int memfd_punch(int fd, uint64_t offset, uint64_t length, struct fz_done *done)
{
	int64_t before = fz_memfd_pages(fd);
	int64_t after;

	if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset,
		      (off_t)length))
		return fz_fail(-errno, NULL);
	after = fz_memfd_pages(fd);
	/* Others may populate meanwhile. */
	if (after >= 0 && before > after)
		done->dropped += before - after;
	return 0;
}

static int memfd_reset(struct fz_memory *memory, uint64_t offset, uint64_t length,
		       unsigned int mode, struct fz_done *done)
{
	(void)mode;
	return memfd_punch(memory->fd, offset, length, done);
}

static int memfd_reset_fd(int fd, struct fz_done *done)
{
	uint64_t length;
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0)
		return fz_fail(-EBADF, "%d is no descriptor", fd);
	if (memfd_is_scratch(fd, &length))
		return fz_fail(-EINVAL, "descriptor %d is not one of a scratch", fd);
	if ((flags & O_ACCMODE) != O_RDWR)
		return fz_fail(-EBADF, "descriptor %d is not open for writing", fd);
	return memfd_punch(fd, 0, length, done);
}

static int memfd_reset_many(const struct fastzero_ctx *ctx,
			    struct fastzero_reset_many *many)
{
	const int32_t *fds = (const int32_t *)(uintptr_t)many->fds;
	struct fz_done done;
	int ret;

	if (!many->nr)
		return fz_fail(-EINVAL, "no descriptor");
	ret = fz_soft_check_mode(ctx->backend, many->mode);
	while (!ret && many->out_done < many->nr) {
		done = (struct fz_done){ 0 };
		ret = memfd_reset_fd(fds[many->out_done], &done);
		many->out_dropped += done.dropped;
		many->out_done += !ret;
		if (!ret)
			fz_soft_count(ctx->soft, NULL, many->mode == FASTZERO_MODE_AUTO,
				      &done);
	}
	return ret;
}

static const struct fz_soft_ops memfd_ops = {
	.modes		= 1u << FASTZERO_MODE_AUTO | 1u << FASTZERO_MODE_DROP,
	.features	= FASTZERO_FEATURE_RESET_DIRTY | FASTZERO_FEATURE_RESET_MANY |
			  FASTZERO_FEATURE_IDLE,
	.open		= memfd_open,
	.reset		= memfd_reset,
};

const struct fz_backend fz_backend_memfd = {
	.id		= FASTZERO_BACKEND_MEMFD,
	.name		= "memfd",
	.has_fd		= true,
	.create		= memfd_create_scratch,
	.is_scratch	= memfd_is_scratch,
	.adopt		= fz_soft_adopt,
	.reset_many	= memfd_reset_many,
	.soft		= &memfd_ops,
	FZ_SOFT_BACKEND,
};

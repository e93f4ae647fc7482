// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A stand-in for the module.
 */
#include "fake.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

struct fake fake = { .scratch = -1 };

/* What the module does with the size; @own is what this header has. */
static int fake_size(const void *arg, size_t own)
{
	const unsigned char *bytes = arg;
	uint32_t size, i;

	memcpy(&size, arg, sizeof(size));
	for (i = own + fake.delta; i < size; i++)
		if (bytes[i])
			return -E2BIG;
	memset(&fake.last, 0, sizeof(fake.last));
	memcpy(&fake.last, arg, size < sizeof(fake.last) ? size : sizeof(fake.last));
	return 0;
}

/* Outputs of 0x01 bytes, of the shorter one of the two versions. */
static void fake_outputs(void *arg, size_t begin, size_t own)
{
	uint32_t size;

	memcpy(&size, arg, sizeof(size));
	if (size > own + fake.delta)
		size = own + fake.delta;
	if (size > begin)
		memset((char *)arg + begin, 1, size - begin);
}

/* The same, for a structure whose first output is @first. */
#define FAKE_OUTPUTS(arg, type, first)					\
	fake_outputs(arg, offsetof(struct fastzero_##type, first),	\
		     sizeof(struct fastzero_##type))

static int fake_ioctl(int fd, unsigned long request, void *arg)
{
	struct fastzero_create *create = arg;
	bool scratch = fd == fake.scratch;
	int ret;

	switch (request) {
	case FASTZERO_IOC_INFO:
		if (scratch)
			return -ENOTTY;
		ret = fake.info_error ? fake.info_error :
					fake_size(arg, sizeof(struct fastzero_info));
		if (!ret)
			FAKE_OUTPUTS(arg, info, out_features);
		return ret;
	case FASTZERO_IOC_CREATE:
		ret = fake_size(arg, sizeof(*create));
		if (!ret)
			ret = fake.error;
		if (ret)
			return ret;
		create->out_fd = memfd_create("fake", MFD_CLOEXEC);
		fake.scratch = create->out_fd;
		return ftruncate(create->out_fd, create->length) ? -errno : 0;
	case FASTZERO_IOC_STATS:
		if (fake.ancient)
			return -ENOTTY;
		ret = fake_size(arg, sizeof(struct fastzero_stats));
		if (!ret)
			FAKE_OUTPUTS(arg, stats, out_scratches);
		return ret;
	case FASTZERO_IOC_POOL:
		ret = fake_size(arg, sizeof(struct fastzero_pool));
		if (!ret)
			FAKE_OUTPUTS(arg, pool, out_ready);
		return ret;
	case FASTZERO_IOC_ZERO:
		if (fake.ancient)
			return -ENOTTY;
		ret = fake_size(arg, sizeof(struct fastzero_zero));
		FAKE_OUTPUTS(arg, zero, out_work);
		return ret ? ret : fake.error;
	case FASTZERO_IOC_RESET:
		ret = fake_size(arg, sizeof(struct fastzero_reset));
		FAKE_OUTPUTS(arg, reset, out_done);
		return ret ? ret : fake.error;
	case FASTZERO_IOC_RESET_MANY:
		if (fake.ancient)
			return -ENOTTY;
		ret = fake_size(arg, sizeof(struct fastzero_reset_many));
		FAKE_OUTPUTS(arg, reset_many, out_done);
		return ret ? ret : fake.error;
	case FASTZERO_IOC_POPULATE:
		ret = fake_size(arg, sizeof(struct fastzero_populate));
		FAKE_OUTPUTS(arg, populate, out_done);
		return ret ? ret : fake.error;
	case FASTZERO_IOC_RESET_DIRTY:
		if (fake.ancient)
			return -ENOTTY;
		ret = fake_size(arg, sizeof(struct fastzero_reset_dirty));
		FAKE_OUTPUTS(arg, reset_dirty, out_done);
		return ret;
	case FASTZERO_IOC_WORKSET:
		if (fake.ancient)
			return -ENOTTY;
		ret = fake_size(arg, sizeof(struct fastzero_workset));
		FAKE_OUTPUTS(arg, workset, out_size);
		return ret;
	}
	return -ENOTTY;
}

/* A descriptor from which a text can be read. */
static int fake_text(const char *text)
{
	int fd = memfd_create("text", MFD_CLOEXEC);

	if (fd >= 0 && (write(fd, text, strlen(text)) < 0 || lseek(fd, 0, SEEK_SET)))
		return -1;
	return fd;
}

int open(const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;
	size_t i;

	if (flags & O_CREAT) {
		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
	}
	if (fake.open_error && !strcmp(path, fake.node)) {
		errno = -fake.open_error;
		return -1;
	}
	for (i = 0; i < FAKE_FILES && fake.files[i].path; i++)
		if (!strcmp(path, fake.files[i].path))
			return fake_text(fake.files[i].text);
	return syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

int access(const char *path, int mode)
{
	if (!strcmp(path, "/sys/module/fastzero")) {
		errno = ENOENT;
		return fake.loaded ? 0 : -1;
	}
	if (!strcmp(path, "/proc/modules")) {
		errno = ENOENT;
		return fake.no_modules ? -1 : 0;
	}
	return syscall(SYS_faccessat, AT_FDCWD, path, mode);
}

int ioctl(int fd, unsigned long request, ...)
{
	struct stat st;
	va_list ap;
	void *arg;
	int ret;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (fstat(fd, &st))
		return -1;
	if (fd != fake.scratch && !S_ISCHR(st.st_mode))
		return syscall(SYS_ioctl, fd, request, arg);
	ret = fake_ioctl(fd, request, arg);
	if (ret < 0) {
		errno = -ret;
		return -1;
	}
	return ret;
}

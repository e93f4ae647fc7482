// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * libfastzero: the door to the module.
 */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

int fz_device_open(const char *path)
{
	int fd = open(path ? path : FASTZERO_DEVICE, O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static int fz_device_ioctl(int fd, unsigned long request, void *arg)
{
	int ret = ioctl(fd, request, arg);

	return ret < 0 ? -errno : ret;
}

int fz_device_is_ctx(int fd)
{
	struct fastzero_info info = { .size = sizeof(info) };

	return fz_device_ioctl(fd, FASTZERO_IOC_INFO, &info);
}

/* A context has counters, too, but it is not a regular file. */
int fz_device_is_scratch(int fd, uint64_t *length)
{
	struct fastzero_stats stats = { .size = sizeof(stats) };
	struct stat st;
	int ret;

	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -ENOTTY;
	ret = fz_device_ioctl(fd, FASTZERO_IOC_STATS, &stats);
	if (!ret)
		*length = st.st_size;
	return ret;
}

/*
 * @fd is known to be of the module: a number that it does not know is a call
 * that it is too old for.
 */
int fz_device_call(int fd, unsigned long request, void *arg)
{
	int ret = fz_device_ioctl(fd, request, arg);

	return ret == -ENOTTY ? -EOPNOTSUPP : ret;
}

/*
 * The program's own structure of outputs, of whatever version it is.  A module
 * that is older refuses what is beyond its own version unless it is zero.
 */
int fz_device_query(int fd, unsigned long request, void *arg)
{
	uint32_t *head = arg;

	if (head[0] < 2 * sizeof(*head))
		return -EINVAL;
	memset(head + 2, 0, head[0] - 2 * sizeof(*head));
	return fz_device_call(fd, request, arg);
}

// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * libfastzero: working sets in files.
 */
#include "internal.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* The largest that the module takes. */
#define WORKSET_MAX	(64l << 20)

/* The working set in a buffer of its own; -errno, or its size. */
static int64_t workset_get(const struct fastzero_scratch *scratch, void **buffer)
{
	int64_t size = fastzero_workset_read(scratch, NULL, 0);
	int64_t got;

	/* It may grow meanwhile. */
	for (;;) {
		if (size < 0)
			return size;
		*buffer = malloc(size);
		if (!*buffer)
			return fz_fail(-ENOMEM, NULL);
		got = fastzero_workset_read(scratch, *buffer, size);
		if (got >= 0)
			return got;
		free(*buffer);
		if (got != -ENOSPC)
			return got;
		size = fastzero_workset_read(scratch, NULL, 0);
	}
}

static int workset_write_all(int fd, const char *buffer, int64_t size)
{
	ssize_t n;

	for (; size; buffer += n, size -= n) {
		n = write(fd, buffer, size);
		if (n < 0 && errno == EINTR)
			n = 0;
		if (n < 0)
			return fz_fail(-errno, NULL);
	}
	return fsync(fd) ? fz_fail(-errno, NULL) : 0;
}

static int workset_put(const char *path, const char *temporary, const void *buffer,
		       int64_t size)
{
	int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	int ret;

	if (fd < 0)
		return fz_fail(-errno, "%s cannot be made: %m", temporary);
	ret = workset_write_all(fd, buffer, size);
	if (close(fd) && !ret)
		ret = fz_fail(-errno, NULL);
	if (!ret && rename(temporary, path))
		ret = fz_fail(-errno, "%s cannot be renamed to %s: %m", temporary, path);
	if (ret)
		unlink(temporary);
	return ret;
}

FASTZERO_API int fastzero_workset_save(const struct fastzero_scratch *scratch,
				       const char *path)
{
	char *temporary;
	void *buffer;
	int64_t size;
	int ret;

	if (!path)
		return fz_null("the path");
	size = workset_get(scratch, &buffer);
	if (size < 0)
		return (int)size;
	if (asprintf(&temporary, "%s.%d", path, (int)gettid()) < 0) {
		free(buffer);
		return fz_fail(-ENOMEM, NULL);
	}
	ret = workset_put(path, temporary, buffer, size);
	free(temporary);
	free(buffer);
	return ret;
}

/* All of a file, of a length that is known. */
static int workset_read_all(int fd, char *buffer, int64_t size)
{
	ssize_t n;

	for (; size; buffer += n, size -= n) {
		n = read(fd, buffer, size);
		if (n < 0 && errno == EINTR)
			n = 0;
		else if (n <= 0)
			return fz_fail(n ? -errno : -EINVAL, "the file cannot be read whole");
	}
	return 0;
}

static int workset_load_fd(const struct fastzero_scratch *scratch, int fd)
{
	struct stat st;
	void *buffer;
	int ret;

	if (fstat(fd, &st))
		return fz_fail(-errno, NULL);
	if (!S_ISREG(st.st_mode) || !st.st_size || st.st_size > WORKSET_MAX)
		return fz_fail(-EINVAL, "the file is no working set");
	buffer = malloc(st.st_size);
	if (!buffer)
		return fz_fail(-ENOMEM, NULL);
	ret = workset_read_all(fd, buffer, st.st_size);
	if (!ret)
		ret = fastzero_workset_write(scratch, buffer, st.st_size);
	free(buffer);
	return ret;
}

FASTZERO_API int fastzero_workset_load(const struct fastzero_scratch *scratch,
				       const char *path)
{
	int fd, ret;

	if (!scratch)
		return fz_null("the scratch");
	if (!path)
		return fz_null("the path");
	if (!scratch->backend->workset)
		return fz_backend_lacks(scratch->backend, "working set");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fz_fail(-errno, "%s cannot be opened: %m", path);
	ret = workset_load_fd(scratch, fd);
	close(fd);
	return ret;
}

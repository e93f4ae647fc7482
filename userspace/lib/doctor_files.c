// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * libfastzero: files that the checks read, of the host or of a planted one.
 */
#include "doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *doctor_path(const struct doctor *d, const char *path, char *buffer, size_t size)
{
	snprintf(buffer, size, "%s%s", d->root, path);
	return buffer;
}

int doctor_stat(const struct doctor *d, const char *path, struct stat *st)
{
	char full[PATH_MAX];

	return d->calls->stat(doctor_path(d, path, full, sizeof(full)), st);
}

bool doctor_exists(const struct doctor *d, const char *path)
{
	struct stat st;

	return !doctor_stat(d, path, &st);
}

static int doctor_open(const struct doctor *d, const char *path, int flags)
{
	char full[PATH_MAX];
	int fd = open(doctor_path(d, path, full, sizeof(full)), O_RDONLY | O_CLOEXEC | flags);

	return fd < 0 ? -errno : fd;
}

/* The beginning of a file, without the line's end; returns the length. */
int doctor_read(const struct doctor *d, const char *path, char *buffer, size_t size)
{
	int fd = doctor_open(d, path, 0);
	ssize_t n;

	buffer[0] = 0;
	if (fd < 0)
		return fd;
	n = read(fd, buffer, size - 1);
	if (n < 0)
		n = -errno;
	close(fd);
	if (n < 0)
		return (int)n;
	while (n > 0 && (buffer[n - 1] == '\n' || buffer[n - 1] == ' '))
		n--;
	buffer[n] = 0;
	return (int)n;
}

/* "max" is LLONG_MAX, as in memory.max. */
static int doctor_parse(const char *text, long long *n)
{
	char *end;

	if (!strncmp(text, "max", 3)) {
		*n = LLONG_MAX;
		return 0;
	}
	errno = 0;
	*n = strtoll(text, &end, 10);
	return errno || end == text ? -EINVAL : 0;
}

int doctor_number(const struct doctor *d, const char *path, long long *n)
{
	char text[64];
	int ret = doctor_read(d, path, text, sizeof(text));

	return ret < 0 ? ret : doctor_parse(text, n);
}

int doctor_lines(const struct doctor *d, const char *path,
		 bool (*line)(char *line, void *arg), void *arg)
{
	int fd = doctor_open(d, path, 0);
	char *text = NULL;
	size_t size = 0;
	FILE *file;

	if (fd < 0)
		return fd;
	file = fdopen(fd, "r");
	if (!file) {
		close(fd);
		return -ENOMEM;
	}
	while (getline(&text, &size, file) >= 0) {
		text[strcspn(text, "\n")] = 0;
		if (!line(text, arg))
			break;
	}
	free(text);
	fclose(file);
	return 0;
}

struct doctor_key {
	const char *key;
	long long *n;
	int ret;
};

static bool doctor_key_line(char *line, void *arg)
{
	struct doctor_key *k = arg;
	size_t length = strlen(k->key);

	if (strncmp(line, k->key, length) || line[length] != ':')
		return true;
	line += length + 1;
	k->ret = doctor_parse(line + strspn(line, " \t"), k->n);
	return false;
}

/* The number behind "key:", as in /proc/meminfo. */
int doctor_key(const struct doctor *d, const char *path, const char *key, long long *n)
{
	struct doctor_key k = { .key = key, .n = n, .ret = -ENOENT };
	int ret = doctor_lines(d, path, doctor_key_line, &k);

	return ret ? ret : k.ret;
}

/* The end of a log; /dev/kmsg gives a record with each read. */
#define DOCTOR_LOG	(1 << 20)

int doctor_log(const struct doctor *d, const char *path,
	       bool (*line)(char *line, void *arg), void *arg)
{
	int fd = doctor_open(d, path, O_NONBLOCK);
	size_t have = 0;
	char *text, *at, *end;
	struct stat st;
	ssize_t n;

	if (fd < 0)
		return fd;
	text = malloc(DOCTOR_LOG + 1);
	if (!text) {
		close(fd);
		return -ENOMEM;
	}
	if (!fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_size > DOCTOR_LOG)
		lseek(fd, -DOCTOR_LOG, SEEK_END);
	for (;;) {
		n = read(fd, text + have, DOCTOR_LOG - have);
		if (n < 0 && (errno == EPIPE || errno == EINTR))
			continue;
		/* A record that does not fit is EINVAL: older ones make room. */
		if (n < 0 && errno == EINVAL && have) {
			memmove(text, text + have / 2, have - have / 2);
			have -= have / 2;
			continue;
		}
		if (n <= 0)
			break;
		have += (size_t)n;
		if (have == DOCTOR_LOG) {
			memmove(text, text + have / 2, have - have / 2);
			have -= have / 2;
		}
	}
	close(fd);
	text[have] = 0;
	for (at = text; at < text + have; at = end + 1) {
		end = at + strcspn(at, "\n");
		*end = 0;
		if (!line(at, arg))
			break;
	}
	free(text);
	return 0;
}

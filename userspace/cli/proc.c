// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Processes, their descriptors and mappings, as /proc shows them.
 */
#include "proc.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "proc_mounts.h"

#define PROC_NAME	"fastzero"

/* The entries of a directory that are numbers. */
static int proc_numbers(const char *path, int (*each)(long n, void *arg), void *arg)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	int ret = 0;

	if (!dir)
		return -errno;
	while (!ret && (entry = readdir(dir)))
		if (isdigit((unsigned char)entry->d_name[0]))
			ret = each(atol(entry->d_name), arg);
	closedir(dir);
	return ret;
}

struct proc_walk {
	pid_t pid;
	bool has_mounts;	/* any of its files may be a scratch */
	int (*each_pid)(pid_t pid, void *arg);
	int (*each_fd)(const struct proc_fd *fd, void *arg);
	void *arg;
};

static int proc_one(long n, void *arg)
{
	struct proc_walk *walk = arg;

	return walk->each_pid((pid_t)n, walk->arg);
}

int proc_each(int (*each)(pid_t pid, void *arg), void *arg)
{
	struct proc_walk walk = { .each_pid = each, .arg = arg };

	proc_mounts_forget();
	return proc_numbers("/proc", proc_one, &walk);
}

static ssize_t proc_file(const char *path, char *buffer, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	buffer[0] = 0;
	if (fd < 0)
		return -1;
	n = read(fd, buffer, size - 1);
	close(fd);
	buffer[n > 0 ? n : 0] = 0;
	return n;
}

const char *proc_line(const char *path, char *buffer, size_t size)
{
	proc_file(path, buffer, size);
	buffer[strcspn(buffer, "\n")] = 0;
	return buffer;
}

const char *proc_comm(pid_t pid, char *buffer, size_t size)
{
	char path[64], *c;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	if (!proc_line(path, buffer, size)[0])
		snprintf(buffer, size, "?");
	/* A process chooses its name. */
	for (c = buffer; *c; c++)
		if (!isprint((unsigned char)*c))
			*c = '?';
	return buffer;
}

static const char *proc_info_find(const char *info, const char *key)
{
	size_t length = strlen(key);
	const char *line;

	for (line = info; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, PROC_NAME "-", strlen(PROC_NAME "-"))) {
			const char *at = line + strlen(PROC_NAME "-");

			if (!strncmp(at, key, length) && at[length] == ':')
				return at + length + 1 + strspn(at + length + 1, "\t ");
		}
	}
	return NULL;
}

bool proc_info(const char *info, const char *key, uint64_t *n)
{
	const char *at = proc_info_find(info, key);

	if (at)
		*n = strtoull(at, NULL, 10);
	return at;
}

bool proc_info_text(const char *info, const char *key, char *value, size_t size)
{
	const char *at = proc_info_find(info, key);

	if (at)
		snprintf(value, size, "%.*s", (int)strcspn(at, "\n"), at);
	return at;
}

bool proc_fd_read(pid_t pid, int fd, struct proc_fd *info)
{
	char path[64];
	uint64_t n;
	char *flags;

	*info = (struct proc_fd){ .pid = pid, .fd = fd };
	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", pid, fd);
	if (proc_file(path, info->info, sizeof(info->info)) <= 0 ||
	    !proc_info(info->info, "context", &info->context))
		return false;
	info->is_context = proc_info(info->info, "scratches", &n);
	proc_info(info->info, "scratch", &info->scratch);
	proc_info_text(info->info, "name", info->name, sizeof(info->name));
	flags = strstr(info->info, "flags:");
	info->writable = flags && (strtol(flags + 6, NULL, 8) & O_ACCMODE) == O_RDWR;
	return true;
}

static int proc_one_fd(long n, void *arg)
{
	struct proc_walk *walk = arg;
	struct proc_fd info;
	char path[64], to[PATH_MAX];
	ssize_t length;

	/* The name of a link is read faster than a fdinfo. */
	snprintf(path, sizeof(path), "/proc/%d/fd/%ld", walk->pid, n);
	length = readlink(path, to, sizeof(to) - 1);
	if (length < 0)
		return 0;
	to[length] = 0;
	if (!strstr(to, PROC_NAME) && !(walk->has_mounts && to[0] == '/'))
		return 0;
	if (!proc_fd_read(walk->pid, (int)n, &info))
		return 0;
	return walk->each_fd(&info, walk->arg);
}

int proc_fds(pid_t pid, int (*each)(const struct proc_fd *fd, void *arg), void *arg)
{
	struct proc_walk walk = { .pid = pid, .each_fd = each, .arg = arg };
	char path[64];

	walk.has_mounts = proc_mounts_of(pid)->nr;
	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	return proc_numbers(path, proc_one_fd, &walk);
}

/* "/fastzero:NAME (deleted)", "/fastzero (deleted)"; NAME may hold that. */
static bool proc_is_internal(const char *path)
{
	return !strncmp(path, "/" PROC_NAME, strlen("/" PROC_NAME)) &&
	       strstr(path, " (deleted)");
}

int proc_maps(pid_t pid, int (*each)(const struct proc_map *map, void *arg), void *arg)
{
	struct proc_map map = { .pid = pid };
	char path[64], *line = NULL;
	const struct proc_mounts *mounts;
	unsigned int major, minor;
	size_t size = 0;
	int ret = 0, at;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	file = fopen(path, "re");
	if (!file)
		return -errno;
	mounts = proc_mounts_of(pid);
	/* A callback may leave another errno. */
	while (!ret && (errno = 0, getline(&line, &size, file)) >= 0) {
		at = 0;
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %*s %" SCNx64 " %x:%x %" SCNu64 " %n",
			   &map.begin, &map.end, &map.offset, &major, &minor, &map.scratch,
			   &at) < 6 || !at)
			continue;
		line[strcspn(line, "\n")] = 0;
		if (proc_is_internal(line + at) ||
		    proc_mounts_have(mounts, makedev(major, minor)))
			ret = each(&map, arg);
	}
	if (!ret && errno)
		ret = -errno;
	free(line);
	fclose(file);
	return ret;
}

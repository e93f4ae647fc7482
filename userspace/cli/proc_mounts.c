// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The mounted file systems of fastzero that a process sees.
 */
#include "proc_mounts.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

bool proc_mounts_have(const struct proc_mounts *m, dev_t dev)
{
	size_t i;

	for (i = 0; i < m->nr; i++)
		if (m->devs[i] == dev)
			return true;
	return false;
}

static void proc_mounts_add(struct proc_mounts *m, dev_t dev)
{
	dev_t *more;

	if (proc_mounts_have(m, dev))
		return;
	more = realloc(m->devs, (m->nr + 1) * sizeof(*more));
	if (!more)
		return;
	m->devs = more;
	more[m->nr++] = dev;
}

/*
 * Calls @each with each line of @path, a mountinfo, that is of our file systems; false if it
 * cannot be read.
 */
static bool proc_mounts_lines(const char *path, void (*each)(const char *line, void *arg),
			      void *arg)
{
	FILE *file = fopen(path, "re");
	const char *type;
	char *line = NULL;
	size_t size = 0;

	if (!file)
		return false;
	while (getline(&line, &size, file) >= 0) {
		/* Optional fields end with " - "; blanks in paths are escaped. */
		type = strstr(line, " - ");
		if (type && !strncmp(type, " - fastzero ", strlen(" - fastzero ")))
			each(line, arg);
	}
	free(line);
	fclose(file);
	return true;
}

static void proc_mounts_dev(const char *line, void *mounts)
{
	unsigned int major, minor;

	if (sscanf(line, "%*u %*u %u:%u ", &major, &minor) == 2)
		proc_mounts_add(mounts, makedev(major, minor));
}

struct proc_mounts_call {
	void (*each)(const char *path, void *arg);
	void *arg;
};

static void proc_mounts_path(const char *line, void *arg)
{
	const struct proc_mounts_call *call = arg;
	char *path;

	if (sscanf(line, "%*u %*u %*s %*s %ms ", &path) != 1)
		return;
	call->each(path, call->arg);
	free(path);
}

void proc_mounts_each(void (*each)(const char *path, void *arg), void *arg)
{
	struct proc_mounts_call call = { each, arg };

	proc_mounts_lines("/proc/self/mountinfo", proc_mounts_path, &call);
}

/*
 * Of the namespace and root directory that were read last: most processes share a few.  A
 * process sees no mounts outside its root.
 */
static struct {
	char ns[PATH_MAX + 64];
	struct proc_mounts mounts;
} last;

void proc_mounts_forget(void)
{
	free(last.mounts.devs);
	memset(&last, 0, sizeof(last));
}

const struct proc_mounts *proc_mounts_of(pid_t pid)
{
	char path[64], ns[sizeof(last.ns)];
	ssize_t length, root = -1;

	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", pid);
	length = readlink(path, ns, 63);
	if (length > 0) {
		snprintf(path, sizeof(path), "/proc/%d/root", pid);
		root = readlink(path, ns + length, sizeof(ns) - (size_t)length - 1);
	}
	ns[root > 0 ? length + root : 0] = 0;
	if (ns[0] && !strcmp(ns, last.ns))
		return &last.mounts;
	proc_mounts_forget();
	strcpy(last.ns, ns);
	snprintf(path, sizeof(path), "/proc/%d/mountinfo", pid);
	if (!proc_mounts_lines(path, proc_mounts_dev, &last.mounts))
		last.ns[0] = 0;
	/* A file may have come from our namespace. */
	proc_mounts_lines("/proc/self/mountinfo", proc_mounts_dev, &last.mounts);
	return &last.mounts;
}

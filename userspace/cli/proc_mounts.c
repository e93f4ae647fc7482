// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The mounted file systems of fastzero that a process sees.
 */
#include "proc_mounts.h"

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

static void proc_mounts_file(struct proc_mounts *m, const char *path)
{
	FILE *file = fopen(path, "re");
	unsigned int major, minor;
	const char *type;
	char *line = NULL;
	size_t size = 0;

	if (!file)
		return;
	while (getline(&line, &size, file) >= 0) {
		/* Optional fields end with " - "; blanks in paths are escaped. */
		type = strstr(line, " - ");
		if (type && !strncmp(type, " - fastzero ", strlen(" - fastzero ")) &&
		    sscanf(line, "%*u %*u %u:%u ", &major, &minor) == 2)
			proc_mounts_add(m, makedev(major, minor));
	}
	free(line);
	fclose(file);
}

/* Of the namespace that was read last: most processes share a few. */
static struct {
	char ns[64];
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
	ssize_t length;

	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", pid);
	length = readlink(path, ns, sizeof(ns) - 1);
	ns[length > 0 ? length : 0] = 0;
	if (ns[0] && !strcmp(ns, last.ns))
		return &last.mounts;
	proc_mounts_forget();
	memcpy(last.ns, ns, sizeof(ns));
	snprintf(path, sizeof(path), "/proc/%d/mountinfo", pid);
	proc_mounts_file(&last.mounts, path);
	/* A file may have come from our namespace. */
	proc_mounts_file(&last.mounts, "/proc/self/mountinfo");
	return &last.mounts;
}

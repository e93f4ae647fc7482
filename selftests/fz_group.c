// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Memory cgroups, by the directory of each.
 */
#include "fz_group.h"

int fz_group_set(const char *group, const char *file, const char *text)
{
	char path[320];

	snprintf(path, sizeof(path), "%s/%s", group, file);
	return fz_write_string(path, text);
}

int fz_group_limit(const char *group, uint64_t bytes)
{
	char text[24];

	snprintf(text, sizeof(text), "%ju", (uintmax_t)bytes);
	return fz_group_set(group, "memory.max", text);
}

int fz_group_enter(const char *group)
{
	return fz_group_set(group, "cgroup.procs", "0");
}

long long fz_group_bytes(const char *group)
{
	char path[320];

	snprintf(path, sizeof(path), "%s/memory.current", group);
	return fz_read_number(path);
}

long long fz_group_event(const char *group, const char *name)
{
	char path[320];

	snprintf(path, sizeof(path), "%s/memory.events", group);
	return fz_read_key(path, name);
}

int fz_group_home(char *home, size_t size)
{
	char line[256] = "";
	FILE *f = fopen("/proc/self/cgroup", "re");

	while (f && fgets(line, sizeof(line), f)) {
		if (!strncmp(line, "0::/", 4)) {
			line[strcspn(line, "\n")] = 0;
			fclose(f);
			return snprintf(home, size, FZ_GROUPS "%s", line + 3) <
			       (int)size ? 0 : -1;
		}
	}
	if (f)
		fclose(f);
	return -1;
}

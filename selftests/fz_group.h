/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory cgroups, by the directory of each.
 */
#ifndef FZ_GROUP_H
#define FZ_GROUP_H

#include "fz.h"

#define FZ_GROUPS	"/sys/fs/cgroup"

/* Writes a file of a group; 0, or -1 and errno. */
int fz_group_set(const char *group, const char *file, const char *text);
int fz_group_limit(const char *group, uint64_t bytes);
/* This process goes there. */
int fz_group_enter(const char *group);
/* Bytes that the group is charged now. */
long long fz_group_bytes(const char *group);
/* Number after a name in memory.events, such as "oom_kill ". */
long long fz_group_event(const char *group, const char *name);
/* The group that we are in; -1 if it cannot be found. */
int fz_group_home(char *home, size_t size);

#endif

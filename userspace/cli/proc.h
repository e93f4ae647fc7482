/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Processes, their descriptors and mappings, as /proc shows them.
 */
#ifndef PROC_H
#define PROC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* A descriptor of a context or a scratch, by its fdinfo. */
struct proc_fd {
	pid_t pid;
	int fd;
	bool is_context;
	bool writable;
	uint64_t context;
	uint64_t scratch;	/* inode number, 0 for a context */
	char name[1024];	/* as the fdinfo has it, "" for none */
	char info[4096];	/* all of the fdinfo */
};

/* A mapping of a scratch. */
struct proc_map {
	pid_t pid;
	uint64_t begin, end;	/* addresses */
	uint64_t offset;	/* in the scratch */
	uint64_t scratch;	/* inode number */
};

/* Each returns what @each did, which ends it unless that is 0. */
int proc_each(int (*each)(pid_t pid, void *arg), void *arg);
/* These say -errno if this user may not look at the process. */
int proc_fds(pid_t pid, int (*each)(const struct proc_fd *fd, void *arg), void *arg);
int proc_maps(pid_t pid, int (*each)(const struct proc_map *map, void *arg), void *arg);

/* What a descriptor of a process is; false if nothing of fastzero. */
bool proc_fd_read(pid_t pid, int fd, struct proc_fd *info);

/* A number of a fdinfo behind "fastzero-KEY:", false if it has none. */
bool proc_info(const char *info, const char *key, uint64_t *n);
/* The rest of that line, into @value. */
bool proc_info_text(const char *info, const char *key, char *value, size_t size);

/* The name of a process, "?" if it has gone; never with control characters. */
const char *proc_comm(pid_t pid, char *buffer, size_t size);

/* A file of a line, without its end; "" if it cannot be read. */
const char *proc_line(const char *path, char *buffer, size_t size);

#endif /* PROC_H */

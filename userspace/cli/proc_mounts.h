/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The mounted file systems of fastzero that a process sees.
 */
#ifndef PROC_MOUNTS_H
#define PROC_MOUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct proc_mounts {
	dev_t *devs;
	size_t nr;
};

/* The mounts that the process or we see; valid until the next call. */
const struct proc_mounts *proc_mounts_of(pid_t pid);
/* The next call reads them again. */
void proc_mounts_forget(void);
bool proc_mounts_have(const struct proc_mounts *m, dev_t dev);
/* Calls @each with the directory of each mount that we see, escaped as by the kernel. */
void proc_mounts_each(void (*each)(const char *path, void *arg), void *arg);

#endif /* PROC_MOUNTS_H */

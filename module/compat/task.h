/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Threads of a user's process that run in the kernel: in its cgroups, killed with it.
 *
 * Kernels have them for vhost.  Those before 6.10 do not tell the owner of such a
 * thread when the process is killed, and keep the thread until its owner stops it.
 * They count as kernels without.
 */
#ifndef FZ_COMPAT_TASK_H
#define FZ_COMPAT_TASK_H

#include <linux/err.h>
#include <linux/sched/signal.h>

#include "features.h"

#ifdef FZ_HAVE_VHOST_TASK_KILLED
#include <linux/sched/vhost_task.h>

static inline bool fz_task_exists(void)
{
	return true;
}

/*
 * A thread of the caller's process, not started yet.  It calls run() again and again,
 * as TASK_INTERRUPTIBLE.  When that returns false it sleeps, unless run() has changed
 * the state.  It handles signals in between, and calls killed() when one has ended it.
 */
static inline struct vhost_task *fz_task_create(bool (*run)(void *arg),
						void (*killed)(void *arg),
						void *arg, const char *name)
{
	struct vhost_task *task = vhost_task_create(run, killed, arg, name);

	return task ?: ERR_PTR(-ENOMEM);
}

static inline void fz_task_start(struct vhost_task *task)
{
	vhost_task_start(task);
}

/* Ends a thread that was started, or has been killed, and waits for it. */
static inline void fz_task_stop(struct vhost_task *task)
{
	vhost_task_stop(task);
}

#else

struct vhost_task;

static inline bool fz_task_exists(void)
{
	return false;
}

static inline struct vhost_task *fz_task_create(bool (*run)(void *arg),
						void (*killed)(void *arg),
						void *arg, const char *name)
{
	return ERR_PTR(-EOPNOTSUPP);
}

static inline void fz_task_start(struct vhost_task *task)
{
}

static inline void fz_task_stop(struct vhost_task *task)
{
}

#endif

/*
 * For such a thread, between two pieces of work: on newer kernels (7.3) the limit of a
 * cgroup (cpu.max) holds a task up on its way to user space, where this one never goes.
 * The task work that does so is also done before signals are.
 */
static inline void fz_task_pass(void)
{
	if (test_thread_flag(TIF_NOTIFY_RESUME)) {
		clear_thread_flag(TIF_NOTIFY_RESUME);
		set_thread_flag(TIF_NOTIFY_SIGNAL);
	}
}

#endif

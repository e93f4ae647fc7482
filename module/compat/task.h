/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Threads of a user's process that run in the kernel: in its cgroups, killed with it.
 *
 * The kernel has them for vhost.  Before 6.10 it does not tell the owner of the thread
 * when the process is killed, and the thread stays until its owner stops it.  The module
 * makes no such threads on those kernels.
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
 * A thread of the caller's process, not started yet.  It calls run() repeatedly, in the
 * state TASK_INTERRUPTIBLE.  If run() returns false, the thread sleeps, unless run() has
 * changed the state.  Between two calls it handles signals.  It calls killed() when a
 * signal has killed it.
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
 * A lent thread calls this between two turns, so that cpu.max can throttle it.  Newer
 * kernels (7.3) throttle in task work, which runs on the way to user space.  This thread
 * never returns there.  The kernel also runs task work before it handles signals, so this
 * pretends that a signal has arrived.
 */
static inline void fz_task_pass(void)
{
	if (test_thread_flag(TIF_NOTIFY_RESUME)) {
		clear_thread_flag(TIF_NOTIFY_RESUME);
		set_thread_flag(TIF_NOTIFY_SIGNAL);
	}
}

#endif

// SPDX-License-Identifier: GPL-2.0-only
/* The kernel calls the owner of a vhost task when the task's process is killed. */
#include <linux/types.h>
#include <linux/sched/vhost_task.h>

#ifndef CONFIG_VHOST_TASK
#error "not in this kernel"
#endif

struct vhost_task *test(bool (*fn)(void *arg), void (*killed)(void *arg), void *arg);
struct vhost_task *test(bool (*fn)(void *arg), void (*killed)(void *arg), void *arg)
{
	return vhost_task_create(fn, killed, arg, "test");
}

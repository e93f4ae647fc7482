/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Threads that the kernel makes in a tenant's process, each for one context.
 */
#ifndef FZ_ZEROER_THREAD_H
#define FZ_ZEROER_THREAD_H

#include <linux/types.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

struct fz_pool;
struct signal_struct;
struct task_struct;
struct vhost_task;

/**
 * struct fz_thread - one of them
 * @pool: the pool that it works for; may be gone if @gone
 * @gone: it works for the pool no more, and ends soon; protected by fz_queue_lock
 * @busy: itself during a turn, else NULL; protected by fz_queue_lock
 * @process: the process that it belongs to, only to be compared
 * @idle: where it waits for work
 * @task: the kernel's part of it
 * @cpu: its CPU time that is accounted for; the thread's own
 * @buried: @bury is on its way; the thread's own
 * @bury: frees all this when the thread has left the module
 */
struct fz_thread {
	struct fz_pool *pool;
	bool gone;
	struct task_struct *busy;
	const struct signal_struct *process;
	wait_queue_head_t idle;
	struct vhost_task *task;
	u64 cpu;
	bool buried;
	struct work_struct bury;
};

int fz_thread_start(struct fz_pool *pool);
void fz_thread_take_back(struct fz_pool *pool);
void fz_thread_exit_files(struct fz_pool *pool);
void fz_thread_end(struct fz_pool *pool);

#endif

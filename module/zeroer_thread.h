/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Lent threads that the kernel makes in a tenant's process, each for one context.
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
 * struct fz_thread - a lent thread that the kernel has made
 * @pool: the pool for which it works; may be freed if @gone
 * @gone: it is not lent any more, and exits soon; protected by fz_queue_lock
 * @busy: its task during a turn, else NULL; protected by fz_queue_lock
 * @process: the process that it belongs to; only compared, never followed
 * @idle: it waits here for work
 * @task: the kernel's thread
 * @cpu: CPU time that was charged to the pool; used by the thread alone
 * @buried: @bury was queued; used by the thread alone
 * @bury: waits until the thread has exited, and frees this
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

int fz_thread_init(void);
void fz_thread_exit(void);
int fz_thread_start(struct fz_pool *pool);
void fz_thread_take_back(struct fz_pool *pool);
void fz_thread_exit_files(struct fz_pool *pool);
void fz_thread_end(struct fz_pool *pool);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The zeroer: the background work for pools, as pools and resets call it.
 */
#ifndef FZ_ZEROER_H
#define FZ_ZEROER_H

#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

struct task_struct;
struct fz_pool;
struct fz_tenant;
struct fz_thread;

/**
 * enum fz_look - when the zeroer has to look at a pool again
 * @FZ_LOOK_NEVER: not before fz_queue_kick()
 * @FZ_LOOK_LATER: in a second
 * @FZ_LOOK_SOON: in 100 ms
 * @FZ_LOOK_NOW: at once
 */
enum fz_look {
	FZ_LOOK_NEVER,
	FZ_LOOK_LATER,
	FZ_LOOK_SOON,
	FZ_LOOK_NOW,
};

/* How long SOON and LATER are, in jiffies. */
static inline unsigned long fz_look_pause(enum fz_look look)
{
	return msecs_to_jiffies(look == FZ_LOOK_SOON ? 100 : 1000);
}

/**
 * struct fz_job - where a pool stands in the queues of the zeroer (zeroer_queue.c)
 * @look: in one of the queues of pools to be looked at: now, soon or later
 * @clear: in the tenant's queue of pools that have something to be cleared
 * @tenant: the tenant, which may have other pools
 * @now: the pool is to be looked at now
 * @stopped: the pool enters no queue any more; fz_queue_stop() waits for the turn under
 *	way
 * @lent: number of lent threads.  While there are any, the pool is in no queue
 * @idle: lent threads wait here, except @thread
 * @thread: the lent thread that ZERO has made, or NULL
 * @busy: threads made by ZERO that are in a turn
 * @worker: the thread that works for the pool now
 * @nice: the nice value that @worker had before fz_queue_stop() changed it; only if @hurry
 * @hurry: fz_queue_stop() waits for @worker, and has raised its weight
 * @due: when the pool is to be looked at, in jiffies; not used if @now
 */
struct fz_job {
	struct list_head look;
	struct list_head clear;
	struct fz_tenant *tenant;
	bool now;
	bool stopped;
	unsigned int lent;
	wait_queue_head_t idle;
	struct fz_thread *thread;
	unsigned int busy;
	struct task_struct *worker;
	int nice;
	bool hurry;
	unsigned long due;
};

/* zeroer.c */
bool fz_zeroer_collect(struct fz_pool *pool);
enum fz_look fz_zeroer_look(struct fz_pool *pool);
bool fz_zeroer_has_work(struct fz_pool *pool);
u64 fz_zeroer_clear(struct fz_pool *pool);

/* zeroer_queue.c */
int fz_queue_add(struct fz_pool *pool);
void fz_queue_kick(struct fz_pool *pool);
void fz_queue_stop(struct fz_pool *pool);
void fz_queue_lend(struct fz_pool *pool);
void fz_queue_take_back(struct fz_pool *pool);
bool fz_queue_claim(struct fz_pool *pool);
void fz_queue_release(struct fz_pool *pool);

/* zeroer_lend.c */
enum fz_look fz_lend_work(struct fz_pool *pool, const bool *stop, u64 *work);
bool fz_lend_has_work(const struct fz_pool *pool);

/* zeroer_worker.c */
u64 fz_worker_cpu(void);
void fz_worker_charge(struct fz_pool *pool, u64 *last);
int fz_worker_init(void);
void fz_worker_exit(void);

/* The module's workqueue; unload waits for its work. */
extern struct workqueue_struct *fz_wq;

#endif

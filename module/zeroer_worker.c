// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module's own threads of the zeroer.  At the lowest weight they work for all contexts
 * in turn (zeroer_queue.c).
 */
#include <linux/kthread.h>
#include <linux/minmax.h>
#include <linux/moduleparam.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/wait.h>

#include "context.h"
#include "zeroer_queue.h"

/* Base pages that a turn clears: as many as a huge folio has. */
#define WORKER_TURN	FZ_CHUNK_PAGES
/* The lowest weight: in the root cgroup, 15 against the 1024 of a tenant's cgroup. */
#define WORKER_NICE	MAX_NICE

static uint worker_threads = 1;
module_param_named(zeroer_workers, worker_threads, uint, 0444);
MODULE_PARM_DESC(zeroer_workers,
		 "threads of the zeroer, for all contexts together (default 1)");

static struct task_struct **worker_tasks;
static uint worker_nr;

/**
 * fz_worker_cpu() - CPU time of the calling thread
 *
 * Calls schedule(), which updates the time; else it would be that of the last tick.
 *
 * Return: ns.
 */
u64 fz_worker_cpu(void)
{
	schedule();
	return current->se.sum_exec_runtime;
}

/**
 * fz_worker_charge() - charge CPU time of the calling thread to a pool
 * @pool: the pool for which it has worked
 * @last: fz_worker_cpu() at the last charge; updated
 */
void fz_worker_charge(struct fz_pool *pool, u64 *last)
{
	u64 now = fz_worker_cpu();

	spin_lock(&pool->lock);
	pool->zeroer_ns += now - *last;
	spin_unlock(&pool->lock);
	*last = now;
}

static bool worker_look(u64 *cpu)
{
	struct fz_pool *pool = fz_queue_begin_look();
	enum fz_look again;
	bool clear;

	if (!pool)
		return false;
	again = fz_zeroer_look(pool);
	clear = fz_zeroer_has_work(pool);
	fz_worker_charge(pool, cpu);
	fz_queue_end(pool, clear, again);
	return true;
}

static bool worker_do_clear(u64 *cpu)
{
	struct fz_pool *pool = fz_queue_begin_clear();
	u64 done, all = 0;

	if (!pool)
		return false;
	do {
		done = fz_zeroer_clear(pool);
		all += done;
		cond_resched();
	} while (fz_queue_spend(done) && done && all < WORKER_TURN &&
		 !READ_ONCE(pool->ending) && !READ_ONCE(pool->job.lent));
	fz_worker_charge(pool, cpu);
	/* If nothing is left to clear, look: the pool may have surplus now. */
	fz_queue_end(pool, done, done ? FZ_LOOK_NEVER : FZ_LOOK_NOW);
	return true;
}

static int worker_run(void *unused)
{
	u64 cpu = fz_worker_cpu();
	bool any;

	set_user_nice(current, WORKER_NICE);
	while (!kthread_should_stop()) {
		/* Alternate, so that neither queue waits until the other is empty. */
		any = worker_look(&cpu);
		any |= worker_do_clear(&cpu);
		if (any)
			continue;
		wait_event_idle_exclusive_timeout(fz_queue_idle,
			kthread_should_stop() || !fz_queue_pause(),
			fz_queue_pause());
		/*
		 * No pool is charged for the wait, or for turns without work.  The wait has
		 * updated the time.  So there is no need for fz_worker_cpu(), which might
		 * yield the processor.
		 */
		cpu = current->se.sum_exec_runtime;
	}
	return 0;
}

/**
 * fz_worker_exit() - end the threads, when no context is left
 */
void fz_worker_exit(void)
{
	while (worker_nr)
		kthread_stop(worker_tasks[--worker_nr]);
	kfree(worker_tasks);
}

/**
 * fz_worker_init() - start the threads
 *
 * Return: 0 or a negative errno.
 */
int fz_worker_init(void)
{
	struct task_struct *task;

	worker_threads = clamp(worker_threads, 1U, num_possible_cpus());
	worker_tasks = kcalloc(worker_threads, sizeof(task), GFP_KERNEL);
	if (!worker_tasks)
		return -ENOMEM;
	while (worker_nr < worker_threads) {
		task = kthread_run(worker_run, NULL, "fastzero/%u", worker_nr);
		if (IS_ERR(task)) {
			fz_worker_exit();
			return PTR_ERR(task);
		}
		worker_tasks[worker_nr++] = task;
	}
	return 0;
}

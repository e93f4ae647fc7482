// SPDX-License-Identifier: GPL-2.0-only
/*
 * The zeroer's threads: a few of the module's own, at the lowest weight, work for all
 * contexts together, and one rate bounds them.
 *
 * A pool stands in two queues.  From the first a thread looks at the pool: at once
 * when it has changed, and after a while when it may have.  The second has the pools
 * with used pages or too few ready ones.  A thread works for each during a turn, and
 * the pool then goes to the end.  So every context gets the same work done, however
 * much it has.
 */
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/minmax.h>
#include <linux/moduleparam.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/wait.h>

#include "context.h"
#include "rate.h"

/* Base pages of a turn: one huge folio. */
#define WORKER_TURN	FZ_CHUNK_PAGES
/* The lowest weight: in the root cgroup, 15 against the 1024 of a tenant's cgroup. */
#define WORKER_NICE	MAX_NICE
/* Pools that come due between two turns. */
#define WORKER_DUE	32
/* A change of the rate is noticed after this time at the latest. */
#define WORKER_BOUND_MS	100

static uint worker_threads = 1;
module_param_named(zeroer_workers, worker_threads, uint, 0444);
MODULE_PARM_DESC(zeroer_workers,
		 "threads that clear used pages, for all contexts together (default 1)");

static DEFINE_SPINLOCK(worker_lock);	/* protects the following, and all fz_job */
static LIST_HEAD(worker_now);		/* by fz_job.look, as the next two */
static LIST_HEAD(worker_soon);		/* both in the order in which they are due */
static LIST_HEAD(worker_later);
static LIST_HEAD(worker_clear);		/* by fz_job.clear */
static struct fz_rate worker_rate;

static DECLARE_WAIT_QUEUE_HEAD(worker_idle);
static DECLARE_WAIT_QUEUE_HEAD(worker_left);	/* a turn is over */
static struct task_struct **worker_tasks;
static uint worker_nr;

static void worker_queue_now(struct fz_pool *pool)
{
	lockdep_assert_held(&worker_lock);

	WRITE_ONCE(pool->job.now, true);
	list_move_tail(&pool->job.look, &worker_now);
}

/* Move pools that are due to the queue of those to be looked at now; not too many. */
static void worker_queue_due(struct list_head *list)
{
	struct fz_pool *pool, *next;
	int most = WORKER_DUE;

	lockdep_assert_held(&worker_lock);

	list_for_each_entry_safe(pool, next, list, job.look) {
		if (time_before(jiffies, pool->job.due) || !most--)
			break;
		worker_queue_now(pool);
	}
}

/* How long the rate forbids to clear, in ns. */
static u64 worker_bound(void)
{
	lockdep_assert_held(&worker_lock);

	return fz_rate_wait(&worker_rate, ktime_get_ns(), fz_limit_rate());
}

/* Account for work; true if the rate allows more. */
static bool worker_spend(u64 done)
{
	bool more;

	spin_lock(&worker_lock);
	fz_rate_spend(&worker_rate, ktime_get_ns(), fz_limit_rate(), done);
	more = !worker_bound();
	spin_unlock(&worker_lock);
	return more;
}

/* The first pool to be looked at that no thread works for, or NULL. */
static struct fz_pool *worker_find_look(void)
{
	struct fz_pool *pool;

	lockdep_assert_held(&worker_lock);

	list_for_each_entry(pool, &worker_now, job.look)
		if (!pool->job.worker)
			return pool;
	return NULL;
}

/* The first pool with something to clear that no thread works for, or NULL. */
static struct fz_pool *worker_find_clear(void)
{
	struct fz_pool *pool;

	lockdep_assert_held(&worker_lock);

	list_for_each_entry(pool, &worker_clear, job.clear)
		if (!pool->job.worker)
			return pool;
	return NULL;
}

/* The next pool to be looked at, which is then ours. */
static struct fz_pool *worker_begin_look(void)
{
	struct fz_pool *pool;

	spin_lock(&worker_lock);
	worker_queue_due(&worker_soon);
	worker_queue_due(&worker_later);
	pool = worker_find_look();
	if (pool) {
		list_del_init(&pool->job.look);
		WRITE_ONCE(pool->job.now, false);
		pool->job.worker = current;
	}
	spin_unlock(&worker_lock);
	/* We see what was done before a kick that still saw job.now. */
	smp_mb();
	return pool;
}

/* The next pool to clear for, which is then ours; NULL if the rate is used up. */
static struct fz_pool *worker_begin_clear(void)
{
	struct fz_pool *pool;

	spin_lock(&worker_lock);
	pool = worker_find_clear();
	if (pool && worker_bound())
		pool = NULL;
	if (pool) {
		list_del_init(&pool->job.clear);
		pool->job.worker = current;
	}
	spin_unlock(&worker_lock);
	return pool;
}

/* This thread works for the pool no more. */
static void worker_leave(struct fz_pool *pool)
{
	lockdep_assert_held(&worker_lock);

	/* Lent threads hold the context, so the pool stays. */
	if (pool->job.lent) {
		WRITE_ONCE(pool->job.worker, NULL);
		wake_up(&pool->job.idle);
		return;
	}
	/* fz_worker_stop() waits for this, and its caller frees the pool. */
	smp_store_release(&pool->job.worker, NULL);
}

/* A turn is over, and the pool may be gone after this. */
static void worker_end(struct fz_pool *pool, bool clear, enum fz_look again)
{
	struct fz_job *job = &pool->job;

	spin_lock(&worker_lock);
	if (job->hurry)
		set_user_nice(current, job->nice);
	if (!job->stopped && !job->lent) {
		if (clear && list_empty(&job->clear))
			list_add_tail(&job->clear, &worker_clear);
		if (again == FZ_LOOK_NOW) {
			worker_queue_now(pool);
		} else if (again != FZ_LOOK_NEVER && !job->now) {
			job->due = jiffies + fz_look_pause(again);
			list_move_tail(&job->look, again == FZ_LOOK_SOON ?
				       &worker_soon : &worker_later);
		}
	}
	/* A thread that was lent meanwhile goes on with the rest. */
	if (job->lent)
		WRITE_ONCE(job->now, true);
	worker_leave(pool);
	spin_unlock(&worker_lock);
	wake_up_all(&worker_left);
}

/**
 * fz_worker_cpu() - CPU time of this thread
 *
 * schedule() brings the thread's account up to date; else it is as of the last tick.
 *
 * Return: ns.
 */
u64 fz_worker_cpu(void)
{
	schedule();
	return current->se.sum_exec_runtime;
}

/**
 * fz_worker_charge() - account for CPU time of this thread
 * @pool: the pool that it has worked for
 * @last: fz_worker_cpu() when it was last accounted for; set to the present
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
	struct fz_pool *pool = worker_begin_look();
	enum fz_look again;
	bool clear;

	if (!pool)
		return false;
	again = fz_zeroer_look(pool);
	clear = fz_zeroer_has_work(pool);
	fz_worker_charge(pool, cpu);
	worker_end(pool, clear, again);
	return true;
}

static bool worker_do_clear(u64 *cpu)
{
	struct fz_pool *pool = worker_begin_clear();
	u64 done, all = 0;

	if (!pool)
		return false;
	do {
		done = fz_zeroer_clear(pool);
		all += done;
		cond_resched();
	} while (worker_spend(done) && done && all < WORKER_TURN &&
		 !READ_ONCE(pool->ending) && !READ_ONCE(pool->job.lent));
	fz_worker_charge(pool, cpu);
	/* It has more ready now than it had: perhaps too much. */
	worker_end(pool, done, done ? FZ_LOOK_NEVER : FZ_LOOK_NOW);
	return true;
}

/* Jiffies until the first of a list is due. */
static unsigned long worker_due_in(struct list_head *list)
{
	const struct fz_pool *pool =
		list_first_entry_or_null(list, struct fz_pool, job.look);

	lockdep_assert_held(&worker_lock);

	if (!pool)
		return MAX_SCHEDULE_TIMEOUT;
	return time_before(jiffies, pool->job.due) ?
	       pool->job.due - jiffies : 0;
}

/* Jiffies until there is something to do. */
static unsigned long worker_pause(void)
{
	unsigned long pause;
	u64 bound;

	spin_lock(&worker_lock);
	pause = worker_find_look() ? 0 : min(worker_due_in(&worker_soon),
					     worker_due_in(&worker_later));
	if (pause && worker_find_clear()) {
		bound = worker_bound();
		pause = min3(pause, msecs_to_jiffies(WORKER_BOUND_MS),
			     bound ? nsecs_to_jiffies(bound) + 1 : 0);
	}
	spin_unlock(&worker_lock);
	return pause;
}

static int worker_run(void *unused)
{
	u64 cpu = fz_worker_cpu();
	bool any;

	set_user_nice(current, WORKER_NICE);
	while (!kthread_should_stop()) {
		/* By turns, so that neither queue waits until the other is empty. */
		any = worker_look(&cpu);
		any |= worker_do_clear(&cpu);
		if (!any)
			wait_event_idle_exclusive_timeout(worker_idle,
				kthread_should_stop() || !worker_pause(),
				worker_pause());
	}
	return 0;
}

/**
 * fz_worker_add() - prepare a new pool for the queues
 * @pool: the pool
 */
void fz_worker_add(struct fz_pool *pool)
{
	INIT_LIST_HEAD(&pool->job.look);
	INIT_LIST_HEAD(&pool->job.clear);
	init_waitqueue_head(&pool->job.idle);
}

/* Have the pool looked at, by a lent thread or one of the module's. */
static void worker_wake(struct fz_pool *pool)
{
	bool lent;

	spin_lock(&worker_lock);
	lent = pool->job.lent;
	if (lent)
		WRITE_ONCE(pool->job.now, true);
	else if (!pool->job.stopped)
		worker_queue_now(pool);
	spin_unlock(&worker_lock);
	if (lent)
		wake_up(&pool->job.idle);
	else if (wq_has_sleeper(&worker_idle))
		wake_up(&worker_idle);
}

/**
 * fz_worker_lend() - the calling thread does the work of a pool from now on
 * @pool: the pool
 */
void fz_worker_lend(struct fz_pool *pool)
{
	spin_lock(&worker_lock);
	pool->job.lent++;
	list_del_init(&pool->job.look);
	list_del_init(&pool->job.clear);
	spin_unlock(&worker_lock);
}

/**
 * fz_worker_take_back() - the calling thread is not lent any more
 * @pool: the pool
 */
void fz_worker_take_back(struct fz_pool *pool)
{
	spin_lock(&worker_lock);
	pool->job.lent--;
	spin_unlock(&worker_lock);
	/* Another thread must do what this one has left. */
	worker_wake(pool);
}

/**
 * fz_worker_claim() - let the caller alone look at the pool
 * @pool: the pool, to which the caller is lent
 *
 * Return: false if another thread does already.
 */
bool fz_worker_claim(struct fz_pool *pool)
{
	bool claimed;

	spin_lock(&worker_lock);
	claimed = !pool->job.worker;
	if (claimed) {
		pool->job.worker = current;
		WRITE_ONCE(pool->job.now, false);
	}
	spin_unlock(&worker_lock);
	/* As worker_begin_look(). */
	smp_mb();
	return claimed;
}

/**
 * fz_worker_release() - it has been looked at
 * @pool: the pool
 */
void fz_worker_release(struct fz_pool *pool)
{
	spin_lock(&worker_lock);
	worker_leave(pool);
	spin_unlock(&worker_lock);
}

/**
 * fz_worker_kick() - have the zeroer look at a pool soon
 * @pool: the pool
 */
void fz_worker_kick(struct fz_pool *pool)
{
	/* With job.now set a look is to come and will see it: see worker_begin_look(). */
	smp_mb();
	if (READ_ONCE(pool->job.now))
		return;
	worker_wake(pool);
}

/**
 * fz_worker_stop() - end all work for a pool; wait for the batch under way
 * @pool: the pool
 */
void fz_worker_stop(struct fz_pool *pool)
{
	struct fz_job *job = &pool->job;

	spin_lock(&worker_lock);
	job->stopped = true;
	list_del_init(&job->look);
	list_del_init(&job->clear);
	/* At low weight the thread might take long to end its batch. */
	if (job->worker && task_nice(job->worker) > 0) {
		job->hurry = true;
		job->nice = task_nice(job->worker);
		set_user_nice(job->worker, 0);
	}
	spin_unlock(&worker_lock);
	wait_event(worker_left, !smp_load_acquire(&job->worker));
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

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who runs the zeroer, for whom, and when: a few threads of the module's own for all
 * contexts together, at the lowest weight, and one bound on what they do.
 *
 * A pool stands in two queues.  In the first it is looked at: at once when something
 * has happened to it, and after a while when something may have.  In the second stand
 * those that have something to be cleared; each is served for a turn, and then goes
 * to the end.  So every context gets the same work done, however much it has.
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
/* How long not to look whether the bound is another now. */
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

/* What was to be looked at after a while, and is due; some of it, if it is much. */
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

/* How long nothing may be cleared, in ns. */
static u64 worker_bound(void)
{
	lockdep_assert_held(&worker_lock);

	return fz_rate_wait(&worker_rate, ktime_get_ns(), fz_limit_rate());
}

/* Account for work; whether there may be more. */
static bool worker_spend(u64 done)
{
	bool more;

	spin_lock(&worker_lock);
	fz_rate_spend(&worker_rate, ktime_get_ns(), fz_limit_rate(), done);
	more = !worker_bound();
	spin_unlock(&worker_lock);
	return more;
}

/* The first to be looked at that nobody works for; NULL if there is none. */
static struct fz_pool *worker_find_look(void)
{
	struct fz_pool *pool;

	lockdep_assert_held(&worker_lock);

	list_for_each_entry(pool, &worker_now, job.look)
		if (!pool->job.worker)
			return pool;
	return NULL;
}

/* The same of those that have something to be cleared. */
static struct fz_pool *worker_find_clear(void)
{
	struct fz_pool *pool;

	lockdep_assert_held(&worker_lock);

	list_for_each_entry(pool, &worker_clear, job.clear)
		if (!pool->job.worker)
			return pool;
	return NULL;
}

/* The next one to be looked at, which is then ours. */
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
	/* What happened before a kick that came too early for us is seen by us. */
	smp_mb();
	return pool;
}

/* The next one to be cleared for. */
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

/* Nobody works for the pool just now. */
static void worker_leave(struct fz_pool *pool)
{
	lockdep_assert_held(&worker_lock);

	/* Who is lent holds the context. */
	if (pool->job.lent) {
		WRITE_ONCE(pool->job.worker, NULL);
		wake_up(&pool->job.idle);
		return;
	}
	/* Who waits for this may free the pool. */
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
	/* What we leave is seen to by who was lent meanwhile. */
	if (job->lent)
		WRITE_ONCE(job->now, true);
	worker_leave(pool);
	spin_unlock(&worker_lock);
	wake_up_all(&worker_left);
}

/**
 * fz_worker_cpu() - CPU time of this thread
 *
 * To schedule brings its account up to date, which else is that of the last tick.
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
 * @pool: for which it has worked
 * @last: fz_worker_cpu() up to which that was done; now that of now
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
		/* None of the two must wait for all of the other. */
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
 * fz_worker_add() - a pool that may have work by and by
 * @pool: the pool
 */
void fz_worker_add(struct fz_pool *pool)
{
	INIT_LIST_HEAD(&pool->job.look);
	INIT_LIST_HEAD(&pool->job.clear);
	init_waitqueue_head(&pool->job.idle);
}

/* The pool is to be looked at, by whoever does its work. */
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
 * fz_worker_lend() - a thread of the tenant does the work from now on
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
 * fz_worker_take_back() - the thread that was lent is not there any more
 * @pool: the pool
 */
void fz_worker_take_back(struct fz_pool *pool)
{
	spin_lock(&worker_lock);
	pool->job.lent--;
	spin_unlock(&worker_lock);
	/* Whatever it has left, somebody else must see to it. */
	worker_wake(pool);
}

/**
 * fz_worker_claim() - have the pool looked at by the caller and nobody else
 * @pool: the pool, to which the caller is lent
 *
 * Return: false if somebody does that already.
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
	/* Who is to look, and has not begun, will see it: as worker_begin_look(). */
	smp_mb();
	if (READ_ONCE(pool->job.now))
		return;
	worker_wake(pool);
}

/**
 * fz_worker_stop() - work no more for a pool; waits for the batch under way
 * @pool: the pool
 */
void fz_worker_stop(struct fz_pool *pool)
{
	struct fz_job *job = &pool->job;

	spin_lock(&worker_lock);
	job->stopped = true;
	list_del_init(&job->look);
	list_del_init(&job->clear);
	/* A thread of low weight may not get to its end for long. */
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

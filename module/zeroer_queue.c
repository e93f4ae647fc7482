// SPDX-License-Identifier: GPL-2.0-only
/*
 * The zeroer's queues: which pool has its turn, and how fast all may go together.
 *
 * A pool stands in two queues.  From the first a thread looks at the pool: at once
 * when it has changed, and after a while when it may have.  The second has the pools
 * with used pages or too few ready ones (zeroer_tenant.c).  A thread works for each during a
 * turn.  Tenants take turns, and in each one pool of the tenant does.  So every tenant
 * gets the same work done, however much it has, and in however many contexts.
 */
#include <linux/ktime.h>
#include <linux/minmax.h>
#include <linux/sched.h>
#include <linux/wait.h>

#include "context.h"
#include "zeroer_queue.h"
#include "rate.h"
#include "zeroer_tenant.h"
#include "zeroer_thread.h"

/* Pools that come due between two turns. */
#define QUEUE_DUE	32
/* A change of the rate is noticed after this time at the latest. */
#define QUEUE_BOUND_MS	100

/* Protects queue_now, queue_soon, queue_later, queue_rate, fz_pool.job and tenants. */
DEFINE_SPINLOCK(fz_queue_lock);
static LIST_HEAD(queue_now);		/* by fz_job.look, as the next two */
static LIST_HEAD(queue_soon);		/* both in the order in which they are due */
static LIST_HEAD(queue_later);
static struct fz_rate queue_rate;

DECLARE_WAIT_QUEUE_HEAD(fz_queue_idle);
static DECLARE_WAIT_QUEUE_HEAD(queue_left);	/* a turn is over */

static void queue_put_now(struct fz_pool *pool)
{
	lockdep_assert_held(&fz_queue_lock);

	WRITE_ONCE(pool->job.now, true);
	list_move_tail(&pool->job.look, &queue_now);
}

/* Move pools that are due to the queue of those to be looked at now; not too many. */
static void queue_put_due(struct list_head *list)
{
	struct fz_pool *pool, *next;
	int most = QUEUE_DUE;

	lockdep_assert_held(&fz_queue_lock);

	list_for_each_entry_safe(pool, next, list, job.look) {
		if (time_before(jiffies, pool->job.due) || !most--)
			break;
		queue_put_now(pool);
	}
}

/* How long the rate forbids to clear, in ns. */
static u64 queue_bound(void)
{
	lockdep_assert_held(&fz_queue_lock);

	return fz_rate_wait(&queue_rate, ktime_get_ns(), fz_limit_rate());
}

/**
 * fz_queue_spend() - account for work
 * @done: how much, in clears of a base page
 *
 * Return: whether the rate allows more.
 */
bool fz_queue_spend(u64 done)
{
	bool more;

	spin_lock(&fz_queue_lock);
	fz_rate_spend(&queue_rate, ktime_get_ns(), fz_limit_rate(), done);
	more = !queue_bound();
	spin_unlock(&fz_queue_lock);
	return more;
}

/* The first pool to be looked at that no thread works for, or NULL. */
static struct fz_pool *queue_find_look(void)
{
	struct fz_pool *pool;

	lockdep_assert_held(&fz_queue_lock);

	list_for_each_entry(pool, &queue_now, job.look)
		if (!pool->job.worker)
			return pool;
	return NULL;
}

/**
 * fz_queue_begin_look() - the next pool to be looked at
 *
 * Return: the pool, which is then the caller's; NULL if there is none.
 */
struct fz_pool *fz_queue_begin_look(void)
{
	struct fz_pool *pool;

	spin_lock(&fz_queue_lock);
	queue_put_due(&queue_soon);
	queue_put_due(&queue_later);
	pool = queue_find_look();
	if (pool) {
		list_del_init(&pool->job.look);
		WRITE_ONCE(pool->job.now, false);
		pool->job.worker = current;
	}
	spin_unlock(&fz_queue_lock);
	/* We see what was done before a kick that still saw job.now. */
	smp_mb();
	return pool;
}

/**
 * fz_queue_begin_clear() - the next pool to clear for
 *
 * Return: the pool, which is then the caller's; NULL if there is none or the rate is
 * used up.
 */
struct fz_pool *fz_queue_begin_clear(void)
{
	struct fz_pool *pool;

	spin_lock(&fz_queue_lock);
	pool = fz_tenant_next();
	if (pool && queue_bound())
		pool = NULL;
	if (pool) {
		fz_tenant_turn(pool);
		pool->job.worker = current;
	}
	spin_unlock(&fz_queue_lock);
	return pool;
}

/* This thread works for the pool no more. */
static void queue_leave(struct fz_pool *pool)
{
	lockdep_assert_held(&fz_queue_lock);

	/* Lent threads hold the context, so the pool stays. */
	if (pool->job.lent) {
		WRITE_ONCE(pool->job.worker, NULL);
		wake_up(&pool->job.idle);
		if (pool->job.thread)
			wake_up(&pool->job.thread->idle);
		return;
	}
	/* fz_queue_stop() waits for this, and its caller frees the pool. */
	smp_store_release(&pool->job.worker, NULL);
}

/**
 * fz_queue_end() - a turn is over
 * @pool: the pool, which may be gone after this
 * @clear: whether there is more to be cleared
 * @again: when to look again
 */
void fz_queue_end(struct fz_pool *pool, bool clear, enum fz_look again)
{
	struct fz_job *job = &pool->job;

	spin_lock(&fz_queue_lock);
	if (job->hurry)
		set_user_nice(current, job->nice);
	if (!job->stopped && !job->lent) {
		if (clear)
			fz_tenant_put(pool);
		if (again == FZ_LOOK_NOW) {
			queue_put_now(pool);
		} else if (again != FZ_LOOK_NEVER && !job->now) {
			job->due = jiffies + fz_look_pause(again);
			list_move_tail(&job->look, again == FZ_LOOK_SOON ?
				       &queue_soon : &queue_later);
		}
	}
	/* A thread that was lent meanwhile goes on with the rest. */
	if (job->lent)
		WRITE_ONCE(job->now, true);
	queue_leave(pool);
	spin_unlock(&fz_queue_lock);
	wake_up_all(&queue_left);
}

/* Jiffies until the first of a list is due. */
static unsigned long queue_due_in(struct list_head *list)
{
	const struct fz_pool *pool =
		list_first_entry_or_null(list, struct fz_pool, job.look);

	lockdep_assert_held(&fz_queue_lock);

	if (!pool)
		return MAX_SCHEDULE_TIMEOUT;
	return time_before(jiffies, pool->job.due) ?
	       pool->job.due - jiffies : 0;
}

/**
 * fz_queue_pause() - how long there is nothing to do
 *
 * Return: jiffies.
 */
unsigned long fz_queue_pause(void)
{
	unsigned long pause;
	u64 bound;

	spin_lock(&fz_queue_lock);
	pause = queue_find_look() ? 0 : min(queue_due_in(&queue_soon),
					     queue_due_in(&queue_later));
	if (pause && fz_tenant_next()) {
		bound = queue_bound();
		pause = min3(pause, msecs_to_jiffies(QUEUE_BOUND_MS),
			     bound ? nsecs_to_jiffies(bound) + 1 : 0);
	}
	spin_unlock(&fz_queue_lock);
	return pause;
}

/**
 * fz_queue_add() - prepare a new pool for the queues
 * @pool: the pool, with the memory cgroup that pays
 *
 * Return: 0 or -ENOMEM.
 */
int fz_queue_add(struct fz_pool *pool)
{
	INIT_LIST_HEAD(&pool->job.look);
	INIT_LIST_HEAD(&pool->job.clear);
	init_waitqueue_head(&pool->job.idle);
	return fz_tenant_join(pool);
}

/**
 * fz_queue_put() - have a pool looked at, by lent threads or one of the module's
 * @pool: the pool
 *
 * Return: whether it is one of the module's: the caller then calls fz_queue_wake(),
 * without the lock.
 */
bool fz_queue_put(struct fz_pool *pool)
{
	struct fz_job *job = &pool->job;

	lockdep_assert_held(&fz_queue_lock);

	if (job->lent) {
		WRITE_ONCE(job->now, true);
		wake_up(&job->idle);
		if (job->thread)
			wake_up(&job->thread->idle);
		return false;
	}
	if (job->stopped)
		return false;
	queue_put_now(pool);
	return true;
}

/**
 * fz_queue_wake() - wake a thread of the module up, if there may be something to do
 */
void fz_queue_wake(void)
{
	if (wq_has_sleeper(&fz_queue_idle))
		wake_up(&fz_queue_idle);
}

static void queue_call(struct fz_pool *pool)
{
	bool wake;

	spin_lock(&fz_queue_lock);
	wake = fz_queue_put(pool);
	spin_unlock(&fz_queue_lock);
	if (wake)
		fz_queue_wake();
}

/**
 * fz_queue_lend_locked() - as fz_queue_lend(), with fz_queue_lock held
 * @pool: the pool
 */
void fz_queue_lend_locked(struct fz_pool *pool)
{
	lockdep_assert_held(&fz_queue_lock);

	pool->job.lent++;
	list_del_init(&pool->job.look);
	fz_tenant_del(pool);
}

/**
 * fz_queue_lend() - the calling thread does the work of a pool from now on
 * @pool: the pool
 */
void fz_queue_lend(struct fz_pool *pool)
{
	spin_lock(&fz_queue_lock);
	fz_queue_lend_locked(pool);
	spin_unlock(&fz_queue_lock);
}

/**
 * fz_queue_take_back() - the calling thread is not lent any more
 * @pool: the pool
 */
void fz_queue_take_back(struct fz_pool *pool)
{
	spin_lock(&fz_queue_lock);
	pool->job.lent--;
	spin_unlock(&fz_queue_lock);
	/* Another thread must do what this one has left. */
	queue_call(pool);
}

/**
 * fz_queue_claim() - let the caller alone look at the pool
 * @pool: the pool, to which the caller is lent
 *
 * Return: false if another thread does already.
 */
bool fz_queue_claim(struct fz_pool *pool)
{
	bool claimed;

	spin_lock(&fz_queue_lock);
	claimed = !pool->job.worker;
	if (claimed) {
		pool->job.worker = current;
		WRITE_ONCE(pool->job.now, false);
	}
	spin_unlock(&fz_queue_lock);
	/* As fz_queue_begin_look(). */
	smp_mb();
	return claimed;
}

/**
 * fz_queue_release() - it has been looked at
 * @pool: the pool
 */
void fz_queue_release(struct fz_pool *pool)
{
	spin_lock(&fz_queue_lock);
	queue_leave(pool);
	spin_unlock(&fz_queue_lock);
}

/**
 * fz_queue_kick() - have the zeroer look at a pool soon
 * @pool: the pool
 */
void fz_queue_kick(struct fz_pool *pool)
{
	/* With job.now set a look is to come and will see it: see fz_queue_begin_look(). */
	smp_mb();
	if (READ_ONCE(pool->job.now))
		return;
	queue_call(pool);
}

/**
 * fz_queue_stop() - end all work for a pool; wait for the batch under way
 * @pool: the pool
 */
void fz_queue_stop(struct fz_pool *pool)
{
	struct fz_job *job = &pool->job;

	spin_lock(&fz_queue_lock);
	job->stopped = true;
	list_del_init(&job->look);
	fz_tenant_del(pool);
	/* At low weight the thread might take long to end its batch. */
	if (job->worker && task_nice(job->worker) > 0) {
		job->hurry = true;
		job->nice = task_nice(job->worker);
		set_user_nice(job->worker, 0);
	}
	spin_unlock(&fz_queue_lock);
	fz_tenant_leave(pool);
	wait_event(queue_left, !smp_load_acquire(&job->worker));
}

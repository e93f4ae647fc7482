// SPDX-License-Identifier: GPL-2.0-only
/*
 * The zeroer's queues: they decide which pool has its turn, and bound the work of the
 * module's own threads together.
 *
 * A pool may be in two queues.  The first is for looks at the pool: at once after a kick,
 * or after a while.  The second has pools with used folios, or with too few ready ones
 * (zeroer_tenant.c).  A thread works for one pool during a turn.  Tenants take turns, and
 * in each turn a thread works for one pool of the tenant.  So every tenant gets the same
 * amount of work, no matter how many contexts it has.
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

/* queue_put_due() moves this many pools at most, since it holds the lock. */
#define QUEUE_DUE	32
/* Threads notice a change of the rate after this time at the latest. */
#define QUEUE_BOUND_MS	100

/* Protects queue_now, queue_soon, queue_later, queue_rate, fz_pool.job and tenants. */
DEFINE_SPINLOCK(fz_queue_lock);
static LIST_HEAD(queue_now);		/* linked by fz_job.look, as the next two */
static LIST_HEAD(queue_soon);		/* this and the next are in the order of fz_job.due */
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

/* Move pools that are due to queue_now, QUEUE_DUE at most. */
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

/* How long the rate forbids more work, in ns; 0 if it allows work now. */
static u64 queue_bound(void)
{
	lockdep_assert_held(&fz_queue_lock);

	return fz_rate_wait(&queue_rate, ktime_get_ns(), fz_limit_rate());
}

/**
 * fz_queue_spend() - account for work in the rate
 * @done: work done, in clears of a base page
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

/* The first pool of queue_now for which no thread works, or NULL. */
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
 * fz_queue_begin_look() - the next pool to look at
 *
 * Return: the pool, for which no other thread of the module works until fz_queue_end();
 * NULL if there is none.
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
	/*
	 * Pairs with the barrier in fz_queue_kick().  If a kick still saw job.now, we see all
	 * that was done before that kick.
	 */
	smp_mb();
	return pool;
}

/**
 * fz_queue_begin_clear() - the next pool to clear for
 *
 * Return: the pool, for which no other thread of the module works until fz_queue_end();
 * NULL if there is none, or if the rate forbids more work now.
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

/* The calling thread does not work for the pool any more. */
static void queue_leave(struct fz_pool *pool)
{
	lockdep_assert_held(&fz_queue_lock);

	/*
	 * The pool stays while job.lent is set.  A caller of ZERO holds the context.  The
	 * end of the context takes a thread of ZERO_THREAD back, under this lock.
	 */
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
 * @pool: the pool; may be freed when this returns
 * @clear: whether there is more to be cleared
 * @again: when to look at it again
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
	/* If a thread was lent meanwhile, it goes on with the rest. */
	if (job->lent)
		WRITE_ONCE(job->now, true);
	queue_leave(pool);
	spin_unlock(&fz_queue_lock);
	wake_up_all(&queue_left);
}

/* Jiffies until the first pool of a list is due. */
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
 * fz_queue_pause() - how long a thread of the module may sleep
 *
 * Return: jiffies, 0 if there is work.
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
 * @pool: the pool, with @memcg set
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
 * fz_queue_put() - have lent threads, or a thread of the module, look at a pool
 * @pool: the pool
 *
 * Return: true if a thread of the module is to look: then the caller calls
 * fz_queue_wake(), without the lock.
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
 * fz_queue_wake() - wake a thread of the module, if one sleeps
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
 * fz_queue_lend() - lend the calling thread to a pool
 * @pool: the pool
 */
void fz_queue_lend(struct fz_pool *pool)
{
	spin_lock(&fz_queue_lock);
	fz_queue_lend_locked(pool);
	spin_unlock(&fz_queue_lock);
}

/**
 * fz_queue_take_back() - undo fz_queue_lend()
 * @pool: the pool
 */
void fz_queue_take_back(struct fz_pool *pool)
{
	spin_lock(&fz_queue_lock);
	pool->job.lent--;
	spin_unlock(&fz_queue_lock);
	/* Another thread has to do the rest of the work. */
	queue_call(pool);
}

/**
 * fz_queue_claim() - make the calling thread the only one that looks at a pool
 * @pool: the pool, to which the calling thread is lent
 *
 * Return: false if another thread is looking already.
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
	/* Pairs with the barrier in fz_queue_kick(), as in fz_queue_begin_look(). */
	smp_mb();
	return claimed;
}

/**
 * fz_queue_release() - undo fz_queue_claim()
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
	/* If job.now is set, the next look will see our changes: see fz_queue_begin_look(). */
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
	/* At its low weight the thread might take long to end its batch. */
	if (job->worker && task_nice(job->worker) > 0) {
		job->hurry = true;
		job->nice = task_nice(job->worker);
		set_user_nice(job->worker, 0);
	}
	spin_unlock(&fz_queue_lock);
	fz_tenant_leave(pool);
	wait_event(queue_left, !smp_load_acquire(&job->worker));
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * ZERO with FASTZERO_ZERO_THREAD: a thread that the kernel makes in the tenant's
 * process does the zeroer's work for a context, until it is taken back.
 *
 * Lifetime.  The thread holds neither context nor descriptor, so it keeps nothing
 * alive but its process, which is told in context_flush() and context_release().  It
 * may touch the pool only during a turn (fz_job.busy), and whoever ends the context
 * waits for that turn.  Nobody waits for the thread itself: it may be stopped by a
 * signal.  When it finds that it is not lent any more, or is killed, it has itself
 * buried in the background.  Its code is the module's, so it holds the module.
 */
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "compat/task.h"
#include "context.h"
#include "ioctl.h"
#include "zeroer_queue.h"
#include "zeroer_thread.h"

static DECLARE_WAIT_QUEUE_HEAD(thread_left);	/* a turn is over */

/* The thread has left the module, or does so now. */
static void thread_bury(struct work_struct *work)
{
	struct fz_thread *t = container_of(work, struct fz_thread, bury);

	fz_task_stop(t->task);
	kfree(t);
	/* Unload waits for this work (fz_wq). */
	module_put(THIS_MODULE);
}

/* For the thread itself, which is gone. */
static void thread_end(struct fz_thread *t)
{
	if (!t->buried) {
		t->buried = true;
		queue_work(fz_wq, &t->bury);
	}
}

/* The thread begins no turn any more; whoever is next begins at once. */
static void thread_detach(struct fz_thread *t)
{
	struct fz_job *job = &t->pool->job;

	lockdep_assert_held(&fz_queue_lock);

	WRITE_ONCE(t->gone, true);
	/* At its weight it might take long to end its batch. */
	if (t->busy)
		set_user_nice(t->busy, 0);
	wake_up(&t->idle);
	job->thread = NULL;
	job->lent--;
	fz_queue_put(t->pool);
}

/* The same for one that may have been taken back already. */
static void thread_drop(struct fz_thread *t)
{
	spin_lock(&fz_queue_lock);
	if (!t->gone)
		thread_detach(t);
	spin_unlock(&fz_queue_lock);
	fz_queue_wake();
}

/* Its pool, for a turn; NULL if it works for none any more. */
static struct fz_pool *thread_begin_turn(struct fz_thread *t)
{
	struct fz_pool *pool = NULL;

	spin_lock(&fz_queue_lock);
	if (!t->gone) {
		pool = t->pool;
		pool->job.busy++;
		t->busy = current;
	}
	spin_unlock(&fz_queue_lock);
	return pool;
}

static void thread_end_turn(struct fz_thread *t, struct fz_pool *pool)
{
	bool wake = false;

	spin_lock(&fz_queue_lock);
	t->busy = NULL;
	/* Taken back during the turn: what it has left is for others. */
	if (t->gone)
		wake = fz_queue_put(pool);
	/* fz_thread_end() waits for this, and the pool may be gone after it. */
	smp_store_release(&pool->job.busy, pool->job.busy - 1);
	spin_unlock(&fz_queue_lock);
	if (wake)
		fz_queue_wake();
	wake_up_all(&thread_left);
}

static bool thread_has_work(struct fz_thread *t)
{
	bool has;

	spin_lock(&fz_queue_lock);
	has = t->gone || fz_lend_has_work(t->pool);
	spin_unlock(&fz_queue_lock);
	return has;
}

/* Called again and again: see fz_task_create(). */
static bool thread_run(void *arg)
{
	struct fz_thread *t = arg;
	struct fz_pool *pool = thread_begin_turn(t);
	enum fz_look again;
	u64 work = 0;

	if (!pool) {
		thread_end(t);
		return false;
	}
	__set_current_state(TASK_RUNNING);
	if (!t->cpu) {
		/* It is nobody's time that is short, whatever its process is. */
		sched_set_normal(current, MAX_NICE);
		t->cpu = fz_worker_cpu();
	}
	again = fz_lend_work(pool, &t->gone, &work);
	fz_worker_charge(pool, &t->cpu);
	thread_end_turn(t, pool);

	fz_task_pass();
	if (again != FZ_LOOK_NOW)
		wait_event_interruptible_timeout(t->idle, thread_has_work(t),
						 again == FZ_LOOK_NEVER ?
						 MAX_SCHEDULE_TIMEOUT :
						 fz_look_pause(again));
	return true;
}

/* The process is killed, or executes another program: in the thread itself. */
static void thread_killed(void *arg)
{
	struct fz_thread *t = arg;

	thread_drop(t);
	thread_end(t);
}

/* Make @t the pool's; it is lent from now on. */
static int thread_attach(struct fz_thread *t)
{
	struct fz_job *job = &t->pool->job;
	int err = -EBUSY;

	spin_lock(&fz_queue_lock);
	if (!job->thread) {
		job->thread = t;
		fz_queue_lend_locked(t->pool);
		WRITE_ONCE(job->now, true);
		err = 0;
	}
	spin_unlock(&fz_queue_lock);
	return err;
}

/**
 * fz_thread_start() - lend a thread of the caller's process to a pool
 * @pool: the pool, whose context the caller holds
 *
 * Return: 0, -EBUSY if it has such a thread, -EOPNOTSUPP if the kernel makes none,
 * -ENOMEM, or -EAGAIN if the process may have no more threads.
 */
int fz_thread_start(struct fz_pool *pool)
{
	struct fz_thread *t;
	int err;

	if (!fz_task_exists())
		return -EOPNOTSUPP;
	t = kzalloc(sizeof(*t), FZ_GFP_KERNEL);
	if (!t)
		return -ENOMEM;
	t->pool = pool;
	t->process = current->signal;
	init_waitqueue_head(&t->idle);
	INIT_WORK(&t->bury, thread_bury);
	err = thread_attach(t);
	if (err)
		goto err_free;
	t->task = fz_task_create(thread_run, thread_killed, t, "fastzero-lent");
	if (IS_ERR(t->task)) {
		err = PTR_ERR(t->task);
		goto err_detach;
	}
	__module_get(THIS_MODULE);
	fz_task_start(t->task);
	return 0;

err_detach:
	thread_drop(t);
err_free:
	kfree(t);
	return err;
}

/**
 * fz_thread_take_back() - a pool's thread is not lent any more
 * @pool: the pool; one without a thread stays as it is
 *
 * The thread ends its batch, and soon itself.
 */
void fz_thread_take_back(struct fz_pool *pool)
{
	spin_lock(&fz_queue_lock);
	if (pool->job.thread)
		thread_detach(pool->job.thread);
	spin_unlock(&fz_queue_lock);
	fz_queue_wake();
}

/**
 * fz_thread_exit_files() - the caller's process ends, and with it its descriptors
 * @pool: the pool of one of them
 *
 * Only its own threads are left of a process whose last user's thread has ended by
 * itself.  They would keep it alive, and so its mappings and their contexts.
 */
void fz_thread_exit_files(struct fz_pool *pool)
{
	struct fz_thread *t;

	spin_lock(&fz_queue_lock);
	t = pool->job.thread;
	if (t && t->process == current->signal)
		thread_detach(t);
	spin_unlock(&fz_queue_lock);
	fz_queue_wake();
}

/**
 * fz_thread_end() - no thread works for a pool any more
 * @pool: the pool, to which none can be lent from now on
 */
void fz_thread_end(struct fz_pool *pool)
{
	fz_thread_take_back(pool);
	/* Pairs with the release in thread_end_turn(). */
	wait_event(thread_left, !smp_load_acquire(&pool->job.busy));
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * ZERO with FASTZERO_ZERO_THREAD: a thread that the kernel makes in the tenant's
 * process does the zeroer's work for a context, until it is taken back.
 *
 * Lifetime.  The thread holds neither context nor descriptor, so it keeps only its
 * process alive.  The functions file_flush() and file_release() take it back when the
 * process or the context ends.  It may use the pool only during a turn (fz_job.busy), and
 * the end of the context waits for that turn.  Taking it back does not wait for it to
 * exit, since a signal may have stopped it.  When it sees that it is not lent any more,
 * or is killed, it queues a work item that frees it.  It runs code of the module, so it
 * holds a module reference.
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
/* A stopped thread delays its own burial, and those behind it, but no other work. */
static struct workqueue_struct *thread_wq;

/* Wait until the thread has exited, and free it. */
static void thread_bury(struct work_struct *work)
{
	struct fz_thread *t = container_of(work, struct fz_thread, bury);

	fz_task_stop(t->task);
	kfree(t);
	/* Unload waits for this work (thread_wq). */
	module_put(THIS_MODULE);
}

/* Called by the thread itself, when it is not lent any more: have it freed. */
static void thread_end(struct fz_thread *t)
{
	if (!t->buried) {
		t->buried = true;
		queue_work(thread_wq, &t->bury);
	}
}

/* Take a thread back: it begins no turn any more, and others take over at once. */
static void thread_detach(struct fz_thread *t)
{
	struct fz_job *job = &t->pool->job;

	lockdep_assert_held(&fz_queue_lock);

	WRITE_ONCE(t->gone, true);
	/* At its low weight it might take long to end its batch. */
	if (t->busy)
		set_user_nice(t->busy, 0);
	wake_up(&t->idle);
	job->thread = NULL;
	job->lent--;
	fz_queue_put(t->pool);
}

/* Take a thread back, unless that has happened already. */
static void thread_drop(struct fz_thread *t)
{
	spin_lock(&fz_queue_lock);
	if (!t->gone)
		thread_detach(t);
	spin_unlock(&fz_queue_lock);
	fz_queue_wake();
}

/* Begin a turn.  Returns the pool; NULL if the thread is not lent any more. */
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
	/* If it was taken back during the turn, others have to do the rest. */
	if (t->gone)
		wake = fz_queue_put(pool);
	/* fz_thread_end() waits for this.  After this the pool may be freed. */
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

/* The kernel calls this repeatedly, see fz_task_create(). */
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
		/* Background work: the thread must not inherit its process's priority. */
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

/* Called in the thread when its process is killed, or executes another program. */
static void thread_killed(void *arg)
{
	struct fz_thread *t = arg;

	thread_drop(t);
	thread_end(t);
}

/* Lend @t to its pool. */
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
 * Return: 0; -EBUSY: the pool has one already; -EOPNOTSUPP: the kernel cannot make one;
 * -ENOMEM; -EAGAIN: the process may have no more threads.
 */
int fz_thread_start(struct fz_pool *pool)
{
	struct fz_thread *t;
	int err;

	if (!fz_task_exists())
		return -EOPNOTSUPP;
	/* The kernel charges a thread's stack without care for the OOM killer. */
	if (!fz_caller_has_headroom())
		return -ENOMEM;
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
 * fz_thread_take_back() - take back a pool's thread, if it has one
 * @pool: the pool
 *
 * The thread ends its batch, and exits soon.
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
 * fz_thread_exit_files() - take back a pool's thread when its process closes all files
 * @pool: the pool of one of the files
 *
 * All other threads of the process may have ended.  A lent thread would then keep the
 * process alive, with its mappings and their contexts.
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
 * fz_thread_end() - take back a pool's thread, and wait for its turn
 * @pool: the pool; no thread can be lent to it from now on
 */
void fz_thread_end(struct fz_pool *pool)
{
	fz_thread_take_back(pool);
	/* Pairs with the release in thread_end_turn(). */
	wait_event(thread_left, !smp_load_acquire(&pool->job.busy));
}

/**
 * fz_thread_init() - prepare for lent threads
 *
 * Return: 0 or -ENOMEM.
 */
int fz_thread_init(void)
{
	thread_wq = alloc_workqueue("fastzero-lent", WQ_UNBOUND, 0);
	return thread_wq ? 0 : -ENOMEM;
}

/**
 * fz_thread_exit() - wait until all threads are freed
 */
void fz_thread_exit(void)
{
	destroy_workqueue(thread_wq);
}

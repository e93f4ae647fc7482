// SPDX-License-Identifier: GPL-2.0-only
/*
 * ZERO: a thread of the tenant does the zeroer's work for a context.  So the tenant pays
 * for the CPU time.
 */
#include <linux/jiffies.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>

#include <uapi/linux/fastzero.h>

#include "context.h"
#include "ioctl.h"
#include "zeroer_thread.h"

/*
 * A turn ends after this many base pages, and ZERO then checks the time.  It checks for
 * signals after each batch.
 */
#define LEND_TURN	FZ_CHUNK_PAGES

/**
 * fz_lend_work() - do a turn of the zeroer's work
 * @pool: the pool, to which the calling thread is lent
 * @stop: return at once when this is set; a signal has the same effect
 * @work: the work done is added here, in clears of a base page
 *
 * Return: when to look again.
 */
enum fz_look fz_lend_work(struct fz_pool *pool, const bool *stop, u64 *work)
{
	enum fz_look again = FZ_LOOK_NEVER;
	u64 done, all = 0;

	if (fz_queue_claim(pool)) {
		again = fz_zeroer_look(pool);
		fz_queue_release(pool);
	}
	do {
		done = fz_zeroer_clear(pool);
		all += done;
		cond_resched();
	} while (done && all < LEND_TURN && !READ_ONCE(*stop) &&
		 !signal_pending(current));
	*work += all;
	/* Clearing may have made surplus: look again. */
	return all ? FZ_LOOK_NOW : again;
}

/**
 * fz_lend_has_work() - whether a pool is to be looked at, and no thread is doing that
 * @pool: the pool
 *
 * Return: true if so.
 */
bool fz_lend_has_work(const struct fz_pool *pool)
{
	return READ_ONCE(pool->job.now) && !READ_ONCE(pool->job.worker);
}

/* Wait for work, or until the next look, for @left jiffies at most; -EINTR on a signal. */
static int lend_wait(struct fz_pool *pool, enum fz_look again, long left)
{
	long err;

	if (again != FZ_LOOK_NEVER)
		left = min(left, (long)fz_look_pause(again));
	err = wait_event_interruptible_timeout(pool->job.idle,
					       fz_lend_has_work(pool), left);
	return err < 0 ? -EINTR : 0;
}

/* FASTZERO_ZERO_THREAD and NO_THREAD: start a thread, or take it back, and return. */
static int lend_thread(struct fz_ucmd *ucmd)
{
	struct fz_pool *pool = &ucmd->ctx->pool;
	struct fastzero_zero *cmd = ucmd->cmd;
	int err;

	/* Neither flag may be combined with another, or with a timeout. */
	if (!is_power_of_2(cmd->flags) || cmd->timeout_ms)
		return -EINVAL;
	if (cmd->flags & FASTZERO_ZERO_NO_THREAD) {
		fz_thread_take_back(pool);
	} else {
		err = fz_thread_start(pool);
		if (err)
			return err;
	}
	cmd->out_work = 0;
	cmd->out_ns = 0;
	return fz_ucmd_respond(ucmd);
}

/**
 * fz_ioctl_zero() - ZERO
 * @ucmd: the call
 *
 * Return: 0 or a negative errno.
 */
int fz_ioctl_zero(struct fz_ucmd *ucmd)
{
	struct fz_pool *pool = &ucmd->ctx->pool;
	struct fastzero_zero *cmd = ucmd->cmd;
	unsigned long end = jiffies + msecs_to_jiffies(cmd->timeout_ms);
	long left = MAX_SCHEDULE_TIMEOUT;
	u64 work = 0, begin, cpu;
	enum fz_look again;
	int err = 0;

	if (cmd->flags & ~(FASTZERO_ZERO_ONCE | FASTZERO_ZERO_THREAD |
			   FASTZERO_ZERO_NO_THREAD))
		return -EOPNOTSUPP;
	if (cmd->__reserved)
		return -EINVAL;
	if (cmd->flags & (FASTZERO_ZERO_THREAD | FASTZERO_ZERO_NO_THREAD))
		return lend_thread(ucmd);

	begin = fz_worker_cpu();
	cpu = begin;
	fz_queue_lend(pool);
	while (!err) {
		again = fz_lend_work(pool, &pool->ending, &work);
		fz_worker_charge(pool, &cpu);
		if (cmd->timeout_ms)
			left = (long)(end - jiffies);
		if (left <= 0)
			break;
		if (signal_pending(current))
			err = -EINTR;
		else if (again == FZ_LOOK_NOW)
			continue;
		else if (cmd->flags & FASTZERO_ZERO_ONCE)
			break;
		else
			err = lend_wait(pool, again, left);
	}
	fz_queue_take_back(pool);

	cmd->out_work = work;
	cmd->out_ns = cpu - begin;
	return fz_ucmd_respond(ucmd) ?: err;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * ZERO: a thread of the tenant does the zeroer's work for a context, so that the
 * thread's cgroup pays for it.
 */
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>

#include <uapi/linux/fastzero.h>

#include "context.h"
#include "ioctl.h"

/* Base pages between two looks at signals and the time. */
#define LEND_TURN	FZ_CHUNK_PAGES

/* Do some of the work that there is now; returns when to look again. */
static enum fz_look lend_work(struct fz_pool *pool, u64 *work)
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
	} while (done && all < LEND_TURN);
	*work += all;
	/* There may be surplus now: look once more. */
	return all ? FZ_LOOK_NOW : again;
}

/* Whether the pool is to be looked at, and no thread does. */
static bool lend_has_work(const struct fz_pool *pool)
{
	return READ_ONCE(pool->job.now) && !READ_ONCE(pool->job.worker);
}

/* Wait for work, for @left jiffies at most; -EINTR on a signal. */
static int lend_wait(struct fz_pool *pool, enum fz_look again, long left)
{
	long err;

	if (again != FZ_LOOK_NEVER)
		left = min(left, (long)fz_look_pause(again));
	err = wait_event_interruptible_timeout(pool->job.idle,
					       lend_has_work(pool), left);
	return err < 0 ? -EINTR : 0;
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

	if (cmd->flags & ~FASTZERO_ZERO_ONCE)
		return -EOPNOTSUPP;
	if (cmd->__reserved)
		return -EINVAL;

	begin = fz_worker_cpu();
	cpu = begin;
	fz_queue_lend(pool);
	while (!err) {
		again = lend_work(pool, &work);
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

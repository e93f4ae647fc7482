// SPDX-License-Identifier: GPL-2.0-only
/*
 * RESET and RESET_MANY: arguments and results.  The reset itself is in reset.c.
 */
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include <uapi/linux/fastzero.h>

#include "compat/compat.h"
#include "ioctl.h"
#include "reset.h"

/* Descriptors copied from user space at once. */
#define RESET_FDS	64

/* Reset a range whose arguments were checked. */
static __always_inline int reset_range(struct fz_reset *r, u32 mode)
{
	int err = mutex_lock_killable(&r->s->lock);

	if (err)
		return err;
	err = fz_reset_run(r, mode);
	fz_reset_end(r, mode);
	mutex_unlock(&r->s->lock);
	return err;
}

/* RESET_IDLE: the caller states that all of the range is zero, so AUTO chooses nothing. */
static void reset_nothing(struct fz_reset *r)
{
	r->range.first = r->range.end;
	atomic64_inc(&r->s->count.unchosen);
	atomic64_inc(&r->s->count.resets);
}

/**
 * fz_ioctl_reset() - RESET
 * @ucmd: the call
 *
 * Return: 0 or a negative errno, see struct fastzero_reset.
 */
int fz_ioctl_reset(struct fz_ucmd *ucmd)
{
	struct fastzero_reset *cmd = ucmd->cmd;
	struct fz_reset r = { .s = ucmd->scratch };
	u64 first;
	int err;

	if (cmd->flags & ~FASTZERO_RESET_IDLE)
		return -EOPNOTSUPP;
	if (cmd->__reserved)
		return -EINVAL;
	err = fz_reset_check(&r, cmd->mode, cmd->offset, cmd->length);
	if (err)
		return err;

	first = r.range.first;
	if (cmd->flags & FASTZERO_RESET_IDLE)
		reset_nothing(&r);
	else
		err = reset_range(&r, cmd->mode);
	fz_reset_tell(cmd, &r, first);
	return fz_ucmd_respond(ucmd) ?: err;
}

/**
 * fz_ioctl_reset_fast() - RESET with valid arguments and a structure of our own version
 * @file: a scratch
 * @user: the caller's structure
 * @done: set if it was such a call.  Else this has done nothing, and the caller calls
 *	fz_ioctl_reset(), which also finds errors
 *
 * Every run pays for this call, so it copies members one by one, without a buffer.
 *
 * Return: 0 or a negative errno.
 */
long fz_ioctl_reset_fast(struct file *file, struct fastzero_reset __user *user, bool *done)
{
	struct fz_reset r = { .s = fz_scratch_of(file) };
	u32 size, flags, mode, reserved;
	u64 offset, length, first;
	int err;

	if (!user_read_access_begin(user, sizeof(*user)))
		return 0;
	unsafe_get_user(size, &user->size, no_read);
	unsafe_get_user(flags, &user->flags, no_read);
	unsafe_get_user(offset, &user->offset, no_read);
	unsafe_get_user(length, &user->length, no_read);
	unsafe_get_user(mode, &user->mode, no_read);
	unsafe_get_user(reserved, &user->__reserved, no_read);
	user_read_access_end();

	if (unlikely(size != sizeof(*user) || flags | reserved ||
		     fz_reset_check_mode(mode) || !(file->f_mode & FMODE_WRITE)))
		return 0;
	if (likely(!offset && length && length == fz_scratch_size(r.s)))
		r.range.end = r.s->nr_pages;
	else if (fz_range_check(offset, length, fz_scratch_size(r.s), PAGE_SHIFT,
				&r.range))
		return 0;
	*done = true;
	first = r.range.first;
	err = reset_range(&r, mode);

	if (!user_write_access_begin(user, sizeof(*user)))
		return -EFAULT;
	unsafe_put_user((r.range.first - first) << PAGE_SHIFT, &user->out_done, no_write);
	unsafe_put_user(r.cleared, &user->out_cleared, no_write);
	unsafe_put_user(r.swapped, &user->out_swapped, no_write);
	unsafe_put_user(r.dropped, &user->out_dropped, no_write);
	unsafe_put_user(r.held, &user->out_held, no_write);
	user_write_access_end();
	return err;

no_read:
	user_read_access_end();
	return 0;
no_write:
	user_write_access_end();
	return -EFAULT;
}

/* Reset a scratch as a whole, and add its results to @cmd. */
static int reset_fd(s32 fd, struct fastzero_reset_many *cmd)
{
	/* fdget() counts no reference in a process with one thread. */
	struct fd f = fdget(fd);
	struct file *file = fd_file(f);
	int err = -EBADF;

	if (!file)
		return err;
	if (file->f_op != &fz_scratch_fops) {
		err = -EINVAL;
	} else if (file->f_mode & FMODE_WRITE) {
		struct fz_reset r = { .s = fz_scratch_of(file) };

		r.range.end = r.s->nr_pages;
		err = reset_range(&r, cmd->mode);
		cmd->out_cleared += r.cleared;
		cmd->out_swapped += r.swapped;
		cmd->out_dropped += r.dropped;
		cmd->out_held += r.held;
	}
	fdput(f);
	return err;
}

/* Reset scratches in their order, up to the first error. */
static int reset_fds(struct fastzero_reset_many *cmd)
{
	const s32 __user *user = u64_to_user_ptr(cmd->fds);
	s32 fds[RESET_FDS];
	u32 n = 0, some;
	int err = 0;

	while (!err && cmd->out_done < cmd->nr) {
		some = min_t(u32, cmd->nr - cmd->out_done, RESET_FDS);
		if (copy_from_user(fds, user + cmd->out_done, some * sizeof(*fds)))
			return -EFAULT;
		for (n = 0; !err && n < some; n++) {
			err = reset_fd(fds[n], cmd);
			cmd->out_done += !err;
		}
		cond_resched();
		if (!err && fatal_signal_pending(current))
			err = -EINTR;
	}
	return err;
}

/**
 * fz_ioctl_reset_many() - RESET_MANY
 * @ucmd: the call
 *
 * Return: 0 or a negative errno, see struct fastzero_reset_many.
 */
int fz_ioctl_reset_many(struct fz_ucmd *ucmd)
{
	struct fastzero_reset_many *cmd = ucmd->cmd;
	int err;

	if (cmd->flags)
		return -EOPNOTSUPP;
	if (cmd->__reserved || !cmd->nr)
		return -EINVAL;
	err = fz_reset_check_mode(cmd->mode);
	if (err)
		return err;

	cmd->out_done = 0;
	cmd->out_cleared = 0;
	cmd->out_swapped = 0;
	cmd->out_dropped = 0;
	cmd->out_held = 0;
	err = reset_fds(cmd);
	return fz_ucmd_respond(ucmd) ?: err;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * RESET: what comes in and goes out.  How a reset goes is in reset.c.
 */
#include <uapi/linux/fastzero.h>

#include "ioctl.h"
#include "reset.h"

/**
 * fz_ioctl_reset() - RESET
 * @ucmd: the call
 *
 * Return: 0 or a negative errno, see struct fastzero_reset.
 */
int fz_ioctl_reset(struct fz_ucmd *ucmd)
{
	struct fastzero_reset *cmd = ucmd->cmd;
	struct fz_scratch *s = ucmd->scratch;
	struct fz_reset r = { .s = s };
	u64 first;
	int err;

	if (cmd->flags)
		return -EOPNOTSUPP;
	if (cmd->__reserved)
		return -EINVAL;
	err = fz_reset_check_mode(cmd->mode);
	if (!err)
		err = fz_range_check(cmd->offset, cmd->length,
				     fz_scratch_size(s), PAGE_SHIFT, &r.range);
	if (err)
		return err;

	first = r.range.first;
	err = mutex_lock_killable(&s->lock);
	if (!err) {
		err = fz_reset_run(&r, cmd->mode);
		fz_reset_end(&r, cmd->mode);
		mutex_unlock(&s->lock);
	}

	cmd->out_done = (r.range.first - first) << PAGE_SHIFT;
	cmd->out_cleared = r.cleared;
	cmd->out_swapped = r.swapped;
	cmd->out_dropped = r.dropped;
	cmd->out_held = r.held;
	return fz_ucmd_respond(ucmd) ?: err;
}

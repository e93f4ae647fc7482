/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ioctls: one table, and one function each to copy structures in and out.
 */
#ifndef FZ_IOCTL_H
#define FZ_IOCTL_H

#include <linux/fs.h>
#include <linux/minmax.h>
#include <linux/types.h>
#include <linux/uaccess.h>

struct fastzero_reset;
struct fz_context;
struct fz_scratch;

/**
 * struct fz_ucmd - one call
 * @user: the caller's structure
 * @user_size: its size in the caller's version
 * @cmd: the module's copy; members that the caller's version lacks are 0
 * @size: size of @cmd
 * @ctx: the context
 * @scratch: the scratch; NULL if the ioctl is for contexts, or if the descriptor is a
 *	context's that has no implicit scratch
 */
struct fz_ucmd {
	void __user *user;
	u32 user_size;
	void *cmd;
	u32 size;
	struct fz_context *ctx;
	struct fz_scratch *scratch;
};

/**
 * fz_ucmd_respond() - copy the structure back to the caller
 * @ucmd: the call
 *
 * Return: 0 or -EFAULT.
 */
static inline int fz_ucmd_respond(struct fz_ucmd *ucmd)
{
	if (copy_to_user(ucmd->user, ucmd->cmd,
			 min(ucmd->user_size, ucmd->size)))
		return -EFAULT;
	return 0;
}

long fz_context_ioctl(struct file *file, unsigned int nr, unsigned long arg);
long fz_scratch_ioctl(struct file *file, unsigned int nr, unsigned long arg);

int fz_ioctl_reset(struct fz_ucmd *ucmd);
int fz_ioctl_reset_many(struct fz_ucmd *ucmd);
long fz_ioctl_reset_fast(struct file *file, struct fastzero_reset __user *user,
			 bool *done);
int fz_ioctl_reset_dirty(struct fz_ucmd *ucmd);
int fz_ioctl_populate(struct fz_ucmd *ucmd);
int fz_ioctl_workset(struct fz_ucmd *ucmd);
int fz_ioctl_stats(struct fz_ucmd *ucmd);
int fz_ioctl_zero(struct fz_ucmd *ucmd);

#endif

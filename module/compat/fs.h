/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Differences between kernels: files and inodes.
 */
#ifndef FZ_COMPAT_FS_H
#define FZ_COMPAT_FS_H

#include <linux/file.h>
#include <linux/fs.h>

#include "features.h"

/* For generic_setlease(). */
#ifdef FZ_HAVE_FILELOCK
#include <linux/filelock.h>
#endif

/* The argument of setattr and getattr that maps ids. */
#ifdef FZ_HAVE_MNT_IDMAP
#define fz_idmap mnt_idmap
#else
#define fz_idmap user_namespace
#endif

static inline void fz_fillattr(struct fz_idmap *idmap, u32 mask,
			       struct inode *inode, struct kstat *stat)
{
#ifdef FZ_HAVE_FILLATTR_MASK
	generic_fillattr(idmap, mask, inode, stat);
#else
	generic_fillattr(idmap, inode, stat);
#endif
}

/* Splicing by ->read_iter: the pipe gets copies, see rw.c. */
#ifdef FZ_HAVE_COPY_SPLICE_READ
#define fz_splice_read copy_splice_read
#else
#define fz_splice_read generic_file_splice_read
#endif

/* The file of a descriptor that fdget() has looked up. */
#ifndef fd_file
#define fd_file(f) ((f).file)
#endif

#endif

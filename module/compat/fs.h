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

/* The times of a new inode: now. */
static inline void fz_inode_init_times(struct inode *inode)
{
#ifdef FZ_HAVE_SIMPLE_INODE_INIT_TS
	simple_inode_init_ts(inode);
#else
	inode->i_atime = current_time(inode);
	inode->i_mtime = inode->i_atime;
	inode->i_ctime = inode->i_atime;
#endif
}

/* The times of a directory whose entries have changed: now. */
static inline void fz_inode_changed(struct inode *inode)
{
#ifdef FZ_HAVE_SIMPLE_INODE_INIT_TS
	inode_set_mtime_to_ts(inode, inode_set_ctime_current(inode));
#else
	inode->i_mtime = current_time(inode);
	inode->i_ctime = inode->i_mtime;
#endif
}

/*
 * Entries of a file system in memory stay until they are removed.  Newer kernels mark such
 * entries, others count one more reference.
 */
#ifdef FZ_HAVE_D_MAKE_PERSISTENT
#define fz_kill_litter_super kill_anon_super

static inline void fz_make_persistent(struct dentry *dentry, struct inode *inode)
{
	d_make_persistent(dentry, inode);
}
#else
#define fz_kill_litter_super kill_litter_super

static inline void fz_make_persistent(struct dentry *dentry, struct inode *inode)
{
	d_instantiate(dentry, inode);
	dget(dentry);
}
#endif

/*
 * FZ_DEFINE_CREATE(name, make) and FZ_DEFINE_MKDIR(name, make): define ->create and
 * ->mkdir of struct inode_operations.  These call make(idmap, dir, dentry, mode), which
 * returns 0 or a negative errno.
 */
#ifdef FZ_HAVE_CREATE_NO_EXCL
#define FZ_DEFINE_CREATE(_name, _make)						\
	static int _name(struct fz_idmap *idmap, struct inode *dir,		\
			 struct dentry *dentry, umode_t mode)			\
	{									\
		return _make(idmap, dir, dentry, mode);				\
	}
#else
#define FZ_DEFINE_CREATE(_name, _make)						\
	static int _name(struct fz_idmap *idmap, struct inode *dir,		\
			 struct dentry *dentry, umode_t mode, bool excl)	\
	{									\
		return _make(idmap, dir, dentry, mode);				\
	}
#endif

#ifdef FZ_HAVE_MKDIR_DENTRY
#define FZ_DEFINE_MKDIR(_name, _make)						\
	static struct dentry *_name(struct fz_idmap *idmap, struct inode *dir,	\
				    struct dentry *dentry, umode_t mode)	\
	{									\
		return ERR_PTR(_make(idmap, dir, dentry, mode));		\
	}
#else
#define FZ_DEFINE_MKDIR(_name, _make)						\
	static int _name(struct fz_idmap *idmap, struct inode *dir,		\
			 struct dentry *dentry, umode_t mode)			\
	{									\
		return _make(idmap, dir, dentry, mode);				\
	}
#endif

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

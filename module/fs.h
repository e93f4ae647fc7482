/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The file system that root can mount: each of its files is a scratch.
 */
#ifndef FZ_FS_H
#define FZ_FS_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/types.h>
#include <linux/uidgid.h>

struct inode;
struct super_block;

/**
 * struct fz_fs_options - what mount says
 * @uid: owner of the directory
 * @gid: its group
 * @mode: its mode
 * @size: bytes that all files may have together, 0 for no limit
 * @nr_inodes: files and directories that there may be, 0 for no limit
 * @policy: enum fastzero_page_policy of the files
 * @node: NUMA node of the files, or NUMA_NO_NODE
 */
struct fz_fs_options {
	kuid_t uid;
	kgid_t gid;
	umode_t mode;
	u64 size;
	u64 nr_inodes;
	u32 policy;
	int node;
};

/**
 * struct fz_fs - a mounted file system
 * @lock: protects the limits in @opts, @length, @nr_inodes and @files
 * @opts: the options; only the limits change
 * @length: bytes that the files have together
 * @nr_inodes: files and directories, the root directory included
 * @files: the scratches of all files (fz_scratch.beside)
 */
struct fz_fs {
	struct mutex lock;	/* protects limits in opts, length, nr_inodes, files */
	struct fz_fs_options opts;
	u64 length;
	u64 nr_inodes;
	struct list_head files;
};

/* fs.c */
int fz_fs_init(void);
void fz_fs_exit(void);

/* fs_inode.c */
struct inode *fz_fs_root(struct super_block *sb);
void fz_fs_evict_inode(struct inode *inode);

#endif

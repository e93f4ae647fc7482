// SPDX-License-Identifier: GPL-2.0-only
/* mkdir returns the entry to use, NULL for the given one. */
#include <linux/fs.h>

static struct dentry *test_mkdir(struct mnt_idmap *idmap, struct inode *dir,
				 struct dentry *dentry, umode_t mode)
{
	return NULL;
}

extern const struct inode_operations test_ops;
const struct inode_operations test_ops = { .mkdir = test_mkdir };

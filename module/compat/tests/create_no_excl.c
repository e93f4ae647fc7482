// SPDX-License-Identifier: GPL-2.0-only
/* create is not told whether the file must be new. */
#include <linux/fs.h>

static int test_create(struct mnt_idmap *idmap, struct inode *dir,
		       struct dentry *dentry, umode_t mode)
{
	return 0;
}

extern const struct inode_operations test_ops;
const struct inode_operations test_ops = { .create = test_create };

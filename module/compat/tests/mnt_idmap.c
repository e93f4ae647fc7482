// SPDX-License-Identifier: GPL-2.0-only
/* setattr takes a struct mnt_idmap. */
#include <linux/fs.h>

static int test_setattr(struct mnt_idmap *idmap, struct dentry *dentry,
			struct iattr *attr)
{
	return 0;
}

extern const struct inode_operations test_ops;
const struct inode_operations test_ops = { .setattr = test_setattr };

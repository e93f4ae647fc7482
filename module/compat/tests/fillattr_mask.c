// SPDX-License-Identifier: GPL-2.0-only
/* generic_fillattr takes a mask of the attributes that are wanted. */
#include <linux/fs.h>

void test(struct mnt_idmap *idmap, struct inode *inode, struct kstat *stat);
void test(struct mnt_idmap *idmap, struct inode *inode, struct kstat *stat)
{
	generic_fillattr(idmap, STATX_BASIC_STATS, inode, stat);
}

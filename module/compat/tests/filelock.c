// SPDX-License-Identifier: GPL-2.0-only
/* Locks of files have a header of their own. */
#include <linux/filelock.h>
#include <linux/fs.h>

extern const struct file_operations test_ops;
const struct file_operations test_ops = { .setlease = generic_setlease };

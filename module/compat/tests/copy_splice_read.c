// SPDX-License-Identifier: GPL-2.0-only
/* Splicing from a file by reading it into pages of the pipe. */
#include <linux/fs.h>

extern const struct file_operations test_ops;
const struct file_operations test_ops = { .splice_read = copy_splice_read };

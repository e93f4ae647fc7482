/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FZ_FDINFO_H
#define FZ_FDINFO_H

struct file;
struct seq_file;

void fz_context_show_fdinfo(struct seq_file *m, struct file *file);
void fz_scratch_show_fdinfo(struct seq_file *m, struct file *file);

#endif

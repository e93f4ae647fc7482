/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The roster: a list of all contexts, for the operator of the host.
 */
#ifndef FZ_ROSTER_H
#define FZ_ROSTER_H

#include <linux/list.h>
#include <linux/sched.h>
#include <linux/types.h>

struct fz_context;
struct pid;
struct seq_file;

/**
 * struct fz_identity - the identity of a context, for the operator of the host
 * @id: its number; no other context gets it while the module is loaded
 * @opener: the process that opened it, with a reference
 * @comm: the name that this process had at the open
 * @link: on the roster
 */
struct fz_identity {
	u64 id;
	struct pid *opener;
	char comm[TASK_COMM_LEN];
	struct list_head link;
};

void fz_roster_add(struct fz_context *ctx);
void fz_roster_remove(struct fz_context *ctx);
void fz_roster_show_identity(struct seq_file *m, const struct fz_identity *who);
void fz_roster_init(void);
void fz_roster_exit(void);

#endif

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The roster: a list of all contexts, which root can read in debugfs (fastzero/contexts).
 * A context is on it from its open to its end, also while only a mapping or a descriptor
 * of a scratch is left.
 */
#include <linux/debugfs.h>
#include <linux/mutex.h>
#include <linux/pid.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include <uapi/linux/fastzero.h>

#include "compat/compat.h"
#include "context.h"

static DEFINE_MUTEX(roster_lock);	/* protects roster_contexts, roster_next */
static LIST_HEAD(roster_contexts);
static u64 roster_next = 1;
static struct dentry *roster_dir;

/**
 * fz_roster_add() - put a new context on the roster; the caller is its opener
 * @ctx: the context
 */
void fz_roster_add(struct fz_context *ctx)
{
	struct fz_identity *who = &ctx->who;

	who->opener = get_pid(task_tgid(current));
	get_task_comm(who->comm, current->group_leader);
	mutex_lock(&roster_lock);
	who->id = roster_next++;
	list_add_tail(&who->link, &roster_contexts);
	mutex_unlock(&roster_lock);
}

/**
 * fz_roster_remove() - take a context off the roster; after that no reader looks at it
 * @ctx: the context
 */
void fz_roster_remove(struct fz_context *ctx)
{
	mutex_lock(&roster_lock);
	list_del(&ctx->who.link);
	mutex_unlock(&roster_lock);
	put_pid(ctx->who.opener);
}

/* Escapes the name: a process may choose any bytes for it. */
static void roster_show_name(struct seq_file *m, const char *name)
{
	seq_escape(m, name, " \t\n\\");
}

/**
 * fz_roster_show_identity() - show a context and its opener in fdinfo
 * @m: the output
 * @who: the context's identity
 */
void fz_roster_show_identity(struct seq_file *m, const struct fz_identity *who)
{
	seq_printf(m, "fastzero-context:\t%llu\n", who->id);
	seq_printf(m, "fastzero-opener:\t%d ", pid_vnr(who->opener));
	roster_show_name(m, who->comm);
	seq_putc(m, '\n');
}

static void *roster_start(struct seq_file *m, loff_t *pos)
{
	mutex_lock(&roster_lock);
	return seq_list_start_head(&roster_contexts, *pos);
}

static void *roster_next_one(struct seq_file *m, void *at, loff_t *pos)
{
	return seq_list_next(at, &roster_contexts, pos);
}

static void roster_stop(struct seq_file *m, void *at)
{
	mutex_unlock(&roster_lock);
}

static void roster_show_cgroup(struct seq_file *m, struct mem_cgroup *memcg)
{
	char *path = kmalloc(PATH_MAX, GFP_KERNEL);

	if (path && fz_memcg_path(memcg, path, PATH_MAX))
		roster_show_name(m, path);
	else
		seq_putc(m, '-');
	kfree(path);
}

static int roster_show(struct seq_file *m, void *at)
{
	struct fastzero_stats st = { };
	struct fz_context *ctx;

	if (at == &roster_contexts) {
		seq_puts(m, "id opener comm scratches length populated owned zeros "
			    "target ready used held index faults resets "
			    "auto_inplace auto_swap auto_drop zeroer_ns cgroup\n");
		return 0;
	}
	ctx = list_entry(at, struct fz_context, who.link);
	fz_stats_fill(&st, ctx);
	seq_printf(m, "%llu %d ", ctx->who.id, pid_vnr(ctx->who.opener));
	roster_show_name(m, ctx->who.comm);
	seq_printf(m, " %llu %llu %llu %llu %ld", st.out_scratches, st.out_length,
		   st.out_populated, st.out_owned, atomic_long_read(&ctx->nr_zeros));
	seq_printf(m, " %llu %llu %llu %llu %llu %llu %llu", st.out_pool_target,
		   st.out_pool_ready, st.out_pool_used, st.out_pool_held, st.out_index,
		   st.out_faults, st.out_resets);
	seq_printf(m, " %llu %llu %llu %llu ", st.out_auto_inplace, st.out_auto_swap,
		   st.out_auto_drop, st.out_zeroer_ns);
	roster_show_cgroup(m, ctx->pool.memcg);
	seq_putc(m, '\n');
	return 0;
}

static const struct seq_operations roster_sops = {
	.start	= roster_start,
	.next	= roster_next_one,
	.stop	= roster_stop,
	.show	= roster_show,
};
DEFINE_SEQ_ATTRIBUTE(roster);

/**
 * fz_roster_init() - make the file in debugfs
 */
void fz_roster_init(void)
{
	roster_dir = debugfs_create_dir("fastzero", NULL);
	debugfs_create_file("contexts", 0400, roster_dir, NULL, &roster_fops);
}

/**
 * fz_roster_exit() - remove the file
 */
void fz_roster_exit(void)
{
	debugfs_remove(roster_dir);
}

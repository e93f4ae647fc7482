// SPDX-License-Identifier: GPL-2.0-only
/*
 * /proc/PID/fdinfo of both kinds of descriptors.
 */
#include <linux/fs.h>
#include <linux/seq_file.h>
#include <linux/string_helpers.h>

#include <uapi/linux/fastzero.h>

#include "context.h"
#include "fdinfo.h"

/* The name may have any bytes: show printable ASCII only. */
static void fdinfo_show_name(struct seq_file *m, const struct fz_scratch *s)
{
	seq_escape_mem(m, s->name, strlen(s->name),
		       ESCAPE_SPACE | ESCAPE_SPECIAL | ESCAPE_OCTAL |
		       ESCAPE_NAP | ESCAPE_APPEND, "\\");
}

static void fdinfo_show(struct seq_file *m, const struct fastzero_stats *st)
{
	seq_printf(m, "fastzero-length:\t%llu\n", st->out_length);
	seq_printf(m, "fastzero-populated:\t%llu\n", st->out_populated);
	seq_printf(m, "fastzero-index:\t%llu\n", st->out_index);
	seq_printf(m, "fastzero-faults:\t%llu\n", st->out_faults);
	seq_printf(m, "fastzero-resets:\t%llu\n", st->out_resets);
	seq_printf(m, "fastzero-cleared:\t%llu\n", st->out_cleared);
	seq_printf(m, "fastzero-swapped:\t%llu\n", st->out_swapped);
	seq_printf(m, "fastzero-dropped:\t%llu\n", st->out_dropped);
	seq_printf(m, "fastzero-held:\t%llu\n", st->out_held);
	seq_printf(m, "fastzero-auto-inplace:\t%llu\n", st->out_auto_inplace);
	seq_printf(m, "fastzero-auto-swap:\t%llu\n", st->out_auto_swap);
	seq_printf(m, "fastzero-auto-drop:\t%llu\n", st->out_auto_drop);
}

void fz_scratch_show_fdinfo(struct seq_file *m, struct file *file)
{
	struct fz_scratch *s = fz_scratch_of(file);
	struct fastzero_stats st = { };

	fz_stats_fill_scratch(&st, s);
	fz_roster_show_identity(m, &s->ctx->who);
	seq_printf(m, "fastzero-scratch:\t%lu\n", (unsigned long)s->inode->i_ino);
	if (s->name) {
		seq_puts(m, "fastzero-name:\t");
		fdinfo_show_name(m, s);
		seq_putc(m, '\n');
	}
	fdinfo_show(m, &st);
}

void fz_context_show_fdinfo(struct seq_file *m, struct file *file)
{
	struct fz_context *ctx = file->private_data;
	struct fastzero_stats st = { };

	fz_stats_fill(&st, ctx);
	fz_roster_show_identity(m, &ctx->who);
	seq_printf(m, "fastzero-scratches:\t%llu\n", st.out_scratches);
	fdinfo_show(m, &st);
	seq_printf(m, "fastzero-pool-target:\t%llu\n", st.out_pool_target);
	seq_printf(m, "fastzero-pool-ready:\t%llu\n", st.out_pool_ready);
	seq_printf(m, "fastzero-pool-used:\t%llu\n", st.out_pool_used);
	seq_printf(m, "fastzero-pool-held:\t%llu\n", st.out_pool_held);
	seq_printf(m, "fastzero-owned:\t%llu\n", st.out_owned);
	seq_printf(m, "fastzero-zeroed:\t%llu\n", st.out_zeroed);
	seq_printf(m, "fastzero-zeroer-ns:\t%llu\n", st.out_zeroer_ns);
	seq_printf(m, "fastzero-shrunk:\t%llu\n", st.out_shrunk);
}

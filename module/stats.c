// SPDX-License-Identifier: GPL-2.0-only
/*
 * STATS: sizes and counters of a context or a scratch.
 */
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/seq_file.h>

#include <uapi/linux/fastzero.h>

#include "chunk.h"
#include "ioctl.h"

/**
 * fz_counters_add() - add counters to a sum
 * @sum: the sum
 * @add: the counters to add
 */
void fz_counters_add(struct fz_counters *sum, const struct fz_counters *add)
{
	atomic64_add(atomic64_read(&add->faults), &sum->faults);
	atomic64_add(atomic64_read(&add->faults_ready), &sum->faults_ready);
	atomic64_add(atomic64_read(&add->faults_used), &sum->faults_used);
	atomic64_add(atomic64_read(&add->faults_alloc), &sum->faults_alloc);
	atomic64_add(atomic64_read(&add->resets), &sum->resets);
	atomic64_add(atomic64_read(&add->cleared), &sum->cleared);
	atomic64_add(atomic64_read(&add->swapped), &sum->swapped);
	atomic64_add(atomic64_read(&add->dropped), &sum->dropped);
	atomic64_add(atomic64_read(&add->held), &sum->held);
	atomic64_add(atomic64_read(&add->aged), &sum->aged);
	atomic64_add(atomic64_read(&add->returned), &sum->returned);
	atomic64_add(atomic64_read(&add->huge_failed), &sum->huge_failed);
	atomic64_add(atomic64_read(&add->broken), &sum->broken);
	atomic64_add(atomic64_read(&add->rebuilt), &sum->rebuilt);
	atomic64_add(atomic64_read(&add->unchosen), &sum->unchosen);
	atomic64_add(atomic64_read(&add->auto_swap), &sum->auto_swap);
	atomic64_add(atomic64_read(&add->auto_drop), &sum->auto_drop);
}

static void stats_fill_counters(struct fastzero_stats *st,
				const struct fz_counters *c)
{
	u64 others;

	st->out_faults = atomic64_read(&c->faults);
	st->out_faults_ready = atomic64_read(&c->faults_ready);
	st->out_faults_used = atomic64_read(&c->faults_used);
	st->out_faults_alloc = atomic64_read(&c->faults_alloc);
	st->out_resets = atomic64_read(&c->resets);
	st->out_cleared = atomic64_read(&c->cleared);
	st->out_swapped = atomic64_read(&c->swapped);
	st->out_dropped = atomic64_read(&c->dropped);
	st->out_held = atomic64_read(&c->held);
	st->out_aged = atomic64_read(&c->aged);
	st->out_returned = atomic64_read(&c->returned);
	st->out_huge_failed = atomic64_read(&c->huge_failed);
	st->out_broken = atomic64_read(&c->broken);
	st->out_rebuilt = atomic64_read(&c->rebuilt);
	st->out_auto_swap = atomic64_read(&c->auto_swap);
	st->out_auto_drop = atomic64_read(&c->auto_drop);
	/*
	 * Most resets clear in place with AUTO, so these have no counter: subtract the
	 * others.  The others may include a reset that out_resets does not count yet.
	 */
	others = atomic64_read(&c->unchosen) + st->out_auto_swap +
		 st->out_auto_drop;
	st->out_auto_inplace = st->out_resets - min(st->out_resets, others);
}

/**
 * fz_stats_fill_scratch() - fill in the members of a scratch
 * @st: zeros; members that a scratch has of its own are written
 * @s: the scratch
 */
void fz_stats_fill_scratch(struct fastzero_stats *st, struct fz_scratch *s)
{
	st->out_scratches = 1;
	st->out_length = fz_scratch_size(s);
	st->out_populated = atomic_long_read(&s->populated);
	st->out_huge = (u64)atomic_read(&s->nr_huge) * FZ_CHUNK_PAGES;
	st->out_index = fz_index_bytes(s);
	stats_fill_counters(st, &s->count);
}

static void stats_fill_context(struct fastzero_stats *st,
			       struct fz_context *ctx)
{
	struct fz_counters sum = { };
	struct fz_scratch *s;

	mutex_lock(&ctx->lock);
	fz_counters_add(&sum, &ctx->gone);
	list_for_each_entry(s, &ctx->scratches, link) {
		st->out_scratches++;
		st->out_length += fz_scratch_size(s);
		st->out_populated += atomic_long_read(&s->populated);
		st->out_huge += (u64)atomic_read(&s->nr_huge) * FZ_CHUNK_PAGES;
		st->out_index += fz_index_bytes(s);
		fz_counters_add(&sum, &s->count);
		cond_resched();
	}
	mutex_unlock(&ctx->lock);
	stats_fill_counters(st, &sum);
}

static void stats_fill_pool(struct fastzero_stats *st, struct fz_pool *pool)
{
	const struct fz_store *store;

	spin_lock(&pool->lock);
	fz_for_each_store(pool, store) {
		u64 pages = fz_size_pages(store->size);

		st->out_pool_target += store->target * pages;
		st->out_pool_ready += store->nr_ready * pages;
		st->out_pool_used += store->nr_used * pages;
		st->out_pool_held += store->nr_held * pages;
	}
	st->out_zeroed = pool->zeroed;
	st->out_zeroer_ns = pool->zeroer_ns;
	st->out_shrunk = pool->shrunk;
	spin_unlock(&pool->lock);
	st->out_owned = atomic_long_read(&pool->owned);
}

/**
 * fz_stats_fill() - fill in the members of a context
 * @st: zeros; all members are written
 * @ctx: the context
 */
void fz_stats_fill(struct fastzero_stats *st, struct fz_context *ctx)
{
	stats_fill_context(st, ctx);
	stats_fill_pool(st, &ctx->pool);
}

/**
 * fz_ioctl_stats() - STATS
 * @ucmd: the call
 *
 * Return: 0 or a negative errno.
 */
int fz_ioctl_stats(struct fz_ucmd *ucmd)
{
	struct fastzero_stats *st = ucmd->cmd;
	u32 size = st->size;

	if (st->flags)
		return -EOPNOTSUPP;

	memset(st, 0, sizeof(*st));
	st->size = size;
	if (ucmd->scratch) {
		fz_stats_fill_scratch(st, ucmd->scratch);
		stats_fill_pool(st, &ucmd->ctx->pool);
	} else {
		fz_stats_fill(st, ucmd->ctx);
	}
	return fz_ucmd_respond(ucmd);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The calls that latency.c measures.
 */
#define _GNU_SOURCE
#include "latency.h"

#define POOL_PAGES	12288
#define POOL_CHUNKS	48

static int refuse_workset(struct latency *l)
{
	return latency_write_workset(l) && errno == ENOMEM ? 0 : -1;
}

/* Most calls have a counterpart on a memfd: a hole punch. */
static int reset(struct latency *l, uint32_t mode)
{
	return fz_raw_clear(l->fd, 0, l->size, l->ctx < 0 ? FZ_PUNCH : mode);
}

static int call_inplace(struct latency *l)
{
	return reset(l, FASTZERO_MODE_INPLACE);
}

static int call_swap(struct latency *l)
{
	return reset(l, FASTZERO_MODE_SWAP);
}

static int call_drop(struct latency *l)
{
	return reset(l, FASTZERO_MODE_DROP);
}

static int call_auto(struct latency *l)
{
	return reset(l, FASTZERO_MODE_AUTO);
}

static int call_punch(struct latency *l)
{
	return reset(l, FZ_PUNCH);
}

static int call_dirty(struct latency *l, uint32_t shift)
{
	struct fastzero_reset_dirty cmd = {
		.size = sizeof(cmd), .length = l->size, .granule_shift = shift,
		.bitmap = (uintptr_t)l->buf, .bitmap_size = l->buf_size,
	};

	return ioctl(l->fd, FASTZERO_IOC_RESET_DIRTY, &cmd);
}

static int call_coarse(struct latency *l)
{
	return call_dirty(l, LATENCY_COARSE_SHIFT);
}

static int call_fine(struct latency *l)
{
	return call_dirty(l, (uint32_t)__builtin_ctzl(fz_ps));
}

static int call_populate(struct latency *l)
{
	if (l->ctx < 0)
		return madvise(l->map, l->size, MADV_POPULATE_WRITE);
	return fz_raw_populate(l->fd, 0, l->size, 0, NULL);
}

static int call_populate_workset(struct latency *l)
{
	return fz_raw_populate(l->fd, 0, l->size, FASTZERO_POPULATE_WORKSET,
			       NULL);
}

static int call_read_workset(struct latency *l)
{
	return fz_raw_workset(l->fd, FASTZERO_WORKSET_READ, l->buf, l->buf_size,
			      NULL);
}

static int call_pool(struct latency *l)
{
	return fz_raw_pool(l->ctx, POOL_PAGES, 0, NULL) ||
	       fz_raw_pool(l->ctx, 0, 0, NULL) ? -1 : 0;
}

static int call_pool_huge(struct latency *l)
{
	return fz_raw_pool_huge(l->ctx, POOL_CHUNKS, 0) ||
	       fz_raw_pool_huge(l->ctx, 0, 0) ? -1 : 0;
}

static int call_stats(struct latency *l)
{
	struct fastzero_stats st;

	return fz_raw_stats(l->ctx, &st);
}

static int call_pwrite(struct latency *l)
{
	return pwrite(l->fd, l->buf, l->size, 0) == (ssize_t)l->size ? 0 : -1;
}

static int call_pread(struct latency *l)
{
	return pread(l->fd, l->buf, l->size, 0) == (ssize_t)l->size ? 0 : -1;
}

static int call_munmap(struct latency *l)
{
	int err = munmap(l->map, l->size);

	l->map = NULL;
	return err;
}

/* The end of a scratch, and of its context. */
static int call_close(struct latency *l)
{
	close(l->fd);
	close(l->ctx);
	l->fd = -1;
	l->ctx = -1;
	return 0;
}

/* The control: a program that only computes. */
static int call_nothing(struct latency *l)
{
	volatile long i;

	(void)l;
	for (i = 0; i < 5000000; i++)
		;
	return 0;
}

const struct latency_case latency_cases[] = {
	{ "nothing", latency_prepare_nothing, call_nothing, false },
	{ "reset_inplace", latency_prepare_dense, call_inplace, false },
	{ "reset_swap", latency_prepare_dense, call_swap, false },
	{ "reset_drop", latency_prepare_dense, call_drop, false },
	{ "reset_auto", latency_prepare_dense, call_auto, false },
	{ "reset_unmapped", latency_prepare_dense, call_auto, true },
	{ "reset_sparse", latency_prepare_sparse, call_drop, false },
	{ "reset_huge", latency_prepare_huge, call_inplace, false },
	{ "reset_huge_grows", latency_prepare_huge_grows, call_swap, false },
	{ "reset_dirty_coarse", latency_prepare_coarse, call_coarse, false },
	{ "reset_dirty_fine", latency_prepare_fine, call_fine, false },
	{ "populate", latency_prepare_hole, call_populate, false },
	{ "populate_workset", latency_prepare_sparse_workset, call_populate_workset, false },
	{ "populate_empty_workset", latency_prepare_empty, call_populate_workset, false },
	{ "populate_many_maps", latency_prepare_many_maps, call_populate, false },
	{ "populate_many_views", latency_prepare_many_views, call_populate, false },
	{ "workset_read", latency_prepare_written_runs, call_read_workset, false },
	{ "workset_write", latency_prepare_runs, latency_write_workset, false },
	{ "workset_refused", latency_prepare_too_many, refuse_workset, false },
	{ "workset_clear", latency_prepare_empty, latency_clear_workset, false },
	{ "pool", latency_prepare_pool, call_pool, false },
	{ "pool_huge", latency_prepare_pool, call_pool_huge, false },
	{ "stats", latency_prepare_scratches, call_stats, false },
	{ "pwrite_all", latency_prepare_buffer, call_pwrite, false },
	{ "pread_all", latency_prepare_buffer, call_pread, false },
	{ "punch", latency_prepare_dense, call_punch, false },
	{ "munmap_all", latency_prepare_dense, call_munmap, false },
	{ "close_dense", latency_prepare_dense, call_close, true },
	{ "close_sparse", latency_prepare_sparse, call_close, true },
	{ "close_empty", latency_prepare_empty, call_close, true },
	{ "close_huge", latency_prepare_huge, call_close, true },
	{ .name = NULL }
};

const struct latency_case *latency_find(const char *name)
{
	const struct latency_case *c;

	for (c = latency_cases; c->name; c++)
		if (!strcmp(c->name, name))
			return c;
	return NULL;
}

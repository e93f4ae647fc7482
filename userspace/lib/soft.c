// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * libfastzero: contexts and scratches of the fallbacks.
 */
#include "soft.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* 64 TiB: half of what a process can map. */
#define SOFT_MAX_LENGTH	(1ull << 46)
#define SOFT_CHUNK	(2u << 20)

#define END_OF(type, member)						\
	(offsetof(struct type, member) + sizeof(((struct type *)0)->member))

static struct fz_soft *soft_new(const struct fz_soft_ops *ops)
{
	struct fz_soft *soft = calloc(1, sizeof(*soft));

	if (!soft) {
		fz_fail(-ENOMEM, NULL);
		return NULL;
	}
	soft->ops = ops;
	soft->refs = 1;
	pthread_mutex_init(&soft->lock, NULL);
	soft->zero = -1;
	soft->pagemap = -1;
	soft->uffd = -1;
	return soft;
}

static void soft_put(struct fz_soft *soft)
{
	if (__atomic_sub_fetch(&soft->refs, 1, __ATOMIC_ACQ_REL))
		return;
	if (soft->ops->close)
		soft->ops->close(soft);
	pthread_mutex_destroy(&soft->lock);
	free(soft);
}

int fz_soft_open(struct fastzero_ctx *ctx, const struct fastzero_ctx_opts *opts)
{
	struct fz_soft *soft = soft_new(ctx->backend->soft);
	int ret;

	(void)opts;
	if (!soft)
		return -ENOMEM;
	ret = soft->ops->open ? soft->ops->open(soft) : 0;
	if (ret) {
		pthread_mutex_destroy(&soft->lock);
		free(soft);
		return ret;
	}
	ctx->soft = soft;
	return 0;
}

void fz_soft_close(struct fastzero_ctx *ctx)
{
	soft_put(ctx->soft);
}

static int soft_info(const struct fastzero_ctx *ctx, struct fastzero_info *info)
{
	const struct fz_soft_ops *ops = ctx->backend->soft;
	const struct fastzero_info out = {
		.out_features = ops->features,
		.out_modes = ops->modes,
		.out_page_size = FZ_PAGE,
		.out_chunk_size = SOFT_CHUNK,
		.out_max_scratches = UINT32_MAX,
		.out_max_length = SOFT_MAX_LENGTH,
	};
	int ret = fz_struct_check_first(info, END_OF(fastzero_info, out_max_pages));

	if (ret)
		return ret;
	if (info->flags)
		return fz_fail(-EOPNOTSUPP, "an unknown flag");
	fz_struct_out(info, &out, sizeof(out));
	return 0;
}

static uint64_t soft_populated(struct fz_memory *memory)
{
	struct fz_segment part;
	uint64_t pages = 0;
	size_t i = SIZE_MAX;
	int64_t n;

	if (memory->fd >= 0) {
		n = fz_memfd_pages(memory->fd);
		return n > 0 ? (uint64_t)n : 0;
	}
	if (memory->forks != fz_segment_forks)
		return 0;
	pthread_mutex_lock(&memory->lock);
	while (fz_segment_next(memory, 0, memory->length, &i, &part))
		pages += fz_pages_present(part.addr, part.length);
	pthread_mutex_unlock(&memory->lock);
	return pages;
}

static void soft_stats_out(struct fastzero_stats *out, const struct fz_counts *counts)
{
	out->out_resets = __atomic_load_n(&counts->resets, __ATOMIC_RELAXED);
	out->out_cleared = __atomic_load_n(&counts->cleared, __ATOMIC_RELAXED);
	out->out_dropped = __atomic_load_n(&counts->dropped, __ATOMIC_RELAXED);
	out->out_auto_inplace = __atomic_load_n(&counts->auto_inplace, __ATOMIC_RELAXED);
	out->out_auto_drop = __atomic_load_n(&counts->auto_drop, __ATOMIC_RELAXED);
}

static int soft_stats_check(const struct fastzero_stats *stats)
{
	int ret = fz_struct_check_first(stats, END_OF(fastzero_stats, out_zeroer_ns));

	if (ret)
		return ret;
	return stats->flags ? fz_fail(-EOPNOTSUPP, "an unknown flag") : 0;
}

static int soft_ctx_stats(struct fz_soft *soft, struct fastzero_stats *stats)
{
	struct fastzero_stats out = { 0 };
	struct fz_memory *memory;
	int ret = soft_stats_check(stats);

	if (ret)
		return ret;
	soft_stats_out(&out, &soft->counts);
	pthread_mutex_lock(&soft->lock);
	for (memory = soft->memories; memory; memory = memory->next) {
		out.out_scratches++;
		out.out_length += memory->length;
		out.out_populated += soft_populated(memory);
	}
	pthread_mutex_unlock(&soft->lock);
	out.out_owned = out.out_populated;
	fz_struct_out(stats, &out, sizeof(out));
	return 0;
}

int fz_soft_query(const struct fastzero_ctx *ctx, unsigned long request, void *arg)
{
	return request == FASTZERO_IOC_INFO ? soft_info(ctx, arg) :
					      soft_ctx_stats(ctx->soft, arg);
}

int fz_soft_stats(const struct fastzero_scratch *scratch, struct fastzero_stats *stats)
{
	struct fz_memory *memory = scratch->memory;
	struct fastzero_stats out = {
		.out_scratches = 1,
		.out_length = memory->length,
	};
	int ret = soft_stats_check(stats);

	if (ret)
		return ret;
	soft_stats_out(&out, &memory->counts);
	out.out_populated = soft_populated(memory);
	out.out_owned = out.out_populated;
	fz_struct_out(stats, &out, sizeof(out));
	return 0;
}

static void soft_add(uint64_t *count, uint64_t n)
{
	if (n)
		__atomic_fetch_add(count, n, __ATOMIC_RELAXED);
}

static void soft_count(struct fz_counts *counts, bool inplace, bool drop,
		       const struct fz_done *done)
{
	soft_add(&counts->resets, 1);
	soft_add(&counts->cleared, done->cleared);
	soft_add(&counts->dropped, done->dropped);
	soft_add(&counts->auto_inplace, inplace);
	soft_add(&counts->auto_drop, drop);
}

/* A reset in the statistics; @memory may be NULL.  @is_auto: AUTO has chosen the way. */
void fz_soft_count(struct fz_soft *soft, struct fz_memory *memory, bool is_auto,
		   const struct fz_done *done)
{
	bool can_inplace = soft->ops->modes & (1u << FASTZERO_MODE_INPLACE);

	soft_count(&soft->counts, is_auto && can_inplace, is_auto && !can_inplace, done);
	if (memory)
		soft_count(&memory->counts, is_auto && can_inplace,
			   is_auto && !can_inplace, done);
}

static int soft_create_check(const struct fz_backend *backend,
			     const struct fastzero_create *create)
{
	const char *name = (const char *)(uintptr_t)create->name;

	if (create->flags)
		return fz_fail(-EOPNOTSUPP, "the backend %s has no flags for scratches",
			       backend->name);
	if (create->page_policy == FASTZERO_PAGES_2M)
		return fz_backend_lacks(backend, "chunks of 2 MiB");
	if (create->page_policy > FASTZERO_PAGES_2M)
		return fz_fail(-EINVAL, "an unknown page policy, %u", create->page_policy);
	if (create->length % FZ_PAGE || !create->length)
		return fz_fail(-EINVAL,
			       "a length of %" PRIu64 " bytes is not a multiple of the page size, %lu, or is 0",
			       (uint64_t)create->length, FZ_PAGE);
	if (create->node)
		return fz_fail(-EINVAL, "a node without FASTZERO_CREATE_NODE");
	if (name && strnlen(name, FASTZERO_NAME_MAX + 1) > FASTZERO_NAME_MAX)
		return fz_fail(-EINVAL, "a name of more than %d bytes", FASTZERO_NAME_MAX);
	if (create->length > SOFT_MAX_LENGTH)
		return fz_fail(-EINVAL, "a length of %" PRIu64 " bytes is beyond %llu",
			       (uint64_t)create->length, SOFT_MAX_LENGTH);
	return 0;
}

static struct fz_memory *soft_memory(struct fz_soft *soft, int fd, uint64_t length,
				     uint32_t policy)
{
	struct fz_memory *memory = calloc(1, sizeof(*memory));

	if (!memory) {
		fz_fail(-ENOMEM, NULL);
		return NULL;
	}
	memory->soft = soft;
	memory->fd = fd;
	memory->length = length;
	memory->policy = policy;
	pthread_mutex_init(&memory->lock, NULL);
	__atomic_add_fetch(&soft->refs, 1, __ATOMIC_RELAXED);
	pthread_mutex_lock(&soft->lock);
	memory->next = soft->memories;
	if (soft->memories)
		soft->memories->prev = memory;
	soft->memories = memory;
	pthread_mutex_unlock(&soft->lock);
	fz_segment_register(memory);
	return memory;
}

/* @scratch has its descriptor, if it is to have one. */
int fz_soft_create(const struct fastzero_ctx *ctx, struct fastzero_create *create,
		   struct fastzero_scratch *scratch)
{
	int ret = soft_create_check(ctx->backend, create);

	if (ret)
		return ret;
	scratch->memory = soft_memory(ctx->soft, scratch->fd, create->length,
				      create->page_policy);
	return scratch->memory ? 0 : -ENOMEM;
}

/* In a context of its own, which nobody sees. */
int fz_soft_adopt(struct fastzero_scratch *scratch)
{
	struct fz_soft *soft = soft_new(scratch->backend->soft);

	if (!soft)
		return -ENOMEM;
	scratch->memory = soft_memory(soft, scratch->fd, scratch->length,
				      FASTZERO_PAGES_AUTO);
	soft_put(soft);
	return scratch->memory ? 0 : -ENOMEM;
}

void fz_soft_end(struct fastzero_scratch *scratch)
{
	struct fz_memory *memory = scratch->memory;
	struct fz_soft *soft = memory->soft;

	fz_segment_unregister(memory);
	pthread_mutex_lock(&soft->lock);
	if (memory->prev)
		memory->prev->next = memory->next;
	else
		soft->memories = memory->next;
	if (memory->next)
		memory->next->prev = memory->prev;
	pthread_mutex_unlock(&soft->lock);
	pthread_mutex_destroy(&memory->lock);
	free(memory);
	soft_put(soft);
}

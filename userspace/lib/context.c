// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * libfastzero: contexts and their pools.
 */
#include "internal.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

FASTZERO_API int fastzero_ctx_adopt(int fd, struct fastzero_ctx **out)
{
	struct fastzero_ctx *ctx;
	int ret = fz_device_is_ctx(fd);

	if (ret)
		return ret;
	ctx = malloc(sizeof(*ctx));
	if (!ctx)
		return -ENOMEM;
	ctx->fd = fd;
	*out = ctx;
	return 0;
}

FASTZERO_API int fastzero_ctx_open(const struct fastzero_ctx_opts *opts,
				   struct fastzero_ctx **out)
{
	struct fastzero_ctx_opts o;
	int fd, ret;

	ret = fz_struct_in(&o, sizeof(o), opts);
	if (ret)
		return ret;
	if (o.flags)
		return -EOPNOTSUPP;
	fd = fz_device_open(o.path);
	if (fd < 0)
		return fd;
	ret = fastzero_ctx_adopt(fd, out);
	if (ret)
		close(fd);
	return ret;
}

FASTZERO_API void fastzero_ctx_close(struct fastzero_ctx *ctx)
{
	if (!ctx)
		return;
	close(ctx->fd);
	free(ctx);
}

FASTZERO_API int fastzero_ctx_fd(const struct fastzero_ctx *ctx)
{
	return ctx->fd;
}

FASTZERO_API int fastzero_ctx_info(const struct fastzero_ctx *ctx,
				   struct fastzero_info *info)
{
	return fz_device_query(ctx->fd, FASTZERO_IOC_INFO, info);
}

FASTZERO_API int fastzero_ctx_stats(const struct fastzero_ctx *ctx,
				    struct fastzero_stats *stats)
{
	return fz_device_query(ctx->fd, FASTZERO_IOC_STATS, stats);
}

static int context_pool(const struct fastzero_ctx *ctx,
			struct fastzero_pool *pool,
			struct fastzero_pool_state *state)
{
	struct fastzero_pool_state s = { 0 };
	int ret = fz_struct_check_out(state);

	if (ret)
		return ret;
	ret = fz_device_call(ctx->fd, FASTZERO_IOC_POOL, pool);
	s.ready = pool->out_ready;
	s.used = pool->out_used;
	fz_struct_out(state, &s, sizeof(s));
	return ret;
}

FASTZERO_API int fastzero_ctx_pool(const struct fastzero_ctx *ctx,
				   unsigned int order, uint64_t target,
				   uint32_t flags,
				   struct fastzero_pool_state *state)
{
	struct fastzero_pool pool = {
		.size = sizeof(pool),
		.flags = flags,
		.order = order,
		.target = target,
	};

	return context_pool(ctx, &pool, state);
}

FASTZERO_API int fastzero_ctx_pool_node(const struct fastzero_ctx *ctx,
					uint32_t node, unsigned int order,
					uint64_t target, uint32_t flags,
					struct fastzero_pool_state *state)
{
	struct fastzero_pool pool = {
		.size = sizeof(pool),
		.flags = flags | FASTZERO_POOL_NODE,
		.order = order,
		.node = node,
		.target = target,
	};

	return context_pool(ctx, &pool, state);
}

FASTZERO_API int fastzero_ctx_zero(const struct fastzero_ctx *ctx,
				   uint32_t timeout_ms, uint32_t flags,
				   struct fastzero_zero_result *result)
{
	struct fastzero_zero zero = {
		.size = sizeof(zero),
		.flags = flags,
		.timeout_ms = timeout_ms,
	};
	struct fastzero_zero_result r = { 0 };
	int ret = fz_struct_check_out(result);

	if (ret)
		return ret;
	ret = fz_device_call(ctx->fd, FASTZERO_IOC_ZERO, &zero);
	r.work = zero.out_work;
	r.ns = zero.out_ns;
	fz_struct_out(result, &r, sizeof(r));
	return ret;
}

static int context_thread(const struct fastzero_ctx *ctx, uint32_t flag)
{
	struct fastzero_zero zero = {
		.size = sizeof(zero),
		.flags = flag,
	};

	return fz_device_call(ctx->fd, FASTZERO_IOC_ZERO, &zero);
}

FASTZERO_API int fastzero_ctx_zero_start(const struct fastzero_ctx *ctx)
{
	return context_thread(ctx, FASTZERO_ZERO_THREAD);
}

FASTZERO_API int fastzero_ctx_zero_stop(const struct fastzero_ctx *ctx)
{
	return context_thread(ctx, FASTZERO_ZERO_NO_THREAD);
}

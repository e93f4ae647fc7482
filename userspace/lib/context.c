// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * libfastzero: contexts and their pools.
 */
#include "internal.h"

#include <stdlib.h>

FASTZERO_API int fastzero_ctx_adopt(int fd, struct fastzero_ctx **out)
{
	struct fastzero_ctx *ctx;
	int ret;

	if (!out)
		return fz_null("the context's place");
	*out = NULL;
	ret = fz_device_is_ctx(fd);
	if (ret)
		return ret;
	ctx = calloc(1, sizeof(*ctx));
	if (!ctx)
		return fz_fail(-ENOMEM, NULL);
	ctx->backend = &fz_backend_device;
	ctx->fd = fd;
	*out = ctx;
	return 0;
}

FASTZERO_API void fastzero_ctx_close(struct fastzero_ctx *ctx)
{
	if (!ctx)
		return;
	ctx->backend->close(ctx);
	free(ctx->why);
	free(ctx);
}

FASTZERO_API int fastzero_ctx_fd(const struct fastzero_ctx *ctx)
{
	if (!ctx)
		return fz_null("the context");
	return ctx->fd >= 0 ? ctx->fd :
			      fz_backend_lacks(ctx->backend, "descriptor of a context");
}

static int context_query(const struct fastzero_ctx *ctx, unsigned long request,
			 void *arg)
{
	int ret;

	if (!ctx)
		return fz_null("the context");
	if (!arg)
		return fz_null("the structure");
	ret = fz_struct_check_out(arg);
	return ret ? ret : ctx->backend->query(ctx, request, arg);
}

FASTZERO_API int fastzero_ctx_info(const struct fastzero_ctx *ctx,
				   struct fastzero_info *info)
{
	return context_query(ctx, FASTZERO_IOC_INFO, info);
}

FASTZERO_API int fastzero_ctx_stats(const struct fastzero_ctx *ctx,
				    struct fastzero_stats *stats)
{
	return context_query(ctx, FASTZERO_IOC_STATS, stats);
}

static int context_pool(const struct fastzero_ctx *ctx,
			struct fastzero_pool *pool,
			struct fastzero_pool_state *state)
{
	struct fastzero_pool_state s = { 0 };
	int ret = fz_struct_check_out(state);

	if (!ctx)
		return fz_null("the context");
	if (ret)
		return ret;
	if (!ctx->backend->pool)
		return fz_backend_lacks(ctx->backend, "pool");
	ret = ctx->backend->pool(ctx, pool);
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

static int context_zero(const struct fastzero_ctx *ctx, struct fastzero_zero *zero)
{
	if (!ctx)
		return fz_null("the context");
	if (!ctx->backend->zero)
		return fz_backend_lacks(ctx->backend, "zeroer");
	return ctx->backend->zero(ctx, zero);
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
	ret = context_zero(ctx, &zero);
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

	return context_zero(ctx, &zero);
}

FASTZERO_API int fastzero_ctx_zero_start(const struct fastzero_ctx *ctx)
{
	return context_thread(ctx, FASTZERO_ZERO_THREAD);
}

FASTZERO_API int fastzero_ctx_zero_stop(const struct fastzero_ctx *ctx)
{
	return context_thread(ctx, FASTZERO_ZERO_NO_THREAD);
}

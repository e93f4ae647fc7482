// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * libfastzero: scratches.
 */
#include "internal.h"

#include <stdlib.h>
#include <unistd.h>

static struct fastzero_scratch *scratch_new(const struct fz_backend *backend, int fd,
					    uint64_t length)
{
	struct fastzero_scratch *scratch = calloc(1, sizeof(*scratch));

	if (!scratch)
		return NULL;
	scratch->backend = backend;
	scratch->fd = fd;
	scratch->length = length;
	return scratch;
}

FASTZERO_API int
fastzero_scratch_create(const struct fastzero_ctx *ctx, uint64_t length,
			const struct fastzero_scratch_opts *opts,
			struct fastzero_scratch **out)
{
	struct fastzero_create create = { .size = sizeof(create) };
	struct fastzero_scratch *scratch;
	struct fastzero_scratch_opts o;
	int ret;

	if (!out)
		return fz_null("the scratch's place");
	*out = NULL;
	if (!ctx)
		return fz_null("the context");
	ret = fz_struct_in(&o, sizeof(o), opts);
	if (ret)
		return ret;
	create.flags = o.flags;
	create.length = length;
	create.page_policy = o.page_policy;
	create.node = o.node;
	create.name = (uintptr_t)o.name;
	scratch = scratch_new(ctx->backend, -1, length);
	if (!scratch)
		return fz_fail(-ENOMEM, NULL);
	ret = ctx->backend->create(ctx, &create, scratch);
	if (ret)
		free(scratch);
	else
		*out = scratch;
	return ret;
}

FASTZERO_API int fastzero_scratch_adopt(int fd, struct fastzero_scratch **out)
{
	const struct fz_backend *const *b;
	struct fastzero_scratch *scratch;
	uint64_t length;
	int ret = -ENOTTY;

	if (!out)
		return fz_null("the scratch's place");
	*out = NULL;
	for (b = fz_backends; *b; b++) {
		if (!(*b)->is_scratch)
			continue;
		ret = (*b)->is_scratch(fd, &length);
		if (ret != -ENOTTY)
			break;
	}
	if (ret)
		return ret;
	scratch = scratch_new(*b, fd, length);
	if (!scratch)
		return fz_fail(-ENOMEM, NULL);
	ret = (*b)->adopt ? (*b)->adopt(scratch) : 0;
	if (ret)
		free(scratch);
	else
		*out = scratch;
	return ret;
}

FASTZERO_API void fastzero_scratch_close(struct fastzero_scratch *scratch)
{
	if (!scratch)
		return;
	if (scratch->backend->end)
		scratch->backend->end(scratch);
	if (scratch->fd >= 0)
		close(scratch->fd);
	free(scratch);
}

FASTZERO_API int fastzero_scratch_fd(const struct fastzero_scratch *scratch)
{
	if (!scratch)
		return fz_null("the scratch");
	return scratch->fd >= 0 ? scratch->fd :
		fz_backend_lacks(scratch->backend, "descriptor of a scratch");
}

FASTZERO_API uint64_t
fastzero_scratch_length(const struct fastzero_scratch *scratch)
{
	return scratch ? scratch->length : 0;
}

FASTZERO_API int fastzero_scratch_backend(const struct fastzero_scratch *scratch)
{
	return scratch ? (int)scratch->backend->id : fz_null("the scratch");
}

FASTZERO_API int fastzero_scratch_stats(const struct fastzero_scratch *scratch,
					struct fastzero_stats *stats)
{
	int ret;

	if (!scratch)
		return fz_null("the scratch");
	if (!stats)
		return fz_null("the structure");
	ret = fz_struct_check_out(stats);
	return ret ? ret : scratch->backend->stats(scratch, stats);
}

// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * libfastzero: the backends, and which of them a context gets.
 */
#include "internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct fz_backend *const fz_backends[] = {
	&fz_backend_device,
	&fz_backend_pagescan,
	&fz_backend_memfd,
	&fz_backend_anon,
	&fz_backend_memset,
	NULL
};

int fz_backend_lacks(const struct fz_backend *backend, const char *what)
{
	return fz_fail(-EOPNOTSUPP, "the backend %s has no %s", backend->name, what);
}

FASTZERO_API const char *fastzero_backend_name(unsigned int id)
{
	const struct fz_backend *const *b;

	if (id == FASTZERO_BACKEND_ANY)
		return "any";
	for (b = fz_backends; *b; b++)
		if ((*b)->id == id)
			return (*b)->name;
	return NULL;
}

/* -EINVAL, with the names that there are. */
static int backend_unknown(const char *what, const char *name)
{
	const struct fz_backend *const *b;
	char names[128] = "any";

	for (b = fz_backends; *b; b++) {
		size_t length = strlen(names);

		snprintf(names + length, sizeof(names) - length, ", %s", (*b)->name);
	}
	return fz_fail(-EINVAL, "%s%s: there is no such backend; there are %s", what, name,
		       names);
}

FASTZERO_API int fastzero_backend_parse(const char *name)
{
	const struct fz_backend *const *b;

	if (!name)
		return fz_null("the name");
	if (!strcmp(name, "any"))
		return FASTZERO_BACKEND_ANY;
	for (b = fz_backends; *b; b++)
		if (!strcmp(name, (*b)->name))
			return (int)(*b)->id;
	return backend_unknown("", name);
}

/* Which one the caller or the environment names, or -errno. */
static int backend_named(const struct fastzero_ctx_opts *opts)
{
	const char *name;
	int ret;

	if (opts->backend != FASTZERO_BACKEND_ANY)
		return fastzero_backend_name(opts->backend) ? (int)opts->backend :
			fz_fail(-EINVAL, "there is no backend of the number %u",
				opts->backend);
	if (opts->path)
		return FASTZERO_BACKEND_DEVICE;
	name = secure_getenv("FASTZERO_BACKEND");
	if (!name || !*name)
		return FASTZERO_BACKEND_ANY;
	ret = fastzero_backend_parse(name);
	return ret < 0 ? backend_unknown("FASTZERO_BACKEND=", name) : ret;
}

/* One line more of why. */
static int backend_because(struct fastzero_ctx *ctx, const struct fz_backend *b, int ret)
{
	char *why;

	if (asprintf(&why, "%s%s: %s\n", ctx->why ? ctx->why : "", b->name,
		     fastzero_strerror(ret)) < 0)
		return fz_fail(-ENOMEM, NULL);
	free(ctx->why);
	ctx->why = why;
	return 0;
}

static int backend_open(struct fastzero_ctx *ctx, const struct fastzero_ctx_opts *opts)
{
	bool need_fd = opts->flags & FASTZERO_CTX_NEED_FD;
	const struct fz_backend *const *b;
	int named = backend_named(opts);
	int ret;

	if (named < 0)
		return named;
	if (opts->path && named != FASTZERO_BACKEND_DEVICE)
		return fz_fail(-EINVAL, "a path goes with the backend device, not with %s",
			       fastzero_backend_name(named));
	for (b = fz_backends; *b; b++) {
		if (named != FASTZERO_BACKEND_ANY && (*b)->id != (uint32_t)named)
			continue;
		ctx->backend = *b;
		ret = need_fd && !(*b)->has_fd ?
			fz_fail(-EINVAL,
				"this backend has no descriptors, which FASTZERO_CTX_NEED_FD asks for") :
			(*b)->open(ctx, opts);
		if (!ret || named != FASTZERO_BACKEND_ANY)
			return ret;
		ret = backend_because(ctx, *b, ret);
		if (ret)
			return ret;
	}
	return fz_fail(-EOPNOTSUPP, "no backend works: %s", ctx->why);
}

FASTZERO_API int fastzero_ctx_open(const struct fastzero_ctx_opts *opts,
				   struct fastzero_ctx **out)
{
	struct fastzero_ctx_opts o;
	struct fastzero_ctx *ctx;
	int ret;

	if (!out)
		return fz_null("the context's place");
	*out = NULL;
	ret = fz_struct_in(&o, sizeof(o), opts);
	if (ret)
		return ret;
	if (o.flags & ~FASTZERO_CTX_NEED_FD)
		return fz_fail(-EOPNOTSUPP, "an unknown flag");
	if (o.__reserved)
		return fz_fail(-EINVAL, "a reserved member is not 0");
	ctx = calloc(1, sizeof(*ctx));
	if (!ctx)
		return fz_fail(-ENOMEM, NULL);
	ctx->fd = -1;
	ret = backend_open(ctx, &o);
	if (ret) {
		free(ctx->why);
		free(ctx);
		return ret;
	}
	*out = ctx;
	return 0;
}

FASTZERO_API int fastzero_backend(const struct fastzero_ctx *ctx)
{
	return ctx ? (int)ctx->backend->id : fz_null("the context");
}

FASTZERO_API const char *fastzero_backend_why(const struct fastzero_ctx *ctx)
{
	if (!ctx)
		return NULL;
	return ctx->why ? ctx->why : "";
}

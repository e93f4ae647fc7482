// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contexts: one for each open of /dev/fastzero, and for each file of a mount.
 */
#include <linux/err.h>
#include <linux/kref.h>
#include <linux/slab.h>

#include "context.h"

static void context_destroy(struct kref *ref)
{
	struct fz_context *ctx = container_of(ref, struct fz_context, ref);

	fz_roster_remove(ctx);
	fz_pool_destroy(&ctx->pool);
	mutex_destroy(&ctx->first);
	mutex_destroy(&ctx->lock);
	kfree(ctx);
}

/**
 * fz_context_put() - drop a reference
 * @ctx: the context; may be gone afterwards
 *
 * The task that drops the last reference frees all memory before this returns.  So when
 * wait(2) for a process returns, its memory is free.
 */
void fz_context_put(struct fz_context *ctx)
{
	kref_put(&ctx->ref, context_destroy);
}

/**
 * fz_context_implicit() - the implicit scratch, for mmap of the device
 * @ctx: a context whose descriptor the caller holds
 *
 * Return: the scratch, NULL while there is none.
 */
struct fz_scratch *fz_context_implicit(struct fz_context *ctx)
{
	struct file *file = READ_ONCE(ctx->implicit);

	return file ? fz_scratch_of(file) : NULL;
}

/**
 * fz_context_allowed() - whether the caller may have a new context
 *
 * Return: 0, -EOPNOTSUPP if the kernel charges no memory cgroup and require_accounting is
 * set, or -ENOMEM.
 */
int fz_context_allowed(void)
{
	int err = fz_limit_check_accounting();

	if (err)
		return err;
	/* Without headroom, some of the following allocations would run the OOM killer. */
	return fz_caller_has_headroom() ? 0 : -ENOMEM;
}

/**
 * fz_context_create() - a context for the caller
 *
 * Before it, the caller has called fz_context_allowed(), and fz_scratch_pin_mount() if
 * scratches on the internal mount are to be made in it.
 *
 * Return: the context, with one reference, or an ERR_PTR.
 */
struct fz_context *fz_context_create(void)
{
	struct fz_context *ctx = kzalloc(sizeof(*ctx), FZ_GFP_KERNEL);
	int err;

	if (!ctx)
		return ERR_PTR(-ENOMEM);
	err = fz_pool_init(&ctx->pool);
	if (err) {
		kfree(ctx);
		return ERR_PTR(err);
	}
	kref_init(&ctx->ref);
	mutex_init(&ctx->lock);
	mutex_init(&ctx->first);
	INIT_LIST_HEAD(&ctx->scratches);
	fz_roster_add(ctx);
	return ctx;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contexts: one open of /dev/fastzero each.
 */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>

#include <uapi/linux/fastzero.h>

#include "compat/compat.h"
#include "context.h"
#include "ioctl.h"
#include "thread.h"

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
 * The last one gives all memory back before this returns: so whoever waits for the
 * end of a process finds its memory free.
 */
void fz_context_put(struct fz_context *ctx)
{
	kref_put(&ctx->ref, context_destroy);
}

/**
 * fz_context_implicit() - the scratch behind mmap of the device
 * @ctx: a context whose descriptor the caller holds
 *
 * Return: the scratch, NULL while there is none.
 */
struct fz_scratch *fz_context_implicit(struct fz_context *ctx)
{
	struct file *file = READ_ONCE(ctx->implicit);

	return file ? fz_scratch_of(file) : NULL;
}

static int context_open(struct inode *inode, struct file *file)
{
	struct fz_context *ctx;
	int err;

	err = fz_limit_check_accounting();
	if (err)
		return err;
	/* What the kernel itself allocates for us it does at any price. */
	if (!fz_caller_has_headroom())
		return -ENOMEM;
	ctx = kzalloc(sizeof(*ctx), FZ_GFP_KERNEL);
	if (!ctx)
		return -ENOMEM;
	err = fz_scratch_pin_mount();
	if (err)
		goto err_free;
	err = fz_pool_init(&ctx->pool);
	if (err)
		goto err_unpin;

	kref_init(&ctx->ref);
	mutex_init(&ctx->lock);
	mutex_init(&ctx->first);
	INIT_LIST_HEAD(&ctx->scratches);
	fz_roster_add(ctx);
	file->private_data = ctx;
	return 0;

err_unpin:
	fz_scratch_unpin_mount();
err_free:
	kfree(ctx);
	return err;
}

/* Also called when a process closes one of several descriptors. */
static int context_flush(struct file *file, fl_owner_t id)
{
	struct fz_context *ctx = file->private_data;

	if (current->flags & PF_EXITING)
		fz_thread_exit_files(&ctx->pool);
	return 0;
}

static int context_release(struct inode *inode, struct file *file)
{
	struct fz_context *ctx = file->private_data;

	fz_thread_end(&ctx->pool);
	if (ctx->implicit)
		fput(ctx->implicit);
	/* Not when the last inode goes: ending the mount may be what ends it. */
	fz_scratch_unpin_mount();
	fz_context_put(ctx);
	return 0;
}

/*
 * Make the implicit scratch, or find that another process just did.  One at a time:
 * a second scratch, even for a moment, may be more than the context may have.
 */
static struct file *context_make_implicit(struct fz_context *ctx, u64 nr_pages)
{
	struct file *file;

	mutex_lock(&ctx->first);
	file = ctx->implicit;
	if (!file) {
		file = fz_scratch_create(ctx, nr_pages, FASTZERO_PAGES_AUTO, 0,
					 NUMA_NO_NODE, NULL);
		if (!IS_ERR(file))
			/* Pairs with the dependency in fz_context_implicit(). */
			smp_store_release(&ctx->implicit, file);
	}
	mutex_unlock(&ctx->first);
	return file;
}

static int context_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct fz_context *ctx = file->private_data;
	struct file *implicit = READ_ONCE(ctx->implicit);
	int err;

	/* Before anything is made for a mapping that will be refused. */
	if (!fz_vma_allowed(vma))
		return -EINVAL;

	if (!implicit) {
		implicit = context_make_implicit(ctx, vma->vm_pgoff +
						 vma_pages(vma));
		if (IS_ERR(implicit))
			return PTR_ERR(implicit);
	}

	err = fz_scratch_mmap(implicit, vma);
	if (err)
		return err;
	/* From here on it is a mapping of the scratch like any other. */
	vma_set_file(vma, implicit);
	return 0;
}

/* In the implicit scratch; of size 0 while there is none. */
static loff_t context_llseek(struct file *file, loff_t offset, int whence)
{
	return fz_seek(file, fz_context_implicit(file->private_data), offset,
		       whence);
}

const struct file_operations fz_context_fops = {
	.owner		= THIS_MODULE,
	.open		= context_open,
	.flush		= context_flush,
	.release	= context_release,
	.llseek		= context_llseek,
	.mmap		= context_mmap,
	.get_unmapped_area = thp_get_unmapped_area,
	.unlocked_ioctl	= fz_context_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
	.show_fdinfo	= fz_context_show_fdinfo,
};

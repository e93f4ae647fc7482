// SPDX-License-Identifier: GPL-2.0-only
/*
 * The file operations of both kinds of descriptors: contexts (opens of /dev/fastzero) and
 * scratches.
 */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>

#include <uapi/linux/fastzero.h>

#include "compat/compat.h"
#include "context.h"
#include "fdinfo.h"
#include "ioctl.h"
#include "zeroer_thread.h"

static int file_open(struct inode *inode, struct file *file)
{
	struct fz_context *ctx;
	int err;

	err = fz_context_allowed();
	if (err)
		return err;
	err = fz_scratch_pin_mount();
	if (err)
		return err;
	ctx = fz_context_create();
	if (IS_ERR(ctx)) {
		fz_scratch_unpin_mount();
		return PTR_ERR(ctx);
	}
	file->private_data = ctx;
	return 0;
}

/* Called for each close of a descriptor, also when others of the file stay open. */
static int file_flush(struct file *file, fl_owner_t id)
{
	struct fz_context *ctx = file->private_data;

	if (current->flags & PF_EXITING)
		fz_thread_exit_files(&ctx->pool);
	return 0;
}

static int file_release(struct inode *inode, struct file *file)
{
	struct fz_context *ctx = file->private_data;

	fz_thread_end(&ctx->pool);
	if (ctx->implicit)
		fput(ctx->implicit);
	/*
	 * Unpin here, not in context_destroy(): an inode holds the context, and the end of
	 * the mount may evict the last inode.
	 */
	fz_scratch_unpin_mount();
	fz_context_put(ctx);
	return 0;
}

/*
 * Make the implicit scratch, unless another thread just did.  The mutex keeps a second
 * thread from making one as well, which could exceed the context's limit of scratches.
 */
static struct file *file_make_implicit(struct fz_context *ctx, u64 nr_pages)
{
	struct file *file;

	mutex_lock(&ctx->first);
	file = ctx->implicit;
	if (!file) {
		file = fz_scratch_create(ctx, nr_pages, FASTZERO_PAGES_AUTO, 0,
					 NUMA_NO_NODE, NULL);
		if (!IS_ERR(file))
			/* Pairs with the address dependency in fz_context_implicit(). */
			smp_store_release(&ctx->implicit, file);
	}
	mutex_unlock(&ctx->first);
	return file;
}

static int file_mmap_context(struct file *file, struct vm_area_struct *vma)
{
	struct fz_context *ctx = file->private_data;
	struct file *implicit = READ_ONCE(ctx->implicit);
	int err;

	/* Make no scratch for a mapping that fz_scratch_mmap() will refuse. */
	if (!fz_vma_allowed(vma))
		return -EINVAL;

	if (!implicit) {
		implicit = file_make_implicit(ctx, vma->vm_pgoff +
						 vma_pages(vma));
		if (IS_ERR(implicit))
			return PTR_ERR(implicit);
	}

	err = fz_scratch_mmap(implicit, vma);
	if (err)
		return err;
	/* From here on it is a mapping of the scratch, like any other. */
	vma_set_file(vma, implicit);
	return 0;
}

/* Seeks in the implicit scratch.  While there is none, the size is 0. */
static loff_t file_llseek_context(struct file *file, loff_t offset, int whence)
{
	return fz_seek(file, fz_context_implicit(file->private_data), offset,
		       whence);
}

const struct file_operations fz_context_fops = {
	.owner		= THIS_MODULE,
	.open		= file_open,
	.flush		= file_flush,
	.release	= file_release,
	.llseek		= file_llseek_context,
	.mmap		= file_mmap_context,
	.get_unmapped_area = thp_get_unmapped_area,
	.unlocked_ioctl	= fz_context_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
	.show_fdinfo	= fz_context_show_fdinfo,
};

static loff_t file_llseek_scratch(struct file *file, loff_t offset, int whence)
{
	return fz_seek(file, fz_scratch_of(file), offset, whence);
}

const struct file_operations fz_scratch_fops = {
	.owner		= THIS_MODULE,
	.llseek		= file_llseek_scratch,
	.read_iter	= fz_read_iter,
	.write_iter	= fz_write_iter,
	.splice_read	= fz_splice_read,
	.splice_write	= iter_file_splice_write,
	.mmap		= fz_scratch_mmap,
	.get_unmapped_area = thp_get_unmapped_area,	/* aligned to chunks */
	.fsync		= noop_fsync,
	.fallocate	= fz_fallocate,
	.setlease	= generic_setlease,	/* not all kernels have it as default */
	.unlocked_ioctl	= fz_scratch_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
	.show_fdinfo	= fz_scratch_show_fdinfo,
};

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Scratches: regular files of fixed size, on the internal mount or on one that root has
 * made.  So each has its own struct address_space, and a reset of one never looks at
 * another.
 */
#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mount.h>
#include <linux/pagemap.h>
#include <linux/pseudo_fs.h>
#include <linux/slab.h>

#include <uapi/linux/fastzero.h>

#include "chunk.h"
#include "compat/compat.h"
#include "ioctl.h"

static struct vfsmount *scratch_mnt;
static int scratch_mnt_users;

/* The size is fixed: the only size that may be set is the present one. */
static int scratch_setattr(struct fz_idmap *idmap, struct dentry *dentry,
			   struct iattr *attr)
{
	if (!(attr->ia_valid & ATTR_SIZE))
		return -EPERM;
	return attr->ia_size == i_size_read(d_inode(dentry)) ? 0 : -EINVAL;
}

/**
 * fz_scratch_getattr() - what stat shows of a scratch
 * @idmap: passed on
 * @path: its file
 * @stat: filled in
 * @mask: passed on
 * @flags: not used
 *
 * Return: 0.
 */
int fz_scratch_getattr(struct fz_idmap *idmap, const struct path *path,
		       struct kstat *stat, u32 mask, unsigned int flags)
{
	struct inode *inode = d_inode(path->dentry);
	struct fz_scratch *s = inode->i_private;

	fz_fillattr(idmap, mask, inode, stat);
	/* A block of st_blocks always has 512 bytes. */
	stat->blocks = (u64)atomic_long_read(&s->populated) * (PAGE_SIZE / 512);
	return 0;
}

static const struct inode_operations scratch_inode_ops = {
	.getattr	= fz_scratch_getattr,
	.setattr	= scratch_setattr,
};

/* Folios are always dirty, and are never written back. */
static const struct address_space_operations scratch_aops = {
	.dirty_folio	= noop_dirty_folio,
};

static void scratch_destroy(struct fz_scratch *s)
{
	struct fz_context *ctx = s->ctx;

	/* No other scratch or descriptor holds the context: the pool need not keep anything. */
	if (kref_read(&ctx->ref) == 1)
		fz_pool_end(&ctx->pool);
	fz_reset_all(s);
	fz_index_destroy(s);
	fz_zero_destroy(s);

	mutex_lock(&ctx->lock);
	if (!list_empty(&s->link)) {
		list_del(&s->link);
		ctx->nr_scratches--;
	}
	fz_counters_add(&ctx->gone, &s->count);
	mutex_unlock(&ctx->lock);

	mutex_destroy(&s->lock);
	kfree(s->name);
	kfree(s);
	fz_context_put(ctx);
}

/**
 * fz_scratch_evict_inode() - the end of an inode, and of its scratch if it has one
 * @inode: the inode
 */
void fz_scratch_evict_inode(struct inode *inode)
{
	struct fz_scratch *s = inode->i_private;

	truncate_inode_pages_final(&inode->i_data);
	clear_inode(inode);
	if (s)
		scratch_destroy(s);
}

static const struct super_operations scratch_super_ops = {
	.statfs		= simple_statfs,
	.evict_inode	= fz_scratch_evict_inode,
};

static int scratch_init_fs_context(struct fs_context *fc)
{
	struct pseudo_fs_context *pfc = init_pseudo(fc, FZ_MAGIC);

	if (!pfc)
		return -ENOMEM;
	pfc->ops = &scratch_super_ops;
	/*
	 * Some kernels forbid PROT_EXEC on such mounts, but a scratch may hold code.
	 * execve() still fails: no inode has an executable mode.
	 */
	fc->s_iflags &= ~SB_I_NOEXEC;
	return 0;
}

/*
 * Not registered: users reach it only through the module's descriptors.  fs.c has the file
 * system that root can mount.
 */
static struct file_system_type scratch_fs_type = {
	.name		= "fastzero",
	.owner		= THIS_MODULE,
	.init_fs_context = scratch_init_fs_context,
	.kill_sb	= kill_anon_super,
};

/**
 * fz_scratch_pin_mount() - keep the internal mount of scratches
 *
 * The mount holds a module reference.  So the module stays loaded until the last inode
 * has ended.
 *
 * Return: 0 or a negative errno.
 */
int fz_scratch_pin_mount(void)
{
	return simple_pin_fs(&scratch_fs_type, &scratch_mnt,
			     &scratch_mnt_users);
}

/**
 * fz_scratch_unpin_mount() - undo fz_scratch_pin_mount()
 */
void fz_scratch_unpin_mount(void)
{
	simple_release_fs(&scratch_mnt, &scratch_mnt_users);
}

/* A new scratch without a size, with a reference to the context. */
static struct fz_scratch *scratch_alloc(struct fz_context *ctx, u32 policy,
					u32 flags, int node, const char *name)
{
	struct fz_scratch *s = kzalloc(sizeof(*s), FZ_GFP_KERNEL);

	if (!s)
		return NULL;
	s->name = kstrdup(name, FZ_GFP_KERNEL);
	if (name && !s->name) {
		kfree(s);
		return NULL;
	}
	s->ctx = ctx;
	kref_get(&ctx->ref);
	INIT_LIST_HEAD(&s->link);
	s->policy = flags & FASTZERO_CREATE_ZEROPAGE ? FASTZERO_PAGES_4K : policy;
	s->total_cpu = flags & FASTZERO_CREATE_TOTAL_CPU;
	s->node = node;
	mutex_init(&s->lock);
	fz_index_init(s);
	return s;
}

static int scratch_link(struct fz_context *ctx, struct fz_scratch *s)
{
	int err = -ENOSPC;

	mutex_lock(&ctx->lock);
	if (ctx->nr_scratches < fz_limit_scratches()) {
		list_add_tail(&s->link, &ctx->scratches);
		ctx->nr_scratches++;
		err = 0;
	}
	mutex_unlock(&ctx->lock);
	return err;
}

/**
 * fz_scratch_set_size() - give a scratch its size
 * @s: a scratch without a size; other threads may use it already
 * @nr_pages: its size, not 0
 */
void fz_scratch_set_size(struct fz_scratch *s, u64 nr_pages)
{
	if (nr_pages < FZ_CHUNK_PAGES)
		s->policy = FASTZERO_PAGES_4K;
	/* Pairs with the acquire in fz_scratch_size(). */
	smp_store_release(&s->nr_pages, nr_pages);
	i_size_write(s->inode, nr_pages << PAGE_SHIFT);
}

/**
 * fz_scratch_init() - make a new inode a scratch
 * @inode: the inode of a regular file; the caller sets its number, its mode, its owner and
 *	its operations (i_op).  Its end is fz_scratch_evict_inode()
 * @ctx: the scratch's context
 * @nr_pages: its size; 0: it gets it later
 * @policy: enum fastzero_page_policy
 * @flags: bits of enum fastzero_create_flags
 * @node: a NUMA node that has memory, or NUMA_NO_NODE
 * @name: its name, NULL for none; is copied
 *
 * Return: 0, -ENOSPC if the context has as many scratches as it may have, or -ENOMEM.
 * After an error, the caller puts the inode.
 */
int fz_scratch_init(struct inode *inode, struct fz_context *ctx, u64 nr_pages,
		    u32 policy, u32 flags, int node, const char *name)
{
	struct fz_scratch *s = scratch_alloc(ctx, policy, flags, node, name);

	if (!s)
		return -ENOMEM;
	s->inode = inode;
	inode->i_private = s;
	/* Else each fault on a shared mapping would update the inode's times. */
	inode->i_flags |= S_NOCMTIME | S_NOATIME;
	inode->i_fop = &fz_scratch_fops;
	inode->i_mapping->a_ops = &scratch_aops;
	if (nr_pages)
		fz_scratch_set_size(s, nr_pages);
	if (flags & FASTZERO_CREATE_ZEROPAGE && fz_zero_init(s))
		return -ENOMEM;
	return scratch_link(ctx, s);
}

/* An inode of the internal mount. */
static struct inode *scratch_inode(void)
{
	struct inode *inode = new_inode(scratch_mnt->mnt_sb);

	if (!inode)
		return NULL;
	inode->i_ino = get_next_ino();
	inode->i_mode = S_IFREG | 0600;
	inode->i_uid = current_fsuid();
	inode->i_gid = current_fsgid();
	inode->i_op = &scratch_inode_ops;
	/* Without a link, a watch on it (inotify) ends with the last file. */
	clear_nlink(inode);
	return inode;
}

/* The file of a scratch; /proc shows the name of the file. */
static struct file *scratch_file(struct inode *inode, const char *name)
{
	char *full = kasprintf(GFP_KERNEL, "fastzero%s%s", name ? ":" : "",
			       name ?: "");
	struct file *file;

	if (!full)
		return ERR_PTR(-ENOMEM);
	file = alloc_file_pseudo(inode, scratch_mnt, full, O_RDWR | O_LARGEFILE,
				 &fz_scratch_fops);
	kfree(full);
	return file;
}

/**
 * fz_scratch_create() - make a scratch
 * @ctx: its context
 * @nr_pages: its size
 * @policy: enum fastzero_page_policy
 * @flags: bits of enum fastzero_create_flags
 * @node: a NUMA node that has memory, or NUMA_NO_NODE
 * @name: its name of at most FASTZERO_NAME_MAX bytes, NULL for none; is copied
 *
 * Return: its file, open for reading and writing, or an ERR_PTR.  -EINVAL: the size is 0
 * or above the limit.  -ENOSPC: the context has as many scratches as it may have.
 * -ENOMEM, -ENFILE.
 */
struct file *fz_scratch_create(struct fz_context *ctx, u64 nr_pages,
			       u32 policy, u32 flags, int node, const char *name)
{
	struct inode *inode;
	struct file *file;
	int err;

	if (!nr_pages || nr_pages > fz_limit_length() >> PAGE_SHIFT)
		return ERR_PTR(-EINVAL);

	/* Without headroom, the allocations of inode and file would run the OOM killer. */
	if (!fz_caller_has_headroom())
		return ERR_PTR(-ENOMEM);
	inode = scratch_inode();
	if (!inode)
		return ERR_PTR(-ENOMEM);

	err = fz_scratch_init(inode, ctx, nr_pages, policy, flags, node, name);
	if (err)
		goto err_put_inode;

	/* The file's reference to the module, which fput() drops. */
	__module_get(THIS_MODULE);
	file = scratch_file(inode, name);
	if (IS_ERR(file)) {
		err = PTR_ERR(file);
		goto err_put_module;
	}
	file->f_mode |= FMODE_LSEEK | FMODE_PREAD | FMODE_PWRITE;
	return file;

err_put_module:
	module_put(THIS_MODULE);
err_put_inode:
	iput(inode);
	return ERR_PTR(err);
}

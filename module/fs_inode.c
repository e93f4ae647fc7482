// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files and directories of a mounted file system.
 *
 * Each file is a scratch in a context of its own, as if its maker had opened the device.
 * So the maker's memory cgroup pays, and no page goes from one file to another.  A file
 * begins without a size, and its first ftruncate gives it one.
 */
#include <linux/fs.h>
#include <linux/mm.h>

#include "compat/compat.h"
#include "context.h"
#include "fs.h"

/* No file can be executed, or lend its owner's rights. */
#define INODE_FILE_MODES	0666

static struct fz_fs *inode_fs(const struct inode *inode)
{
	return inode->i_sb->s_fs_info;
}

/* Sets the size of a file, once. */
static int inode_set_size(struct inode *inode, u64 length)
{
	struct fz_scratch *s = inode->i_private;
	struct fz_fs *fs = inode_fs(inode);
	u64 size = fz_scratch_size(s);
	int err = 0;

	if (length == size)
		return 0;
	if (size || !PAGE_ALIGNED(length))
		return -EINVAL;
	if (length > fz_limit_length())
		return -EFBIG;

	mutex_lock(&fs->lock);
	if (fs->opts.size && length > fs->opts.size - fs->length)
		err = -ENOSPC;
	else
		fs->length += length;
	mutex_unlock(&fs->lock);
	if (!err)
		/* The inode's lock keeps other calls of this function away. */
		fz_scratch_set_size(s, length >> PAGE_SHIFT);
	return err;
}

static int file_setattr(struct fz_idmap *idmap, struct dentry *dentry,
			struct iattr *attr)
{
	struct inode *inode = d_inode(dentry);
	int err;

	err = setattr_prepare(idmap, dentry, attr);
	if (err)
		return err;
	if (attr->ia_valid & ATTR_MODE &&
	    attr->ia_mode & S_IALLUGO & ~INODE_FILE_MODES)
		return -EPERM;
	if (attr->ia_valid & ATTR_SIZE) {
		err = inode_set_size(inode, attr->ia_size);
		if (err)
			return err;
	}
	setattr_copy(idmap, inode, attr);
	return 0;
}

static const struct inode_operations file_inode_ops = {
	.getattr	= fz_scratch_getattr,
	.setattr	= file_setattr,
};

static int inode_count(struct fz_fs *fs)
{
	int err = 0;

	mutex_lock(&fs->lock);
	if (fs->opts.nr_inodes && fs->nr_inodes >= fs->opts.nr_inodes)
		err = -ENOSPC;
	else
		fs->nr_inodes++;
	mutex_unlock(&fs->lock);
	return err;
}

/* A new inode without operations, or an ERR_PTR.  fz_fs_evict_inode() ends it. */
static struct inode *inode_new(struct super_block *sb)
{
	struct fz_fs *fs = sb->s_fs_info;
	struct inode *inode;
	int err;

	err = inode_count(fs);
	if (err)
		return ERR_PTR(err);
	inode = new_inode(sb);
	if (!inode) {
		mutex_lock(&fs->lock);
		fs->nr_inodes--;
		mutex_unlock(&fs->lock);
		return ERR_PTR(-ENOMEM);
	}
	inode->i_ino = get_next_ino();
	fz_inode_init_times(inode);
	return inode;
}

/**
 * fz_fs_evict_inode() - the end of a file or directory
 * @inode: its inode
 */
void fz_fs_evict_inode(struct inode *inode)
{
	struct fz_scratch *s = inode->i_private;
	struct fz_fs *fs = inode_fs(inode);
	u64 length = s ? fz_scratch_size(s) : 0;

	if (s) {
		mutex_lock(&fs->lock);
		list_del(&s->beside);
		mutex_unlock(&fs->lock);
	}
	/* Give the size to other files only after the memory is free. */
	fz_scratch_evict_inode(inode);
	mutex_lock(&fs->lock);
	fs->length -= length;
	fs->nr_inodes--;
	mutex_unlock(&fs->lock);
}

static int file_init(struct inode *inode)
{
	struct fz_fs *fs = inode_fs(inode);
	struct fz_context *ctx;
	struct fz_scratch *s;
	int err;

	ctx = fz_context_create();
	if (IS_ERR(ctx))
		return PTR_ERR(ctx);
	inode->i_op = &file_inode_ops;
	err = fz_scratch_init(inode, ctx, 0, fs->opts.policy, 0, fs->opts.node,
			      NULL);
	/* From here on the scratch alone holds it. */
	fz_context_put(ctx);

	s = inode->i_private;
	if (s) {
		mutex_lock(&fs->lock);
		list_add_tail(&s->beside, &fs->files);
		mutex_unlock(&fs->lock);
	}
	return err;
}

static struct inode *file_new(struct fz_idmap *idmap, struct inode *dir, umode_t mode)
{
	struct inode *inode;
	int err;

	err = fz_context_allowed();
	if (err)
		return ERR_PTR(err);
	inode = inode_new(dir->i_sb);
	if (IS_ERR(inode))
		return inode;
	inode_init_owner(idmap, inode, dir, S_IFREG | (mode & INODE_FILE_MODES));
	err = file_init(inode);
	if (err) {
		iput(inode);
		return ERR_PTR(err);
	}
	return inode;
}

static void dir_add(struct inode *dir, struct dentry *dentry, struct inode *inode)
{
	fz_make_persistent(dentry, inode);
	fz_inode_changed(dir);
}

static int dir_create(struct fz_idmap *idmap, struct inode *dir,
		      struct dentry *dentry, umode_t mode)
{
	struct inode *inode = file_new(idmap, dir, mode);

	if (IS_ERR(inode))
		return PTR_ERR(inode);
	dir_add(dir, dentry, inode);
	return 0;
}

FZ_DEFINE_CREATE(dir_op_create, dir_create)

static int dir_op_tmpfile(struct fz_idmap *idmap, struct inode *dir,
			  struct file *file, umode_t mode)
{
	struct inode *inode = file_new(idmap, dir, mode);

	if (IS_ERR(inode))
		return PTR_ERR(inode);
	d_tmpfile(file, inode);
	return finish_open_simple(file, 0);
}

static const struct inode_operations dir_inode_ops;

static void dir_init(struct inode *inode)
{
	inode->i_op = &dir_inode_ops;
	inode->i_fop = &simple_dir_operations;
	/* For its own "." entry. */
	inc_nlink(inode);
}

static int dir_mkdir(struct fz_idmap *idmap, struct inode *dir,
		     struct dentry *dentry, umode_t mode)
{
	struct inode *inode = inode_new(dir->i_sb);

	if (IS_ERR(inode))
		return PTR_ERR(inode);
	inode_init_owner(idmap, inode, dir, S_IFDIR | mode);
	dir_init(inode);
	inc_nlink(dir);
	dir_add(dir, dentry, inode);
	return 0;
}

FZ_DEFINE_MKDIR(dir_op_mkdir, dir_mkdir)

/* Only give a name to what O_TMPFILE made: further names would count against no limit. */
static int dir_link(struct dentry *old, struct inode *dir, struct dentry *dentry)
{
	return d_inode(old)->i_nlink ? -EMLINK : simple_link(old, dir, dentry);
}

/* Neither symbolic links nor special files: nobody needs them here. */
static const struct inode_operations dir_inode_ops = {
	.lookup		= simple_lookup,
	.create		= dir_op_create,
	.tmpfile	= dir_op_tmpfile,
	.link		= dir_link,
	.unlink		= simple_unlink,
	.mkdir		= dir_op_mkdir,
	.rmdir		= simple_rmdir,
	.rename		= simple_rename,
};

/**
 * fz_fs_root() - the directory of a new file system
 * @sb: its super block, with options
 *
 * Return: the inode or an ERR_PTR.
 */
struct inode *fz_fs_root(struct super_block *sb)
{
	struct fz_fs *fs = sb->s_fs_info;
	struct inode *inode = inode_new(sb);

	if (IS_ERR(inode))
		return inode;
	inode->i_mode = S_IFDIR | fs->opts.mode;
	inode->i_uid = fs->opts.uid;
	inode->i_gid = fs->opts.gid;
	dir_init(inode);
	return inode;
}

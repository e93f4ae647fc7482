// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mounts: mount -t fastzero, by root only.  Each mount is a file system of its own.
 */
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/fs_context.h>
#include <linux/fs_parser.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/statfs.h>

#include <uapi/linux/fastzero.h>

#include "compat/compat.h"
#include "context.h"
#include "fs.h"

static u64 fs_pages_held(struct fz_fs *fs)
{
	struct fz_scratch *s;
	u64 nr = 0;

	lockdep_assert_held(&fs->lock);

	list_for_each_entry(s, &fs->files, beside) {
		nr += atomic_long_read(&s->populated);
		cond_resched();
	}
	return nr;
}

/*
 * statfs() reports populated pages as used.  It reports as available the size that new
 * files may still have.  Without a limit, memory is the limit.
 */
static int fs_statfs(struct dentry *dentry, struct kstatfs *st)
{
	struct fz_fs *fs = dentry->d_sb->s_fs_info;
	u64 held;

	simple_statfs(dentry, st);
	mutex_lock(&fs->lock);
	held = fs_pages_held(fs);
	st->f_blocks = fs->opts.size ? fs->opts.size >> PAGE_SHIFT : totalram_pages();
	st->f_bfree = st->f_blocks - min(held, st->f_blocks);
	st->f_bavail = fs->opts.size ? (fs->opts.size - fs->length) >> PAGE_SHIFT :
				       st->f_bfree;
	if (fs->opts.nr_inodes) {
		st->f_files = fs->opts.nr_inodes;
		st->f_ffree = fs->opts.nr_inodes - fs->nr_inodes;
	}
	mutex_unlock(&fs->lock);
	return 0;
}

static const struct constant_table fs_pages[] = {
	{ "auto",	FASTZERO_PAGES_AUTO },
	{ "4k",		FASTZERO_PAGES_4K },
	{ "2m",		FASTZERO_PAGES_2M },
	{ }
};

/* Show the options in /proc/mounts.  mount -o remount passes them back. */
static int fs_show_options(struct seq_file *m, struct dentry *root)
{
	struct fz_fs *fs = root->d_sb->s_fs_info;
	struct fz_fs_options opts;

	mutex_lock(&fs->lock);
	opts = fs->opts;
	mutex_unlock(&fs->lock);

	if (!uid_eq(opts.uid, GLOBAL_ROOT_UID))
		seq_printf(m, ",uid=%u", from_kuid_munged(&init_user_ns, opts.uid));
	if (!gid_eq(opts.gid, GLOBAL_ROOT_GID))
		seq_printf(m, ",gid=%u", from_kgid_munged(&init_user_ns, opts.gid));
	seq_printf(m, ",mode=%04o", opts.mode);
	if (opts.size)
		seq_printf(m, ",size=%lluk", opts.size >> 10);
	seq_printf(m, ",nr_inodes=%llu", opts.nr_inodes);
	if (opts.policy != FASTZERO_PAGES_AUTO)
		seq_printf(m, ",pages=%s",
			   opts.policy == FASTZERO_PAGES_2M ? "2m" : "4k");
	if (opts.node != NUMA_NO_NODE)
		seq_printf(m, ",node=%d", opts.node);
	return 0;
}

static const struct super_operations fs_super_ops = {
	.statfs		= fs_statfs,
	.show_options	= fs_show_options,
	.evict_inode	= fz_fs_evict_inode,
};

enum fs_option {
	FS_UID,
	FS_GID,
	FS_MODE,
	FS_SIZE,
	FS_NR_INODES,
	FS_PAGES,
	FS_NODE,
};

static const struct fs_parameter_spec fs_parameters[] = {
	fsparam_u32("uid", FS_UID),
	fsparam_u32("gid", FS_GID),
	fsparam_u32oct("mode", FS_MODE),
	fsparam_string("size", FS_SIZE),
	fsparam_string("nr_inodes", FS_NR_INODES),
	fsparam_enum("pages", FS_PAGES, fs_pages),
	fsparam_u32("node", FS_NODE),
	{ }
};

/* A number with a suffix such as k, m, g. */
static int fs_parse_number(struct fs_context *fc, struct fs_parameter *param,
			   u64 *number)
{
	char *rest;

	*number = memparse(param->string, &rest);
	if (rest == param->string || *rest || *number > MAX_LFS_FILESIZE)
		return invalf(fc, "%s=%s is no number that can be", param->key,
			      param->string);
	return 0;
}

static int fs_parse_param(struct fs_context *fc, struct fs_parameter *param)
{
	struct fz_fs_options *opts = fc->fs_private;
	struct fs_parse_result result;
	u64 number;
	int opt, err;

	opt = fs_parse(fc, fs_parameters, param, &result);
	if (opt < 0)
		return opt;

	switch ((enum fs_option)opt) {
	case FS_UID:
		opts->uid = make_kuid(fc->user_ns, result.uint_32);
		if (!uid_valid(opts->uid))
			return invalf(fc, "uid=%u is no user", result.uint_32);
		break;
	case FS_GID:
		opts->gid = make_kgid(fc->user_ns, result.uint_32);
		if (!gid_valid(opts->gid))
			return invalf(fc, "gid=%u is no group", result.uint_32);
		break;
	case FS_MODE:
		if (result.uint_32 & ~S_IALLUGO)
			return invalf(fc, "mode=%o is no mode", result.uint_32);
		opts->mode = result.uint_32;
		break;
	case FS_SIZE:
		err = fs_parse_number(fc, param, &number);
		if (err)
			return err;
		if (!PAGE_ALIGNED(number))
			return invalf(fc, "size=%s is no multiple of a page",
				      param->string);
		opts->size = number;
		break;
	case FS_NR_INODES:
		return fs_parse_number(fc, param, &opts->nr_inodes);
	case FS_PAGES:
		if (result.uint_32 == FASTZERO_PAGES_2M && !fz_has_huge()) {
			errorf(fc, "pages=2m: this kernel has no transparent huge pages");
			return -EOPNOTSUPP;
		}
		opts->policy = result.uint_32;
		break;
	case FS_NODE:
		opts->node = fz_place_node(result.uint_32);
		if (opts->node < 0)
			return invalf(fc, "node=%u has no memory", result.uint_32);
		break;
	}
	return 0;
}

static int fs_fill_super(struct super_block *sb, struct fs_context *fc)
{
	struct fz_fs *fs = kzalloc(sizeof(*fs), FZ_GFP_KERNEL);
	struct inode *root;

	if (!fs)
		return -ENOMEM;
	fs->opts = *(struct fz_fs_options *)fc->fs_private;
	mutex_init(&fs->lock);
	INIT_LIST_HEAD(&fs->files);
	sb->s_fs_info = fs;
	sb->s_op = &fs_super_ops;
	sb->s_magic = FZ_MAGIC;
	sb->s_blocksize = PAGE_SIZE;
	sb->s_blocksize_bits = PAGE_SHIFT;
	sb->s_maxbytes = MAX_LFS_FILESIZE;
	sb->s_time_gran = 1;

	root = fz_fs_root(sb);
	if (IS_ERR(root))
		return PTR_ERR(root);
	sb->s_root = d_make_root(root);
	return sb->s_root ? 0 : -ENOMEM;
}

static int fs_get_tree(struct fs_context *fc)
{
	return get_tree_nodev(fc, fs_fill_super);
}

/* mount -o remount: the limits may change, but not below what there is. */
static int fs_reconfigure(struct fs_context *fc)
{
	struct fz_fs *fs = fc->root->d_sb->s_fs_info;
	const struct fz_fs_options *new = fc->fs_private;
	const char *why = NULL;

	if (!uid_eq(new->uid, fs->opts.uid) || !gid_eq(new->gid, fs->opts.gid) ||
	    new->mode != fs->opts.mode || new->policy != fs->opts.policy ||
	    new->node != fs->opts.node)
		return invalf(fc, "remount changes size and nr_inodes only");

	mutex_lock(&fs->lock);
	if (new->size && new->size < fs->length) {
		why = "size: the files have more";
	} else if (new->nr_inodes && new->nr_inodes < fs->nr_inodes) {
		why = "nr_inodes: there are more";
	} else {
		fs->opts.size = new->size;
		fs->opts.nr_inodes = new->nr_inodes;
	}
	mutex_unlock(&fs->lock);
	return why ? invalf(fc, "%s", why) : 0;
}

static void fs_free(struct fs_context *fc)
{
	kfree(fc->fs_private);
}

static const struct fs_context_operations fs_context_ops = {
	.parse_param	= fs_parse_param,
	.get_tree	= fs_get_tree,
	.reconfigure	= fs_reconfigure,
	.free		= fs_free,
};

static int fs_init_fs_context(struct fs_context *fc)
{
	struct fz_fs_options *opts;

	/*
	 * Check this before the kernel parses options.  It logs each bad option, and only
	 * then asks whether the caller may mount.
	 */
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;

	opts = kzalloc(sizeof(*opts), FZ_GFP_KERNEL);
	if (!opts)
		return -ENOMEM;
	if (fc->purpose == FS_CONTEXT_FOR_RECONFIGURE) {
		struct fz_fs *fs = fc->root->d_sb->s_fs_info;

		mutex_lock(&fs->lock);
		*opts = fs->opts;
		mutex_unlock(&fs->lock);
	} else {
		opts->uid = current_fsuid();
		opts->gid = current_fsgid();
		opts->mode = 0755;
		opts->nr_inodes = fz_limit_scratches();
		opts->policy = FASTZERO_PAGES_AUTO;
		opts->node = NUMA_NO_NODE;
	}
	fc->fs_private = opts;
	fc->ops = &fs_context_ops;
	return 0;
}

static void fs_kill_sb(struct super_block *sb)
{
	struct fz_fs *fs = sb->s_fs_info;

	fz_kill_litter_super(sb);
	if (!fs)
		return;
	WARN_ON(fs->nr_inodes || fs->length);
	mutex_destroy(&fs->lock);
	kfree(fs);
}

/*
 * Without FS_USERNS_MOUNT: only root can mount it.  The module has no alias for it.  With
 * one, any user who asks for this file system would load the module.
 */
static struct file_system_type fs_type = {
	.name		= "fastzero",
	.owner		= THIS_MODULE,
	.init_fs_context = fs_init_fs_context,
	.parameters	= fs_parameters,
	.kill_sb	= fs_kill_sb,
};

/**
 * fz_fs_init() - from now on the file system can be mounted
 *
 * Return: 0 or a negative errno.
 */
int __init fz_fs_init(void)
{
	return register_filesystem(&fs_type);
}

/**
 * fz_fs_exit() - undo fz_fs_init(); there is no mount
 */
void fz_fs_exit(void)
{
	unregister_filesystem(&fs_type);
}

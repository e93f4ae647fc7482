// SPDX-License-Identifier: GPL-2.0-only
/*
 * The entry of all ioctls, after iommufd's model.  A table has the size of each structure,
 * and says whether the ioctl is for contexts or scratches.  One copy function serves
 * callers that are older or newer than the module.
 */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/uaccess.h>

#include <uapi/linux/fastzero.h>

#include "compat/compat.h"
#include "compat/task.h"
#include "context.h"
#include "ioctl.h"

union ioctl_buffer {
	struct fastzero_info info;
	struct fastzero_create create;
	struct fastzero_pool pool;
	struct fastzero_stats stats;
	struct fastzero_reset reset;
	struct fastzero_reset_many reset_many;
	struct fastzero_reset_dirty reset_dirty;
	struct fastzero_populate populate;
	struct fastzero_workset workset;
	struct fastzero_zero zero;
};

static int ioctl_info(struct fz_ucmd *ucmd)
{
	struct fastzero_info *info = ucmd->cmd;

	if (info->flags)
		return -EOPNOTSUPP;
	if (info->__reserved)
		return -EINVAL;

	info->out_features = FASTZERO_FEATURE_NODE |
			     FASTZERO_FEATURE_RESET_DIRTY |
			     FASTZERO_FEATURE_RESET_MANY |
			     FASTZERO_FEATURE_TOTAL_CPU |
			     FASTZERO_FEATURE_WORKSET |
			     FASTZERO_FEATURE_ZERO |
			     FASTZERO_FEATURE_IDLE |
			     FASTZERO_FEATURE_ZEROPAGE |
			     (fz_task_exists() ? FASTZERO_FEATURE_THREAD : 0) |
			     (fz_has_huge() ? FASTZERO_FEATURE_2M : 0);
	info->out_modes = BIT(FASTZERO_MODE_AUTO) |
			  BIT(FASTZERO_MODE_INPLACE) |
			  BIT(FASTZERO_MODE_SWAP) | BIT(FASTZERO_MODE_DROP);
	info->out_orders = BIT(0) | (fz_has_huge() ? BIT(FZ_CHUNK_SHIFT) : 0);
	info->out_page_size = PAGE_SIZE;
	info->out_chunk_size = FZ_CHUNK_PAGES << PAGE_SHIFT;
	info->out_max_scratches = fz_limit_scratches();
	info->out_max_length = fz_limit_length();
	info->out_max_pages = fz_limit_pages();
	return fz_ucmd_respond(ucmd);
}

/*
 * The node that a structure names; @otherwise if it names none.  -EINVAL: the node has no
 * memory, or is not 0 without the flag that names it.
 */
static int ioctl_node(u32 node, bool named, int otherwise)
{
	if (!named)
		return node ? -EINVAL : otherwise;
	return fz_place_node(node);
}

static int ioctl_create(struct fz_ucmd *ucmd)
{
	struct fastzero_create *create = ucmd->cmd;
	char *name = NULL;
	struct file *file;
	int node;
	int err;
	int fd;

	if (create->flags & ~(FASTZERO_CREATE_NODE | FASTZERO_CREATE_ZEROPAGE |
			      FASTZERO_CREATE_TOTAL_CPU))
		return -EOPNOTSUPP;
	if (create->page_policy == FASTZERO_PAGES_2M && !fz_has_huge())
		return -EOPNOTSUPP;
	if (create->__reserved || create->page_policy > FASTZERO_PAGES_2M ||
	    create->length & ~PAGE_MASK)
		return -EINVAL;
	/* A chunk with a hole that is mapped to zeros cannot be mapped as a whole. */
	if (create->flags & FASTZERO_CREATE_ZEROPAGE &&
	    create->page_policy == FASTZERO_PAGES_2M)
		return -EINVAL;
	node = ioctl_node(create->node, create->flags & FASTZERO_CREATE_NODE,
			  NUMA_NO_NODE);
	if (node == -EINVAL)
		return node;

	if (create->name) {
		/* Returns -EINVAL for a name that is too long. */
		name = strndup_user(u64_to_user_ptr(create->name),
				    FASTZERO_NAME_MAX + 1);
		if (IS_ERR(name))
			return PTR_ERR(name);
	}
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0) {
		kfree(name);
		return fd;
	}

	file = fz_scratch_create(ucmd->ctx, create->length >> PAGE_SHIFT,
				 create->page_policy, create->flags, node, name);
	kfree(name);
	if (IS_ERR(file)) {
		err = PTR_ERR(file);
		goto err_put_fd;
	}

	create->out_fd = fd;
	err = fz_ucmd_respond(ucmd);
	if (err)
		goto err_put_file;
	fd_install(fd, file);
	return 0;

err_put_file:
	fput(file);
err_put_fd:
	put_unused_fd(fd);
	return err;
}

static int ioctl_pool(struct fz_ucmd *ucmd)
{
	struct fastzero_pool *cmd = ucmd->cmd;
	struct fz_pool *pool = &ucmd->ctx->pool;
	struct fz_store *store;
	int node;
	int err;

	if (cmd->flags & ~(FASTZERO_POOL_WAIT | FASTZERO_POOL_NODE))
		return -EOPNOTSUPP;
	if (cmd->order && (cmd->order != FZ_CHUNK_SHIFT || !fz_has_huge()))
		return -EOPNOTSUPP;
	node = ioctl_node(cmd->node, cmd->flags & FASTZERO_POOL_NODE, pool->home);
	if (node < 0)
		return node;
	store = fz_pool_store(pool, node, cmd->order ? FZ_HUGE : FZ_BASE);

	err = fz_pool_resize(pool, store, cmd->target,
			     cmd->flags & FASTZERO_POOL_WAIT);
	if (err)
		return err;

	spin_lock(&pool->lock);
	cmd->out_ready = store->nr_ready;
	cmd->out_used = store->nr_used;
	spin_unlock(&pool->lock);
	return fz_ucmd_respond(ucmd);
}

/**
 * struct ioctl_op - a line of the table
 * @fn: the handler
 * @size: size of the structure that the module knows
 * @min_size: size of its first version
 * @nr: number of the ioctl
 * @on: the kinds of descriptors that take it
 * @reads: it also works on a descriptor that is open for reading only
 */
struct ioctl_op {
	int (*fn)(struct fz_ucmd *ucmd);
	u32 size;
	u32 min_size;
	unsigned int nr;
	enum { ON_CONTEXT = 1, ON_SCRATCH, ON_BOTH } on;
	bool reads;
};

#define IOCTL_OP(_nr, _fn, _struct, _last, _on, _reads)			\
	{								\
		.nr = (_nr), .fn = (_fn), .on = (_on), .reads = (_reads), \
		.size = sizeof(_struct),				\
		.min_size = offsetofend(_struct, _last),		\
	}

/* The calls of each run come first: the table is searched from its start. */
static const struct ioctl_op ioctl_ops[] = {
	IOCTL_OP(FASTZERO_IOC_RESET, fz_ioctl_reset, struct fastzero_reset,
		 out_held, ON_SCRATCH, false),
	IOCTL_OP(FASTZERO_IOC_RESET_MANY, fz_ioctl_reset_many,
		 struct fastzero_reset_many, out_held, ON_CONTEXT, false),
	IOCTL_OP(FASTZERO_IOC_INFO, ioctl_info, struct fastzero_info,
		 out_max_pages, ON_CONTEXT, true),
	IOCTL_OP(FASTZERO_IOC_CREATE, ioctl_create, struct fastzero_create,
		 __reserved, ON_CONTEXT, false),
	IOCTL_OP(FASTZERO_IOC_POOL, ioctl_pool, struct fastzero_pool,
		 out_used, ON_CONTEXT, false),
	IOCTL_OP(FASTZERO_IOC_STATS, fz_ioctl_stats, struct fastzero_stats,
		 out_zeroer_ns, ON_BOTH, true),
	IOCTL_OP(FASTZERO_IOC_ZERO, fz_ioctl_zero, struct fastzero_zero,
		 out_ns, ON_CONTEXT, false),
	IOCTL_OP(FASTZERO_IOC_RESET_DIRTY, fz_ioctl_reset_dirty,
		 struct fastzero_reset_dirty, out_held, ON_SCRATCH, false),
	IOCTL_OP(FASTZERO_IOC_POPULATE, fz_ioctl_populate,
		 struct fastzero_populate, out_mapped, ON_SCRATCH, false),
	IOCTL_OP(FASTZERO_IOC_WORKSET, fz_ioctl_workset,
		 struct fastzero_workset, out_size, ON_SCRATCH, false),
};

static const struct ioctl_op *ioctl_find(unsigned int nr, int on)
{
	const struct ioctl_op *op;

	for (op = ioctl_ops; op < ioctl_ops + ARRAY_SIZE(ioctl_ops); op++)
		if (op->nr == nr)
			return op->on & on ? op : NULL;
	return NULL;
}

static long ioctl_run(const struct ioctl_op *op, struct file *file,
		      struct fz_ucmd *ucmd)
{
	union ioctl_buffer buf;
	int err;

	if (get_user(ucmd->user_size, (u32 __user *)ucmd->user))
		return -EFAULT;
	if (ucmd->user_size < op->min_size)
		return -EINVAL;
	if (ucmd->user_size > PAGE_SIZE)
		return -E2BIG;

	ucmd->cmd = &buf;
	ucmd->size = op->size;
	err = copy_struct_from_user(&buf, op->size, ucmd->user,
				    ucmd->user_size);
	if (err)
		return err;
	/* The size was read twice, and may have changed: use the one that was checked. */
	*(u32 *)ucmd->cmd = ucmd->user_size;

	if (!op->reads && !(file->f_mode & FMODE_WRITE))
		return -EBADF;
	if (op->on == ON_SCRATCH && !ucmd->scratch)
		return -ENXIO;
	return op->fn(ucmd);
}

/* On a context: its own ioctls, and those of the implicit scratch. */
long fz_context_ioctl(struct file *file, unsigned int nr, unsigned long arg)
{
	const struct ioctl_op *op = ioctl_find(nr, ON_BOTH);
	struct fz_ucmd ucmd = {
		.user = (void __user *)arg,
		.ctx = file->private_data,
	};

	if (!op)
		return -ENOTTY;
	if (op->on == ON_SCRATCH)
		ucmd.scratch = fz_context_implicit(ucmd.ctx);
	return ioctl_run(op, file, &ucmd);
}

/* Not inlined: most calls are a fast RESET, and need no stack frame of this size. */
static noinline long ioctl_on_scratch(struct file *file, unsigned int nr,
				      unsigned long arg)
{
	const struct ioctl_op *op = ioctl_find(nr, ON_SCRATCH);
	struct fz_scratch *s = fz_scratch_of(file);
	struct fz_ucmd ucmd = {
		.user = (void __user *)arg,
		.ctx = s->ctx,
		.scratch = s,
	};

	if (!op)
		return -ENOTTY;
	return ioctl_run(op, file, &ucmd);
}

long fz_scratch_ioctl(struct file *file, unsigned int nr, unsigned long arg)
{
	bool done = false;
	long ret;

	if (likely(nr == FASTZERO_IOC_RESET)) {
		ret = fz_ioctl_reset_fast(file, (void __user *)arg, &done);
		if (likely(done))
			return ret;
	}
	return ioctl_on_scratch(file, nr, arg);
}

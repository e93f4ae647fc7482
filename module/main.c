// SPDX-License-Identifier: GPL-2.0-only
/*
 * fastzero: scratch memory that becomes zero again almost for free.
 */
#include <linux/bug.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/sysfs.h>
#include <linux/workqueue.h>

#include "context.h"
#include "fs.h"
#include "ratio.h"
#include "quarantine.h"
#include "zeroer_thread.h"

struct workqueue_struct *fz_wq;

static int main_pages_in_use_get(char *buffer, const struct kernel_param *kp)
{
	return sysfs_emit(buffer, "%ld\n", fz_pool_pages_in_use());
}

static const struct kernel_param_ops main_pages_in_use_ops = {
	.get = main_pages_in_use_get,
};
module_param_cb(pages_in_use, &main_pages_in_use_ops, NULL, 0444);
MODULE_PARM_DESC(pages_in_use, "base pages that all contexts have now (read only)");

static struct miscdevice main_device = {
	.minor	= MISC_DYNAMIC_MINOR,
	.name	= "fastzero",
	.fops	= &fz_context_fops,
	.mode	= 0660,
};

static int __init main_init(void)
{
	int err;

	fz_wq = alloc_workqueue("fastzero", WQ_UNBOUND, 0);
	if (!fz_wq)
		return -ENOMEM;

	fz_limit_init();
	fz_ratio_measure();
	err = fz_shrink_init();
	if (err)
		goto err_destroy_wq;
	fz_roster_init();
	err = fz_thread_init();
	if (err)
		goto err_exit_roster;
	err = fz_worker_init();
	if (err)
		goto err_exit_thread;
	err = fz_fs_init();
	if (err)
		goto err_exit_worker;
	err = misc_register(&main_device);
	if (err)
		goto err_exit_fs;
	return 0;

err_exit_fs:
	fz_fs_exit();
err_exit_worker:
	fz_worker_exit();
err_exit_thread:
	fz_thread_exit();
err_exit_roster:
	fz_roster_exit();
	fz_shrink_exit();
err_destroy_wq:
	destroy_workqueue(fz_wq);
	return err;
}

static void __exit main_exit(void)
{
	misc_deregister(&main_device);
	fz_fs_exit();
	fz_roster_exit();
	fz_quarantine_exit();
	destroy_workqueue(fz_wq);
	fz_thread_exit();
	fz_worker_exit();
	fz_shrink_exit();
	WARN_ON(fz_pool_pages_in_use());
}

module_init(main_init);
module_exit(main_exit);

MODULE_DESCRIPTION("Scratch memory with fast reset to zero");
MODULE_LICENSE("GPL");
MODULE_VERSION(FZ_VERSION);

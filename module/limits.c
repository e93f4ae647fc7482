// SPDX-License-Identifier: GPL-2.0-only
/*
 * Limits, for each context or for all: module parameters.  They may be changed while the
 * module is loaded.  A change applies to later calls.
 */
#include <linux/init.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/printk.h>
#include <linux/sysfs.h>

#include "compat/compat.h"
#include "context.h"

static ulong limits_max_length = 1UL << 44;
module_param_named(max_length, limits_max_length, ulong, 0644);
MODULE_PARM_DESC(max_length, "largest scratch in bytes (default 16 TiB)");

static uint limits_max_scratches = 4096;
module_param_named(max_scratches, limits_max_scratches, uint, 0644);
MODULE_PARM_DESC(max_scratches, "most scratches of a context (default 4096)");

/* The default until fz_limit_init() knows how much memory there is. */
#define LIMITS_DEFAULT	ULONG_MAX
static ulong limits_max_pages = LIMITS_DEFAULT;
module_param_named(max_pages, limits_max_pages, ulong, 0644);
MODULE_PARM_DESC(max_pages,
		 "most base pages that a context may own, pool included (default three quarters of memory; 0: no limit but the memory cgroup's)");

static ulong limits_zeroer_rate = 1UL << 20;
module_param_named(zeroer_rate, limits_zeroer_rate, ulong, 0644);
MODULE_PARM_DESC(zeroer_rate,
		 "most base pages a second that the zeroer clears, for all contexts together; a page that is already zero counts as 1/4 (default 1048576, 4 GiB; 0: no limit)");

static bool limits_require_accounting;
module_param_named(require_accounting, limits_require_accounting, bool, 0644);
MODULE_PARM_DESC(require_accounting,
		 "open of the device fails with EOPNOTSUPP unless memory cgroups are charged (default N)");

/* "no groups": the kernel starts to charge with the first memory cgroup below the root. */
static int limits_accounting_get(char *buffer, const struct kernel_param *kp)
{
	const char *text = "no groups";

	if (fz_memcg_charges())
		text = "yes";
	else if (fz_memcg_exists())
		text = "no";
	return sysfs_emit(buffer, "%s\n", text);
}

static const struct kernel_param_ops limits_accounting_ops = {
	.get = limits_accounting_get,
};
module_param_cb(accounting, &limits_accounting_ops, NULL, 0444);
MODULE_PARM_DESC(accounting, "whether memory cgroups are charged for pages (read only)");

/**
 * fz_limit_init() - limits that depend on the machine
 */
void __init fz_limit_init(void)
{
	if (limits_max_pages == LIMITS_DEFAULT)
		limits_max_pages = totalram_pages() / 4 * 3;
	fz_limit_check_accounting();
}

/**
 * fz_limit_check_accounting() - whether a new context may rely on memory cgroups
 *
 * With cgroup.memory=nokmem the kernel does not charge memory cgroups for the pages of a
 * module, so their limits do not hold.  The module warns of that once.
 *
 * Return: 0, or -EOPNOTSUPP if pages are not charged and require_accounting is set.
 */
int fz_limit_check_accounting(void)
{
	if (fz_memcg_charges())
		return 0;
	if (fz_memcg_exists())
		pr_warn_once("fastzero: memory cgroups are not charged for its pages (cgroup.memory=nokmem), and their limits do not bound contexts; see the parameter max_pages\n");
	return READ_ONCE(limits_require_accounting) ? -EOPNOTSUPP : 0;
}

/**
 * fz_limit_length() - the largest scratch
 *
 * Return: bytes, a multiple of a page.
 */
u64 fz_limit_length(void)
{
	u64 length = READ_ONCE(limits_max_length);

	return min_t(u64, length, MAX_LFS_FILESIZE) & PAGE_MASK;
}

/**
 * fz_limit_pages() - how many base pages a context may own
 *
 * Return: pages, 0 for no limit.
 */
u64 fz_limit_pages(void)
{
	return READ_ONCE(limits_max_pages);
}

/**
 * fz_limit_scratches() - how many scratches a context may have
 *
 * Return: scratches.
 */
unsigned int fz_limit_scratches(void)
{
	return READ_ONCE(limits_max_scratches);
}

/**
 * fz_limit_rate() - how much the zeroer may clear, for all contexts together
 *
 * Return: base pages a second, 0 for no limit.
 */
u64 fz_limit_rate(void)
{
	return READ_ONCE(limits_zeroer_rate);
}

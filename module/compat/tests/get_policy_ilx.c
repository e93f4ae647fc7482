// SPDX-License-Identifier: GPL-2.0-only
/* get_policy also returns an index for interleaving.  Without NUMA it does not exist. */
#include <linux/mm.h>

#ifdef CONFIG_NUMA
static struct mempolicy *test_get_policy(struct vm_area_struct *vma,
					 unsigned long addr, pgoff_t *ilx)
{
	return NULL;
}

extern const struct vm_operations_struct test_ops;
const struct vm_operations_struct test_ops = { .get_policy = test_get_policy };
#endif

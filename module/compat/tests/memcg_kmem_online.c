// SPDX-License-Identifier: GPL-2.0-only
/* Whether what kernels allocate is charged is asked by this name. */
#include <linux/memcontrol.h>

bool test(void);
bool test(void)
{
	return memcg_kmem_online();
}

// SPDX-License-Identifier: GPL-2.0-only
/* This function says whether the kernel's allocations are charged. */
#include <linux/memcontrol.h>

bool test(void);
bool test(void)
{
	return memcg_kmem_online();
}

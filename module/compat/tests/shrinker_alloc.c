// SPDX-License-Identifier: GPL-2.0-only
/* Shrinkers are allocated by the kernel. */
#include <linux/shrinker.h>

struct shrinker *test(void);
struct shrinker *test(void)
{
	return shrinker_alloc(0, "test");
}

// SPDX-License-Identifier: GPL-2.0-only
/* Callbacks of a walk get the list's lock. */
#include <linux/list_lru.h>

static enum lru_status test_walk(struct list_head *item, struct list_lru_one *list,
				 spinlock_t *lock, void *arg)
{
	return LRU_SKIP;
}

list_lru_walk_cb test(void);
list_lru_walk_cb test(void)
{
	return test_walk;
}

// SPDX-License-Identifier: GPL-2.0-only
/* list_lru has functions of its own for items that lie in slabs. */
#include <linux/list_lru.h>

bool test(struct list_lru *lru, struct list_head *item);
bool test(struct list_lru *lru, struct list_head *item)
{
	return list_lru_add_obj(lru, item) && list_lru_del_obj(lru, item);
}

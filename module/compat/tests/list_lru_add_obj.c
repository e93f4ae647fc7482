// SPDX-License-Identifier: GPL-2.0-only
/* Items of slabs have a function of their own. */
#include <linux/list_lru.h>

bool test(struct list_lru *lru, struct list_head *item);
bool test(struct list_lru *lru, struct list_head *item)
{
	return list_lru_add_obj(lru, item) && list_lru_del_obj(lru, item);
}

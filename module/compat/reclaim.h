/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Differences between kernels: shrinkers and their lists.
 */
#ifndef FZ_COMPAT_RECLAIM_H
#define FZ_COMPAT_RECLAIM_H

#include <linux/list_lru.h>
#include <linux/shrinker.h>
#include <linux/slab.h>
#include <linux/swap.h>

#include "features.h"

/* An item's list is that of the cgroup and node to which the item's slab belongs. */
static inline void fz_lru_add(struct list_lru *lru, struct list_head *item)
{
#ifdef FZ_HAVE_LIST_LRU_ADD_OBJ
	list_lru_add_obj(lru, item);
#else
	list_lru_add(lru, item);
#endif
}

static inline void fz_lru_del(struct list_lru *lru, struct list_head *item)
{
#ifdef FZ_HAVE_LIST_LRU_ADD_OBJ
	list_lru_del_obj(lru, item);
#else
	list_lru_del(lru, item);
#endif
}

/* A callback of list_lru_walk_one().  Some kernels pass the list's lock as well. */
#ifdef FZ_HAVE_LIST_LRU_WALK_LOCK
#define FZ_LRU_WALK(fn)							\
	enum lru_status fn(struct list_head *item, struct list_lru_one *list, \
			   spinlock_t *lock, void *arg)
#else
#define FZ_LRU_WALK(fn)							\
	enum lru_status fn(struct list_head *item, struct list_lru_one *list, \
			   void *arg)
#endif

/*
 * Tell reclaim that a shrinker has freed pages, else reclaim sees no progress.  Reclaim
 * for a cgroup's limit ignores this from 6.4 on, and looks at the charge instead.
 */
static inline void fz_reclaim_progress(unsigned long pages)
{
#ifdef FZ_HAVE_ACCOUNT_RECLAIMED
	mm_account_reclaimed_pages(pages);
#else
	if (current->reclaim_state)
		current->reclaim_state->reclaimed_slab += pages;
#endif
}

/* Register a shrinker, and initialise its lists; NULL without memory. */
static inline struct shrinker *
fz_shrinker_register(unsigned long (*count)(struct shrinker *shrinker,
					    struct shrink_control *sc),
		     unsigned long (*scan)(struct shrinker *shrinker,
					   struct shrink_control *sc),
		     struct list_lru *lru)
{
	const unsigned int flags = SHRINKER_NUMA_AWARE | SHRINKER_MEMCG_AWARE;
#ifdef FZ_HAVE_SHRINKER_ALLOC
	struct shrinker *shrinker = shrinker_alloc(flags, "fastzero");
#else
	struct shrinker *shrinker = kzalloc(sizeof(*shrinker), GFP_KERNEL);
#endif
	if (!shrinker)
		return NULL;
	shrinker->count_objects = count;
	shrinker->scan_objects = scan;
	shrinker->seeks = DEFAULT_SEEKS;
#ifdef FZ_HAVE_SHRINKER_ALLOC
	if (list_lru_init_memcg(lru, shrinker)) {
		shrinker_free(shrinker);
		return NULL;
	}
	shrinker_register(shrinker);
#else
	shrinker->flags = flags;
	if (register_shrinker(shrinker, "fastzero")) {
		kfree(shrinker);
		return NULL;
	}
	/* The lists need the shrinker's id, which it gets when it is registered. */
	if (list_lru_init_memcg(lru, shrinker)) {
		unregister_shrinker(shrinker);
		kfree(shrinker);
		return NULL;
	}
#endif
	return shrinker;
}

/* Waits for calls that are running. */
static inline void fz_shrinker_unregister(struct shrinker *shrinker)
{
#ifdef FZ_HAVE_SHRINKER_ALLOC
	shrinker_free(shrinker);
#else
	unregister_shrinker(shrinker);
	kfree(shrinker);
#endif
}

#endif

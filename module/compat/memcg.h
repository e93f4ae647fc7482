/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Differences between kernels: memory cgroups.
 */
#ifndef FZ_COMPAT_MEMCG_H
#define FZ_COMPAT_MEMCG_H

#include <linux/memcontrol.h>

#include "features.h"

/* The caller's memory cgroup, with a reference; NULL without CONFIG_MEMCG. */
static inline struct mem_cgroup *fz_memcg_get_current(void)
{
#ifdef CONFIG_MEMCG
	return get_mem_cgroup_from_mm(current->mm);
#else
	return NULL;
#endif
}

static inline void fz_memcg_put(struct mem_cgroup *memcg)
{
	if (memcg)
		mem_cgroup_put(memcg);
}

/* The path of a memory cgroup below the host's cgroup mount; false if there is none. */
static inline bool fz_memcg_path(struct mem_cgroup *memcg, char *path, size_t size)
{
#ifdef CONFIG_MEMCG
	int len = memcg ? cgroup_path(memcg->css.cgroup, path, size) : 0;

	return len > 0 && len < size;
#else
	return false;
#endif
}

/*
 * Whether the kernel charges the module's allocations.  It begins to do so when the
 * first memory cgroup below the root is made.
 */
static inline bool fz_memcg_charges(void)
{
#ifdef FZ_HAVE_MEMCG_KMEM_ONLINE
	return memcg_kmem_online();
#else
	return memcg_kmem_enabled();
#endif
}

/* Whether there is a memory cgroup below the root. */
static inline bool fz_memcg_exists(void)
{
	bool exists = false;

#ifdef CONFIG_MEMCG
	struct mem_cgroup *root, *parent;

	if (mem_cgroup_disabled())
		return false;
	rcu_read_lock();
	root = mem_cgroup_from_task(current);
	while ((parent = parent_mem_cgroup(root)))
		root = parent;
	exists = css_next_descendant_pre(&root->css, &root->css);
	rcu_read_unlock();
#endif
	return exists;
}

/* Whether the caller is in @memcg, or in a memory cgroup below it.  NULL: true. */
static inline bool fz_memcg_is_current(struct mem_cgroup *memcg)
{
	bool is = true;

#ifdef CONFIG_MEMCG
	rcu_read_lock();
	if (memcg)
		is = mem_cgroup_is_descendant(mem_cgroup_from_task(current),
					      memcg);
	rcu_read_unlock();
#endif
	return is;
}

/*
 * Whether a memory cgroup has at least 1/2^@shift of each of its limits left.  Optional
 * allocations must not bring it near the OOM killer.
 */
static inline bool fz_memcg_has_room(struct mem_cgroup *memcg, int shift)
{
#ifdef CONFIG_MEMCG
	for (; memcg; memcg = parent_mem_cgroup(memcg)) {
		unsigned long most = min(READ_ONCE(memcg->memory.max),
					 READ_ONCE(memcg->memory.high));

		if (page_counter_read(&memcg->memory) > most - (most >> shift))
			return false;
	}
#endif
	return true;
}

/* Base pages that may be charged to a memory cgroup before it is at its limit. */
static inline unsigned long fz_memcg_margin(struct mem_cgroup *memcg)
{
	unsigned long margin = ULONG_MAX;

#ifdef CONFIG_MEMCG
	for (; memcg; memcg = parent_mem_cgroup(memcg)) {
		unsigned long most = READ_ONCE(memcg->memory.max);
		unsigned long have = page_counter_read(&memcg->memory);

		margin = min(margin, most > have ? most - have : 0);
	}
#endif
	return margin;
}

/* The same for the caller's memory cgroup: under RCU, without a reference. */
static inline unsigned long fz_memcg_current_margin(void)
{
	unsigned long margin = ULONG_MAX;

#ifdef CONFIG_MEMCG
	rcu_read_lock();
	margin = fz_memcg_margin(mem_cgroup_from_task(current));
	rcu_read_unlock();
#endif
	return margin;
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every difference between the kernels that we build for.  features.h comes
 * from probe.sh, which compiles tests/ against the kernel's headers: product
 * code never asks for a version, since distributions backport.
 */
#ifndef FZ_COMPAT_H
#define FZ_COMPAT_H

#include <linux/fs.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/pagemap.h>

#include "features.h"

/* setattr and its like: the argument that says how ids are mapped. */
#ifdef FZ_HAVE_MNT_IDMAP
#define fz_idmap mnt_idmap
#else
#define fz_idmap user_namespace
#endif

static inline void fz_vm_flags_clear(struct vm_area_struct *vma,
				     unsigned long flags)
{
#ifdef FZ_HAVE_VM_FLAGS_CLEAR
	vm_flags_clear(vma, flags);
#else
	vma->vm_flags &= ~flags;
#endif
}

/* Page tables that map a base page; the helpers are not exported everywhere. */
static inline int fz_folio_mapcount(struct folio *folio)
{
	return atomic_read(&folio->_mapcount) + 1;
}

/*
 * Some kernels let GUP-fast, and so KVM's fast path, have only folios with a
 * mapping.  Dirty for ever: then no one tries to reclaim or invalidate it, and
 * a fault has nothing to mark.
 */
static inline void fz_folio_attach(struct folio *folio,
				   struct address_space *mapping, pgoff_t index)
{
	folio->mapping = mapping;
	folio->index = index;
	folio_set_dirty(folio);
}

static inline void fz_folio_detach(struct folio *folio)
{
	folio->mapping = NULL;
	folio_clear_dirty(folio);
}

/* The caller's memory cgroup, with a reference; NULL without such groups. */
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

/* Whether the caller pays for what is charged to a group. */
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

#endif

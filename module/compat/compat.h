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
#include "../range.h"

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

/*
 * Page tables that map a folio as a whole; the helpers are not exported everywhere.
 * Those that map pages of a huge folio one by one are left out.
 */
static inline int fz_folio_mapcount(struct folio *folio)
{
	if (!folio_test_large(folio))
		return atomic_read(&folio->_mapcount) + 1;
#ifdef FZ_HAVE_ENTIRE_MAPCOUNT
	return atomic_read(&folio->_entire_mapcount) + 1;
#else
	return atomic_read(compound_mapcount_ptr(&folio->page)) + 1;
#endif
}

/* Whether chunks can be backed by huge folios. */
static inline bool fz_has_huge(void)
{
#ifdef CONFIG_TRANSPARENT_HUGEPAGE
	return HPAGE_PMD_ORDER == FZ_CHUNK_SHIFT && has_transparent_hugepage();
#else
	return false;
#endif
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

/*
 * Map a huge folio of the caller's as a whole, if nothing is mapped there; the
 * mapping allows it.  False if no more of them need be tried.  Kernels that cannot
 * insert it by itself take the way of a fault.
 */
static inline bool fz_insert_huge(struct vm_area_struct *vma,
				  unsigned long addr, struct folio *folio)
{
#if defined(FZ_HAVE_INSERT_FOLIO_PMD) && defined(CONFIG_TRANSPARENT_HUGEPAGE)
	struct vm_fault vmf = { .vma = vma, .address = addr };
	pgd_t *pgd = pgd_offset(vma->vm_mm, addr);
	p4d_t *p4d = pgd_none(*pgd) ? NULL : p4d_offset(pgd, addr);
	pud_t *pud = !p4d || p4d_none(*p4d) ? NULL : pud_offset(p4d, addr);

	if (pud && !pud_none(*pud)) {
		vmf.pmd = pmd_offset(pud, addr);
		if (!pmd_none(READ_ONCE(*vmf.pmd)))
			return true;
		/* Not for writing: a page table that comes meanwhile is no fault. */
		return vmf_insert_folio_pmd(&vmf, folio, false) ==
		       VM_FAULT_NOPAGE;
	}
#endif
	return !fixup_user_fault(vma->vm_mm, addr, FAULT_FLAG_WRITE, NULL);
}

#endif

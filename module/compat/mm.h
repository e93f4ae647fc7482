/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Differences between kernels: pages, folios and mappings.
 */
#ifndef FZ_COMPAT_MM_H
#define FZ_COMPAT_MM_H

#include <linux/mempolicy.h>
#include <linux/mm.h>
#include <linux/pagemap.h>

#include "features.h"
#include "../range.h"

static inline void fz_vm_flags_set(struct vm_area_struct *vma,
				   unsigned long flags)
{
#ifdef FZ_HAVE_VM_FLAGS_SET
	vm_flags_set(vma, flags);
#else
	vma->vm_flags |= flags;
#endif
}

static inline void fz_vm_flags_clear(struct vm_area_struct *vma,
				     unsigned long flags)
{
#ifdef FZ_HAVE_VM_FLAGS_SET
	vm_flags_clear(vma, flags);
#else
	vma->vm_flags &= ~flags;
#endif
}

/* All flags of a page at once: a sweep looks at many pages, so each instruction counts. */
static inline unsigned long fz_page_flags(const struct page *page)
{
#ifdef FZ_HAVE_MEMDESC_FLAGS
	return page->flags.f;
#else
	return page->flags;
#endif
}

#ifdef CONFIG_MEMORY_FAILURE
#define FZ_PAGE_FAILED	BIT(PG_hwpoison)
#else
#define FZ_PAGE_FAILED	0
#endif

/*
 * Two counts of a base page: references in the upper half, and page tables that map it,
 * minus one, in the lower half.  The compiler may read both with one load.
 */
static inline u64 fz_base_counts(const struct folio *folio)
{
	return data_race((u64)(u32)folio->_refcount.counter << 32 |
			 (u32)folio->_mapcount.counter);
}

/* The memory policy of a mapping, NULL for none. */
static inline struct mempolicy *fz_vma_policy(const struct vm_area_struct *vma)
{
#ifdef CONFIG_NUMA
	return vma->vm_policy;
#else
	return NULL;
#endif
}

/* Copy the members that choose the node of a page, for use after mmap_lock is released. */
static inline void fz_policy_copy(struct mempolicy *to, const struct mempolicy *from)
{
#ifdef CONFIG_NUMA
	to->mode = from->mode;
	to->nodes = from->nodes;
#endif
}

/*
 * NUMA balancing calls this for the policy of a mapping: that of mbind(), or NULL.  It
 * skips the mapping, unless mbind() got MPOL_F_NUMA_BALANCING.  Without the function it
 * would unmap pages that it cannot migrate.
 */
#if defined(CONFIG_NUMA) && defined(FZ_HAVE_GET_POLICY_ILX)
static inline struct mempolicy *fz_get_policy(struct vm_area_struct *vma,
					      unsigned long addr, pgoff_t *ilx)
{
	*ilx = 0;
	return vma->vm_policy;
}
#elif defined(CONFIG_NUMA)
static inline struct mempolicy *fz_get_policy(struct vm_area_struct *vma,
					      unsigned long addr)
{
	return vma->vm_policy;
}
#endif

#ifdef CONFIG_NUMA
#define FZ_VM_OPS_POLICY(set)	.set_policy	= (set), \
				.get_policy	= fz_get_policy,
#else
#define FZ_VM_OPS_POLICY(set)
#endif

/*
 * The number of page tables that map a folio as a whole.  Page tables that map single pages
 * of a huge folio do not count.  Some kernels do not export their helpers.
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
 * On some kernels GUP-fast, and so KVM's fast path, takes only folios with a mapping.
 * The folio stays dirty: so the kernel neither reclaims nor invalidates it, and a fault
 * need not mark it.
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

#endif

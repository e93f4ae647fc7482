/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Differences between kernels: page tables.
 */
#ifndef FZ_COMPAT_PGTABLE_H
#define FZ_COMPAT_PGTABLE_H

#include <linux/mm.h>

#include "features.h"

/*
 * The entry for a huge folio at an address, NULL if there is no table for it.  The caller
 * may use the entry while it holds mmap_lock, if the mm has a VMA at the address.  Later
 * its table may be freed.
 */
static inline pmd_t *fz_pmd_at(struct mm_struct *mm, unsigned long addr)
{
	pgd_t *pgd = pgd_offset(mm, addr);
	p4d_t *p4d = pgd_none(*pgd) ? NULL : p4d_offset(pgd, addr);
	pud_t *pud = !p4d || p4d_none(*p4d) ? NULL : pud_offset(p4d, addr);

	mmap_assert_locked(mm);
	return pud && !pud_none(*pud) ? pmd_offset(pud, addr) : NULL;
}

/* Whether a huge folio could be mapped at an address; mmap_lock is held. */
static inline bool fz_is_pmd_free(struct mm_struct *mm, unsigned long addr)
{
	pmd_t *pmd = fz_pmd_at(mm, addr);

	return !pmd || pmd_none(READ_ONCE(*pmd));
}

/* Whether a huge folio is mapped as a whole at an address; mmap_lock is held. */
static inline bool fz_is_huge_mapped(struct mm_struct *mm, unsigned long addr)
{
	pmd_t *pmd = fz_pmd_at(mm, addr);

	return pmd && pmd_trans_huge(READ_ONCE(*pmd));
}

/*
 * Whether a page-table entry may be changed from one page to another in one step, and
 * the kernel has a function to flush it.  Processors other than x86 require an invalid
 * entry and a flush in between.
 */
static inline bool fz_has_pte_swap(void)
{
	return IS_ENABLED(CONFIG_X86) && IS_ENABLED(CONFIG_MAPPING_DIRTY_HELPERS);
}

/* In all mappings of a range, make dirty entries clean, and flush these. */
static inline void fz_flush_dirty_ptes(struct address_space *mapping, pgoff_t first,
				       pgoff_t nr, unsigned long *bitmap)
{
#ifdef CONFIG_MAPPING_DIRTY_HELPERS
	pgoff_t start = 0, end = 0;

	clean_record_shared_mapping_range(mapping, first, nr, first, bitmap,
					  &start, &end);
#endif
}

/*
 * Call a function for the entries of all page tables that exist in a range.  The range is
 * no larger than a chunk.  Its address need not be aligned, so it may span two tables.
 */
static inline int fz_apply_to_ptes(struct mm_struct *mm, unsigned long addr,
				   unsigned long size, pte_fn_t fn, void *data)
{
	unsigned long end = addr + size;
	unsigned long next;
	pmd_t *pmd;
	int err = 0;

	for (; !err && addr < end; addr = next) {
		next = pmd_addr_end(addr, end);
		pmd = fz_pmd_at(mm, addr);
		if (!pmd || pmd_none(READ_ONCE(*pmd)))
			continue;
		/* apply_to_page_range() would make a table where there is none. */
		err = pmd_bad(READ_ONCE(*pmd)) ? -EINVAL :
		      apply_to_page_range(mm, addr, next - addr, fn, data);
	}
	return err;
}

/*
 * Map a huge folio as a whole, if nothing is mapped there.  The caller has checked that
 * the mapping can take it.  Returns false on an error: then the caller need not try other
 * folios.  Without a page table there, or without a kernel function to insert the folio,
 * this raises a fault.
 */
static inline bool fz_insert_huge(struct vm_area_struct *vma,
				  unsigned long addr, struct folio *folio)
{
#if defined(FZ_HAVE_INSERT_FOLIO_PMD) && defined(CONFIG_TRANSPARENT_HUGEPAGE)
	struct vm_fault vmf = { .vma = vma, .address = addr };

	vmf.pmd = fz_pmd_at(vma->vm_mm, addr);
	if (vmf.pmd) {
		if (!pmd_none(READ_ONCE(*vmf.pmd)))
			return true;
		/*
		 * Not for writing: then it is no error if another thread has made a
		 * page table there meanwhile.
		 */
		return vmf_insert_folio_pmd(&vmf, folio, false) ==
		       VM_FAULT_NOPAGE;
	}
#endif
	return !(handle_mm_fault(vma, addr, FAULT_FLAG_WRITE,
				 NULL) & VM_FAULT_ERROR);
}

#endif

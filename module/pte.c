// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page-table entries of base pages, moved to the folios that the index has now.
 * For one process that maps a scratch alone, with nobody behind it, that is far
 * cheaper than to unmap and to fault again.
 *
 * No exported function flushes a range of TLBs.  clean_record_shared_mapping_range() is
 * next to it: it flushes the range of all entries that it finds dirty.  We install every
 * new entry dirty, so the range covers all of them.  If another thread zaps one, that
 * thread flushes it; while its flush is pending, the function flushes the whole range.
 */
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/slab.h>

#include "compat/compat.h"
#include "mapping.h"
#include "reset.h"

/**
 * struct pte_walk - page-table entries of a chunk
 * @chunk: the chunk
 * @start: address of its first page, were it mapped as a whole
 * @nr: entries moved so far, of all chunks
 * @odd: there is one that cannot be moved
 */
struct pte_walk {
	struct fz_chunk *chunk;
	unsigned long start;
	u64 nr;
	bool odd;
};

/*
 * An MMU notifier means a second set of page tables (a guest's, a device's), which is
 * dear to fill again.  Locked pages are counted where they are mapped.
 */
static bool pte_allowed(const struct vm_area_struct *vma)
{
	return (vma->vm_flags & (VM_SHARED | VM_MAYWRITE | VM_LOCKED)) ==
		       (VM_SHARED | VM_MAYWRITE) &&
	       !mm_has_notifiers(vma->vm_mm);
}

/* With ZEROPAGE what is mapped for writing goes through page_mkwrite. */
static bool pte_backing_allowed(const struct fz_scratch *s)
{
	return fz_has_pte_swap() && !atomic_read(&s->nr_huge) && !s->zero;
}

/* Under the lock of the page table. */
static int pte_move(pte_t *ptep, unsigned long addr, void *data)
{
	struct pte_walk *walk = data;
	pte_t pte = *ptep;
	struct folio *folio;
	struct page *old;

	if (!pte_present(pte))
		return 0;
	folio = fz_chunk_base(walk->chunk, (addr - walk->start) >> PAGE_SHIFT);
	if (!folio || pte_pfn(pte) == folio_pfn(folio))
		return 0;
	old = pte_page(pte);
	/* The counters of mapped pages are kept for each node. */
	if (unlikely(page_to_nid(old) != folio_nid(folio))) {
		walk->odd = true;
		return 0;
	}

	folio_get(folio);
	atomic_inc(&folio->_mapcount);
	pte = ptep_get_and_clear(current->mm, addr, ptep);
	pte = pfn_pte(folio_pfn(folio), pte_pgprot(pte_mkdirty(pte)));
	set_pte_at(current->mm, addr, ptep, pte);
	/* The reset has a reference of its own until all is flushed. */
	atomic_dec(&old->_mapcount);
	page_ref_dec(old);
	walk->nr++;
	return 0;
}

static bool pte_move_chunk(struct pte_walk *walk, struct vm_area_struct *vma,
			   u64 number, const struct fz_range *part)
{
	u64 base = number << FZ_CHUNK_SHIFT;
	u64 words[FZ_CHUNK_WORDS];
	struct fz_range span;
	unsigned long addr;
	u64 first, end;

	fz_chunk_snapshot(walk->chunk, part, words);
	if (!fz_range_span(words, &span))
		return true;
	first = max_t(u64, base + span.first, vma->vm_pgoff);
	end = min_t(u64, base + span.end, vma->vm_pgoff + vma_pages(vma));
	if (first >= end)
		return true;
	walk->start = vma->vm_start + ((base - vma->vm_pgoff) << PAGE_SHIFT);
	addr = walk->start + ((first - base) << PAGE_SHIFT);
	return !fz_apply_to_ptes(vma->vm_mm, addr, (end - first) << PAGE_SHIFT,
				 pte_move, walk) && !walk->odd;
}

/* False if an entry is left as it was. */
static bool pte_move_all(struct pte_walk *walk, struct fz_scratch *s,
			 struct vm_area_struct *vma, struct fz_range range)
{
	u64 number;

	while ((walk->chunk = fz_chunk_next(s, &range, &number))) {
		struct fz_range part = fz_range_in_chunk(&range, number);

		range.first = (number << FZ_CHUNK_SHIFT) + part.end;
		if (!pte_move_chunk(walk, vma, number, &part))
			return false;
		cond_resched();
	}
	return true;
}

/**
 * fz_pte_can_swap() - whether fz_pte_swap() is likely to work, and worth it
 * @s: the scratch, its lock held
 *
 * Return: true if so.
 */
bool fz_pte_can_swap(struct fz_scratch *s)
{
	struct mm_struct *mm = current->mm;
	struct vm_area_struct *vma;
	bool can;

	lockdep_assert_held(&s->lock);

	if (!pte_backing_allowed(s) || !mm || mm_has_notifiers(mm) ||
	    !mmap_read_trylock(mm))
		return false;
	vma = fz_mapping_only(s);
	can = vma && pte_allowed(vma);
	mmap_read_unlock(mm);
	return can;
}

/**
 * fz_pte_begin() - a reset is about to swap base pages
 * @s: the scratch
 *
 * To allocate may take long, and later there are folios in hand.
 *
 * Return: what fz_pte_swap() needs, for fz_pte_end(); NULL without memory for it, and
 * where it would not work.
 */
unsigned long *fz_pte_begin(const struct fz_scratch *s)
{
	struct mm_struct *mm = current->mm;

	if (!pte_backing_allowed(s) || !mm || mm_has_notifiers(mm))
		return NULL;
	return kmalloc(FZ_PTE_SPAN / 8, GFP_KERNEL | __GFP_NOWARN);
}

/**
 * fz_pte_end() - the reset is over
 * @bitmap: from fz_pte_begin()
 */
void fz_pte_end(unsigned long *bitmap)
{
	kfree(bitmap);
}

/**
 * fz_pte_swap() - move page-table entries to the folios of the index, and flush
 * @s: the scratch, its lock held
 * @range: pages, of which at most FZ_PTE_SPAN are asked for.  In the index there
 *	is a folio wherever one can be mapped, and no fault that has found another
 *	is under way
 * @bitmap: from fz_pte_begin()
 *
 * Only tries mmap_lock, since the caller has folios in hand.
 *
 * Return: true if it is done, false if the range must be unmapped instead.
 */
bool fz_pte_swap(struct fz_scratch *s, const struct fz_range *range,
		 unsigned long *bitmap)
{
	struct mm_struct *mm = current->mm;
	struct pte_walk walk = { };
	struct vm_area_struct *vma;
	bool done = false;

	lockdep_assert_held(&s->lock);

	if (!bitmap || !pte_backing_allowed(s) || mm_has_notifiers(mm) ||
	    range->end - range->first > FZ_PTE_SPAN || !mmap_read_trylock(mm))
		return false;

	vma = fz_mapping_only(s);
	if (vma && pte_allowed(vma)) {
		done = pte_move_all(&walk, s, vma, *range);
		if (walk.nr)
			fz_flush_dirty_ptes(s->inode->i_mapping, range->first,
					    range->end - range->first, bitmap);
	}
	mmap_read_unlock(mm);
	return done;
}

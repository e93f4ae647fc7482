// SPDX-License-Identifier: GPL-2.0-only
/*
 * SWAP of base pages: moves page-table entries to the folios that are in the index now.
 * If one process alone maps the scratch, and never had a VM, this is far cheaper than to
 * unmap and to fault again.
 *
 * The kernel exports no function that flushes the TLBs for a range.  The nearest one is
 * clean_record_shared_mapping_range().  It flushes the range from the first to the last
 * dirty entry.  Since pte_move() installs every new entry dirty, this range covers all of
 * them.  If another thread zaps one, that thread flushes it.  While that flush is
 * pending, clean_record_shared_mapping_range() flushes its whole range.
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
 * @start: address of its first page, also if the mapping begins after that page
 * @nr: entries moved so far, of all chunks
 * @odd: an entry cannot be moved
 */
struct pte_walk {
	struct fz_chunk *chunk;
	unsigned long start;
	u64 nr;
	bool odd;
};

/*
 * With an MMU notifier there are other page tables, of a guest or a device, which are
 * expensive to fill again.  Locked pages are counted when they are mapped and unmapped:
 * moving an entry would skip that.
 */
static bool pte_allowed(const struct vm_area_struct *vma)
{
	return (vma->vm_flags & (VM_SHARED | VM_MAYWRITE | VM_LOCKED)) ==
		       (VM_SHARED | VM_MAYWRITE) &&
	       !mm_has_notifiers(vma->vm_mm);
}

/* With ZEROPAGE a page must enter page_mkwrite before it is mapped for writing. */
static bool pte_backing_allowed(const struct fz_scratch *s)
{
	return fz_has_pte_swap() && !atomic_read(&s->nr_huge) && !s->zero;
}

/* Move an entry; called under the lock of the page table. */
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
	/* The kernel counts mapped pages by node, and this updates no such counter. */
	if (unlikely(page_to_nid(old) != folio_nid(folio))) {
		walk->odd = true;
		return 0;
	}

	folio_get(folio);
	atomic_inc(&folio->_mapcount);
	pte = ptep_get_and_clear(current->mm, addr, ptep);
	pte = pfn_pte(folio_pfn(folio), pte_pgprot(pte_mkdirty(pte)));
	set_pte_at(current->mm, addr, ptep, pte);
	/* The reset has its own reference until the flush. */
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

/* Move all entries of a range; false if one was left as it was. */
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
 * fz_pte_can_swap() - whether fz_pte_swap() is likely to work
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
 * Allocates now, since that may take long, and later the reset has folios in hand.
 *
 * Return: a bitmap for fz_pte_swap(), to be freed by fz_pte_end().  NULL if there is no
 * memory, or if fz_pte_swap() would not work.
 */
unsigned long *fz_pte_begin(const struct fz_scratch *s)
{
	struct mm_struct *mm = current->mm;

	if (!pte_backing_allowed(s) || !mm || mm_has_notifiers(mm))
		return NULL;
	return kmalloc(FZ_PTE_SPAN / 8, GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN);
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
 * @range: pages, at most FZ_PTE_SPAN.  The index has a folio for every page that may be
 *	mapped, and no fault still holds an old folio locked
 * @bitmap: from fz_pte_begin()
 *
 * This uses a trylock on mmap_lock, since the caller has folios in hand.
 *
 * Return: true if all is moved and flushed; false if the caller must unmap the range.
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

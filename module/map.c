// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mapping folios into the caller's address space, so that the next touch does not fault.
 */
#include <linux/fs.h>
#include <linux/mm.h>

#include <uapi/linux/fastzero.h>

#include "compat/compat.h"
#include "map.h"
#include "mapping.h"
#include "reset.h"

/* Base pages mapped by one call of vm_insert_pages(). */
#define MAP_BATCH	64

/* The address of a chunk in a mapping; 0 if it cannot be mapped there as a whole. */
static unsigned long map_address(struct vm_area_struct *vma, u64 number)
{
	u64 page = number << FZ_CHUNK_SHIFT;
	unsigned long addr;

	if (page < vma->vm_pgoff ||
	    page + FZ_CHUNK_PAGES > vma->vm_pgoff + vma_pages(vma))
		return 0;
	addr = vma->vm_start + ((page - vma->vm_pgoff) << PAGE_SHIFT);
	return IS_ALIGNED(addr, FZ_CHUNK_PAGES << PAGE_SHIFT) ? addr : 0;
}

/* Whether the caller has a mapping that can map the chunk as a whole. */
static bool map_takes_huge_here(struct fz_scratch *s, u64 number)
{
	struct mm_struct *mm = current->mm;
	struct vm_area_struct *vma;
	unsigned long addr = 0;
	bool takes = false;

	if (!mm || !mmap_read_trylock(mm))
		return false;
	vma = fz_mapping_to_write(s);
	if (vma)
		addr = map_address(vma, number);
	if (addr)
		takes = fz_is_pmd_free(mm, addr);
	mmap_read_unlock(mm);
	return takes;
}

/**
 * fz_map_takes_huge() - whether a chunk could be mapped as a whole
 * @s: the scratch
 * @number: the chunk, which has no page
 * @vmf: the fault that asks, or NULL
 *
 * A mapping that had base pages there keeps its page table for them, and would map
 * a huge folio page by page.
 *
 * Return: true if so.  Of several mappings it looks at the caller's only.
 */
bool fz_map_takes_huge(struct fz_scratch *s, u64 number,
		       const struct vm_fault *vmf)
{
	if (vmf)
		return map_address(vmf->vma, number) &&
		       pmd_none(READ_ONCE(*vmf->pmd));
	return !mapping_mapped(s->inode->i_mapping) ||
	       map_takes_huge_here(s, number);
}

/**
 * fz_map_huge_chunks() - map chunks into a mapping of the caller, if there is one
 * @s: the scratch, its lock held, so that the folios stay where they are
 * @items: the chunks
 * @nr: number of chunks
 *
 * This uses a trylock on mmap_lock.  Another thread may hold that for long, while other
 * processes wait for the scratch's lock.  Chunks that are not mapped now are mapped by
 * their next touch.
 */
void fz_map_huge_chunks(struct fz_scratch *s, const struct fz_map_item *items,
			unsigned int nr)
{
	struct mm_struct *mm = current->mm;
	struct vm_area_struct *vma;
	unsigned int i;

	lockdep_assert_held(&s->lock);

	/* Page tables are charged to the caller.  A reset must not bring the OOM killer. */
	if (!mm || !fz_caller_has_headroom() || !mmap_read_trylock(mm))
		return;
	vma = fz_mapping_to_write(s);
	for (i = 0; vma && i < nr; i++) {
		unsigned long addr = map_address(vma, items[i].number);

		if (addr && !fz_insert_huge(vma, addr, items[i].folio))
			break;
	}
	mmap_read_unlock(mm);
}

/*
 * Map pages of a chunk from page @i on, up to a hole or a batch.  Returns how many are
 * mapped now.
 */
static unsigned long map_some(struct vm_area_struct *vma, struct fz_chunk *chunk,
			      u64 base, unsigned int i, unsigned int end)
{
	unsigned long addr = vma->vm_start + ((base + i - vma->vm_pgoff) << PAGE_SHIFT);
	struct page *pages[MAP_BATCH];
	unsigned long nr = 0, left;
	int err;

	for (; nr < MAP_BATCH && i < end; i++) {
		struct folio *folio = NULL;

		if (fz_chunk_populated(chunk, i / 64) & 1ULL << i % 64)
			folio = fz_chunk_base(chunk, i);
		if (!folio || fz_folio_is_bad(folio))
			break;
		pages[nr++] = folio_page(folio, 0);
	}
	if (!nr)
		return 0;
	left = nr;
	err = vm_insert_pages(vma, addr, pages, &left);
	/* vm_insert_pages() ends at a page that is mapped already. */
	return nr - left + (err == -EBUSY);
}

/**
 * fz_map_can_insert() - whether fz_map_words() may map base pages of a scratch
 * @s: the scratch
 *
 * vm_insert_pages() marks the mapping VM_MIXEDMAP.  In such a mapping the kernel does not
 * count references to a huge folio.  So a scratch that may get a huge folio is excluded.
 * A scratch with ZEROPAGE is excluded, because vm_insert_pages() would map its pages
 * read-only, and each first write would still fault.
 *
 * Return: true if so; the answer never changes.
 */
bool fz_map_can_insert(const struct fz_scratch *s)
{
	return (s->policy == FASTZERO_PAGES_4K || !fz_has_huge()) && !s->zero;
}

/**
 * fz_map_words() - map base pages of a chunk into a mapping of the caller
 * @s: a scratch for which fz_map_can_insert() returned true
 * @vma: the mapping, mmap_lock held for writing
 * @number: the chunk
 * @words: bitmap of pages, all in the mapping; the bits of mapped pages are cleared
 *
 * The scratch's lock keeps the pages in their place.  This uses a trylock, since a reset
 * may hold the lock for long.  The caller faults in the pages that stay in @words.
 *
 * This clears VM_MIXEDMAP again.  Else the kernel would copy page tables at fork, and
 * refuse to lock the mapping.  No other thread sees the flag, since the code for base pages
 * reads it under mmap_lock.
 *
 * Return: how many pages are mapped.
 */
long fz_map_words(struct fz_scratch *s, struct vm_area_struct *vma, u64 number,
		  u64 *words)
{
	u64 base = number << FZ_CHUNK_SHIFT;
	struct fz_range run = { };
	struct fz_chunk *chunk;
	long nr = 0;

	mmap_assert_write_locked(vma->vm_mm);

	if (WARN_ON_ONCE(!fz_map_can_insert(s)))
		return 0;
	/* vm_insert_pages() does not count locked pages; a fault does. */
	if (vma->vm_flags & VM_LOCKED || !mutex_trylock(&s->lock))
		return 0;
	chunk = xa_load(&s->chunks, number);
	while (chunk && fz_range_next_run(words, &run)) {
		unsigned long some = map_some(vma, chunk, base, run.first, run.end);
		u64 end = run.first + some;
		u64 i;

		for (i = run.first; i < end; i++)
			words[i / 64] &= ~(1ULL << i % 64);
		nr += some;
		/* Continue after these pages, or after one that cannot be mapped. */
		run.end = some ? end : run.first + 1;
		cond_resched();
	}
	fz_vm_flags_clear(vma, VM_MIXEDMAP);
	mutex_unlock(&s->lock);
	return nr;
}

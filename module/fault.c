// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mappings and faults.
 *
 * The folio lock orders a fault against a reset that takes folios out.  The fault
 * locks the folio that it found, and checks that it is still on the roll.  It returns
 * the folio locked, and core code maps it before it unlocks it.  The reset takes the
 * folio out of the index, waits until it is unlocked, and only then unmaps.  So a fault
 * either sees that the folio is gone, or has mapped it before the reset unmaps.  A huge
 * folio has one lock for all its pages.
 */
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/pagemap.h>

#include "chunk.h"
#include "compat/compat.h"

/*
 * The OOM killer runs only if the faulting process is charged for the page.  Else it
 * would kill other processes, and the fault would be repeated for ever.
 */
static noinline vm_fault_t fault_failed(const struct fz_scratch *s, const void *err)
{
	return err == ERR_PTR(-ENOMEM) && fz_memcg_is_current(s->ctx->pool.memcg) ?
	       VM_FAULT_OOM : VM_FAULT_SIGBUS;
}

static vm_fault_t fault_page(struct vm_fault *vmf)
{
	struct fz_scratch *s = fz_scratch_of(vmf->vma->vm_file);
	struct fz_place place;
	struct folio *folio;
	u64 page;

	/* A mapping may extend beyond the end after mremap(). */
	if (vmf->pgoff >= s->nr_pages)
		return VM_FAULT_SIGBUS;
	page = array_index_nospec(vmf->pgoff, s->nr_pages);
	if (s->zero && !(vmf->flags & FAULT_FLAG_WRITE)) {
		folio = fz_zero_get(s, page);
		if (folio) {
			vmf->page = folio_page(folio, 0);
			atomic64_inc(&s->count.faults);
			return VM_FAULT_LOCKED;
		}
	}
	fz_place_find(&place, s, fz_vma_policy(vmf->vma), page);
	for (;;) {
		folio = fz_chunk_fill(s, page, FZ_GFP_TOUCHER, &place, vmf, NULL);
		if (IS_ERR(folio))
			return fault_failed(s, folio);
		folio_lock(folio);
		/* Pairs with the barrier in unmap_wait_for_faults(). */
		smp_mb__after_atomic();
#ifdef FZ_TEST_NO_RECHECK	/* the race test must be able to fail */
		break;
#endif
		if (likely(fz_roll_has(folio)))
			break;
		folio_unlock(folio);
		folio_put(folio);
	}

	vmf->page = fz_folio_page(folio, page);
	if (unlikely(PageHWPoison(vmf->page))) {
		folio_unlock(folio);
		folio_put(folio);
		return VM_FAULT_HWPOISON;
	}
	atomic64_inc(&s->count.faults);
	return VM_FAULT_LOCKED;
}

/*
 * There is no fault-around, so this maps nothing.  But kernels with per-VMA locks handle
 * a fault without mmap_lock only if map_pages is set.
 */
static vm_fault_t fault_map_pages(struct vm_fault *vmf, pgoff_t start,
				  pgoff_t end)
{
	return 0;
}

/*
 * ZEROPAGE: the first write to a page that is mapped for reading.  If it is the page of
 * zeros, fill the hole.  That unmaps the zeros, and the write faults once more.  Core
 * code passes any other page unlocked: lock it, and check that no reset has taken it out.
 * Core code makes the entry writable only if it still maps the page.
 */
static vm_fault_t fault_mkwrite(struct vm_fault *vmf)
{
	struct fz_scratch *s = fz_scratch_of(vmf->vma->vm_file);
	struct folio *folio = page_folio(vmf->page);
	struct fz_place place;

	if (folio == s->zero) {
		fz_place_find(&place, s, fz_vma_policy(vmf->vma), vmf->pgoff);
		folio = fz_chunk_fill(s, vmf->pgoff, FZ_GFP_TOUCHER, &place, NULL,
				      NULL);
		if (IS_ERR(folio))
			return fault_failed(s, folio);
		folio_put(folio);
		return VM_FAULT_NOPAGE;
	}

	folio_lock(folio);
	/* Pairs with the barrier in unmap_wait_for_faults(). */
	smp_mb__after_atomic();
	if (likely(fz_roll_has(folio)))
		return VM_FAULT_LOCKED;
	folio_unlock(folio);
	return VM_FAULT_NOPAGE;
}

/* mbind() fails on a scratch that was created with a node. */
static int __maybe_unused fault_set_policy(struct vm_area_struct *vma,
					   struct mempolicy *policy)
{
	struct fz_scratch *s = fz_scratch_of(vma->vm_file);

	return policy && s->node != NUMA_NO_NODE ? -EINVAL : 0;
}

static const struct vm_operations_struct fault_vm_ops = {
	.fault		= fault_page,
	.map_pages	= fault_map_pages,
	FZ_VM_OPS_POLICY(fault_set_policy)
};

/* For ZEROPAGE only, since with page_mkwrite every mapping begins read-only. */
static const struct vm_operations_struct fault_zero_vm_ops = {
	.fault		= fault_page,
	.map_pages	= fault_map_pages,
	.page_mkwrite	= fault_mkwrite,
	FZ_VM_OPS_POLICY(fault_set_policy)
};

/**
 * fz_vma_allowed() - whether a scratch may have this mapping
 * @vma: the mapping
 *
 * A private mapping must not be writable: a private copy would escape the reset.
 *
 * Return: true if so.
 */
bool fz_vma_allowed(const struct vm_area_struct *vma)
{
	return (vma->vm_flags & VM_MAYSHARE) || !(vma->vm_flags & VM_WRITE);
}

/**
 * fz_scratch_mmap() - map a scratch
 * @file: the scratch
 * @vma: the mapping
 *
 * Return: 0, or -EINVAL for a private mapping that can be written and for a
 * range beyond the end.
 */
int fz_scratch_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct fz_scratch *s = fz_scratch_of(file);
	u64 nr_pages = fz_scratch_size(s) >> PAGE_SHIFT;

	if (!fz_vma_allowed(vma))
		return -EINVAL;
	if (vma->vm_pgoff > nr_pages || vma_pages(vma) > nr_pages - vma->vm_pgoff)
		return -EINVAL;

	/* A core dump would populate each hole, to write zeros. */
	fz_vm_flags_set(vma, VM_DONTDUMP);
	/* mprotect() must not make a private mapping writable later. */
	if (!(vma->vm_flags & VM_MAYSHARE))
		fz_vm_flags_clear(vma, VM_MAYWRITE);
	vma->vm_ops = s->zero ? &fault_zero_vm_ops : &fault_vm_ops;
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The caller's mappings of a scratch.  They are searched in the tree of all mappings of the
 * scratch, since a process may have far more mappings of other files.  A VMA that is also
 * in its mm's tree stays unchanged while mmap_lock is held.
 */
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/rbtree.h>

#include "mapping.h"

/* fz_mapping_to_write() looks at this many mappings, of all processes. */
#define MAPPING_MOST	32

/**
 * fz_mapping_only() - the mapping of a scratch, if the caller's is the only one
 * @s: the scratch
 *
 * Return: the mapping, valid while mmap_lock is held; NULL if there are others or none.
 */
struct vm_area_struct *fz_mapping_only(struct fz_scratch *s)
{
	struct address_space *mapping = s->inode->i_mapping;
	struct vm_area_struct *vma = NULL;
	struct rb_node *node;

	mmap_assert_locked(current->mm);

	i_mmap_lock_read(mapping);
	node = rb_first_cached(&mapping->i_mmap);
	if (node && !rb_next(node))
		vma = rb_entry(node, struct vm_area_struct, shared.rb);
	/* munmap removes a VMA from the mm before it leaves this tree. */
	if (vma && (vma->vm_mm != current->mm ||
		    find_vma(current->mm, vma->vm_start) != vma))
		vma = NULL;
	i_mmap_unlock_read(mapping);
	return vma;
}

/**
 * fz_mapping_to_write() - a mapping of the caller that may be written
 * @s: the scratch
 *
 * Looks at a few mappings only, since all processes together may have many.
 *
 * Return: the mapping, valid while mmap_lock is held; NULL if none was found.
 */
struct vm_area_struct *fz_mapping_to_write(struct fz_scratch *s)
{
	struct address_space *mapping = s->inode->i_mapping;
	struct vm_area_struct *vma = NULL;
	struct rb_node *node;
	int left = MAPPING_MOST;

	mmap_assert_locked(current->mm);

	i_mmap_lock_read(mapping);
	for (node = rb_first_cached(&mapping->i_mmap); node && left--;
	     node = rb_next(node)) {
		vma = rb_entry(node, struct vm_area_struct, shared.rb);
		/*
		 * munmap removes a VMA from the mm, downgrades mmap_lock, and then removes
		 * it from this tree.  Skip such a VMA.
		 */
		if (vma->vm_mm == current->mm && vma->vm_flags & VM_WRITE &&
		    find_vma(current->mm, vma->vm_start) == vma)
			break;
		vma = NULL;
	}
	i_mmap_unlock_read(mapping);
	return vma;
}

/**
 * fz_mapping_overlap() - the pages of a range that a mapping maps at or after an address
 * @vma: the mapping
 * @range: pages of the scratch
 * @addr: the address
 * @here: the part, written
 *
 * Return: false if there is none.
 */
bool fz_mapping_overlap(struct vm_area_struct *vma,
			const struct fz_range *range, unsigned long addr,
			struct fz_range *here)
{
	here->first = max_t(u64, range->first, vma->vm_pgoff);
	here->end = min_t(u64, range->end, vma->vm_pgoff + vma_pages(vma));
	if (addr > vma->vm_start)
		here->first = max_t(u64, here->first, vma->vm_pgoff +
				    ((addr - vma->vm_start) >> PAGE_SHIFT));
	return here->first < here->end;
}

/**
 * fz_mappings_begin() - begin a walk over the caller's mappings
 * @v: the walk, for fz_mappings_next()
 */
void fz_mappings_begin(struct fz_mappings *v)
{
	v->nr = 0;
	v->at = 0;
	v->more = true;
}

/* Note a mapping, if it is among the first FZ_MAPPINGS by address. */
static void mapping_note(struct fz_mappings *v, const struct vm_area_struct *vma)
{
	u32 i = v->nr;

	if (i < FZ_MAPPINGS) {
		v->nr++;
	} else {
		v->more = true;
		if (vma->vm_start > v->view[--i].start)
			return;
	}
	for (; i && v->view[i - 1].start > vma->vm_start; i--)
		v->view[i] = v->view[i - 1];
	v->view[i].start = vma->vm_start;
	v->view[i].end = vma->vm_end;
}

/*
 * Note the first mappings of the caller, by address, that map pages of a range at or
 * after @addr.
 */
static void mapping_find(struct fz_mappings *v, struct fz_scratch *s,
			 const struct fz_range *range, unsigned long addr)
{
	struct address_space *mapping = s->inode->i_mapping;
	struct vm_area_struct *vma;
	struct fz_range here;
	struct rb_node *node;

	mmap_assert_locked(current->mm);

	fz_mappings_begin(v);
	v->more = false;
	i_mmap_lock_read(mapping);
	for (node = rb_first_cached(&mapping->i_mmap); node; node = rb_next(node)) {
		vma = rb_entry(node, struct vm_area_struct, shared.rb);
		/* The tree is in the order of first pages. */
		if (vma->vm_pgoff >= range->end)
			break;
		if (vma->vm_mm == current->mm && vma->vm_end > addr &&
		    fz_mapping_overlap(vma, range, addr, &here))
			mapping_note(v, vma);
		cond_resched();
	}
	i_mmap_unlock_read(mapping);
}

/**
 * fz_mappings_next() - the caller's next mapping of a scratch, by address
 * @v: from fz_mappings_begin()
 * @s: the scratch
 * @range: the mapping has pages of this range
 * @addr: the mapping has some of them at or after this address
 *
 * The caller holds mmap_lock, and may release it between two calls.  So noted mappings may
 * have changed, and this looks each up again in the mm.
 *
 * Return: the mapping, valid while mmap_lock is held; NULL if there are no more.
 */
struct vm_area_struct *fz_mappings_next(struct fz_mappings *v, struct fz_scratch *s,
					const struct fz_range *range, unsigned long addr)
{
	const struct fz_mapping_place *view;
	struct vm_area_struct *vma;
	struct fz_range here;

	for (;;) {
		for (; v->at < v->nr; v->at++) {
			view = &v->view[v->at];
			if (addr >= view->end)
				continue;
			addr = max(addr, view->start);
			vma = find_vma(current->mm, addr);
			if (vma && vma->vm_start < view->end && vma->vm_file &&
			    vma->vm_file->f_mapping == s->inode->i_mapping &&
			    fz_mapping_overlap(vma, range, addr, &here))
				return vma;
			addr = view->end;
		}
		if (!v->more)
			return NULL;
		mapping_find(v, s, range, addr);
	}
}

/**
 * fz_mappings_are_left() - whether fz_mappings_next() may find another mapping
 * @v: the walk, after fz_mappings_next() has found one
 * @addr: after this address
 *
 * Return: false if it would not.
 */
bool fz_mappings_are_left(const struct fz_mappings *v, unsigned long addr)
{
	return v->more || v->at + 1 < v->nr || addr < v->view[v->at].end;
}

/**
 * fz_mapping_first() - the caller's first mapping of a scratch, by address
 * @s: the scratch
 * @range: the mapping has pages of this range
 *
 * Return: the mapping, valid while mmap_lock is held; NULL if there is none.
 */
struct vm_area_struct *fz_mapping_first(struct fz_scratch *s,
					const struct fz_range *range)
{
	struct fz_mappings views;

	fz_mappings_begin(&views);
	return fz_mappings_next(&views, s, range, 0);
}

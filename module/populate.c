// SPDX-License-Identifier: GPL-2.0-only
/*
 * POPULATE: back a range and map it, so that the next touch does not fault.
 */
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/rbtree.h>
#include <linux/sched/signal.h>

#include <uapi/linux/fastzero.h>

#include "chunk.h"
#include "compat/compat.h"
#include "ioctl.h"

/* Pages mapped before others get a chance at mmap_lock. */
#define POPULATE_BATCH	512

/**
 * struct populate_policy - the memory policy of the caller's mapping
 * @known: pages that the rest holds for
 * @has: there is a policy
 * @copy: its mode and nodes
 */
struct populate_policy {
	struct fz_range known;
	bool has;
	struct mempolicy copy;
};

/* What an mm has of a range, from an address on; false if that is nothing. */
static bool populate_overlap(struct vm_area_struct *vma,
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

/*
 * The first mapping of the caller, by address, that has pages of a range at or behind
 * @addr.  Of all mappings of the scratch, since a process may have far more others.
 */
static struct vm_area_struct *populate_find(struct fz_scratch *s,
					    const struct fz_range *range,
					    unsigned long addr)
{
	struct address_space *mapping = s->inode->i_mapping;
	struct vm_area_struct *vma, *first = NULL;
	struct fz_range here;
	struct rb_node *node;

	mmap_assert_locked(current->mm);

	i_mmap_lock_read(mapping);
	for (node = rb_first_cached(&mapping->i_mmap); node; node = rb_next(node)) {
		vma = rb_entry(node, struct vm_area_struct, shared.rb);
		/* They are in the order of their first page. */
		if (vma->vm_pgoff >= range->end)
			break;
		if (vma->vm_mm != current->mm) {
			cond_resched();
			continue;
		}
		/* One that munmap has begun with is no more in the address space. */
		if (vma->vm_end > addr && populate_overlap(vma, range, addr, &here) &&
		    (!first || vma->vm_start < first->vm_start) &&
		    find_vma(current->mm, vma->vm_start) == vma)
			first = vma;
	}
	i_mmap_unlock_read(mapping);
	return first;
}

/* Look for the mapping of a page; the policy holds for as much as that has of it. */
static int populate_look(struct fz_scratch *s, u64 page, struct populate_policy *policy)
{
	const struct fz_range rest = { .first = page, .end = s->nr_pages };
	const struct fz_range one = { .first = page, .end = page + 1 };
	struct vm_area_struct *vma;

	policy->has = false;
	policy->known = rest;
	if (mmap_read_lock_killable(current->mm))
		return -EINTR;
	vma = populate_find(s, &one, 0);
	if (vma) {
		policy->known.end = vma->vm_pgoff + vma_pages(vma);
		policy->has = fz_vma_policy(vma);
		if (policy->has)
			fz_policy_copy(&policy->copy, fz_vma_policy(vma));
	} else if (populate_find(s, &rest, 0)) {
		/* Others may begin anywhere behind it. */
		policy->known.end = round_up(page + 1, FZ_CHUNK_PAGES);
	}
	mmap_read_unlock(current->mm);
	return 0;
}

static int populate_place(struct fz_scratch *s, u64 page,
			  struct populate_policy *policy, struct fz_place *place)
{
	int err = 0;

	if (page < policy->known.first || page >= policy->known.end)
		err = populate_look(s, page, policy);
	if (!err)
		fz_place_find(place, s, policy->has ? &policy->copy : NULL, page);
	return err;
}

/* Back [range->first, end); moves range->first on. */
static int populate_back(struct fz_scratch *s, struct fz_range *range,
			 struct populate_policy *policy, u64 *nr_added)
{
	struct fz_place place;
	struct folio *folio;
	u64 page, next;

	for (; range->first < range->end; range->first = min(next, range->end)) {
		if (fatal_signal_pending(current))
			return -EINTR;
		page = array_index_nospec(range->first, s->nr_pages);
		if (populate_place(s, page, policy, &place))
			return -EINTR;
		folio = fz_chunk_fill(s, page, FZ_GFP_TELL, &place, NULL,
				      nr_added);
		if (IS_ERR(folio))
			return PTR_ERR(folio);
		next = folio_test_large(folio) ?
			       round_up(range->first + 1, FZ_CHUNK_PAGES) :
			       range->first + 1;
		folio_put(folio);
		cond_resched();
	}
	return 0;
}

/**
 * fz_populate_back() - fill the holes of a range, wherever it is mapped
 * @s: the scratch
 * @range: pages of it; its begin is moved on to where it came
 * @nr_added: increased by the pages that were holes
 *
 * Return: 0, or what fz_chunk_fill() says: -ENOMEM, -ENOSPC, -EINTR.
 */
int fz_populate_back(struct fz_scratch *s, struct fz_range *range, u64 *nr_added)
{
	struct populate_policy policy = { .known = *range };

	return populate_back(s, range, &policy, nr_added);
}

/*
 * Map up to a batch of pages of the first mapping of the range at or behind
 * @addr.  Returns how many, 0 when there is no such mapping, or an errno; @addr
 * is moved on.
 */
static long populate_map_some(struct fz_scratch *s,
			      const struct fz_range *range, unsigned long *addr)
{
	struct vm_area_struct *vma;
	struct fz_range here;
	unsigned int flags;
	long nr = 0;

	/* What may be neither read nor written is passed over. */
	while ((vma = populate_find(s, range, *addr)) &&
	       !(vma->vm_flags & (VM_READ | VM_WRITE))) {
		*addr = vma->vm_end;
		cond_resched();
		if (fatal_signal_pending(current))
			return -EINTR;
	}
	if (!vma)
		return 0;

	populate_overlap(vma, range, *addr, &here);
	flags = vma->vm_flags & VM_WRITE ? FAULT_FLAG_WRITE : 0;
	*addr = vma->vm_start + ((here.first - vma->vm_pgoff) << PAGE_SHIFT);
	while (here.first < here.end && nr < POPULATE_BATCH) {
		u64 pages = 1;
		int err;

		cond_resched();
		if (fatal_signal_pending(current))
			return -EINTR;
		err = fixup_user_fault(current->mm, *addr, flags, NULL);
		if (err)
			return err;
		if (atomic_read(&s->nr_huge) &&
		    fz_is_huge_mapped(current->mm, *addr))
			pages = min(round_up(here.first + 1, FZ_CHUNK_PAGES),
				    here.end) - here.first;
		here.first += pages;
		*addr += pages << PAGE_SHIFT;
		nr += pages;
	}
	return nr;
}

static int populate_map(struct fz_scratch *s, const struct fz_range *range,
			u64 *nr_mapped)
{
	struct mm_struct *mm = current->mm;
	unsigned long addr = 0;
	long nr;

	do {
		/* For page tables, which the kernel allocates at any price. */
		if (!fz_caller_has_headroom())
			return -ENOMEM;
		if (mmap_read_lock_killable(mm))
			return -EINTR;
		nr = populate_map_some(s, range, &addr);
		mmap_read_unlock(mm);
		if (nr < 0)
			return nr;
		*nr_mapped += nr;
		cond_resched();
	} while (nr);
	return 0;
}

/* Back a range and map it; moves range->first on to where it is backed. */
static int populate_range(struct fz_scratch *s, struct fz_range *range,
			  struct populate_policy *policy,
			  struct fastzero_populate *cmd)
{
	struct fz_range all = *range;
	int err = populate_back(s, range, policy, &cmd->out_added);

	if (err == -ENOSPC)
		err = -ENOMEM;
	return err ?: populate_map(s, &all, &cmd->out_mapped);
}

/* The same for those pages of it that are in the working set. */
static int populate_workset(struct fz_scratch *s, struct fz_range *range,
			    struct populate_policy *policy,
			    struct fastzero_populate *cmd)
{
	unsigned long last = (range->end - 1) >> FZ_CHUNK_SHIFT;
	unsigned long at = range->first >> FZ_CHUNK_SHIFT;
	u64 words[FZ_CHUNK_WORDS];
	int err;

	for (; fz_chunk_next_wanted(s, &at, last, words); at++) {
		struct fz_range part = fz_range_in_chunk(range, at);
		u64 base = (u64)at << FZ_CHUNK_SHIFT;
		struct fz_range run = { };

		fz_range_mask(words, &part);
		while (fz_range_next_run(words, &run)) {
			struct fz_range pages = { base + run.first, base + run.end };

			err = populate_range(s, &pages, policy, cmd);
			range->first = pages.first;
			if (err)
				return err;
		}
		/* Most may have none. */
		cond_resched();
		if (fatal_signal_pending(current))
			return -EINTR;
	}
	range->first = range->end;
	return 0;
}

/**
 * fz_ioctl_populate() - POPULATE
 * @ucmd: the call
 *
 * Return: 0 or a negative errno, see struct fastzero_populate.
 */
int fz_ioctl_populate(struct fz_ucmd *ucmd)
{
	struct fastzero_populate *cmd = ucmd->cmd;
	struct fz_scratch *s = ucmd->scratch;
	struct populate_policy policy = { };
	struct fz_range range, left;
	int err;

	if (cmd->flags & ~FASTZERO_POPULATE_WORKSET)
		return -EOPNOTSUPP;
	err = fz_range_check(cmd->offset, cmd->length, fz_scratch_size(s),
			     PAGE_SHIFT, &range);
	if (err)
		return err;

	cmd->out_added = 0;
	cmd->out_mapped = 0;
	left = range;
	if (cmd->flags & FASTZERO_POPULATE_WORKSET)
		err = populate_workset(s, &left, &policy, cmd);
	else
		err = populate_range(s, &left, &policy, cmd);
	cmd->out_done = (left.first - range.first) << PAGE_SHIFT;
	return fz_ucmd_respond(ucmd) ?: err;
}

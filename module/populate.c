// SPDX-License-Identifier: GPL-2.0-only
/*
 * POPULATE: populate a range and map it, so that the next touch does not fault.
 */
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/sched/signal.h>

#include <uapi/linux/fastzero.h>

#include "chunk.h"
#include "compat/compat.h"
#include "ioctl.h"
#include "huge.h"
#include "map.h"
#include "mapping.h"

/* Pages mapped before mmap_lock is released for a moment. */
#define POPULATE_BATCH	512
/* Chunks mapped before the headroom is checked again: each may need a page table. */
#define POPULATE_CHUNKS	8
/* With no more pages than this, single pages are cheaper than batches. */
#define POPULATE_FEW	8
/**
 * struct populate_policy - the memory policy of the caller's mapping
 * @known: pages for which @has and @copy are valid
 * @has: there is a policy
 * @copy: its mode and nodes
 */
struct populate_policy {
	struct fz_range known;
	bool has;
	struct mempolicy copy;
};

/* Find the policy of the mapping of a page, and the pages for which it is valid. */
static int populate_look(struct fz_scratch *s, u64 page, struct populate_policy *policy)
{
	const struct fz_range rest = { .first = page, .end = s->nr_pages };
	const struct fz_range one = { .first = page, .end = page + 1 };
	struct vm_area_struct *vma;

	policy->has = false;
	policy->known = rest;
	if (mmap_read_lock_killable(current->mm))
		return -EINTR;
	vma = fz_mapping_first(s, &one);
	if (vma) {
		policy->known.end = vma->vm_pgoff + vma_pages(vma);
		policy->has = fz_vma_policy(vma);
		if (policy->has)
			fz_policy_copy(&policy->copy, fz_vma_policy(vma));
	} else if (fz_mapping_first(s, &rest)) {
		/*
		 * Another mapping begins after the page.  Look again in the next chunk,
		 * even if that mapping begins in this one.
		 */
		policy->known.end = round_up(page + 1, FZ_CHUNK_PAGES);
	}
	mmap_read_unlock(current->mm);
	return 0;
}

static int populate_place(struct fz_scratch *s, u64 page,
			  struct populate_policy *policy, struct fz_place *place)
{
	bool nodes = fz_pool_has_nodes(&s->ctx->pool);
	int err = 0;

	/* With one node a policy makes no difference. */
	if (nodes && (page < policy->known.first || page >= policy->known.end))
		err = populate_look(s, page, policy);
	if (!err)
		fz_place_find(place, s, policy->has ? &policy->copy : NULL, page);
	return err;
}

/* Populate a range; moves range->first on. */
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
 * fz_populate_back() - populate a range, and map nothing
 * @s: the scratch
 * @range: pages of it; its start is moved on after populated pages
 * @nr_added: increased by the pages that were holes
 *
 * Return: 0, or as fz_chunk_fill(): -ENOMEM, -ENOSPC, -EINTR.
 */
int fz_populate_back(struct fz_scratch *s, struct fz_range *range, u64 *nr_added)
{
	struct populate_policy policy = { .known = *range };

	return populate_back(s, range, &policy, nr_added);
}

/**
 * struct populate - a call of POPULATE
 * @s: the scratch
 * @cmd: its structure
 * @policy: the policy of the caller's mapping
 * @workset: populate only pages of the working set
 * @few: the range has few pages.  The call populates them one by one, and maps them so
 *	unless @inserts
 * @inserts: mmap_lock is held for writing, and base pages are mapped without faults
 */
struct populate {
	struct fz_scratch *s;
	struct fastzero_populate *cmd;
	struct populate_policy policy;
	bool workset;
	bool few;
	bool inserts;
};

static int populate_pause(void)
{
	cond_resched();
	return fatal_signal_pending(current) ? -EINTR : 0;
}

/*
 * Find the next chunk with pages that the call asks for; @words are these pages.  The
 * range must not be empty.  Returns 1 if there is such a chunk, else 0.  Returns -EINTR on
 * a fatal signal, since the search may pass many chunks.
 */
static int populate_next(struct populate *p, const struct fz_range *range,
			 unsigned long *number, u64 *words)
{
	unsigned long last = (range->end - 1) >> FZ_CHUNK_SHIFT;
	struct fz_range rest = *range, part, span;
	int err = populate_pause();

	for (*number = rest.first >> FZ_CHUNK_SHIFT; !err; (*number)++) {
		if (*number > last)
			return 0;
		if (!p->workset)
			memset(words, 0xff, FZ_CHUNK_WORDS * sizeof(*words));
		else if (!fz_chunk_next_wanted(p->s, number, last, words))
			return 0;
		part = fz_range_in_chunk(&rest, *number);
		fz_range_mask(words, &part);
		if (fz_range_span(words, &span))
			return 1;
		err = populate_pause();
	}
	return err;
}

/* Fault a page in; returns how many pages are mapped by that, or an errno. */
static long populate_fault(struct fz_scratch *s, struct vm_area_struct *vma, u64 page)
{
	unsigned int flags = vma->vm_flags & VM_WRITE ? FAULT_FLAG_WRITE : 0;
	unsigned long addr = vma->vm_start +
			     ((page - vma->vm_pgoff) << PAGE_SHIFT);
	int err = populate_pause() ?:
		  fixup_user_fault(current->mm, addr, flags, NULL);

	if (err)
		return err;
	if (atomic_read(&s->nr_huge) && fz_is_huge_mapped(current->mm, addr))
		return round_up(page + 1, FZ_CHUNK_PAGES) - page;
	return 1;
}

/* Fault a run of pages in; returns how many, or an errno. */
static long populate_fault_run(struct fz_scratch *s, struct vm_area_struct *vma,
			       struct fz_range run)
{
	long nr = 0;

	while (run.first < run.end) {
		long some = populate_fault(s, vma, run.first);

		if (some < 0)
			return some;
		/* A huge folio also maps pages after the run. */
		some = min_t(u64, some, run.end - run.first);
		run.first += some;
		nr += some;
	}
	return nr;
}

/* Map the pages @words of a chunk, all in the mapping; returns how many, or an errno. */
static long populate_map_chunk(struct populate *p, struct vm_area_struct *vma,
			       u64 number, u64 *words)
{
	long nr = p->inserts ? fz_map_words(p->s, vma, number, words) : 0;
	u64 base = number << FZ_CHUNK_SHIFT;
	struct fz_range run = { };

	if (p->inserts && fz_range_span(words, &run)) {
		mmap_write_downgrade(current->mm);
		p->inserts = false;
	}
	run.end = 0;
	while (fz_range_next_run(words, &run)) {
		const struct fz_range pages = { base + run.first, base + run.end };
		long some = populate_fault_run(p->s, vma, pages);

		if (some < 0)
			return some;
		nr += some;
	}
	return nr;
}

/* Map a batch of pages of a mapping, or a few more; moves @here on after them. */
static int populate_map_some(struct populate *p, struct vm_area_struct *vma,
			     struct fz_range *here)
{
	u64 words[FZ_CHUNK_WORDS];
	bool inserts = p->inserts;
	int left = POPULATE_CHUNKS;
	unsigned long number;
	int more = 1;
	u64 nr = 0;

	/* The batch also ends when its first fault has downgraded mmap_lock. */
	while (left-- && nr < POPULATE_BATCH && here->first < here->end &&
	       p->inserts == inserts &&
	       (more = populate_next(p, here, &number, words)) > 0) {
		long some = populate_map_chunk(p, vma, number, words);

		if (some < 0)
			return some;
		here->first = min((u64)(number + 1) << FZ_CHUNK_SHIFT, here->end);
		nr += some;
	}
	p->cmd->out_mapped += nr;
	if (!more)
		here->first = here->end;
	return min(more, 0);
}

static int populate_map_few(struct populate *p, struct vm_area_struct *vma,
			    struct fz_range *here)
{
	long nr = populate_fault_run(p->s, vma, *here);

	if (nr < 0)
		return nr;
	p->cmd->out_mapped += nr;
	here->first = here->end;
	return 0;
}

/*
 * Map up to a batch of pages of the first mapping at or after @addr that has pages of the
 * range; moves @addr on.  Returns whether there may be more, or an errno.
 */
static int populate_map_first(struct populate *p, struct fz_mappings *views,
			      const struct fz_range *range, unsigned long *addr)
{
	struct vm_area_struct *vma;
	struct fz_range here;
	int err = 0;

	/* Skip mappings that may be neither read nor written. */
	while ((vma = fz_mappings_next(views, p->s, range, *addr)) &&
	       !(vma->vm_flags & (VM_READ | VM_WRITE))) {
		*addr = vma->vm_end;
		err = populate_pause();
		if (err)
			return err;
	}
	if (!vma)
		return 0;

	fz_mapping_overlap(vma, range, *addr, &here);
	err = p->few && !p->inserts ? populate_map_few(p, vma, &here) :
				      populate_map_some(p, vma, &here);
	*addr = here.first == here.end ? vma->vm_end :
		vma->vm_start + ((here.first - vma->vm_pgoff) << PAGE_SHIFT);
	return err ?: here.first < here.end || fz_mappings_are_left(views, *addr);
}

static int populate_lock(struct populate *p)
{
	p->inserts = fz_map_can_insert(p->s);
	return p->inserts ? mmap_write_lock_killable(current->mm) :
			    mmap_read_lock_killable(current->mm);
}

static void populate_unlock(struct populate *p)
{
	if (p->inserts)
		mmap_write_unlock(current->mm);
	else
		mmap_read_unlock(current->mm);
}

static int populate_map(struct populate *p, const struct fz_range *range)
{
	struct fz_mappings views;
	unsigned long addr = 0;
	int more;

	fz_mappings_begin(&views);
	do {
		/* Without headroom, an allocation of a page table would run the OOM killer. */
		if (!fz_caller_has_headroom())
			return -ENOMEM;
		if (populate_lock(p))
			return -EINTR;
		more = populate_map_first(p, &views, range, &addr);
		populate_unlock(p);
		cond_resched();
	} while (more > 0);
	return more;
}

/*
 * Fill holes of a chunk with ready base pages, all at once.  This does nothing if faults
 * might take these pages from several nodes.  Clears the bits of populated pages in @words.
 */
static int populate_back_ready(struct populate *p, u64 number, u64 *words)
{
	u64 page = number << FZ_CHUNK_SHIFT;
	struct fz_scratch *s = p->s;
	struct fz_place place;
	int err;

	if (s->zero || fz_large_wanted(s, page, NULL))
		return 0;
	err = populate_place(s, page, &p->policy, &place);
	if (!err && !place.only && place.node == s->node)
		p->cmd->out_added += fz_chunk_fill_ready(s, number, words,
							 place.node);
	return err;
}

/* Populate a batch of pages that the call asks for, or a few more; moves @range on. */
static int populate_back_some(struct populate *p, struct fz_range *range)
{
	u64 words[FZ_CHUNK_WORDS];
	unsigned long number;
	int more = 1;
	u64 nr = 0;
	u32 w;

	while (nr < POPULATE_BATCH && range->first < range->end &&
	       (more = populate_next(p, range, &number, words)) > 0) {
		u64 base = (u64)number << FZ_CHUNK_SHIFT;
		struct fz_range run = { };
		int err;

		for (w = 0; w < FZ_CHUNK_WORDS; w++)
			nr += hweight64(words[w]);
		err = populate_back_ready(p, number, words);
		while (!err && fz_range_next_run(words, &run)) {
			struct fz_range pages = { base + run.first, base + run.end };

			err = populate_back(p->s, &pages, &p->policy,
					    &p->cmd->out_added);
			range->first = pages.first;
		}
		if (err)
			return err;
		range->first = min(base + FZ_CHUNK_PAGES, range->end);
	}
	if (!more)
		range->first = range->end;
	return min(more, 0);
}

static int populate_back_few(struct populate *p, struct fz_range *range)
{
	return populate_back(p->s, range, &p->policy, &p->cmd->out_added);
}

/* Populate a range and map it, batch by batch; moves @range on after populated pages. */
static int populate_range(struct populate *p, struct fz_range *range)
{
	int err = 0;

	while (!err && range->first < range->end) {
		struct fz_range part = *range;

		err = p->few ? populate_back_few(p, range) :
			       populate_back_some(p, range);
		part.end = range->first;
		if (!err)
			err = populate_map(p, &part);
	}
	return err == -ENOSPC ? -ENOMEM : err;
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
	struct populate p = { .s = s, .cmd = cmd };
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
	p.workset = cmd->flags & FASTZERO_POPULATE_WORKSET;
	p.few = !p.workset && range.end - range.first <= POPULATE_FEW;
	err = populate_range(&p, &left);
	cmd->out_done = (left.first - range.first) << PAGE_SHIFT;
	return fz_ucmd_respond(ucmd) ?: err;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every difference between the kernels that we build for.  features.h comes
 * from probe.sh, which compiles tests/ against the kernel's headers: product
 * code never asks for a version, since distributions backport.
 */
#ifndef FZ_COMPAT_H
#define FZ_COMPAT_H

#include <linux/file.h>
#include <linux/fs.h>
#include <linux/list_lru.h>
#include <linux/memcontrol.h>
#include <linux/mempolicy.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/shrinker.h>
#include <linux/slab.h>
#include <linux/swap.h>

#include "features.h"
#include "../range.h"

/* For generic_setlease(). */
#ifdef FZ_HAVE_FILELOCK
#include <linux/filelock.h>
#endif

/* setattr and its like: the argument that says how ids are mapped. */
#ifdef FZ_HAVE_MNT_IDMAP
#define fz_idmap mnt_idmap
#else
#define fz_idmap user_namespace
#endif

static inline void fz_fillattr(struct fz_idmap *idmap, u32 mask,
			       struct inode *inode, struct kstat *stat)
{
#ifdef FZ_HAVE_FILLATTR_MASK
	generic_fillattr(idmap, mask, inode, stat);
#else
	generic_fillattr(idmap, inode, stat);
#endif
}

/* Splicing by ->read_iter; what comes into the pipe is a copy, see rw.c. */
#ifdef FZ_HAVE_COPY_SPLICE_READ
#define fz_splice_read copy_splice_read
#else
#define fz_splice_read generic_file_splice_read
#endif

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

/* The file of a descriptor that fdget() has looked up. */
#ifndef fd_file
#define fd_file(f) ((f).file)
#endif

/* All flags of a page at once: where many are looked at, each instruction counts. */
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
 * References to a base page, in the upper half, and page tables that map it, less one, in
 * the lower: they lie side by side, and are read by one instruction where that goes.
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

/* What decides where pages come from, kept when the mapping's lock is let go. */
static inline void fz_policy_copy(struct mempolicy *to, const struct mempolicy *from)
{
#ifdef CONFIG_NUMA
	to->mode = from->mode;
	to->nodes = from->nodes;
#endif
}

/*
 * mbind() leaves its policy in the mapping.  NUMA balancing asks a mapping that has this
 * function, and the answer keeps it away: it would unmap pages that it cannot move.
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

/* The path of a group, as cgroup2 is mounted on the host; false if there is none. */
static inline bool fz_memcg_path(struct mem_cgroup *memcg, char *path, size_t size)
{
#ifdef CONFIG_MEMCG
	int len = memcg ? cgroup_path(memcg->css.cgroup, path, size) : 0;

	return len > 0 && len < size;
#else
	return false;
#endif
}

/*
 * Whether what the module allocates is charged to anybody.  Not before there is a
 * first group besides the root's.
 */
static inline bool fz_memcg_charges(void)
{
#ifdef FZ_HAVE_MEMCG_KMEM_ONLINE
	return memcg_kmem_online();
#else
	return memcg_kmem_enabled();
#endif
}

/* Whether there is such a group. */
static inline bool fz_memcg_exists(void)
{
	bool exists = false;

#ifdef CONFIG_MEMCG
	struct mem_cgroup *root, *parent;

	if (mem_cgroup_disabled())
		return false;
	rcu_read_lock();
	root = mem_cgroup_from_task(current);
	while ((parent = parent_mem_cgroup(root)))
		root = parent;
	exists = css_next_descendant_pre(&root->css, &root->css);
	rcu_read_unlock();
#endif
	return exists;
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
 * Whether who pays has one part in 2^@shift of each limit left: what is nice to have
 * must not bring anybody near the OOM killer.
 */
static inline bool fz_memcg_has_room(struct mem_cgroup *memcg, int shift)
{
#ifdef CONFIG_MEMCG
	for (; memcg; memcg = parent_mem_cgroup(memcg)) {
		unsigned long most = min(READ_ONCE(memcg->memory.max),
					 READ_ONCE(memcg->memory.high));

		if (page_counter_read(&memcg->memory) > most - (most >> shift))
			return false;
	}
#endif
	return true;
}

/* An item goes to the list of the cgroup and node of the slab that it lies in. */
static inline void fz_lru_add(struct list_lru *lru, struct list_head *item)
{
#ifdef FZ_HAVE_LIST_LRU_ADD_OBJ
	list_lru_add_obj(lru, item);
#else
	list_lru_add(lru, item);
#endif
}

static inline void fz_lru_del(struct list_lru *lru, struct list_head *item)
{
#ifdef FZ_HAVE_LIST_LRU_ADD_OBJ
	list_lru_del_obj(lru, item);
#else
	list_lru_del(lru, item);
#endif
}

/* For list_lru_walk_one(): of item, list and arg; some kernels give the lock, too. */
#ifdef FZ_HAVE_LIST_LRU_WALK_LOCK
#define FZ_LRU_WALK(fn)							\
	enum lru_status fn(struct list_head *item, struct list_lru_one *list, \
			   spinlock_t *lock, void *arg)
#else
#define FZ_LRU_WALK(fn)							\
	enum lru_status fn(struct list_head *item, struct list_lru_one *list, \
			   void *arg)
#endif

/*
 * A shrinker has freed pages.  Without this reclaim finds that it made no progress;
 * since 6.4 it does so all the same for a cgroup's limit, and looks at its charge.
 */
static inline void fz_reclaim_progress(unsigned long pages)
{
#ifdef FZ_HAVE_ACCOUNT_RECLAIMED
	mm_account_reclaimed_pages(pages);
#else
	if (current->reclaim_state)
		current->reclaim_state->reclaimed_slab += pages;
#endif
}

/* Base pages that may be charged to a group before somebody in it is killed. */
static inline unsigned long fz_memcg_margin(struct mem_cgroup *memcg)
{
	unsigned long margin = ULONG_MAX;

#ifdef CONFIG_MEMCG
	for (; memcg; memcg = parent_mem_cgroup(memcg)) {
		unsigned long most = READ_ONCE(memcg->memory.max);
		unsigned long have = page_counter_read(&memcg->memory);

		margin = min(margin, most > have ? most - have : 0);
	}
#endif
	return margin;
}

/* The same for the caller's group; it is not held, so nobody may wait here. */
static inline unsigned long fz_memcg_current_margin(void)
{
	unsigned long margin = ULONG_MAX;

#ifdef CONFIG_MEMCG
	rcu_read_lock();
	margin = fz_memcg_margin(mem_cgroup_from_task(current));
	rcu_read_unlock();
#endif
	return margin;
}

/* A shrinker at work, and its lists; NULL if there is no memory for it. */
static inline struct shrinker *
fz_shrinker_register(unsigned long (*count)(struct shrinker *shrinker,
					    struct shrink_control *sc),
		     unsigned long (*scan)(struct shrinker *shrinker,
					   struct shrink_control *sc),
		     struct list_lru *lru)
{
	const unsigned int flags = SHRINKER_NUMA_AWARE | SHRINKER_MEMCG_AWARE;
#ifdef FZ_HAVE_SHRINKER_ALLOC
	struct shrinker *shrinker = shrinker_alloc(flags, "fastzero");
#else
	struct shrinker *shrinker = kzalloc(sizeof(*shrinker), GFP_KERNEL);
#endif
	if (!shrinker)
		return NULL;
	shrinker->count_objects = count;
	shrinker->scan_objects = scan;
	shrinker->seeks = DEFAULT_SEEKS;
#ifdef FZ_HAVE_SHRINKER_ALLOC
	if (list_lru_init_memcg(lru, shrinker)) {
		shrinker_free(shrinker);
		return NULL;
	}
	shrinker_register(shrinker);
#else
	shrinker->flags = flags;
	if (register_shrinker(shrinker, "fastzero")) {
		kfree(shrinker);
		return NULL;
	}
	/* Only now it has the number that the lists ask for. */
	if (list_lru_init_memcg(lru, shrinker)) {
		unregister_shrinker(shrinker);
		kfree(shrinker);
		return NULL;
	}
#endif
	return shrinker;
}

/* Waits for what it is doing. */
static inline void fz_shrinker_unregister(struct shrinker *shrinker)
{
#ifdef FZ_HAVE_SHRINKER_ALLOC
	shrinker_free(shrinker);
#else
	unregister_shrinker(shrinker);
	kfree(shrinker);
#endif
}

/*
 * The entry for a huge folio at an address, NULL if there is no table for it.  It
 * goes with the table as soon as mmap_lock is released, and while that is held it
 * stays only where the address space has a mapping.
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
 * Whether an entry of a page table may be changed from one page to another at
 * once, and we have what flushes it.  Other processors than x86 want it invalid,
 * and that flushed, in between.
 */
static inline bool fz_has_pte_swap(void)
{
	return IS_ENABLED(CONFIG_X86) && IS_ENABLED(CONFIG_MAPPING_DIRTY_HELPERS);
}

/* Make dirty entries of all mappings of a range clean, and flush these. */
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
 * Call a function for all entries of a page table, if there is one.  The range is
 * inside of a chunk, at an address that may lie anywhere.
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
		/* This one would make a table where there is none. */
		err = pmd_bad(READ_ONCE(*pmd)) ? -EINVAL :
		      apply_to_page_range(mm, addr, next - addr, fn, data);
	}
	return err;
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

	vmf.pmd = fz_pmd_at(vma->vm_mm, addr);
	if (vmf.pmd) {
		if (!pmd_none(READ_ONCE(*vmf.pmd)))
			return true;
		/* Not for writing: a page table that comes meanwhile is no fault. */
		return vmf_insert_folio_pmd(&vmf, folio, false) ==
		       VM_FAULT_NOPAGE;
	}
#endif
	return !(handle_mm_fault(vma, addr, FAULT_FLAG_WRITE,
				 NULL) & VM_FAULT_ERROR);
}

#endif

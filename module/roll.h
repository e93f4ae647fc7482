/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The roll of a scratch: all its folios, in no order.
 */
#ifndef FZ_ROLL_H
#define FZ_ROLL_H

#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/mm_types.h>
#include <linux/spinlock.h>
#include <linux/types.h>

struct mem_cgroup;

/*
 * Folios on a sheet, which takes a page of 4 KiB: a multiple of the steps in which they
 * are cleared.  And groups of 64 of them.
 */
#define FZ_ROLL_SHEET	224
#define FZ_ROLL_GROUPS	DIV_ROUND_UP(FZ_ROLL_SHEET, 64)

/**
 * struct fz_roll_sheet - a part of a roll
 * @link: in fz_roll.sheets
 * @nr: folios on it; all sheets before the open one are full, all behind it empty
 * @zero: a bit for each: a reset has found it zero when it looked last.  A hint, which
 *	a folio that comes may get wrong; protected by fz_scratch.lock
 * @folios: these.  The private member of each points to its place here
 * @pages: where each lies in the kernel's memory; one more, which says nothing, for who
 *	reads ahead
 * @ages: see age.h, for each of them; changed under fz_scratch.lock, but that
 *	of one that comes
 */
struct fz_roll_sheet {
	struct list_head link;
	u64 nr;
	u64 zero[FZ_ROLL_GROUPS];
	struct folio *folios[FZ_ROLL_SHEET];
	void *pages[FZ_ROLL_SHEET + 1];
	u8 ages[FZ_ROLL_SHEET];
};

/**
 * struct fz_roll - all folios of a scratch
 * @lock: protects @sheets, @nr_sheets, @open and fz_spares; a leaf.  A folio comes under it alone, and goes under
 *	fz_scratch.lock as well: under that what is on a sheet may be read
 * @sheets: struct fz_roll_sheet; they go under fz_scratch.lock as well, all but one
 *	that is empty
 * @nr_sheets: how many
 * @open: where the next folio goes, NULL before the first
 */
struct fz_roll {
	spinlock_t lock;	/* protects sheets, nr_sheets, open, and what is on sheets */
	struct list_head sheets;
	u64 nr_sheets;
	struct fz_roll_sheet *open;
};

void fz_roll_init(struct fz_roll *roll);
int fz_roll_grow(struct fz_roll *roll, struct mem_cgroup *memcg, gfp_t gfp);
bool fz_roll_add(struct fz_roll *roll, struct folio *folio, u8 age);
void fz_roll_remove(struct fz_roll *roll, struct folio *folio);
u8 *fz_roll_age(struct folio *folio);
void fz_roll_replace(struct folio *old, struct folio *folio);
u64 fz_roll_bytes(const struct fz_roll *roll);
void fz_roll_destroy(struct fz_roll *roll);

/*
 * The next sheet that has folios, of the roll of a scratch whose lock is held; @sheet is the
 * one before, NULL for the first.  NULL at the end.  @nr: set to how many there are on it;
 * those that come later are zero.
 */
static inline struct fz_roll_sheet *fz_roll_next(struct fz_roll *roll,
						 struct fz_roll_sheet *sheet, u64 *nr)
{
	spin_lock(&roll->lock);
	if (!sheet)
		sheet = list_first_entry_or_null(&roll->sheets,
						 struct fz_roll_sheet, link);
	else if (list_is_last(&sheet->link, &roll->sheets))
		sheet = NULL;
	else
		sheet = list_next_entry(sheet, link);
	*nr = sheet ? sheet->nr : 0;
	spin_unlock(&roll->lock);
	return *nr ? sheet : NULL;
}

/*
 * Whether a folio that was found in the index, and has had a reference since then, is still
 * on its roll, and so in the index.  The caller's reference keeps it from being used again, so
 * it cannot have come back at another place.  The caller has locked it, and as long as it keeps
 * it locked, a reset that takes the folio away will wait for it before it unmaps.
 */
static inline bool fz_roll_has(const struct folio *folio)
{
	return READ_ONCE(folio->private);
}

#endif

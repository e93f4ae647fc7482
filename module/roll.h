/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The roll of a scratch: the unordered list of its folios.
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
 * Folios on a sheet of 4 KiB: a multiple of SWEEP_UNROLL.  A sweep looks at them in groups
 * of 64.
 */
#define FZ_ROLL_SHEET	224
#define FZ_ROLL_GROUPS	DIV_ROUND_UP(FZ_ROLL_SHEET, 64)

/**
 * struct fz_roll_sheet - a part of a roll
 * @link: in fz_roll.sheets
 * @nr: folios on it; all sheets before the open one are full, all after it empty
 * @zero: a bit for each folio that the last look found zero; protected by
 *	fz_scratch.lock.  A hint: a folio that replaces another inherits its bit
 * @folios: the folios.  The private member of each points to its place here
 * @pages: the kernel's address of each folio.  A sweep prefetches the next one, so there
 *	is one more entry, which is NULL
 * @ages: the age of each folio, see age.h; protected by fz_scratch.lock.  fz_roll_add()
 *	writes the age of a new one without that lock
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
 * @lock: protects @sheets, @nr_sheets, @open and fz_spares; a leaf.  A folio is added
 *	under this lock alone.  It is removed under fz_scratch.lock as well, so the holder
 *	of that lock may read the folios on a sheet
 * @sheets: struct fz_roll_sheet.  Sheets are freed under fz_scratch.lock as well; one
 *	empty sheet stays
 * @nr_sheets: number of @sheets
 * @open: the sheet for the next folio, NULL before the first
 */
struct fz_roll {
	spinlock_t lock;	/* protects sheets, nr_sheets, open, and folios on sheets */
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
 * The next sheet that has folios, NULL at the end; @sheet is the previous one, NULL for the
 * first.  The scratch's lock is held.  @nr: set to the number of folios on the sheet; those
 * that are added later are zero.
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
 * Whether a folio is still on its roll, and so in the index.  The caller found it in the
 * index, took a reference, and locked it.  The reference keeps the folio from being
 * recycled, so it cannot be on the roll at another place.  A reset that takes the folio
 * out waits for the folio lock before it unmaps.
 */
static inline bool fz_roll_has(const struct folio *folio)
{
	return READ_ONCE(folio->private);
}

#endif

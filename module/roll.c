// SPDX-License-Identifier: GPL-2.0-only
/*
 * The roll of a scratch: the unordered list of its folios.  With it a reset of the whole
 * scratch costs the same wherever its pages lie.
 */
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "context.h"
#include "roll.h"

#define ROLL_SHEET_SIZE	4096

static struct fz_roll_sheet *roll_sheet(struct folio **slot)
{
	return (void *)ALIGN_DOWN((unsigned long)slot, ROLL_SHEET_SIZE);
}

static void roll_put(struct fz_roll_sheet *sheet, u64 n, struct folio *folio)
{
	sheet->folios[n] = folio;
	sheet->pages[n] = folio_address(folio);
	folio->private = &sheet->folios[n];
}

/**
 * fz_roll_init() - an empty roll
 * @roll: the roll
 */
void fz_roll_init(struct fz_roll *roll)
{
	spin_lock_init(&roll->lock);
	INIT_LIST_HEAD(&roll->sheets);
}

/**
 * fz_roll_grow() - make room for at least one more folio
 * @roll: the roll
 * @memcg: to be charged
 * @gfp: how to allocate
 *
 * Return: 0 or -ENOMEM.
 */
int fz_roll_grow(struct fz_roll *roll, struct mem_cgroup *memcg, gfp_t gfp)
{
	struct mem_cgroup *old = set_active_memcg(memcg);
	struct fz_roll_sheet *sheet;

	/* kmalloc() aligns a sheet to its size, so roll_sheet() finds it from a place on it. */
	BUILD_BUG_ON(sizeof(*sheet) > ROLL_SHEET_SIZE);
	sheet = kmalloc(ROLL_SHEET_SIZE, gfp);
	set_active_memcg(old);
	if (!sheet)
		return -ENOMEM;

	sheet->nr = 0;
	memset(sheet->zero, 0, sizeof(sheet->zero));
	sheet->pages[FZ_ROLL_SHEET] = NULL;
	spin_lock(&roll->lock);
	/* Another thread may have added a sheet as well: both stay. */
	list_add_tail(&sheet->link, &roll->sheets);
	roll->nr_sheets++;
	spin_unlock(&roll->lock);
	return 0;
}

/* The first sheet that is not full, for the next folio; NULL if there is none. */
static struct fz_roll_sheet *roll_open_sheet(struct fz_roll *roll)
{
	struct fz_roll_sheet *sheet = roll->open;

	lockdep_assert_held(&roll->lock);

	if (!sheet)
		sheet = list_first_entry_or_null(&roll->sheets,
						 struct fz_roll_sheet, link);
	else if (sheet->nr < FZ_ROLL_SHEET)
		return sheet;
	else if (list_is_last(&sheet->link, &roll->sheets))
		return NULL;
	else
		sheet = list_next_entry(sheet, link);
	if (sheet)
		roll->open = sheet;
	return sheet;
}

/**
 * fz_roll_add() - put a folio on the roll
 * @roll: the roll
 * @folio: a folio of the scratch; the roll uses its private member from now on
 * @age: its age
 *
 * Return: false if there is no room.  The caller calls fz_roll_grow(), and tries again.
 */
bool fz_roll_add(struct fz_roll *roll, struct folio *folio, u8 age)
{
	struct fz_roll_sheet *sheet;

	spin_lock(&roll->lock);
	sheet = roll_open_sheet(roll);
	if (sheet) {
		roll_put(sheet, sheet->nr, folio);
		sheet->ages[sheet->nr] = age;
		sheet->nr++;
	}
	spin_unlock(&roll->lock);
	return sheet;
}

/* The open sheet is empty: free all sheets after it. */
static void roll_trim(struct fz_roll *roll)
{
	struct fz_roll_sheet *sheet;

	lockdep_assert_held(&roll->lock);

	while (!list_is_last(&roll->open->link, &roll->sheets)) {
		sheet = list_last_entry(&roll->sheets, struct fz_roll_sheet, link);
		list_del(&sheet->link);
		roll->nr_sheets--;
		kfree(sheet);
	}
}

/**
 * fz_roll_remove() - take a folio off the roll: the last one takes its place
 * @roll: the roll, its lock held, and the scratch's
 * @folio: a folio on it
 */
void fz_roll_remove(struct fz_roll *roll, struct folio *folio)
{
	struct folio **slot = folio->private;
	struct fz_roll_sheet *to = roll_sheet(slot);
	struct fz_roll_sheet *sheet = roll->open;
	u64 n = slot - to->folios;

	lockdep_assert_held(&roll->lock);

	if (!sheet->nr) {
		sheet = list_prev_entry(sheet, link);
		roll->open = sheet;
	}
	sheet->nr--;
	roll_put(to, n, sheet->folios[sheet->nr]);
	to->ages[n] = sheet->ages[sheet->nr];
	to->zero[n / 64] &= ~BIT_ULL(n % 64);
	if (sheet->zero[sheet->nr / 64] & BIT_ULL(sheet->nr % 64))
		to->zero[n / 64] |= BIT_ULL(n % 64);
	sheet->zero[sheet->nr / 64] &= ~BIT_ULL(sheet->nr % 64);
	WRITE_ONCE(folio->private, NULL);
	if (!sheet->nr)
		roll_trim(roll);
}

/**
 * fz_roll_age() - the age of a folio
 * @folio: a folio on the roll of a scratch whose lock is held
 *
 * Return: a pointer to its age, see age.h.
 */
u8 *fz_roll_age(struct folio *folio)
{
	struct folio **slot = folio->private;
	struct fz_roll_sheet *sheet = roll_sheet(slot);

	return &sheet->ages[slot - sheet->folios];
}

/**
 * fz_roll_replace() - put a folio on the roll in the place of another
 * @old: a folio on the roll of a scratch whose lock is held
 * @folio: the new one
 */
void fz_roll_replace(struct folio *old, struct folio *folio)
{
	struct folio **slot = old->private;
	struct fz_roll_sheet *sheet = roll_sheet(slot);

	roll_put(sheet, slot - sheet->folios, folio);
	WRITE_ONCE(old->private, NULL);
}

/**
 * fz_roll_bytes() - memory that a roll takes
 * @roll: the roll
 *
 * Return: bytes.
 */
u64 fz_roll_bytes(const struct fz_roll *roll)
{
	return READ_ONCE(roll->nr_sheets) * ROLL_SHEET_SIZE;
}

/**
 * fz_roll_destroy() - free an empty roll
 * @roll: the roll
 */
void fz_roll_destroy(struct fz_roll *roll)
{
	struct fz_roll_sheet *sheet, *next;

	list_for_each_entry_safe(sheet, next, &roll->sheets, link) {
		kfree(sheet);
		cond_resched();
	}
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The roll of a scratch: its folios in no order, so that a reset of all of them
 * costs the same wherever they lie.
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

	/* A place tells where its sheet begins: what has such a size is aligned. */
	BUILD_BUG_ON(sizeof(*sheet) > ROLL_SHEET_SIZE);
	sheet = kmalloc(ROLL_SHEET_SIZE, gfp);
	set_active_memcg(old);
	if (!sheet)
		return -ENOMEM;

	sheet->nr = 0;
	memset(sheet->zero, 0, sizeof(sheet->zero));
	sheet->pages[FZ_ROLL_SHEET] = NULL;
	spin_lock(&roll->lock);
	/* Behind one that has room already, which we did not see. */
	list_add_tail(&sheet->link, &roll->sheets);
	roll->nr_sheets++;
	spin_unlock(&roll->lock);
	return 0;
}

/* The sheet that the next folio goes to: the first that is not full. */
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
 * fz_roll_add() - enter a folio
 * @roll: the roll
 * @folio: a folio of the scratch; its private member is ours from now on
 * @age: its age
 *
 * Return: false if there is no room: fz_roll_grow(), and try again.
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

/* The open sheet has become empty: it is enough to go on with. */
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
 * fz_roll_remove() - strike a folio out: the last one takes its place
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
 * Return: where it is.
 */
u8 *fz_roll_age(struct folio *folio)
{
	struct folio **slot = folio->private;
	struct fz_roll_sheet *sheet = roll_sheet(slot);

	return &sheet->ages[slot - sheet->folios];
}

/**
 * fz_roll_replace() - enter a folio in the place of another
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

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Prices of this host: measured when the module is loaded, as far as that goes
 * without anybody's page tables, and corrected by what resets see.
 *
 * Two things are measured: how long a clear takes, and how long other work does,
 * against what the fixed prices say of both.  Their proportions stay: nobody could tell
 * the price of an entry from that of a flush by the time of both.
 */
#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/minmax.h>
#include <linux/moduleparam.h>
#include <linux/preempt.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include "estimate.h"
#include "prices.h"

/* At load: pages cleared in a round, and rounds, the quickest of which counts. */
#define PRICES_ORDER	2
#define PRICES_ROUNDS	8
/* And work: rounds of mixing in one, and their price on Linux 6.1. */
#define PRICES_MIXES	1024
#define PRICES_MIX	20500
/* Clears measured since SWAP was: its price goes back to what it was at load. */
#define PRICES_STALE	16

/**
 * struct prices_state - the prices, and where they come from
 * @lock: protects all below
 * @clear: how dear a clear is here
 * @work: how dear all else is
 * @stale: clears measured since a SWAP was
 * @cleared: samples of clears
 * @swapped: samples of SWAP
 * @is_fixed: the administrator does not want any of this
 * @next: which of @lists is written next
 * @lists: one is in use.  The other was for longer than anybody looks at one
 *	when it is written; who is late is wrong by a price, no more
 */
struct prices_state {
	spinlock_t lock;	/* protects all below, against other writers */
	struct fz_estimate clear;
	struct fz_estimate work;
	unsigned int stale;
	unsigned int cleared;
	unsigned int swapped;
	bool is_fixed;
	unsigned int next;
	struct fz_prices lists[2];
};

static struct prices_state prices = {
	.lock	= __SPIN_LOCK_UNLOCKED(prices.lock),
	.clear	= { FZ_ESTIMATE_ONE, FZ_ESTIMATE_ONE, FZ_ESTIMATE_ONE },
	.work	= { FZ_ESTIMATE_ONE, FZ_ESTIMATE_ONE, FZ_ESTIMATE_ONE },
};

/* Written under the lock. */
const struct fz_prices *fz_prices_in_use = &fz_prices_fixed;

static void prices_use(const struct fz_prices *list)
{
	struct fz_prices *place = &prices.lists[prices.next];

	lockdep_assert_held(&prices.lock);

	*place = *list;
	prices.next ^= 1;
	smp_store_release(&fz_prices_in_use, place);
}

static void prices_tell(void)
{
	const struct fz_estimate *work = &prices.work;
	const struct fz_prices *fixed = &fz_prices_fixed;
	struct fz_prices list = {
		.clear = fz_estimate_price(&prices.clear, fixed->clear),
		.swap = fz_estimate_price(work, fixed->swap),
		.swap_span = fz_estimate_price(work, fixed->swap_span),
		.swap_run = fz_estimate_price(work, fixed->swap_run),
		.drop = fz_estimate_price(work, fixed->drop),
		.refault = fz_estimate_price(work, fixed->refault),
		.refault_guest = fz_estimate_price(work, fixed->refault_guest),
	};

	prices_use(&list);
}

/**
 * fz_prices_cleared() - a reset has cleared pages
 * @pages: so many
 * @ns: in that time
 */
void fz_prices_cleared(u64 pages, u64 ns)
{
	/* There will be others. */
	if (!spin_trylock(&prices.lock))
		return;
	if (!prices.is_fixed) {
		bool moved;

		prices.cleared++;
		fz_estimate_add(&prices.clear, pages * fz_prices_fixed.clear,
				ns * 1000);
		moved = fz_estimate_moved(&prices.clear);
		if (++prices.stale >= PRICES_STALE) {
			prices.stale = 0;
			fz_estimate_fade(&prices.work);
			moved |= fz_estimate_moved(&prices.work);
		}
		if (moved)
			prices_tell();
	}
	spin_unlock(&prices.lock);
}

/**
 * fz_prices_swapped() - a reset has swapped pages by their page-table entries
 * @pages: so many
 * @span: from the first to the last
 * @ns: in that time, flush included
 */
void fz_prices_swapped(u64 pages, u64 span, u64 ns)
{
	const struct fz_cost_chunk cost = {
		.pages = pages, .span = span, .ready = pages,
	};

	if (!spin_trylock(&prices.lock))
		return;
	if (!prices.is_fixed) {
		prices.stale = 0;
		prices.swapped++;
		fz_estimate_add(&prices.work,
				fz_cost(&fz_prices_fixed, &cost, FZ_SWAP),
				ns * 1000);
		if (fz_estimate_moved(&prices.work))
			prices_tell();
	}
	spin_unlock(&prices.lock);
}

static noinline void prices_clear_round(struct page *page)
{
	int i;

	for (i = 0; i < 1 << PRICES_ORDER; i++)
		clear_highpage(page + i);
}

/* Loads, stores, arithmetic and jumps that no compiler leaves out. */
static noinline void prices_work_round(u64 *words)
{
	u64 x = 1;
	int i;

	for (i = 0; i < PRICES_MIXES; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		x += READ_ONCE(words[x % 64]);
		WRITE_ONCE(words[i % 64], x);
	}
}

/*
 * The quickest of several short rounds: interrupts stay on, and spoil at most some of
 * them.
 */
static void prices_rounds(struct page *page, u64 *clear, u64 *work)
{
	u64 *words = page_address(page);
	int i;

	*clear = U64_MAX;
	*work = U64_MAX;
	for (i = 0; i < PRICES_ROUNDS; i++) {
		u64 begin, middle;

		preempt_disable();
		begin = ktime_get_ns();
		prices_clear_round(page);
		middle = ktime_get_ns();
		prices_work_round(words);
		*work = min(*work, ktime_get_ns() - middle);
		*clear = min(*clear, middle - begin);
		preempt_enable();
	}
}

/**
 * fz_prices_measure() - measure what can be measured at load
 *
 * Without memory for that the fixed prices must do.
 */
void fz_prices_measure(void)
{
	struct page *page = alloc_pages(GFP_KERNEL | __GFP_NOWARN, PRICES_ORDER);
	u64 clear, work;

	if (!page)
		return;
	prices_rounds(page, &clear, &work);
	__free_pages(page, PRICES_ORDER);

	spin_lock(&prices.lock);
	fz_estimate_begin(&prices.clear, (u64)fz_prices_fixed.clear << PRICES_ORDER,
			  clear * 1000);
	fz_estimate_begin(&prices.work, PRICES_MIX * 1000ULL, work * 1000);
	if (!prices.is_fixed)
		prices_tell();
	spin_unlock(&prices.lock);
}

/* "fixed", "measured", or seven prices that are to be. */
static int prices_set(const char *value, const struct kernel_param *kp)
{
	bool measured = sysfs_streq(value, "measured");
	struct fz_prices list = fz_prices_fixed;
	char end;

	if (!measured && !sysfs_streq(value, "fixed")) {
		int nr = sscanf(value, "%u,%u,%u,%u,%u,%u,%u%c", &list.clear,
				&list.swap, &list.swap_span, &list.swap_run,
				&list.drop, &list.refault, &list.refault_guest,
				&end);

		if (nr < 7 || (nr == 8 && end != '\n'))
			return -EINVAL;
	}
	spin_lock(&prices.lock);
	prices.is_fixed = !measured;
	if (measured)
		prices_tell();
	else
		prices_use(&list);
	spin_unlock(&prices.lock);
	return 0;
}

/* What was set, and can be set again. */
static int prices_get(char *buffer, const struct kernel_param *kp)
{
	const struct fz_prices *p;
	int n;

	spin_lock(&prices.lock);
	p = fz_prices_in_use;
	if (!prices.is_fixed)
		n = sysfs_emit(buffer, "measured\n");
	else
		n = sysfs_emit(buffer, "%u,%u,%u,%u,%u,%u,%u\n", p->clear,
			       p->swap, p->swap_span, p->swap_run, p->drop,
			       p->refault, p->refault_guest);
	spin_unlock(&prices.lock);
	return n;
}

static int prices_samples_get(char *buffer, const struct kernel_param *kp)
{
	return sysfs_emit(buffer, "%u %u\n", READ_ONCE(prices.cleared),
			  READ_ONCE(prices.swapped));
}

static const struct kernel_param_ops prices_samples_ops = {
	.get = prices_samples_get,
};
module_param_cb(price_samples, &prices_samples_ops, NULL, 0400);
MODULE_PARM_DESC(price_samples,
		 "how often resets have measured clears, and swaps (read only)");

static const struct kernel_param_ops prices_ops = {
	.set = prices_set,
	.get = prices_get,
};
module_param_cb(prices, &prices_ops, NULL, 0644);
MODULE_PARM_DESC(prices,
		 "what AUTO goes by: measured (default), fixed, or clear,swap,span,flush,drop,refault,refault of a guest in ps");

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ratio of this host: the time to clear a base page, compared with that of other work,
 * in percent.  100 is the ratio if each instruction takes the same time.
 *
 * The module measures it once, at load, on pages in the caches and on others.  The warm
 * ratio is that of a few pages in the caches.  The cold one is that of a sweep over more
 * memory than most caches hold.
 */
#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/ktime.h>
#include <linux/minmax.h>
#include <linux/moduleparam.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/sysfs.h>

#include "clear.h"
#include "ratio.h"

/* The sweep: 8 blocks of 4 MiB, or as many of them as there is memory for. */
#define RATIO_ORDER	10
#define RATIO_BLOCKS	8
/* Pages cleared in one round, without preemption. */
#define RATIO_ROUND	64
/* Rounds of work and of warm clears.  The quickest counts, since interrupts stay on. */
#define RATIO_ROUNDS	8
/* Steps of the loop in ratio_work(), and its instructions on Linux 6.1. */
#define RATIO_MIXES	1024
#define RATIO_WORK	20500

struct fz_ratios fz_ratios = { .warm = FZ_RATIO_ONE, .cold = FZ_RATIO_ONE };

/* The time to clear RATIO_ROUND pages that lie side by side. */
static u64 ratio_clear(struct page *page)
{
	u64 begin, ns;
	int i;

	preempt_disable();
	begin = ktime_get_ns();
	for (i = 0; i < RATIO_ROUND; i++)
		fz_clear_page(page_address(page + i));
	ns = ktime_get_ns() - begin;
	preempt_enable();
	cond_resched();
	return ns;
}

/* The time for loads, stores, arithmetic and jumps that no compiler optimises away. */
static noinline u64 ratio_work(u64 *words)
{
	u64 begin, ns;
	u64 x = 1;
	int i;

	preempt_disable();
	begin = ktime_get_ns();
	for (i = 0; i < RATIO_MIXES; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		x += READ_ONCE(words[x % 64]);
		WRITE_ONCE(words[i % 64], x);
	}
	ns = ktime_get_ns() - begin;
	preempt_enable();
	return ns;
}

/* The time of the quickest round of a sweep over blocks that were swept before. */
static u64 ratio_sweep(struct page **blocks, int nr)
{
	u64 least = U64_MAX;
	int b, i;

	for (b = 0; b < nr; b++)
		for (i = 0; i < 1 << RATIO_ORDER; i += RATIO_ROUND)
			least = min(least, ratio_clear(blocks[b] + i));
	return least;
}

static u32 ratio_of(u64 clear, u64 work)
{
	u64 ratio = clear * RATIO_WORK * FZ_RATIO_ONE /
		    max_t(u64, work * RATIO_ROUND * FZ_COST_CLEAR, 1);

	return clamp_t(u64, ratio, 1, FZ_RATIO_MOST);
}

static void ratio_measure_on(struct page **blocks, int nr)
{
	u64 work = U64_MAX, warm = U64_MAX;
	int i;

	ratio_sweep(blocks, nr);
	for (i = 0; i < RATIO_ROUNDS; i++) {
		work = min(work, ratio_work(page_address(blocks[0])));
		warm = min(warm, ratio_clear(blocks[0]));
	}
	fz_ratios.warm = ratio_of(warm, work);
	fz_ratios.cold = ratio_of(ratio_sweep(blocks, nr), work);
}

/**
 * fz_ratio_measure() - measure the ratio, at load
 *
 * Without memory for that, the ratios stay at 100.
 */
void fz_ratio_measure(void)
{
	struct page *blocks[RATIO_BLOCKS];
	int nr;

	for (nr = 0; nr < RATIO_BLOCKS; nr++) {
		blocks[nr] = alloc_pages(GFP_KERNEL | __GFP_NOWARN | __GFP_NORETRY,
					 RATIO_ORDER);
		if (!blocks[nr])
			break;
	}
	if (nr)
		ratio_measure_on(blocks, nr);
	while (nr--)
		__free_pages(blocks[nr], RATIO_ORDER);
}

static int ratio_param_set(const char *value, const struct kernel_param *kp)
{
	u32 set = 0;
	int err;

	if (!sysfs_streq(value, "measured")) {
		err = kstrtou32(value, 0, &set);
		if (err)
			return err;
		if (!set || set > FZ_RATIO_MOST)
			return -EINVAL;
	}
	WRITE_ONCE(fz_ratios.set, set);
	return 0;
}

static int ratio_param_get(char *buffer, const struct kernel_param *kp)
{
	u32 set = READ_ONCE(fz_ratios.set);

	return set ? sysfs_emit(buffer, "%u\n", set) : sysfs_emit(buffer, "measured\n");
}

static const struct kernel_param_ops ratio_param_ops = {
	.set = ratio_param_set,
	.get = ratio_param_get,
};
module_param_cb(ratio, &ratio_param_ops, NULL, 0644);
MODULE_PARM_DESC(ratio,
		 "cost of clearing a page compared with other work, in percent: \"measured\" (default), or a number");

static int ratio_measured_get(char *buffer, const struct kernel_param *kp)
{
	return sysfs_emit(buffer, "%u %u\n", fz_ratios.warm, fz_ratios.cold);
}

static const struct kernel_param_ops ratio_measured_ops = {
	.get = ratio_measured_get,
};
module_param_cb(ratio_measured, &ratio_measured_ops, NULL, 0400);
MODULE_PARM_DESC(ratio_measured,
		 "the measured ratios: of pages in the caches, and of others (read only)");

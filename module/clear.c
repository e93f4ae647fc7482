// SPDX-License-Identifier: GPL-2.0-only
/*
 * Making folios zero.
 *
 * Who waits for a page wants it in his caches.  What is cleared in the background is
 * not used soon: there stores that go past the caches may be cheaper, and leave them
 * to others.  Whether they are depends on the processor, and on where the pages are
 * when they come: so both ways are measured at the work itself.
 */
#include <linux/highmem.h>
#include <linux/ktime.h>
#include <linux/moduleparam.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include "choice.h"
#include "clear.h"
#include "compat/compat.h"

/* Fewer pages are no measurement. */
#define CLEAR_LEAST	(FZ_CLEAR_BATCH / 2)
/* Rounds at load. */
#define CLEAR_ROUNDS	4

enum clear_stores {
	CLEAR_CACHED,
	CLEAR_STREAMING,
	CLEAR_MEASURED,
};

static const char * const clear_names[] = {
	[CLEAR_CACHED]		= "cached",
	[CLEAR_STREAMING]	= "streaming",
	[CLEAR_MEASURED]	= "measured",
};

static DEFINE_SPINLOCK(clear_lock);	/* protects clear_choice */
static struct fz_choice clear_choice;	/* false: cached, true: streaming */
static int clear_stores = CLEAR_MEASURED;
static atomic_long_t clear_streamed;

/**
 * fz_page_is_zero() - whether a page is zero already
 * @page: a page that has not failed
 *
 * A dirty one is seen at its first words, most often.
 *
 * Return: true if so.
 */
bool fz_page_is_zero(struct page *page)
{
	const u64 *words = kmap_local_page(page);
	u64 any = words[0];
	int i, k;

	for (i = 0; i < PAGE_SIZE / 8 && !any; i += 32) {
#pragma GCC unroll 32
		for (k = 0; k < 32; k++)
			any |= words[i + k];
	}
	kunmap_local(words);
	return !any;
}

/**
 * fz_folio_has_failed() - whether memory in a huge folio has failed, in any page of it
 * @folio: a huge folio, whose pages lie one after the other in the memory map
 *
 * Kernels mark the page; most say nothing of it on the folio, when it is not theirs.
 *
 * Return: true if so.
 */
bool fz_folio_has_failed(struct folio *folio)
{
	const struct page *page = folio_page(folio, 0);
	unsigned long flags = 0;
	int i, k;

	for (i = 0; i < FZ_CHUNK_PAGES; i += 32, page += 32) {
#pragma GCC unroll 32
		for (k = 0; k < 32; k++)
			flags |= fz_page_flags(page + k);
	}
	return flags & FZ_PAGE_FAILED;
}

static void clear_one(struct page *page, bool streaming)
{
	void *to;

	if (!streaming) {
		clear_highpage(page);
		return;
	}
	/* No other stores past the caches are there for modules. */
	to = kmap_local_page(page);
	memcpy_flushcache(to, page_address(ZERO_PAGE(0)), PAGE_SIZE);
	kunmap_local(to);
}

/**
 * fz_clear_begin() - pages are about to be cleared in the background
 * @clear: to be passed to fz_folio_zero(), and then to fz_clear_end()
 */
void fz_clear_begin(struct fz_clear *clear)
{
	int stores = READ_ONCE(clear_stores);

	/* Read without the lock: to be late with a choice does no harm. */
	clear->streaming = stores == CLEAR_MEASURED ?
			   READ_ONCE(clear_choice.best) ^
			   READ_ONCE(clear_choice.trying) :
			   stores == CLEAR_STREAMING;
	clear->other = false;
	clear->pages = 0;
	clear->begin = ktime_get_ns();
}

/**
 * fz_clear_end() - they are, and everybody sees that
 * @clear: see fz_clear_begin()
 */
void fz_clear_end(struct fz_clear *clear)
{
	u64 ns;

	if (clear->streaming) {
		/* These stores are ordered by nothing else. */
		wmb();
		atomic_long_add(clear->pages, &clear_streamed);
	}
	if (clear->other || clear->pages < CLEAR_LEAST)
		return;
	ns = ktime_get_ns() - clear->begin;
	/* There will be others. */
	if (!spin_trylock(&clear_lock))
		return;
	fz_choice_add(&clear_choice, clear->streaming, clear->pages, ns);
	spin_unlock(&clear_lock);
}

/* Between two batches of one folio. */
static void clear_pause(struct fz_clear *clear)
{
	if (clear)
		fz_clear_end(clear);
	cond_resched();
	if (clear)
		fz_clear_begin(clear);
}

/**
 * fz_folio_zero() - make a folio zero
 * @folio: in nobody's hands but the caller's
 * @clear: in the background, between fz_clear_begin() and fz_clear_end(); NULL if
 *	somebody waits for it
 *
 * In a huge folio many pages may be zero still: to look is cheaper for the caches
 * than to store.
 *
 * Return: false if it has failed memory in it, and is of no use.
 */
bool fz_folio_zero(struct folio *folio, struct fz_clear *clear)
{
	bool look = folio_test_large(folio);
	bool good = true;
	long i;

	for (i = 0; i < folio_nr_pages(folio); i++) {
		struct page *page = folio_page(folio, i);

		if (i && i % FZ_CLEAR_BATCH == 0)
			clear_pause(clear);
		if (unlikely(PageHWPoison(page))) {
			good = false;
		} else if (look && fz_page_is_zero(page)) {
			if (clear) {
				clear->other = true;
				clear->looks++;
			}
		} else {
			clear_one(page, clear && clear->streaming);
			if (clear) {
				clear->pages++;
				clear->stores++;
			}
		}
	}
	return good;
}

static void clear_round(struct page *pages, bool streaming)
{
	struct fz_clear clear = { .streaming = streaming };
	int i;

	clear.begin = ktime_get_ns();
	for (i = 0; i < FZ_CLEAR_BATCH; i++)
		clear_one(pages + i, streaming);
	clear.pages = FZ_CLEAR_BATCH;
	fz_clear_end(&clear);
}

/**
 * fz_clear_measure() - have a first idea of both ways
 *
 * Without memory for that the work itself must do.
 */
void fz_clear_measure(void)
{
	unsigned int order = order_base_2(FZ_CLEAR_BATCH);
	struct page *pages = alloc_pages(GFP_KERNEL | __GFP_NOWARN, order);
	int i;

	if (!pages)
		return;
	for (i = 0; i < CLEAR_ROUNDS; i++) {
		clear_round(pages, false);
		clear_round(pages, true);
	}
	__free_pages(pages, order);
}

static int clear_stores_set(const char *value, const struct kernel_param *kp)
{
	int stores = sysfs_match_string(clear_names, value);

	if (stores < 0)
		return stores;
	WRITE_ONCE(clear_stores, stores);
	return 0;
}

static int clear_stores_get(char *buffer, const struct kernel_param *kp)
{
	return sysfs_emit(buffer, "%s\n", clear_names[READ_ONCE(clear_stores)]);
}

static const struct kernel_param_ops clear_stores_ops = {
	.set = clear_stores_set,
	.get = clear_stores_get,
};
module_param_cb(zeroer_stores, &clear_stores_ops, NULL, 0644);
MODULE_PARM_DESC(zeroer_stores,
		 "how the zeroer stores: measured (default), cached, or streaming past the caches");

static int clear_streamed_get(char *buffer, const struct kernel_param *kp)
{
	return sysfs_emit(buffer, "%ld\n", atomic_long_read(&clear_streamed));
}

static const struct kernel_param_ops clear_streamed_ops = {
	.get = clear_streamed_get,
};
module_param_cb(zeroer_streamed, &clear_streamed_ops, NULL, 0400);
MODULE_PARM_DESC(zeroer_streamed,
		 "base pages cleared by streaming stores (read only)");

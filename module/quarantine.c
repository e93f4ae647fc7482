// SPDX-License-Identifier: GPL-2.0-only
/*
 * For tests alone: find writes to pages that have left their scratch.
 *
 * A folio that has left a scratch, or that goes to the system, is first taken out of use.
 * It gets a pattern, and is watched for some seconds.  That finds writes through a
 * stale TLB entry, nested page table or DMA address.  It also finds references and
 * mappings that the folio should not have.  A folio that was written to is never freed.
 * When the pool hands a folio out as ready, this checks that it is zero.
 *
 * quarantine_plant=N leaves out every N-th unmap of a reset, and the checks of references
 * and mappings.  The quarantine must then find stray writes.
 */
#include <linux/highmem.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/ratelimit.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "compat/compat.h"
#include "context.h"
#include "quarantine.h"

#define QUARANTINE_WORD		0xfa57b1075a11f00dULL
#define QUARANTINE_WORDS	(PAGE_SIZE / sizeof(u64))
/* A folio is watched for this time, or less if there are more than QUARANTINE_MOST. */
#define QUARANTINE_FOR		(3 * HZ)
#define QUARANTINE_MOST		32768
#define QUARANTINE_LOOK		(HZ / 10)

/**
 * struct quarantine - a folio that is watched
 * @list: in quarantine_list, in the order of @since
 * @folio: the folio, with our reference
 * @since: jiffies when the watch began
 * @index: its page in the scratch
 * @from: why it is watched
 * @pid: the thread that began the watch
 * @stray: it was written to, or is held or mapped
 */
struct quarantine {
	struct list_head list;
	struct folio *folio;
	unsigned long since;
	pgoff_t index;
	const char *from;
	pid_t pid;
	bool stray;
};

static void quarantine_work(struct work_struct *work);

static DEFINE_MUTEX(quarantine_lock);	/* protects the list and the counts */
static LIST_HEAD(quarantine_list);
static long quarantine_pages;
static DECLARE_DELAYED_WORK(quarantine_watch, quarantine_work);

static ulong quarantine_total;
module_param(quarantine_total, ulong, 0400);
MODULE_PARM_DESC(quarantine_total, "base pages watched so far (read only)");
static ulong quarantine_looks;
module_param(quarantine_looks, ulong, 0400);
MODULE_PARM_DESC(quarantine_looks, "looks at base pages so far (read only)");
static ulong quarantine_bad;
module_param(quarantine_bad, ulong, 0400);
MODULE_PARM_DESC(quarantine_bad,
		 "stray writes, references and mappings found (read only)");
static uint quarantine_plant;
module_param(quarantine_plant, uint, 0600);
MODULE_PARM_DESC(quarantine_plant, "leave out every N-th unmap of a reset (default 0: none)");
static atomic_t quarantine_unmaps;
static DEFINE_RATELIMIT_STATE(quarantine_rate, 5 * HZ, 10);

/* Whether a folio is mapped.  Newer kernels keep no count for each page of a huge folio. */
static bool quarantine_is_mapped(struct folio *folio)
{
	return folio_test_large(folio) ? folio_mapped(folio) :
	       atomic_read(&folio->_mapcount) != -1;
}

/* Report a finding.  With quarantine_plant it says "planted", which fails no test. */
static void quarantine_say(const struct quarantine *q, long page, unsigned int word,
			   u64 value, const char *what)
{
	quarantine_bad++;
	if (!__ratelimit(&quarantine_rate))
		return;
	pr_err("fastzero: %s: %s: pfn %lx, page %ld of %ld, offset %x has %llx; index %lx, %s by pid %d %u ms ago, %d references, %s\n",
	       quarantine_plant ? "planted" : "quarantine", what,
	       folio_pfn(q->folio) + page, page, folio_nr_pages(q->folio),
	       word * 8, value, q->index, q->from, q->pid,
	       jiffies_to_msecs(jiffies - q->since), folio_ref_count(q->folio),
	       quarantine_is_mapped(q->folio) ? "mapped" : "not mapped");
}

static void quarantine_fill(struct folio *folio)
{
	long i;

	for (i = 0; i < folio_nr_pages(folio); i++) {
		u64 *words = kmap_local_page(folio_page(folio, i));

		memset64(words, QUARANTINE_WORD, QUARANTINE_WORDS);
		kunmap_local(words);
		cond_resched();
	}
}

/* The first word of a page that is not @right, or QUARANTINE_WORDS. */
static unsigned int quarantine_find(struct page *page, u64 right, u64 *value)
{
	const u64 *words = kmap_local_page(page);
	unsigned int i;

	for (i = 0; i < QUARANTINE_WORDS; i++) {
		*value = READ_ONCE(words[i]);
		if (*value != right)
			break;
	}
	kunmap_local(words);
	return i;
}

static void quarantine_look(struct quarantine *q)
{
	unsigned int word;
	u64 value;
	long i;

	for (i = 0; i < folio_nr_pages(q->folio) && !q->stray; i++) {
		word = quarantine_find(folio_page(q->folio, i), QUARANTINE_WORD,
				       &value);
		if (word == QUARANTINE_WORDS)
			continue;
		q->stray = true;
		quarantine_say(q, i, word, value, "STRAY WRITE");
	}
	quarantine_looks += folio_nr_pages(q->folio);
}

/* End the watch of a folio, and free it if it was not written to and nobody holds it. */
static void quarantine_end(struct quarantine *q)
{
	lockdep_assert_held(&quarantine_lock);

	quarantine_look(q);
	if (!q->stray && !quarantine_plant && (folio_ref_count(q->folio) != 1 ||
			  quarantine_is_mapped(q->folio))) {
		q->stray = true;
		quarantine_say(q, 0, 0, 0, "HELD");
	}
	list_del(&q->list);
	quarantine_pages -= folio_nr_pages(q->folio);
	if (!q->stray)
		folio_put(q->folio);
	kfree(q);
}

static void quarantine_work(struct work_struct *work)
{
	struct quarantine *q, *next;

	mutex_lock(&quarantine_lock);
	list_for_each_entry_safe(q, next, &quarantine_list, list) {
		if (time_after(jiffies, q->since + QUARANTINE_FOR) ||
		    quarantine_pages > QUARANTINE_MOST)
			quarantine_end(q);
		else
			quarantine_look(q);
		cond_resched();
	}
	if (!list_empty(&quarantine_list))
		queue_delayed_work(fz_wq, &quarantine_watch, QUARANTINE_LOOK);
	mutex_unlock(&quarantine_lock);
}

/* Begin to watch a folio; false if there is no memory for that. */
static bool quarantine_add(struct folio *folio, const char *from)
{
	struct quarantine *q = kmalloc(sizeof(*q), GFP_NOWAIT | __GFP_NOWARN);

	if (!q)
		return false;
	*q = (struct quarantine) {
		.folio = folio, .since = jiffies, .index = folio->index,
		.from = from, .pid = task_pid_nr(current),
	};
	if (quarantine_is_mapped(folio) && !quarantine_plant)
		quarantine_say(q, 0, 0, 0, "MAPPED");
	fz_folio_detach(folio);
	quarantine_fill(folio);
	mutex_lock(&quarantine_lock);
	list_add_tail(&q->list, &quarantine_list);
	quarantine_pages += folio_nr_pages(folio);
	quarantine_total += folio_nr_pages(folio);
	queue_delayed_work(fz_wq, &quarantine_watch, QUARANTINE_LOOK);
	mutex_unlock(&quarantine_lock);
	return true;
}

/**
 * fz_quarantine_retire() - watch folios that left a scratch, instead of recycling them
 * @pool: the pool that owned them
 * @folios: as for fz_pool_retire(); held ones stay linked
 *
 * Return: how many folios do not belong to the pool any more.
 */
u64 fz_quarantine_retire(struct fz_pool *pool, struct list_head *folios)
{
	struct folio *folio, *next;
	u64 nr = 0;

	list_for_each_entry_safe(folio, next, folios, lru) {
		long pages = folio_nr_pages(folio);

		if (folio_ref_count(folio) != 1 && !quarantine_plant)
			continue;
		list_del(&folio->lru);
		if (!quarantine_add(folio, "left its scratch")) {
			list_add(&folio->lru, folios);
			break;
		}
		fz_pool_disown(pool, pages);
		nr++;
	}
	return nr;
}

/**
 * fz_quarantine_free() - watch a folio before it goes to the system
 * @folio: the folio; is not watched if somebody holds it
 *
 * Return: false if the caller has to free it.
 */
bool fz_quarantine_free(struct folio *folio)
{
	return folio_ref_count(folio) == 1 && quarantine_add(folio, "freed");
}

/**
 * fz_quarantine_ready() - check that a folio that is handed out as ready is zero
 * @folio: the folio
 */
void fz_quarantine_ready(struct folio *folio)
{
	struct quarantine q = {
		.folio = folio, .since = jiffies, .from = "handed out as ready",
		.pid = task_pid_nr(current),
	};
	unsigned int word;
	u64 value;
	long i;

	for (i = 0; i < folio_nr_pages(folio); i++) {
		word = quarantine_find(folio_page(folio, i), 0, &value);
		if (word == QUARANTINE_WORDS)
			continue;
		quarantine_say(&q, i, word, value, "NOT ZERO");
		break;
	}
	quarantine_looks += folio_nr_pages(folio);
}

/**
 * fz_quarantine_plants() - whether to leave out this unmap
 *
 * Return: true if so.
 */
bool fz_quarantine_plants(void)
{
	uint n = READ_ONCE(quarantine_plant);

	return n && !(atomic_inc_return(&quarantine_unmaps) % n);
}

/**
 * fz_quarantine_exit() - look at all watched folios a last time, and free them
 */
void fz_quarantine_exit(void)
{
	struct quarantine *q, *next;

	cancel_delayed_work_sync(&quarantine_watch);
	mutex_lock(&quarantine_lock);
	list_for_each_entry_safe(q, next, &quarantine_list, list)
		quarantine_end(q);
	mutex_unlock(&quarantine_lock);
}

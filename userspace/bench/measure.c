// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Cycles of one peer: a reset, and the run after it.
 */
#include "measure.h"
#include "verify.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS	(MINIVM_PAGE / 8)

static int explain(struct outcome *o, const char *what, int err)
{
	snprintf(o->why, sizeof(o->why), "%s: %s", what, strerror(-err));
	return err;
}

/* One word a page is what is timed; whole pages are dirtied beside that. */
static struct minivm_job touch_job(const struct plan *plan, uint64_t words,
				   uint64_t value)
{
	return (struct minivm_job) {
		.op = MINIVM_WRITE,
		.list = plan->list,
		.count = plan->count,
		.words = words,
		.value = value,
	};
}

static int read_background(const struct peer *peer, struct memory *m,
			   struct background *b)
{
	b->pages = 0;
	b->ns = 0;
	return peer->background ? peer->background(m, b) : 0;
}

/* The part that counts.  What happens in the background has time to happen. */
static int timed_cycle(struct rig *rig, const struct peer *peer,
		       struct memory *m, struct cycle *c)
{
	struct counters begin, end;
	int ret;

	counters_begin(&begin, &rig->nested);
	ret = peer->reset(peer, m);
	counters_end(&end, &rig->nested);
	if (ret)
		return ret;
	c->reset = end.ns - begin.ns;
	c->faults = end.faults - begin.faults;
	c->nested = end.nested - begin.nested;

	ret = peer->settle ? peer->settle(m) : 0;
	if (ret)
		return ret;

	counters_begin(&begin, &rig->nested);
	ret = minivm_go(rig->vm, NULL);
	counters_end(&end, &rig->nested);
	if (ret)
		return ret;
	c->run = end.ns - begin.ns;
	c->faults += end.faults - begin.faults;
	c->nested += end.nested - begin.nested;
	c->sum = c->reset + c->run;
	return 0;
}

/* A cycle, between the dirtying of whole pages and the check of all bytes. */
static int one_cycle(struct rig *rig, const struct plan *plan,
		     const struct peer *peer, struct memory *m,
		     uint64_t value, struct cycle *c, struct outcome *o)
{
	struct background before, after;
	struct minivm_job job = touch_job(plan, WORDS, ~value);
	uint64_t bad;
	int ret;

	ret = minivm_run(rig->vm, &job, NULL);
	if (ret)
		return explain(o, "the guest's dirtying", ret);
	job = touch_job(plan, 1, value);
	ret = minivm_prepare(rig->vm, &job);
	if (!ret)
		ret = read_background(peer, m, &before);
	if (!ret)
		ret = timed_cycle(rig, peer, m, c);
	if (!ret)
		ret = read_background(peer, m, &after);
	if (ret)
		return explain(o, "the cycle", ret);
	c->bg_pages = after.pages - before.pages;
	c->bg_ns = after.ns - before.ns;
	if (peer->floor)
		return 0;
	ret = verify_after_run(m, plan, value, &bad);
	if (ret)
		return explain(o, "the check", ret);
	o->stale += bad;
	return 0;
}

/* At the end the guest itself looks at all of it, and the host's mapping is. */
static int last_check(struct rig *rig, const struct peer *peer,
		      struct memory *m, struct outcome *o)
{
	struct minivm_job job = {
		.op = MINIVM_CHECK,
		.stride = 1,
		.count = m->size / MINIVM_PAGE,
		.words = WORDS,
	};
	struct minivm_report rep;
	int ret;

	if (peer->floor)
		return 0;
	ret = peer->reset(peer, m);
	if (ret)
		return explain(o, "the last reset", ret);
	ret = minivm_run(rig->vm, &job, &rep);
	if (ret)
		return explain(o, "the guest's check", ret);
	o->stale += (rep.nonzero_words + WORDS - 1) / WORDS;
	o->stale += verify_zero(m);
	return 0;
}

static int compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* The median of one member of all cycles. */
static uint64_t median(const struct cycle *cycles, unsigned int n,
		       size_t member, uint64_t *values)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		values[i] = *(const uint64_t *)((const char *)&cycles[i] + member);
	qsort(values, n, sizeof(*values), compare);
	return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

static void summarize(struct outcome *o, const struct cycle *cycles,
		      unsigned int n, uint64_t *values)
{
	size_t member;

	_Static_assert(sizeof(struct cycle) % sizeof(uint64_t) == 0, "all alike");
	for (member = 0; member < sizeof(struct cycle); member += sizeof(uint64_t))
		*(uint64_t *)((char *)&o->median + member) =
			median(cycles, n, member, values);
}

static int measure_memory(struct rig *rig, const struct plan *plan,
			  const struct peer *peer, struct memory *m,
			  struct outcome *o)
{
	struct cycle *cycles = calloc(rig->cycles, sizeof(*cycles));
	uint64_t *values = calloc(rig->cycles, sizeof(*values));
	struct cycle ignored;
	unsigned int i;
	int ret;

	if (!cycles || !values)
		ret = explain(o, "memory for the figures", -ENOMEM);
	else
		ret = 0;
	for (i = 0; !ret && i < rig->warmup + rig->cycles; i++)
		ret = one_cycle(rig, plan, peer, m, i + 1,
				i < rig->warmup ? &ignored : &cycles[i - rig->warmup],
				o);
	if (!ret) {
		summarize(o, cycles, rig->cycles, values);
		ret = last_check(rig, peer, m, o);
	}
	free(values);
	free(cycles);
	return ret;
}

int measure(struct rig *rig, const struct plan *plan, const struct peer *peer,
	    struct outcome *o)
{
	struct memory m = { .fd = -1 };
	int ret;

	memset(o, 0, sizeof(*o));
	ret = peer->setup(peer, plan, &m);
	if (ret) {
		snprintf(o->why, sizeof(o->why), "%s",
			 m.why[0] ? m.why : strerror(-ret));
		ret = -EOPNOTSUPP;
	} else {
		ret = minivm_set_ram(rig->vm, m.addr, m.size);
		if (ret)
			explain(o, "RAM of the guest", ret);
		else
			ret = measure_memory(rig, plan, peer, &m, o);
		minivm_set_ram(rig->vm, NULL, 0);
	}
	peer->teardown(&m);
	return ret;
}

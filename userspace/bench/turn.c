// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A peer at work in a cell: its memory, and the memory's user.
 */
#include "turn.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "resident.h"

/*
 * After the last reset, memory up to this size is read as a whole.  Of larger memory the
 * program reads the pages that runs may have touched: reading faults pages in.
 */
#define CHECK_ALL	(1ull << 20)

int explain(char why[static WHY], const char *what, int err)
{
	snprintf(why, WHY, "%s: %s", what, strerror(-err));
	return err;
}

static struct plan plan_of(const struct turn *t, const struct memory *with)
{
	return (struct plan) {
		.device = t->rig->device,
		.total_cpu = t->rig->total_cpu,
		.size = t->cell->size,
		.count = t->cell->pages * (t->cell->memories ? t->cell->memories : 1),
		.vm = t->cell->guest ? t->rig->vm : NULL,
		.with = with,
	};
}

int turn_begin(struct turn *t, const struct memory *with, char why[static WHY])
{
	struct plan plan = plan_of(t, with);
	int ret = t->peer->setup(t->peer, &plan, &t->m);

	if (ret) {
		snprintf(why, WHY, "%s", t->m.why[0] ? t->m.why : strerror(-ret));
		return -EOPNOTSUPP;
	}
	ret = user_attach(&t->user, plan.vm, &t->m);
	if (!ret && t->peer->attach)
		ret = t->peer->attach(&plan, &t->m);
	return ret ? explain(why, "RAM of the guest", ret) : 0;
}

void turn_end(struct turn *t)
{
	user_detach(&t->user);
	t->peer->teardown(&t->m);
}

struct run turn_run(const struct turn *t, unsigned int i)
{
	return (struct run) {
		.touch = t->cell->touch,
		.list = t->touches->lists[i % t->touches->nr],
		.count = t->touches->count,
		.words = 1,
		.value = i + 1,
	};
}

void turn_was_run(struct turn *t, unsigned int i)
{
	t->m.dirty = t->touches->sorted[i % t->touches->nr];
	t->m.nr_dirty = t->cell->touch == TOUCH_READ ? 0 : t->touches->count;
}

uint64_t adjust_clears(const struct rig *rig, uint64_t cost, uint64_t cleared)
{
	return cost + cleared * rig->clear.kernel - cleared * rig->clear.user;
}

int turn_reset(struct turn *t, uint64_t *cost)
{
	uint64_t cleared = t->m.user_cleared;
	uint64_t begin = clock_now();
	int ret = t->peer->reset(t->peer, &t->m);

	*cost = adjust_clears(t->rig, clock_now() - begin,
			      t->m.user_cleared - cleared);
	return ret;
}

/*
 * The owner of the memories has a list of them.  None of these peers clears in user
 * space.
 */
int turn_reset_many(struct turn *turns, unsigned int nr, uint64_t *cost)
{
	const struct peer *peer = turns[0].peer;
	struct memory *m[PEER_MANY];
	uint64_t begin;
	unsigned int n;
	int ret;

	if (nr > PEER_MANY)
		return -EINVAL;
	for (n = 0; n < nr; n++)
		m[n] = &turns[n].m;
	begin = clock_now();
	ret = peer->reset_many(peer, m, nr);
	*cost = clock_now() - begin;
	return ret;
}

int turn_rest(struct turn *t)
{
	return t->peer->rest ? t->peer->rest(&t->m) : 0;
}

int turn_account(struct turn *t, struct account *a)
{
	memset(a, 0, sizeof(*a));
	return t->peer->account ? t->peer->account(&t->m, a) :
				  resident_pages(&t->m, &a->held);
}

int turn_check(struct turn *t, unsigned int i, uint64_t *stale)
{
	uint64_t pages = t->cell->size / BENCH_PAGE;
	struct run run = turn_run(t, i);
	unsigned int n;
	int ret;

	if (t->peer->floor)
		return 0;
	run.touch = TOUCH_WRITE;
	run.words = BENCH_PAGE / 8;
	run.value = ~0ull;
	/* The last run may have written other pages than this one. */
	ret = t->peer->reset(t->peer, &t->m);
	if (!ret)
		ret = user_prepare(&t->user, &run);
	if (!ret)
		ret = user_go(&t->user);
	t->m.dirty = t->touches->sorted[i % t->touches->nr];
	t->m.nr_dirty = run.count;
	if (!ret)
		ret = t->peer->reset(t->peer, &t->m);
	if (!ret && t->cell->size <= CHECK_ALL)
		return user_nonzero(&t->user, NULL, pages, stale);
	for (n = 0; !ret && n < t->touches->nr; n++)
		ret = user_nonzero(&t->user, t->touches->lists[n],
				   t->touches->count, stale);
	return ret;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Unit tests of workset.c: whole lives of scratches, played through.
 */
#include <stdbool.h>
#include <stdlib.h>

#include "workset.h"
#include "unit.h"

#define MOST	4096
#define SET	600
#define CLEAR	541
#define LOOK	12
#define LOOK_ZERO	640
#define DROP	1000
#define FAULT	5400

static const struct fz_prices prices = {
	.clear = CLEAR, .drop = DROP, .refault_guest = FAULT,
};

struct page {
	bool here, wrote, was_dropped;
	int8_t age;
};

struct life {
	struct fz_workset ws;
	struct page pages[MOST];
	uint64_t returned, populated;
	uint64_t cost, faults, dropped, most_populated;
};

static void touch(struct life *l, unsigned int page, bool writes)
{
	struct page *p = &l->pages[page % MOST];

	if (!p->here) {
		p->here = true;
		p->age = p->was_dropped ? FZ_WORKSET_STICKY : 0;
		l->returned += p->was_dropped;
		p->was_dropped = false;
		l->populated++;
		l->cost += FAULT;
		l->faults++;
	}
	p->wrote |= writes;
}

static void reset(struct life *l)
{
	struct fz_workset_look look = { 0 };
	uint64_t slot = 0;
	unsigned int i;
	bool due;

	if (l->populated > l->most_populated)
		l->most_populated = l->populated;
	due = fz_workset_due(&l->ws, l->populated);
	if (due) {
		fz_workset_begin(&l->ws, l->populated, l->returned, &prices,
				 &look);
		l->returned = 0;
	}
	for (i = 0; i < MOST; i++) {
		struct page *p = &l->pages[i];
		bool looked;

		if (!p->here)
			continue;
		looked = slot >= look.first && slot < look.end;
		slot++;
		if (!looked) {
			l->cost += CLEAR;
		} else {
			l->cost += p->wrote ? LOOK + CLEAR : LOOK_ZERO;
			if (fz_workset_goes(&look, &p->age, !p->wrote)) {
				p->here = false;
				p->was_dropped = true;
				l->populated--;
				l->dropped++;
				l->cost += DROP;
			}
		}
		p->wrote = false;
	}
	if (due)
		fz_workset_end(&l->ws, l->populated, &look);
}

static struct life *life(void)
{
	return calloc(1, sizeof(struct life));
}

/* A set that stays costs next to nothing, and none of it goes. */
static unsigned int test_steady(void)
{
	struct life *l = life();
	unsigned int wrong, i, n;

	for (n = 0; n < 200; n++) {
		if (n == 3)
			l->cost = 0;
		for (i = 0; i < SET; i++)
			touch(l, i * 7, true);
		reset(l);
	}
	wrong = l->dropped || l->faults != SET ||
		l->cost > 197ULL * (SET * CLEAR + 200);
	free(l);
	return wrong;
}

/* A tenth of the set is another in each cycle. */
static unsigned int test_drifting(void)
{
	struct life *l = life();
	unsigned int wrong, i, n;
	uint64_t best;

	for (n = 0; n < 60; n++) {
		if (n == 10)
			l->cost = 0;
		for (i = 0; i < SET; i++)
			touch(l, n * (SET / 10) + i, true);
		reset(l);
	}
	/* Known beforehand: clear the set, drop and fault what changes. */
	best = 50ULL * (SET * CLEAR + SET / 10 * (DROP + FAULT));
	wrong = l->cost * 100 > best * 140;
	wrong += l->most_populated * 2 > SET * 3;
	free(l);
	return wrong;
}

/* Two sets in turn are both kept: that is cheaper than to fault each time. */
static unsigned int test_alternating(void)
{
	struct life *l = life();
	unsigned int wrong, i, n;

	for (n = 0; n < 100; n++) {
		for (i = 0; i < SET; i++)
			touch(l, i + n % 2 * SET, true);
		reset(l);
	}
	wrong = l->faults != 2 * SET || l->dropped;
	wrong += l->cost > 2ULL * SET * FAULT + 100ULL * 2 * SET * CLEAR * 102 / 100;
	free(l);
	return wrong;
}

/* After one large run small ones are cheap again soon. */
static unsigned int large_run(unsigned int at, unsigned int runs)
{
	struct life *l = life();
	unsigned int wrong, i, n;

	for (n = 0; n < runs; n++) {
		for (i = 0; i < (n == at ? 4000 : 20); i++)
			touch(l, i, true);
		reset(l);
	}
	wrong = l->populated > 100;
	free(l);
	return wrong;
}

static unsigned int test_one_large_run(void)
{
	/* Seen at once, or by one of the looks that come by and by. */
	return large_run(2, 10) + large_run(0, 24);
}

/* Pages that are only read look untouched: they are tried, and kept. */
static unsigned int test_read_only(void)
{
	struct life *l = life();
	unsigned int wrong, i, n;

	for (n = 0; n < 100; n++) {
		if (n == 1)
			l->cost = 0;
		for (i = 0; i < SET; i++)
			touch(l, i, false);
		reset(l);
	}
	wrong = l->cost > 99ULL * SET * CLEAR * 102 / 100;
	wrong += l->faults > SET + SET / 4;
	free(l);
	return wrong;
}

/* Whatever happens, no more goes than is there, and no sum goes round. */
static unsigned int test_random(void)
{
	struct life *l = life();
	unsigned int wrong = 0, n, i;

	for (n = 0; n < 2000; n++) {
		unsigned int nr = random_number() % 3 ? random_number() % 50 :
				  random_number() % MOST;
		unsigned int at = random_number() % MOST;

		for (i = 0; i < nr; i++)
			touch(l, at + i * (1 + n % 5), random_number() % 8);
		reset(l);
		wrong += l->ws.returned > l->ws.dropped ||
			 l->ws.dropped > 1 << 20;
	}
	free(l);
	return wrong;
}

int main(void)
{
	test("a set that stays", test_steady);
	test("a drifting set", test_drifting);
	test("two sets in turn", test_alternating);
	test("one large run", test_one_large_run);
	test("a set that is only read", test_read_only);
	test("random lives", test_random);
	return test_end();
}

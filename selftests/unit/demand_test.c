// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Unit tests of demand.c: the demand of runs is remembered for a while, and then
 * forgotten.
 */
#include <stdbool.h>

#include "demand.h"
#include "unit.h"

#define LIFE	(FZ_DEMAND_HOLD + FZ_DEMAND_FADE + 1)
#define LISTS	2000
#define STEPS	50

/* A run takes @nr folios, and gives them back. */
static void run(struct fz_demand *d, uint64_t tick, uint64_t nr)
{
	fz_demand_take(d, tick, nr);
	fz_demand_give(d, tick, nr);
}

static unsigned int test_new(void)
{
	struct fz_demand d = { };

	return fz_demand_keep(&d, 0) + fz_demand_ahead(&d, 0) +
	       fz_demand_keep(&d, 1000000) + fz_demand_ahead(&d, 1000000);
}

/*
 * The demand holds in full, then fades with each tick, then is 0, at any time of the
 * day.
 */
static unsigned int test_fades(void)
{
	const uint64_t amounts[] = { 1, 2, 3, 5, 7, 100, 581, 1 << 20 };
	unsigned int wrong = 0;
	uint64_t begin, i, at;

	for (i = 0; i < ARRAY_SIZE(amounts); i++) {
		for (begin = 0; begin < 40; begin++) {
			struct fz_demand d = { };
			uint64_t last = amounts[i];

			run(&d, begin, amounts[i]);
			for (at = begin; at < begin + 2 * LIFE; at++) {
				uint64_t keep = fz_demand_keep(&d, at);

				wrong += keep > last;
				wrong += at <= begin + FZ_DEMAND_HOLD &&
					 keep != amounts[i];
				wrong += at >= begin + LIFE && keep;
				last = keep;
			}
		}
	}
	return wrong;
}

/* A demand that comes again in time is never forgotten. */
static unsigned int test_holds(void)
{
	unsigned int wrong = 0;
	uint64_t at;

	for (uint64_t every = 1; every <= FZ_DEMAND_HOLD; every++) {
		struct fz_demand d = { };

		for (at = 0; at < 200; at++) {
			if (!at)
				run(&d, at, 1000);
			if (at % every == 0) {
				run(&d, at, 300);
				fz_demand_want(&d, at, 200);
			}
			wrong += fz_demand_keep(&d, at) < 300;
			wrong += at >= LIFE && fz_demand_keep(&d, at) != 300;
			wrong += fz_demand_ahead(&d, at) != 200;
		}
	}
	return wrong;
}

/* After a large run come small ones: only their demand is left. */
static unsigned int test_settles(void)
{
	struct fz_demand d = { };
	unsigned int wrong = 0;
	uint64_t at;

	run(&d, 0, 10000);
	for (at = 1; at < 100; at++) {
		run(&d, at, 30);
		wrong += fz_demand_keep(&d, at) < 30;
		wrong += at >= LIFE && fz_demand_keep(&d, at) != 30;
	}
	return wrong;
}

/* A slow run counts as one, and so do folios that are reused quickly. */
static unsigned int test_at_once(void)
{
	struct fz_demand slow = { }, quick = { };
	unsigned int wrong = 0;
	uint64_t i;

	for (i = 0; i < FZ_DEMAND_SPAN; i++)
		fz_demand_take(&slow, 100 + i, 10);
	wrong += fz_demand_keep(&slow, 100 + i) != 10 * FZ_DEMAND_SPAN;
	for (i = 0; i < 1000; i++)
		run(&quick, 7, 10);
	wrong += fz_demand_keep(&quick, 7) != 10;
	/* Two at the same time are not. */
	fz_demand_take(&quick, 8, 10);
	fz_demand_take(&quick, 8, 10);
	wrong += fz_demand_keep(&quick, 8) != 20;
	return wrong;
}

/* Only folios that resets wanted are allocated ahead; all of the demand may be kept. */
static unsigned int test_ahead(void)
{
	struct fz_demand d = { };
	unsigned int wrong = 0;

	fz_demand_take(&d, 3, 100);
	wrong += fz_demand_ahead(&d, 3) != 0;
	fz_demand_want(&d, 3, 500);
	fz_demand_want(&d, 3, 20);
	wrong += fz_demand_ahead(&d, 3) != 500;
	wrong += fz_demand_keep(&d, 3) != 500;
	fz_demand_forget(&d);
	wrong += fz_demand_keep(&d, 3) != 0;
	wrong += fz_demand_ahead(&d, 3) != 0;
	fz_demand_take(&d, 3, 5);
	wrong += fz_demand_keep(&d, 3) != 5;
	return wrong;
}

/* A clock that two processors read in another order than they get the lock. */
static unsigned int test_backwards(void)
{
	struct fz_demand d = { };

	run(&d, 50, 10);
	run(&d, 49, 20);
	return (fz_demand_keep(&d, 48) != 20) + (d.tick != 50) +
	       (fz_demand_keep(&d, 50 + LIFE) != 0);
}

/*
 * Against all that was done, remembered: the most that was out at once, of any
 * tick from which on it may still be known, and never more than there was.
 */
static unsigned int test_random(void)
{
	static uint64_t out[STEPS];
	unsigned int wrong = 0;
	int list, i, k;

	for (list = 0; list < LISTS; list++) {
		uint64_t tick = random_number() % 1000, now = 0, most, recent;
		static uint64_t when[STEPS];
		static bool taken[STEPS];
		struct fz_demand d = { .tick = tick };

		for (i = 0; i < STEPS; i++) {
			uint64_t nr = 1 + random_number() % 100;

			tick += random_number() % 3 ? 0 : random_number() % 4;
			taken[i] = random_number() % 2;
			if (taken[i]) {
				now += nr;
				fz_demand_take(&d, tick, nr);
			} else {
				nr = nr < now ? nr : now;
				now -= nr;
				fz_demand_give(&d, tick, nr);
			}
			out[i] = now;
			when[i] = tick;
			most = recent = 0;
			for (k = 0; k <= i; k++) {
				uint64_t rise = 0;
				int from;

				/* Since a low of the last ticks before it. */
				for (from = k; from >= 0; from--) {
					uint64_t low = from ? out[from - 1] : 0;

					if (when[from] + FZ_DEMAND_SPAN <= when[k])
						break;
					if (out[k] > low && out[k] - low > rise)
						rise = out[k] - low;
				}
				if (taken[k] && when[k] + FZ_DEMAND_HOLD >= tick &&
				    rise > recent)
					recent = rise;
				if (when[k] + 2 * LIFE + FZ_DEMAND_SPAN >= tick &&
				    out[k] > most)
					most = out[k];
			}
			wrong += fz_demand_keep(&d, tick) > most;
			wrong += fz_demand_keep(&d, tick) < recent;
		}
	}
	return wrong;
}

int main(void)
{
	test("there is no demand at first", test_new);
	test("demand is held, fades, and is gone", test_fades);
	test("repeated demand is not forgotten", test_holds);
	test("a large demand gives way to small ones", test_settles);
	test("demand is the number needed at once", test_at_once);
	test("only wanted folios are allocated ahead", test_ahead);
	test("time does not go backwards", test_backwards);
	test("demand never exceeds the folios taken", test_random);
	return test_end();
}

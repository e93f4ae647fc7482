// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Unit tests of cost.c: the inequality, and its known properties.
 */
#include <stdbool.h>

#include "cost.h"
#include "unit.h"

#define RATIOS	5000
#define CHUNKS	200

static struct fz_cost random_cost(void)
{
	struct fz_cost cost = {
		.span = 1 + random_number() % 512,
		.begun = random_number() % 2,
	};

	cost.pages = 1 + random_number() % cost.span;
	return cost;
}

static uint32_t random_ratio(void)
{
	return 1 + random_number() % (random_number() % 4 ? 1000 : FZ_RATIO_MOST);
}

/* Fewer than these are not asked for at all. */
static unsigned int test_few(void)
{
	unsigned int i, k, wrong = 0;

	for (i = 0; i < RATIOS; i++) {
		uint32_t ratio = random_ratio();

		for (k = 0; k < CHUNKS; k++) {
			struct fz_cost cost = random_cost();

			cost.begun = false;
			wrong += fz_cost_few(ratio, cost.pages) &&
				 fz_cost_swaps(ratio, &cost);
		}
	}
	return wrong;
}

/* A dearer clear, more pages in the same span, a flush that is due: never less swaps. */
static unsigned int test_monotone(void)
{
	unsigned int i, wrong = 0;

	for (i = 0; i < RATIOS * 20; i++) {
		uint32_t ratio = random_ratio();
		struct fz_cost cost = random_cost(), more = cost;

		if (!fz_cost_swaps(ratio, &cost))
			continue;
		if (ratio < FZ_RATIO_MOST)
			wrong += !fz_cost_swaps(ratio + 1, &cost);
		more.pages += more.pages < more.span;
		wrong += !fz_cost_swaps(ratio, &more);
		more = cost;
		more.begun = true;
		wrong += !fz_cost_swaps(ratio, &more);
		more = cost;
		more.span -= more.span > more.pages;
		wrong += !fz_cost_swaps(ratio, &more);
	}
	return wrong;
}

/* On a host where a clear costs its instructions, and on one where it waits for memory. */
static unsigned int test_known(void)
{
	struct fz_cost dense = { .pages = 512, .span = 512 };
	struct fz_cost sparse = { .pages = 18, .span = 490, .begun = true };
	struct fz_cost chunk = { .pages = 512, .mappings = 1 };
	struct fz_cost many = { .pages = 512, .mappings = 1000 };
	struct fz_cost one = { .pages = 1, .mappings = 1 };

	return (fz_cost_clear(100, 1) != FZ_COST_CLEAR) +
	       !fz_cost_swaps(100, &dense) + fz_cost_swaps(50, &dense) +
	       !fz_cost_swaps(400, &dense) +
	       fz_cost_swaps(100, &sparse) + fz_cost_swaps(200, &sparse) +
	       !fz_cost_swaps(100, &chunk) + fz_cost_swaps(100, &many) +
	       fz_cost_swaps(100, &one) +
	       /* The first touch of a page that is not in the caches. */
	       (fz_cost_swap(300, &one) - fz_cost_swap(100, &one) != FZ_COST_CLEAR);
}

int main(void)
{
	test("few pages are never worth a flush", test_few);
	test("the inequality is monotone", test_monotone);
	test("dense and sparse, fast and slow hosts", test_known);
	return test_end();
}

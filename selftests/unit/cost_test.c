// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Unit tests of cost.c: whatever the prices are, what is chosen is the cheapest.
 */
#include <stdbool.h>

#include "cost.h"
#include "unit.h"

#define LISTS	5000
#define CHUNKS	200

static uint32_t some(uint32_t most)
{
	return random_number() % (random_number() % 3 ? most : most / 64 + 1);
}

static struct fz_prices random_prices(void)
{
	return (struct fz_prices){
		.clear = some(2000000), .swap = some(2000000),
		.swap_span = some(200000), .swap_run = some(20000000),
		.drop = some(2000000), .refault = some(3000000),
		.refault_guest = some(6000000),
	};
}

static struct fz_cost_chunk random_chunk(void)
{
	struct fz_cost_chunk chunk = { .span = 1 + some(512) };

	chunk.pages = 1 + some(chunk.span);
	if (chunk.pages > chunk.span)
		chunk.pages = chunk.span;
	chunk.ready = random_number() % 2 ? some(600) : 1 << 20;
	chunk.again = random_number() % 2 ? FZ_AGAIN_ALL : random_number() % 257;
	chunk.begun = random_number() % 2;
	chunk.shared = random_number() % 2;
	chunk.total = random_number() % 4 == 0;
	return chunk;
}

/* Page by page, as a reset and the run after it do it. */
static uint64_t slow_cost(const struct fz_prices *p, const struct fz_cost_chunk *c,
			  enum fz_way way)
{
	uint64_t touched = c->pages * c->again / 256;
	uint64_t fault = c->shared ? p->refault_guest : p->refault;
	uint64_t ready = c->ready;
	uint64_t cost = 0, left = 0;
	uint32_t i;

	for (i = 0; i < c->pages; i++) {
		if (way == FZ_INPLACE || (way == FZ_SWAP && !ready)) {
			cost += p->clear;
			continue;
		}
		cost += way == FZ_SWAP ? p->swap : p->drop;
		ready -= way == FZ_SWAP;
		left++;
	}
	for (i = 0; way == FZ_SWAP && i < c->span; i++)
		cost += p->swap_span;
	if (way != FZ_INPLACE && !c->begun)
		cost += p->swap_run;
	if (way == FZ_SWAP)
		touched = c->shared ? left * c->again / 256 : 0;
	if (way != FZ_INPLACE)
		for (i = 0; i < touched; i++) {
			cost += fault;
			if (way == FZ_DROP && i >= c->ready)
				cost += p->clear;
		}
	for (i = 0; c->total && i < left; i++)
		cost += p->clear;
	return cost;
}

static unsigned int test_cheapest(void)
{
	unsigned int chosen[FZ_WAYS] = { 0 };
	unsigned int wrong = 0;
	enum fz_way way;
	int list, i;

	for (list = 0; list < LISTS; list++) {
		struct fz_prices p = random_prices();

		for (i = 0; i < CHUNKS; i++) {
			struct fz_cost_chunk c = random_chunk();
			uint64_t took;

			way = fz_cost_choose(&p, &c);
			took = slow_cost(&p, &c, way);
			chosen[way]++;
			for (way = 0; way < FZ_WAYS; way++) {
				uint64_t cost = slow_cost(&p, &c, way);

				wrong += fz_cost(&p, &c, way) != cost;
				wrong += took > cost;
			}
		}
	}
	/* Or it would not say much. */
	for (way = 0; way < FZ_WAYS; way++)
		wrong += chosen[way] < LISTS * CHUNKS / 50;
	return wrong;
}

/* What is left out without a look at the ways is never the cheapest. */
static unsigned int test_short_cuts(void)
{
	unsigned int few = 0, mapped = 0, wrong = 0;
	int list, i;

	for (list = 0; list < LISTS; list++) {
		struct fz_prices p = random_prices();

		for (i = 0; i < CHUNKS; i++) {
			struct fz_cost_chunk c = random_chunk();

			/* Of a reset as a whole, whose pages are mapped. */
			c.begun = false;
			c.again = FZ_AGAIN_ALL;
			if (fz_cost_too_few(&p, c.pages)) {
				few++;
				wrong += fz_cost_choose(&p, &c) != FZ_INPLACE;
			}
			if (c.total)
				wrong += fz_cost_choose(&p, &c) != FZ_INPLACE;
			c.shared = true;
			if (!fz_cost_may_unmap(&p)) {
				mapped++;
				wrong += fz_cost_choose(&p, &c) != FZ_INPLACE;
			}
		}
	}
	return wrong + (few < LISTS) + (mapped < LISTS);
}

/* The largest pages there can be do not go round. */
static unsigned int test_no_overflow(void)
{
	const struct fz_prices p = { ~0u, ~0u, ~0u, ~0u, ~0u, ~0u, ~0u };
	const struct fz_cost_chunk c = {
		.pages = 1 << 20, .span = 1 << 20, .ready = 7,
		.again = FZ_AGAIN_ALL, .shared = true, .total = true,
	};
	const uint64_t all = (uint64_t)~0u << 20;

	return (fz_cost(&p, &c, FZ_INPLACE) != all) +
	       (fz_cost(&p, &c, FZ_SWAP) != 2 * all + ~0u + 14ull * ~0u) +
	       (fz_cost(&p, &c, FZ_DROP) != 4 * all + ~0u - 7ull * ~0u);
}

/* Prices as they are: what must be so for this to be of any use. */
static unsigned int test_real(void)
{
	const struct fz_prices *p = &fz_prices_fixed;
	struct fz_cost_chunk dense = { .pages = 512, .span = 512, .ready = 512,
				       .again = FZ_AGAIN_ALL };
	struct fz_cost_chunk few = { .pages = 4, .span = 4, .ready = 512,
				     .again = FZ_AGAIN_ALL };
	struct fz_cost_chunk sparse = { .pages = 18, .span = 490, .ready = 512,
					.again = FZ_AGAIN_ALL, .begun = true };
	struct fz_cost_chunk empty = { .pages = 512, .span = 512, .ready = 0,
				       .again = FZ_AGAIN_ALL, .begun = true };
	struct fz_cost_chunk guest = dense;
	struct fz_cost_chunk late = dense;

	guest.shared = true;
	late.total = true;
	return (fz_cost_choose(p, &dense) != FZ_SWAP) +
	       (fz_cost_choose(p, &few) != FZ_INPLACE) +
	       (fz_cost_choose(p, &sparse) != FZ_INPLACE) +
	       (fz_cost_choose(p, &empty) != FZ_INPLACE) +
	       (fz_cost_choose(p, &guest) != FZ_INPLACE) +
	       (fz_cost_choose(p, &late) != FZ_INPLACE) +
	       fz_cost_may_unmap(p);
}

int main(void)
{
	test("it always takes the cheapest way", test_cheapest);
	test("short cuts lead to the same", test_short_cuts);
	test("no sum overflows", test_no_overflow);
	test("the real prices tell dense from sparse, and guests", test_real);
	return test_end();
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The cost model: which way is the cheapest.
 */
#include "cost.h"

/*
 * Thousandths of an instruction on Linux 6.1 (docs/engine.md): what prices.c begins
 * with, and what its measurements are multiples of.
 */
const struct fz_prices fz_prices_fixed = {
	.clear		= 541000,
	.swap		= 270000,
	.swap_span	= 66000,
	.swap_run	= 6500000,
	.drop		= 650000,
	.refault	= 2500000,
	.refault_guest	= 5750000,
};

static u64 cost_least(u64 a, u64 b)
{
	return a < b ? a : b;
}

/* What pages that left cost when they are touched again. */
static u64 cost_faults(const struct fz_prices *prices,
		       const struct fz_cost_chunk *chunk, u64 left, u64 ready)
{
	u64 again = left * chunk->again / FZ_AGAIN_ALL;
	u64 fault = chunk->shared ? prices->refault_guest : prices->refault;

	return again * fault + (again - cost_least(again, ready)) * prices->clear;
}

/**
 * fz_cost() - what it costs to make pages zero by a way
 * @prices: prices
 * @chunk: the pages; with FZ_SWAP, those that nothing is ready for are cleared
 * @way: the way
 *
 * Return: the cost, with that of touching them again.
 */
u64 fz_cost(const struct fz_prices *prices, const struct fz_cost_chunk *chunk,
	    enum fz_way way)
{
	u64 cost = chunk->begun ? 0 : prices->swap_run;
	u64 left = chunk->pages;

	switch (way) {
	case FZ_SWAP:
		left = cost_least(chunk->ready, chunk->pages);
		cost += left * prices->swap + chunk->span * prices->swap_span +
			(chunk->pages - left) * prices->clear;
		/* Others have taken their place already. */
		if (chunk->shared)
			cost += cost_faults(prices, chunk, left, left);
		break;
	case FZ_DROP:
		cost += left * prices->drop +
			cost_faults(prices, chunk, left, chunk->ready);
		break;
	default:
		return left * prices->clear;
	}
	return chunk->total ? cost + left * prices->clear : cost;
}

/**
 * fz_cost_choose() - the cheapest way
 * @prices: prices
 * @chunk: the pages
 *
 * Return: it; the one that changes less, if two cost the same.
 */
enum fz_way fz_cost_choose(const struct fz_prices *prices,
			   const struct fz_cost_chunk *chunk)
{
	u64 least = fz_cost(prices, chunk, FZ_INPLACE);
	u64 swap = fz_cost(prices, chunk, FZ_SWAP);
	enum fz_way way = FZ_INPLACE;

	if (swap < least) {
		least = swap;
		way = FZ_SWAP;
	}
	return fz_cost(prices, chunk, FZ_DROP) < least ? FZ_DROP : way;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two ways to do the same work.  The cheaper one is used, and the other one is tried
 * now and then, the less often the longer it has been the dearer one.
 */
#include "choice.h"

/* Cheaper by less than one part in so many is no reason to change: no flapping. */
#define CHOICE_STEP	16
/* What a dearer sample weighs: interrupts make some dearer, and nothing cheaper. */
#define CHOICE_WEIGHT	8

static void choice_measure(u64 *price, u64 sample)
{
	if (!*price)
		*price = sample;
	else if (sample < *price)
		*price = (*price + sample) / 2;
	else
		*price += ((sample < *price * 2 ? sample : *price * 2) - *price +
			   CHOICE_WEIGHT - 1) / CHOICE_WEIGHT;
}

/**
 * fz_choice_add() - a piece of work is done
 * @c: the choice
 * @way: by this way, which is not always the one that was chosen
 * @work: how much it was, not 0
 * @ns: how long it took, below 2^53
 */
void fz_choice_add(struct fz_choice *c, bool way, u64 work, u64 ns)
{
	u64 sample = ns * 1024 / work;

	choice_measure(&c->price[way], sample ? sample : 1);
	if (way == c->best) {
		c->trying = ++c->since > c->pause;
		return;
	}
	c->trying = false;
	c->since = 0;
	c->pause = c->pause * 2 < FZ_CHOICE_LATE ? c->pause * 2 : FZ_CHOICE_LATE;
	if (c->pause < FZ_CHOICE_SOON)
		c->pause = FZ_CHOICE_SOON;
	if (c->price[way] + c->price[way] / CHOICE_STEP < c->price[!way]) {
		c->best = way;
		c->pause = FZ_CHOICE_SOON;
	}
}

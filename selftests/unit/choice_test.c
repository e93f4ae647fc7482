// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Unit tests of choice.c: the cheaper way is found and kept, and the other one is
 * tried seldom, but for ever.
 */
#include <stdbool.h>

#include "choice.h"
#include "unit.h"

#define WORK	32

/* Pieces of work at these prices, spoilt one in @spoilt; how many by way 1. */
static unsigned int work(struct fz_choice *c, unsigned int nr, const uint64_t *price,
			 unsigned int spoilt)
{
	unsigned int ones = 0;

	while (nr--) {
		bool way = fz_choice_way(c);
		uint64_t ns = WORK * price[way];

		if (spoilt && !(random_number() % spoilt))
			ns *= 1000;
		else
			ns += ns * (random_number() % 100) / 1000;
		fz_choice_add(c, way, WORK, ns);
		ones += way;
	}
	return ones;
}

/* Whichever is cheaper, by a third or more, and from the beginning. */
static unsigned int test_finds(void)
{
	unsigned int wrong = 0;
	int i;

	for (i = 0; i < 2000; i++) {
		uint64_t base = 10 + random_number() % 1000;
		const uint64_t one[] = { base * 3 / 2, base };
		const uint64_t zero[] = { base, base * 3 / 2 };
		struct fz_choice c = { };

		work(&c, 200, one, 0);
		wrong += !c.best;
		wrong += work(&c, 1000, one, 0) < 970;
		work(&c, 10000, zero, 0);
		wrong += c.best;
		wrong += work(&c, 1000, zero, 0) > 30;
	}
	return wrong;
}

/* One in twenty is interrupted. */
static unsigned int test_spoilt(void)
{
	const uint64_t one[] = { 150, 60 };
	unsigned int wrong = 0, ones = 0;
	int i;

	for (i = 0; i < 200; i++) {
		struct fz_choice c = { };

		work(&c, 10000, one, 20);
		ones += work(&c, 1000, one, 20);
		wrong += !c.price[0] || !c.price[1];
	}
	return wrong + (ones < 200 * 1000 * 9 / 10);
}

/* What is the dearer one for long is tried at least so often, and at most. */
static unsigned int test_tries(void)
{
	const uint64_t zero[] = { 100, 200 };
	struct fz_choice c = { };
	unsigned int wrong = 0, ones;

	ones = work(&c, 500, zero, 0);
	wrong += ones < 2 || ones > 6;
	work(&c, 100000, zero, 0);
	ones = work(&c, 100 * (FZ_CHOICE_LATE + 2), zero, 0);
	return wrong + (ones < 99 || ones > 101);
}

/* Ways that cost the same are not changed for one another. */
static unsigned int test_does_not_flap(void)
{
	const uint64_t same[] = { 100, 102 };
	struct fz_choice c = { };
	unsigned int wrong = 0;
	bool best;
	int i;

	work(&c, 1000, same, 0);
	best = c.best;
	for (i = 0; i < 1000; i++) {
		work(&c, 100, same, 0);
		wrong += c.best != best;
	}
	return wrong;
}

/* Whoever was told to use the other way may say what it cost, at any time. */
static unsigned int test_extremes(void)
{
	static const uint64_t values[] = { 0, 1, 1000, 1ull << 40, (1ull << 53) - 1 };
	struct fz_choice c = { };
	unsigned int wrong = 0;
	int i;

	for (i = 0; i < 1000000; i++) {
		bool way = random_number() % 2;

		fz_choice_add(&c, way, 1 + random_number() % 1000,
			      values[random_number() % 5]);
		wrong += !c.price[way] || c.price[way] > 1ull << 63;
		wrong += c.pause > FZ_CHOICE_LATE;
	}
	return wrong;
}

int main(void)
{
	test("the cheaper way is found", test_finds);
	test("spoilt samples", test_spoilt);
	test("the other one is tried", test_tries);
	test("it does not flap", test_does_not_flap);
	test("extremes", test_extremes);
	return test_end();
}

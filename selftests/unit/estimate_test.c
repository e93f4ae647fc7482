// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Unit tests of estimate.c: it finds the truth, and no spoilt sample poisons it.
 */
#include <stdbool.h>

#include "estimate.h"
#include "unit.h"

#define ONE	FZ_ESTIMATE_ONE

static bool is_near(uint32_t now, uint32_t is)
{
	return now >= is - is / 32 - 1 && now <= is + is / 32 + 1;
}

static unsigned int test_follows(void)
{
	static const uint32_t times[] = { 1, 2, 3, 7 };
	unsigned int wrong = 0;
	unsigned int i, k;

	for (i = 0; i < ARRAY_SIZE(times); i++) {
		struct fz_estimate up, down;

		fz_estimate_begin(&up, 1000, 1000);
		fz_estimate_begin(&down, 1000, 1000 * times[i]);
		wrong += up.now != ONE || down.now != ONE * times[i];
		for (k = 0; k < 60; k++) {
			fz_estimate_add(&up, 5000, 5000 * times[i]);
			fz_estimate_add(&down, 5000, 5000);
		}
		wrong += !is_near(up.now, ONE * times[i]);
		wrong += !is_near(down.now, ONE);
	}
	return wrong;
}

/* One sample in four was interrupted, by up to a second. */
static unsigned int test_spoilt(void)
{
	struct fz_estimate e;
	unsigned int wrong = 0;
	int i;

	fz_estimate_begin(&e, 100000, 100000);
	for (i = 0; i < 10000; i++) {
		uint64_t measured = 97000 + random_number() % 6000;

		if (random_number() % 4 == 0)
			measured += 1000000 + random_number() % 1000000000000;
		fz_estimate_add(&e, 100000, measured);
		wrong += !is_near(e.now, ONE);
	}
	return wrong;
}

/* But when all are like that, it is so; within bounds. */
static unsigned int test_odd(void)
{
	struct fz_estimate e;
	unsigned int wrong = 0;
	int i;

	fz_estimate_begin(&e, 1000, 1000);
	for (i = 0; i < 7; i++)
		fz_estimate_add(&e, 1000, 50000);
	wrong += e.now != ONE;
	for (i = 0; i < 200; i++)
		fz_estimate_add(&e, 1000, 50000);
	wrong += e.now != 8 * ONE;
	for (i = 0; i < 400; i++)
		fz_estimate_add(&e, 1000, i % 2);
	wrong += e.now > ONE / 8 + 1 || !e.now;
	for (i = 0; i < 100; i++)
		fz_estimate_fade(&e);
	wrong += !is_near(e.now, ONE);
	return wrong;
}

/* Small noise changes no price; what is told differs by 6 % from what was. */
static unsigned int test_does_not_flap(void)
{
	struct fz_estimate e;
	unsigned int wrong = 0;
	int i;

	fz_estimate_begin(&e, 1000, 1000);
	for (i = 0; i < 10000; i++) {
		fz_estimate_add(&e, 1000, 950 + random_number() % 101);
		wrong += fz_estimate_moved(&e);
		wrong += fz_estimate_price(&e, 541000) != 541000;
	}
	for (i = 0; i < 100; i++) {
		uint32_t before = e.told;

		fz_estimate_add(&e, 1000, 1500);
		if (fz_estimate_moved(&e))
			wrong += e.told < before + before / 16 || e.told != e.now;
		else
			wrong += e.told != before;
	}
	return wrong + !is_near(e.told, ONE * 3 / 2 * 97 / 100) +
	       (fz_estimate_price(&e, 1000) != 1000ull * e.told / ONE);
}

/* Whatever comes, it is neither 0 nor endless, and no price is 0 or goes round. */
static unsigned int test_extremes(void)
{
	static const uint64_t values[] = { 0, 1, 7, 1000, 1ull << 40, (1ull << 53) - 1 };
	unsigned int wrong = 0;
	int i;

	for (i = 0; i < 200000; i++) {
		struct fz_estimate e;
		int k;

		fz_estimate_begin(&e, values[1 + random_number() % 5],
				  values[random_number() % 6]);
		for (k = 0; k < 20; k++) {
			fz_estimate_add(&e, values[random_number() % 6],
					values[random_number() % 6]);
			fz_estimate_moved(&e);
			wrong += !e.now || e.now > e.begun * 8 || e.begun / 8 > e.now;
			wrong += !fz_estimate_price(&e, 1) ||
				 fz_estimate_price(&e, ~0u) < ~0u / ONE;
		}
	}
	return wrong;
}

int main(void)
{
	test("it follows what is measured", test_follows);
	test("a spoilt sample is left out", test_spoilt);
	test("many are believed, within bounds, and fade", test_odd);
	test("it does not flap", test_does_not_flap);
	test("extremes", test_extremes);
	return test_end();
}

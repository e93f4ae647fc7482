// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Unit tests of rate.c: a thread that asks before it works is never faster than the
 * rate, and not much slower.
 */
#include <stdbool.h>

#include "rate.h"
#include "unit.h"

#define MS	1000000ULL
#define RUNS	3000
#define STEPS	200

static unsigned int test_new(void)
{
	struct fz_rate r = { };

	return fz_rate_wait(&r, 0, 0) + fz_rate_wait(&r, 5, 1) +
	       fz_rate_wait(&r, ~0ULL, 1000);
}

static unsigned int test_no_bound(void)
{
	struct fz_rate r = { };
	unsigned int wrong = 0;
	int i;

	for (i = 0; i < 1000; i++) {
		fz_rate_spend(&r, i, 0, 1 << 30);
		wrong += fz_rate_wait(&r, i, 0) != 0;
	}
	return wrong;
}

/*
 * In steps of any size, oversleeping by up to two ticks: between any two times no more
 * than the rate, a burst and a step; and with work to do always, no less than nine
 * tenths of the rate.
 */
static unsigned int test_holds(void)
{
	unsigned int wrong = 0;
	int run, i, k;

	for (run = 0; run < RUNS; run++) {
		uint64_t rate = 1 + random_number() % (1ULL << (1 + random_number() % 32));
		uint64_t most = 1 + random_number() % 512;
		uint64_t begin = random_number() % (1ULL << 60);
		uint64_t at[STEPS], sum[STEPS];
		uint64_t now = begin, all = 0;
		struct fz_rate r = { };

		for (i = 0; i < STEPS; i++) {
			uint64_t wait, nr = 1 + random_number() % most;

			all += nr;
			at[i] = now;
			sum[i] = all;
			fz_rate_spend(&r, now, rate, nr);
			while ((wait = fz_rate_wait(&r, now, rate)))
				now += wait + random_number() % (FZ_RATE_BURST / 2);
		}
		for (i = 0; i < STEPS; i++)
			for (k = i; k < STEPS; k += 7) {
				double allowed = rate * ((double)(at[k] - at[i]) +
							 FZ_RATE_BURST) / 1e9 + 2 * most + 2;

				wrong += sum[k] - sum[i] > allowed * 1.000001 + STEPS;
			}
		/* The last step is paid for before the next may begin. */
		wrong += now > begin + FZ_RATE_BURST &&
			 all < rate * ((double)(now - begin) - FZ_RATE_BURST) / 1e9 * 0.9;
	}
	return wrong;
}

/* Rest is good for a burst, however long it was. */
static unsigned int test_burst(void)
{
	struct fz_rate r = { };
	uint64_t now = 1000 * MS;
	uint64_t done = 0;

	fz_rate_spend(&r, now, 1000, 1);
	now += 3600 * 1000 * MS;
	while (!fz_rate_wait(&r, now, 1000)) {
		fz_rate_spend(&r, now, 1000, 1);
		done++;
	}
	return done < 20 || done > 22;
}

/* A debt of centuries is forgiven with the rate that it was made by. */
static unsigned int test_change(void)
{
	struct fz_rate r = { };
	unsigned int wrong = 0;

	fz_rate_spend(&r, MS, 1, ~0u);
	wrong += fz_rate_wait(&r, MS, 1) != ~0u * FZ_RATE_SECOND;
	wrong += fz_rate_wait(&r, MS, 2) != 0;
	wrong += fz_rate_wait(&r, MS, 0) != 0;
	fz_rate_spend(&r, MS, 2, 1);
	wrong += fz_rate_wait(&r, MS, 2) != FZ_RATE_SECOND / 2;
	/* Back to the old rate, without any debt. */
	fz_rate_spend(&r, MS, 1, 1);
	wrong += fz_rate_wait(&r, MS, 1) != FZ_RATE_SECOND;
	return wrong;
}

int main(void)
{
	test("a new rate makes nobody wait", test_new);
	test("a rate of 0 is no bound", test_no_bound);
	test("the rate holds", test_holds);
	test("a burst after a rest", test_burst);
	test("another rate", test_change);
	return test_end();
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Unit tests of age.c. policy_test.c simulates the whole policy.
 */
#include "age.h"
#include "unit.h"

#define PAGES	200

static uint8_t ages[PAGES];

/* A reset has looked at a page; whether that goes. */
static bool saw(const struct fz_age *age, struct fz_age_look *look, uint8_t *page, bool hand,
		bool zero)
{
	if (zero)
		return fz_age_saw_zero(look, 1, hand) && fz_age_strike(age, look, page);
	fz_age_saw_written(look, 1, hand);
	*page = fz_age_written(*page);
	return false;
}

/* One reset that looks at all pages; how many go. */
static uint64_t reset(struct fz_age *age, bool run, unsigned int written)
{
	struct fz_age_look look;
	unsigned int i;

	age->credit = PAGES;
	fz_age_begin(age, PAGES, run, &look);
	for (i = 0; i < PAGES; i++)
		if (saw(age, &look, &ages[i], true, i >= written))
			ages[i] = 0;
	fz_age_end(age, &look);
	return look.gone;
}

/* Two strikes, some go first, and then more and more. */
static unsigned int test_strikes(void)
{
	static const uint64_t gone[] = { 0, 4, 8, 16 };
	struct fz_age age = { };
	unsigned int i, wrong = 0;

	memset(ages, 0, sizeof(ages));
	for (i = 0; i < ARRAY_SIZE(gone); i++)
		wrong += reset(&age, true, 10) != gone[i];
	return wrong;
}

/* Without a run AUTO learns nothing, however many resets there are. */
static unsigned int test_idle(void)
{
	struct fz_age age = { };
	unsigned int i, wrong = 0;

	memset(ages, 0, sizeof(ages));
	for (i = 0; i < 1000; i++)
		wrong += reset(&age, false, 0);
	for (i = 0; i < PAGES; i++)
		wrong += ages[i] != 0;
	return wrong;
}

/* Each time that it comes back soon it takes twice as many strikes to go, up to 256. */
static unsigned int test_back_off(void)
{
	struct fz_age age = { };
	struct fz_age_look look;
	unsigned int back, wrong = 0;

	for (back = 0; back <= FZ_AGE_MAX_BACK; back++) {
		uint8_t page = back ? fz_age_returned(back - 1, true) : 0;
		unsigned int looks = 0;
		bool goes;

		wrong += fz_age_back(page) != back;
		age.now = 0;
		do {
			fz_age_begin(&age, 1, true, &look);
			goes = saw(&age, &look, &page, false, true);
			age.now++;
			looks++;
		} while (!goes && looks < 1000);
		/* The first of them that counts may come at once. */
		wrong += looks > 2U << back || looks <= (back < 4 ? 1U : 1U << back);
	}
	wrong += fz_age_back(fz_age_returned(FZ_AGE_MAX_BACK, true)) != FZ_AGE_MAX_BACK;
	/* Away for long, it is as good as new. */
	wrong += fz_age_returned(3, false) != 0;
	return wrong;
}

/* If those that went come back, others wait longer instead, and few are tried. */
static unsigned int test_keep(void)
{
	struct fz_age age = { .went = 100 };
	unsigned int i, wrong = 0;
	uint64_t gone = 0;

	memset(ages, 0, sizeof(ages));
	fz_age_came_back(&age, 60);
	for (i = 0; i < 30; i++) {
		uint64_t now = reset(&age, true, 1);

		gone += now;
		fz_age_came_back(&age, now);
	}
	wrong += !gone || gone > 30;
	return wrong;
}

/* Eight pages that were written, at once: each byte as it would be alone. */
static unsigned int test_written(void)
{
	unsigned int age, at, wrong = 0;

	for (age = 0; age < 256; age++)
		for (at = 0; at < 64; at += 8) {
			uint64_t ages = ~(0xffULL << at) | (uint64_t)age << at;
			uint64_t now = fz_age_written_8(ages);

			wrong += (now >> at & 0xff) != fz_age_written(age);
			wrong += (now >> (at + 8) % 64 & 0xff) != fz_age_written(0xff);
		}
	return wrong;
}

/* The hand comes to every page, whatever the pages hold. */
static unsigned int test_hand(void)
{
	static bool seen[PAGES];
	struct fz_age age = { };
	struct fz_age_look look;
	unsigned int resets, i, wrong = 0;
	uint64_t n;

	memset(ages, 0, sizeof(ages));
	for (resets = 0; resets < 32; resets++) {
		if (!fz_age_due(&age, PAGES))
			continue;
		fz_age_begin(&age, PAGES, true, &look);
		for (n = 0; n < PAGES; n += 64) {
			uint64_t nr = PAGES - n < 64 ? PAGES - n : 64;

			if (!fz_age_turn(&look, n, nr))
				continue;
			for (i = 0; i < nr; i++) {
				seen[n + i] = true;
				saw(&age, &look, &ages[n + i], true, false);
			}
		}
		/* No more than it has saved up for. */
		wrong += look.written > FZ_AGE_GROUP + PAGES / FZ_AGE_PART + 1;
		fz_age_end(&age, &look);
	}
	for (i = 0; i < PAGES; i++)
		wrong += !seen[i];
	return wrong;
}

int main(void)
{
	test("pages go after two strikes, few first", test_strikes);
	test("idle resets teach nothing", test_idle);
	test("a page that comes back soon waits twice as long", test_back_off);
	test("pages that come back go one in 64", test_keep);
	test("written pages lose their strikes, also eight at a time", test_written);
	test("the hand comes to every page", test_hand);
	return test_end();
}

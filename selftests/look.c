// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * AUTO and INPLACE look at pages that were zero the last time, and clear pages that are
 * not.  They must find a single byte, anywhere in a page.
 */
#include "kselftest_harness.h"
#include "fz_fixture.h"

/* Whole groups of pages that are looked at together, and a part of one. */
#define PAGES	300
#define SIZE	(PAGES * fz_ps)

FZ_FIXTURE(look, SIZE, 0, FZ_ANY_PAGES)

FIXTURE_VARIANT(look) {
	uint32_t mode;
};

FIXTURE_VARIANT_ADD(look, auto) { .mode = FASTZERO_MODE_AUTO };
FIXTURE_VARIANT_ADD(look, inplace) { .mode = FASTZERO_MODE_INPLACE };

/* All pages are there and zero, and AUTO has seen that. */
static void settle(struct __test_metadata *_metadata, FIXTURE_DATA(look) *self)
{
	int i;

	for (i = 0; i < 20; i++) {
		ASSERT_ZERO(self->map, 0, SIZE);
		fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_AUTO);
	}
	ASSERT_ZERO(self->map, 0, SIZE);
}

/* Each page has its byte at another place.  One page of 16 has no byte. */
TEST_F(look, finds_a_byte_anywhere)
{
	uint64_t at, i;

	settle(_metadata, self);
	for (at = 0; at < fz_ps; at += PAGES) {
		for (i = 0; i < PAGES; i++)
			if (i % 16)
				self->map[i * fz_ps + (at + i) % fz_ps] = 1 << i % 8;
		fz_reset(self->fd, 0, SIZE, variant->mode);
		ASSERT_ZERO(self->map, 0, SIZE);
		/* Zero this time, so the next time they are looked at. */
		fz_reset(self->fd, 0, SIZE, variant->mode);
		ASSERT_ZERO(self->map, 0, SIZE);
	}
}

/* Runs that write take turns with runs that read. */
TEST_F(look, writing_and_reading_runs_alternate)
{
	uint64_t random = 1;
	int round;

	settle(_metadata, self);
	for (round = 0; round < 200; round++) {
		uint64_t i, writes = fz_random(&random) % 4;

		for (i = 0; i < PAGES; i++)
			if (fz_random(&random) % 4 < writes)
				self->map[i * fz_ps + fz_random(&random) % fz_ps] = 0xff;
		fz_reset(self->fd, 0, SIZE, variant->mode);
		ASSERT_ZERO(self->map, 0, SIZE);
	}
}

TEST_HARNESS_MAIN

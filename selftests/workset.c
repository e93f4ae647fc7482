// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The learned working set: AUTO takes back exactly the pages that runs do not write any
 * more.
 */
#include "kselftest_harness.h"
#include "fz_fixture.h"

#include <sys/uio.h>

#define PAGES	2000
#define SIZE	(PAGES * fz_ps)
#define FEW	40

FIXTURE(workset) {
	FZ_SCRATCH;
};

FIXTURE_SETUP(workset)
{
	ASSERT_EQ(0, fz_write_string(FZ_RATIO, FZ_RATIO_PLAIN));
	FZ_SCRATCH_SETUP(SIZE, 0, FASTZERO_PAGES_4K);
}

FIXTURE_TEARDOWN(workset)
{
	FZ_SCRATCH_TEARDOWN();
	EXPECT_EQ(0, fz_write_string(FZ_RATIO, "measured"));
}

/* Pages far apart, from the n-th on; a byte in the middle of each. */
static void run(unsigned char *map, int first, int nr)
{
	for (; nr--; first++)
		map[(size_t)(first * 7 % PAGES) * fz_ps + 2000] = 1;
}

#define POPULATED()	fz_stats(self->fd).out_populated
#define FAULTS()	fz_stats(self->fd).out_faults
#define AUTO()		fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_AUTO)

TEST_F(workset, written_pages_stay)
{
	int i;

	for (i = 0; i < 200; i++) {
		run(self->map, 0, 500);
		AUTO();
		ASSERT_EQ(500, POPULATED());
	}
	ASSERT_ZERO(self->map, 0, SIZE);
	EXPECT_EQ(0, fz_stats(self->fd).out_aged);
}

TEST_F(workset, pages_of_one_large_run_go)
{
	struct fastzero_reset r;
	uint64_t dropped = 0;
	int i;

	run(self->map, 0, 1900);
	for (i = 0; i < 24; i++) {
		run(self->map, 0, FEW);
		r = AUTO();
		dropped += r.out_dropped;
		EXPECT_EQ(0, r.out_held + r.out_swapped);
	}
	EXPECT_LE(FEW, POPULATED());
	EXPECT_GT(2 * FEW, POPULATED());
	EXPECT_EQ(1900 - POPULATED(), dropped);
	EXPECT_EQ(dropped, fz_stats(self->fd).out_aged);
	EXPECT_EQ(dropped, fz_stats(self->ctx).out_aged);
	EXPECT_EQ(0, fz_stats(self->fd).out_returned);
	ASSERT_ZERO(self->map, 0, SIZE);
	/* They come back, and that is seen. */
	run(self->map, 0, 1900);
	EXPECT_EQ(dropped, fz_stats(self->fd).out_returned);
	AUTO();
	ASSERT_ZERO(self->map, 0, SIZE);
}

/* A hole punch of less than a page forgets nothing. */
TEST_F(workset, punch_of_a_part_forgets_nothing)
{
	int i;

	run(self->map, 0, 1900);
	for (i = 0; i < 24; i++) {
		run(self->map, 0, FEW);
		AUTO();
	}
	EXPECT_EQ(0, fz_raw_clear(self->fd, 0, 100, FZ_PUNCH));
	run(self->map, 0, 1900);
	EXPECT_EQ(fz_stats(self->fd).out_aged, fz_stats(self->fd).out_returned);
}

/* Pages that are kept are not unmapped because others go. */
TEST_F(workset, kept_pages_stay_mapped)
{
	uint64_t faults;
	int i;

	run(self->map, 0, 1900);
	faults = FAULTS();
	for (i = 0; i < 24; i++) {
		run(self->map, 0, FEW);
		AUTO();
	}
	EXPECT_EQ(faults, FAULTS());
}

/* Pages that are only read look unused; that they are not is found out with a few. */
TEST_F(workset, read_pages_come_back)
{
	volatile unsigned char *map = self->map;
	unsigned int sum = 0;
	uint64_t faults;
	int i, page;

	for (i = 0; i < 30; i++) {
		for (page = 0; page < 1000; page++)
			sum += map[(size_t)page * fz_ps];
		self->map[1000 * fz_ps] = 1;
		AUTO();
	}
	EXPECT_EQ(0, sum);
	EXPECT_LT(0, fz_stats(self->fd).out_returned);
	faults = FAULTS() - 1001;
	EXPECT_GT(100, faults);
	EXPECT_LE(900, POPULATED());
}

TEST_F(workset, two_sets_in_turn_stay)
{
	int i;

	for (i = 0; i < 60; i++) {
		run(self->map, i % 2 * 500, 500);
		AUTO();
	}
	EXPECT_EQ(1000, POPULATED());
	EXPECT_EQ(1000, FAULTS());
}

/* Resets by a named mode, of a part, or by a bitmap teach AUTO nothing. */
TEST_F(workset, only_auto_learns)
{
	uint64_t bitmap[(PAGES + 63) / 64];
	int i;

	memset(bitmap, 0xff, sizeof(bitmap));
	run(self->map, 0, 1900);
	for (i = 0; i < 10; i++) {
		fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_INPLACE);
		fz_reset(self->fd, 0, SIZE - fz_ps, FASTZERO_MODE_AUTO);
		fz_reset_dirty(self->fd, 0, SIZE, FASTZERO_MODE_AUTO, bitmap,
			       sizeof(bitmap));
	}
	EXPECT_EQ(1900, POPULATED());
}

/* A page in a pipe is in use. */
TEST_F(workset, held_pages_stay)
{
	struct iovec vec;
	int fds[2], i;

	run(self->map, 0, 1900);
	AUTO();
	vec.iov_base = self->map + 7 * 1500 % PAGES * fz_ps;
	vec.iov_len = fz_ps;
	ASSERT_EQ(0, pipe(fds));
	ASSERT_EQ(fz_ps, vmsplice(fds[1], &vec, 1, 0));
	for (i = 0; i < 24; i++) {
		run(self->map, 0, FEW);
		EXPECT_EQ(1, AUTO().out_held);
	}
	EXPECT_GT(2 * FEW, POPULATED());
	EXPECT_EQ(0, fz_stats(self->ctx).out_pool_held);
}

TEST_HARNESS_MAIN

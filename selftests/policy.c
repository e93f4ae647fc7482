// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * AUTO's policy as in docs/policy.md: the situations of that page, in its order, checked
 * against the tracepoints and the counters.
 */
#include "kselftest_harness.h"
#include "fz_fixture.h"
#include "fz_trace.h"

#include <fcntl.h>
#include <sys/uio.h>

#define PAGES	16384			/* 64 MiB */
#define SIZE	(PAGES * fz_ps)
#define LIVE	64
#define READY	700

FIXTURE(policy) {
	FZ_SCRATCH;
	char line[1024];
};

FIXTURE_SETUP(policy)
{
	TRACE_BEGIN();
	FZ_SCRATCH_SETUP(SIZE, 0, FASTZERO_PAGES_4K);
}

FIXTURE_TEARDOWN(policy)
{
	FZ_SCRATCH_TEARDOWN();
	TRACE_END();
}

/* A run: it writes pages, far apart or side by side, and reads others. */
static void writes(unsigned char *map, size_t nr, size_t step)
{
	size_t i;

	for (i = 0; i < nr; i++)
		map[i * step % PAGES * fz_ps + 100] = 1;
}

static unsigned int reads(volatile unsigned char *map, size_t nr)
{
	unsigned int sum = 0;
	size_t i;

	for (i = 0; i < nr; i++)
		sum += map[i * fz_ps];
	return sum;
}

#define AUTO()		fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_AUTO)
#define POPULATED()	fz_stats(self->fd).out_populated
#define FRESH_LOG()	ASSERT_EQ(0, write_file(LOG, ""))

/* 1: so few pages that a flush costs more are cleared, although ready ones are there. */
TEST_F(policy, s01_few_pages)
{
	fz_pool(self->ctx, READY, FASTZERO_POOL_WAIT);
	writes(self->map, 10, 1);
	AUTO();
	ASSERT_LINES(1, "way=inplace why=few populated=10 cleared=10");
}

/* 2: pages of a process side by side, with as many ready: swapped. */
TEST_F(policy, s02_dense_process)
{
	FZ_MOVES_PTES_OR_SKIP();
	writes(self->map, 600, 1);
	fz_pool(self->ctx, READY, FASTZERO_POOL_WAIT);
	AUTO();
	ASSERT_LINES(1, "way=swap why=price populated=600 cleared=0 swapped=600");
}

/* A choice for a part of the scratch says nothing about all of it. */
TEST_F(policy, s02_after_a_part)
{
	FZ_MOVES_PTES_OR_SKIP();
	writes(self->map, 600, 1);
	fz_pool(self->ctx, READY, FASTZERO_POOL_WAIT);
	fz_reset(self->fd, 0, 20 * fz_ps, FASTZERO_MODE_AUTO);
	ASSERT_LINES(1, "way=inplace why=price populated=600 cleared=20");
	AUTO();
	ASSERT_LINES(1, "way=swap why=price populated=600 cleared=0 swapped=600");
}

/* Nor does one that was made because too few pages were ready. */
TEST_F(policy, s02_after_a_lack)
{
	FZ_MOVES_PTES_OR_SKIP();
	writes(self->map, 500, 1);
	fz_pool(self->ctx, 100, FASTZERO_POOL_WAIT);
	AUTO();
	ASSERT_LINES(1, "way=inplace why=price populated=500 cleared=500");
	fz_pool(self->ctx, READY, FASTZERO_POOL_WAIT);
	AUTO();
	ASSERT_LINES(1, "way=swap why=price populated=500 cleared=0 swapped=500");
}

/* While the lack lasts, AUTO does not look again. */
TEST_F(policy, s02_while_a_lack_lasts)
{
	FZ_MOVES_PTES_OR_SKIP();
	writes(self->map, 500, 1);
	fz_pool(self->ctx, 100, FASTZERO_POOL_WAIT);
	AUTO();
	ASSERT_LINES(1, "way=inplace why=price populated=500 cleared=500");
	writes(self->map, 500, 1);
	AUTO();
	ASSERT_LINES(1, "way=inplace why=seen populated=500 cleared=500");
}

/* Pages that were held last time are swapped when they are free. */
TEST_F(policy, s02_after_held)
{
	struct iovec iov = { self->map, 200 * fz_ps };
	int fds[2];

	FZ_MOVES_PTES_OR_SKIP();
	writes(self->map, 200, 1);
	fz_pool(self->ctx, READY, FASTZERO_POOL_WAIT);
	ASSERT_EQ(0, pipe(fds));
	ASSERT_LE(256 * (int)fz_ps, fcntl(fds[1], F_SETPIPE_SZ, 256 * (int)fz_ps));
	ASSERT_EQ((ssize_t)iov.iov_len, vmsplice(fds[1], &iov, 1, 0));
	AUTO();
	ASSERT_LINES(1, "why=price populated=200 cleared=200 swapped=0");
	close(fds[0]);
	close(fds[1]);
	AUTO();
	ASSERT_LINES(1, "way=swap why=price populated=200 cleared=0 swapped=200");
}

/* 3: the same pages far apart: the entries between cost more than is saved. */
TEST_F(policy, s03_sparse_process)
{
	FZ_MOVES_PTES_OR_SKIP();
	writes(self->map, 64, 31);
	fz_pool(self->ctx, READY, FASTZERO_POOL_WAIT);
	AUTO();
	ASSERT_LINES(1, "way=inplace why=price populated=64 cleared=64 swapped=0");
	AUTO();
	ASSERT_LINES(1, "way=inplace why=seen populated=64 cleared=64 swapped=0");
}

/*
 * A part is not seen only because it has as many pages as the scratch had.  Nor does a
 * look at a part make AUTO forget what it has seen of the whole.
 */
TEST_F(policy, s03_and_a_part)
{
	const uint64_t at = 8192 * fz_ps;

	FZ_MOVES_PTES_OR_SKIP();
	writes(self->map, 64, 31);
	fz_pool(self->ctx, READY, FASTZERO_POOL_WAIT);
	AUTO();
	ASSERT_LINES(1, "way=inplace why=price populated=64 cleared=64 swapped=0");
	writes(self->map + at, 64, 1);
	fz_reset(self->fd, at, 64 * fz_ps, FASTZERO_MODE_AUTO);
	ASSERT_LINES(1, "way=swap why=price populated=128 cleared=0 swapped=64");
	fz_reset(self->fd, at, 64 * fz_ps, FASTZERO_MODE_DROP);
	FRESH_LOG();
	AUTO();
	ASSERT_LINES(1, "way=inplace why=seen populated=64 cleared=64 swapped=0");
}

/* 4: mapped twice, as with a guest: each page that is unmapped would fault. */
TEST_F(policy, s04_mapped_twice)
{
	unsigned char *second = fz_map(self->fd, 0, SIZE);

	writes(self->map, 600, 1);
	fz_pool(self->ctx, READY, FASTZERO_POOL_WAIT);
	AUTO();
	ASSERT_LINES(1, "way=inplace why=shared populated=600 cleared=600");
	munmap(second, SIZE);
}

/* 5: no page is ready. */
TEST_F(policy, s05_late_zeroer)
{
	writes(self->map, 600, 1);
	fz_pool(self->ctx, 0, 0);
	ASSERT_TRUE(fz_until(!fz_stats(self->ctx).out_pool_ready, FZ_PATIENCE_MS));
	AUTO();
	ASSERT_LINES(1, "way=inplace why=late populated=600 cleared=600");
}

/* 6: the scratch is not mapped. */
TEST_F(policy, s06_unmapped)
{
	writes(self->map, 600, 1);
	munmap(self->map, SIZE);
	AUTO();
	ASSERT_LINES(1, "way=drop why=unmapped populated=0 cleared=0 swapped=0 dropped=600");
	self->map = fz_map(self->fd, 0, SIZE);
}

/* 7: one run touches everything; it is forgotten, and so is the next one. */
TEST_F(policy, s07_one_off)
{
	struct fastzero_reset r;
	int off, i;

	for (off = 0; off < 4; off++) {
		/* By turns it writes and reads. */
		if (off % 2) {
			ASSERT_EQ(0, reads(self->map, PAGES));
		} else {
			writes(self->map, PAGES, 1);
		}
		for (i = 0; i < 64; i++) {
			writes(self->map, LIVE, 31);
			r = AUTO();
		}
		EXPECT_GE(LIVE * 11 / 10, r.out_cleared) TH_LOG("one-off %d", off);
		EXPECT_GE(LIVE * 11 / 10, POPULATED()) TH_LOG("one-off %d", off);
		EXPECT_LE(LIVE, POPULATED());
	}
	ASSERT_ZERO(self->map, 0, SIZE);
}

/* 8: however many resets come without a run, no page goes. */
TEST_F(policy, s08_idle)
{
	struct fastzero_stats s;
	int i;

	writes(self->map, 500, 3);
	for (i = 0; i < 300; i++)
		AUTO();
	EXPECT_EQ(500, POPULATED());
	s = fz_stats(self->fd);
	EXPECT_EQ(0, s.out_aged);
	/* The next run finds all of it. */
	writes(self->map, 500, 3);
	EXPECT_EQ(s.out_faults, fz_stats(self->fd).out_faults);
}

/* 9: pages that are read only: some go for a trial, come back, and the others stay. */
TEST_F(policy, s09_read_only)
{
	struct fastzero_stats s;
	int i;

	for (i = 0; i < 120; i++) {
		ASSERT_EQ(0, reads(self->map, 500));
		self->map[500 * fz_ps] = 1;
		AUTO();
	}
	s = fz_stats(self->fd);
	EXPECT_LT(0, s.out_aged);
	EXPECT_GT(100, s.out_aged);
	EXPECT_LE(490, s.out_populated);
}

/* 10: a set that drifts is not held for long. */
TEST_F(policy, s10_drifting)
{
	uint64_t held = 0;
	size_t i, n;

	for (i = 0; i < 120; i++) {
		for (n = 0; n < 500; n++)
			self->map[(i * 50 + n) * 7 % PAGES * fz_ps] = 1;
		AUTO();
		held += i < 20 ? 0 : POPULATED();
	}
	EXPECT_GT(2 * 500 * 100, held);
}

/* 11: DROP by name forgets: a page that came back soon and often is new again. */
TEST_F(policy, s11_drop_forgets)
{
	int i;

	/* They are only read, so they go, come back, and then stay. */
	for (i = 0; i < 60; i++) {
		ASSERT_EQ(0, reads(self->map, 100));
		writes(self->map + 1000 * fz_ps, LIVE, 1);
		AUTO();
	}
	EXPECT_LE(LIVE + 90, POPULATED());
	fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_DROP);
	EXPECT_EQ(0, POPULATED());
	ASSERT_EQ(0, reads(self->map, 100));
	for (i = 0; i < 40; i++) {
		writes(self->map + 1000 * fz_ps, LIVE, 1);
		AUTO();
	}
	EXPECT_EQ(LIVE, POPULATED());
}

/* 12: the caller says that nothing ran: the call does nothing. */
TEST_F(policy, s12_idle_flag)
{
	struct fastzero_reset r = {
		.size = sizeof(r), .length = SIZE, .flags = FASTZERO_RESET_IDLE,
	};

	writes(self->map, 100, 1);
	FRESH_LOG();
	ASSERT_EQ(0, ioctl(self->fd, FASTZERO_IOC_RESET, &r));
	ASSERT_LINES(0, "fastzero_");
	EXPECT_EQ(SIZE, r.out_done);
	EXPECT_EQ(0, r.out_cleared + r.out_swapped + r.out_dropped + r.out_held);
	/* It was not true, so it is as it was, until the next reset. */
	EXPECT_EQ(1, self->map[100]);
	AUTO();
	ASSERT_ZERO(self->map, 0, SIZE);
}

FIXTURE(policy_2m) {
	FZ_SCRATCH;
	char line[1024];
};

#define CHUNKS		8
#define SIZE_2M		(CHUNKS * FZ_CHUNK)
#define AUTO_2M()	fz_reset(self->fd, 0, SIZE_2M, FASTZERO_MODE_AUTO)

FIXTURE_SETUP(policy_2m)
{
	TRACE_BEGIN();
	FZ_SCRATCH_SETUP(SIZE_2M, 0, FASTZERO_PAGES_2M);
}

FIXTURE_TEARDOWN(policy_2m)
{
	FZ_SCRATCH_TEARDOWN();
	TRACE_END();
}

/* The zeroer has come to all that was left to it. */
#define ALL_READY()							\
	ASSERT_EQ(0, fz_raw_pool_huge(self->ctx, CHUNKS, FASTZERO_POOL_WAIT))

/* 13: chunks are swapped if one is ready, and cleared where they are if not. */
TEST_F(policy_2m, s13_ready_or_not)
{
	memset(self->map, 1, SIZE_2M);
	ALL_READY();
	AUTO_2M();
	ASSERT_LINES(1, "way=swap why=huge populated=4096 cleared=0 swapped=4096");
	ASSERT_ZERO(self->map, 0, SIZE_2M);
}

/* 14: runs that shrank to one chunk: the others go, and that one stays. */
TEST_F(policy_2m, s14_chunks_age)
{
	size_t i;

	for (i = 0; i < CHUNKS; i++)
		self->map[i * FZ_CHUNK] = 1;
	for (i = 0; i < 8; i++) {
		self->map[0] = 1;
		ALL_READY();
		AUTO_2M();
	}
	EXPECT_EQ(FZ_CHUNK / fz_ps, fz_stats(self->fd).out_populated);
	EXPECT_EQ((CHUNKS - 1) * FZ_CHUNK / fz_ps, fz_stats(self->fd).out_aged);
	ALL_READY();
	FRESH_LOG();
	self->map[0] = 1;
	AUTO_2M();
	ASSERT_LINES(1, "populated=512 cleared=0 swapped=512 dropped=0");
	ASSERT_ZERO(self->map, 0, SIZE_2M);
}

/* 15: idle resets drop no chunk. */
TEST_F(policy_2m, s15_idle)
{
	size_t i;

	for (i = 0; i < CHUNKS; i++)
		self->map[i * FZ_CHUNK] = 1;
	for (i = 0; i < 20; i++) {
		ALL_READY();
		AUTO_2M();
	}
	EXPECT_EQ(SIZE_2M / fz_ps, fz_stats(self->fd).out_populated);
	EXPECT_EQ(0, fz_stats(self->fd).out_aged);
}

/* 16: the zeroer is late for sparse chunks again and again: base pages. */
TEST_F(policy_2m, s16_sparse_and_late)
{
	struct fastzero_reset r;
	size_t i, k;

	for (i = 0; i < 8; i++) {
		for (k = 0; k < CHUNKS; k++)
			self->map[k * FZ_CHUNK + i * 100] = 1;
		/* The pool forgets what it has learned, and no folio is ready. */
		ASSERT_EQ(0, fz_raw_pool_huge(self->ctx, 0, 0));
		ASSERT_TRUE(fz_until(!fz_stats(self->ctx).out_pool_ready,
				     FZ_PATIENCE_MS));
		r = AUTO_2M();
	}
	ASSERT_LINES(1, "why=sparse");
	EXPECT_EQ(CHUNKS, fz_stats(self->fd).out_broken);
	EXPECT_EQ(0, fz_stats(self->fd).out_huge);
	EXPECT_GE(CHUNKS * 2, r.out_cleared);
	/* Not before: to read all of it is a run that touches all of it. */
	ASSERT_ZERO(self->map, 0, SIZE_2M);
}

/* 17: mapped so often that to swap costs more than to clear. */
TEST_F(policy_2m, s17_many_mappings)
{
	static unsigned char *maps[1000];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(maps); i++)
		maps[i] = fz_map(self->fd, 0, SIZE_2M);
	self->map[0] = 1;
	ALL_READY();
	FRESH_LOG();
	AUTO_2M();
	ASSERT_LINES(1, "way=inplace why=mapped populated=512 cleared=512");
	for (i = 0; i < ARRAY_SIZE(maps); i++)
		munmap(maps[i], SIZE_2M);
	FRESH_LOG();
	AUTO_2M();
	ASSERT_LINES(1, "way=swap why=huge populated=512 cleared=0 swapped=512");
}

TEST_HARNESS_MAIN

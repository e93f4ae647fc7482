// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * STATS, fdinfo and POPULATE report the work that was done.
 */
#include "kselftest_harness.h"
#include "fz_fixture.h"

#define PAGES	1600
#define SIZE	(PAGES * fz_ps)
#define SEED	2

FIXTURE(stats) {
	FZ_SCRATCH;
};

FIXTURE_SETUP(stats)
{
	ASSERT_EQ(0, fz_stay());
	FZ_SCRATCH_SETUP(SIZE, 0, FZ_ANY_PAGES);
}

FIXTURE_TEARDOWN(stats)
{
	FZ_SCRATCH_TEARDOWN();
}

/* Touches a byte of each page once. */
static void touch(volatile unsigned char *map, uint64_t first, uint64_t nr,
		  bool write)
{
	unsigned char sum = 0;
	uint64_t i;

	for (i = first; i < first + nr; i++) {
		if (write)
			map[i * fz_ps] = 1;
		else
			sum |= map[i * fz_ps];
	}
	(void)sum;
}

static uint64_t pages_taken(const struct fastzero_stats *s)
{
	return s->out_faults_ready + s->out_faults_used + s->out_faults_alloc;
}

/* The zeroer has no work and no folio in hand, so the numbers are consistent. */
static bool is_quiet(int ctx, struct fastzero_stats *s)
{
	return !fz_raw_stats(ctx, s) && !s->out_pool_used && !s->out_pool_held &&
	       s->out_owned == s->out_populated + s->out_pool_ready;
}

/* A moment later it may have the next batch in hand, of those beyond the target. */
#define QUIET_STATS(fd) ({						\
	struct fastzero_stats quiet_;					\
	ASSERT_TRUE(fz_until(is_quiet(self->ctx, &quiet_), FZ_PATIENCE_MS)); \
	(fd) == self->ctx ? quiet_ : fz_stats(fd); })

TEST_F(stats, new_scratch)
{
	struct fastzero_stats s = fz_stats(self->fd), zero = {
		.size = sizeof(zero), .out_scratches = 1, .out_length = SIZE,
	};

	EXPECT_EQ(0, memcmp(&s, &zero, sizeof(s)));
	s = fz_stats(self->ctx);
	EXPECT_EQ(0, memcmp(&s, &zero, sizeof(s)));
}

TEST_F(stats, faults)
{
	unsigned char *second = fz_map(self->fd, 0, SIZE);
	unsigned char buf[100] = { 1 };
	struct fastzero_stats s;

	fz_pool(self->ctx, 8, FASTZERO_POOL_WAIT);
	touch(self->map, 0, 10, true);
	touch(self->map, 10, 10, false);
	s = fz_stats(self->fd);
	EXPECT_EQ(20, s.out_faults);
	EXPECT_EQ(8, s.out_faults_ready);
	EXPECT_EQ(12, s.out_faults_alloc);
	EXPECT_EQ(20, s.out_populated);

	/* Mapped pages do not fault.  Pages that were read may be written. */
	touch(self->map, 0, 20, true);
	EXPECT_EQ(20, fz_stats(self->fd).out_faults);
	/* Another mapping faults, but takes no pages. */
	touch(second, 0, 20, true);
	s = fz_stats(self->fd);
	EXPECT_EQ(40, s.out_faults);
	EXPECT_EQ(20, pages_taken(&s));

	/* Writes take pages without a fault, reads not even those. */
	ASSERT_EQ(100, pwrite(self->fd, buf, 100, 30 * (off_t)fz_ps - 50));
	ASSERT_EQ(100, pread(self->fd, buf, 100, 40 * (off_t)fz_ps));
	s = fz_stats(self->fd);
	EXPECT_EQ(40, s.out_faults);
	EXPECT_EQ(22, pages_taken(&s));
	EXPECT_EQ(22, s.out_populated);
	EXPECT_EQ(22, s.out_owned);
	munmap(second, SIZE);
}

TEST_F(stats, resets)
{
	struct fastzero_reset r;
	struct fastzero_stats s;

	touch(self->map, 10, 20, true);
	touch(self->map, 1000, 1, true);
	r = fz_reset(self->fd, 0, 15 * fz_ps, FASTZERO_MODE_INPLACE);
	EXPECT_EQ(15 * fz_ps, r.out_done);
	EXPECT_EQ(5, r.out_cleared);
	EXPECT_EQ(0, r.out_dropped + r.out_swapped + r.out_held);
	s = fz_stats(self->fd);
	EXPECT_EQ(1, s.out_resets);
	EXPECT_EQ(5, s.out_cleared);
	EXPECT_EQ(0, s.out_dropped);
	EXPECT_EQ(21, s.out_populated);

	r = fz_reset(self->fd, 12 * fz_ps, SIZE - 12 * fz_ps,
		     FASTZERO_MODE_DROP);
	EXPECT_EQ(SIZE - 12 * fz_ps, r.out_done);
	EXPECT_EQ(19, r.out_dropped);
	EXPECT_EQ(0, r.out_cleared + r.out_swapped + r.out_held);
	s = fz_stats(self->fd);
	EXPECT_EQ(2, s.out_resets);
	EXPECT_EQ(19, s.out_dropped);
	EXPECT_EQ(2, s.out_populated);

	fz_clear(self->fd, 11 * fz_ps, fz_ps, FZ_PUNCH);
	fz_reset(self->fd, 100 * fz_ps, fz_ps, FASTZERO_MODE_AUTO);
	s = QUIET_STATS(self->fd);
	EXPECT_EQ(4, s.out_resets);
	EXPECT_EQ(20, s.out_dropped);
	EXPECT_EQ(5, s.out_cleared);
	EXPECT_EQ(1, s.out_populated);
	EXPECT_EQ(21, pages_taken(&s));
	EXPECT_EQ(20, s.out_zeroed);
	/* Refused calls do not count. */
	fz_err_reset(EINVAL, self->fd, 0, 0, FASTZERO_MODE_AUTO);
	EXPECT_EQ(4, fz_stats(self->fd).out_resets);
}

TEST_F(stats, owned_counts_all_pages)
{
	uint64_t random = 3;
	int i;

	for (i = 0; i < 60; i++) {
		uint64_t first = fz_random(&random) % (PAGES - 100);
		struct fastzero_stats s;

		fz_pool(self->ctx, fz_random(&random) % 100, 0);
		touch(self->map, first, 100, true);
		fz_reset(self->fd, first * fz_ps, 50 * fz_ps, i % 2 ?
			 FASTZERO_MODE_DROP : FASTZERO_MODE_INPLACE);
		s = QUIET_STATS(self->ctx);
		ASSERT_EQ(s.out_owned, s.out_populated + s.out_pool_ready);
		ASSERT_EQ(s.out_populated, pages_taken(&s) - s.out_dropped);
		/*
		 * Other pages come for them.  Folios that the pool does not keep go to
		 * the system uncleared.
		 */
		ASSERT_LE(s.out_zeroed, s.out_dropped - s.out_faults_used +
			  s.out_faults_ready);
	}
}

/* Members that a context sums up over its scratches, past ones included. */
#define EXPECT_SUM(member)						\
	EXPECT_EQ(a.out_##member + b.out_##member + c.out_##member,	\
		  sum.out_##member) TH_LOG(#member)

#define EXPECT_SUMS() do {						\
	EXPECT_SUM(faults);						\
	EXPECT_SUM(faults_ready);					\
	EXPECT_SUM(faults_used);					\
	EXPECT_SUM(faults_alloc);					\
	EXPECT_SUM(resets);						\
	EXPECT_SUM(cleared);						\
	EXPECT_SUM(swapped);						\
	EXPECT_SUM(dropped);						\
	EXPECT_SUM(held);						\
} while (0)

TEST_F(stats, context_is_the_sum_of_scratches)
{
	int fd = fz_create(self->ctx, 100 * fz_ps);
	unsigned char *map = fz_map(fd, 0, 100 * fz_ps);
	unsigned char *implicit = fz_map(self->ctx, 0, 50 * fz_ps);
	struct fastzero_stats a, b, c, sum;

	fz_pool(self->ctx, 20, FASTZERO_POOL_WAIT);
	touch(self->map, 0, 33, true);
	touch(map, 0, 44, true);
	touch(implicit, 0, 22, false);
	fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_INPLACE);
	fz_reset(fd, 0, 10 * fz_ps, FASTZERO_MODE_DROP);
	fz_reset(self->ctx, 0, 5 * fz_ps, FASTZERO_MODE_DROP);
	fz_pool(self->ctx, 0, FASTZERO_POOL_WAIT);

	a = QUIET_STATS(self->fd);
	b = fz_stats(fd);
	sum = fz_stats(self->ctx);
	/* The implicit scratch has no descriptor to ask: it is the rest. */
	c = (struct fastzero_stats) {
		.out_faults = 22, .out_resets = 1, .out_dropped = 5,
		.out_faults_alloc = 22,
	};
	EXPECT_SUMS();
	EXPECT_EQ(3, sum.out_scratches);
	EXPECT_EQ(SIZE + 150 * fz_ps, sum.out_length);
	EXPECT_EQ(33 + 34 + 17, sum.out_populated);
	EXPECT_EQ(33, a.out_populated);
	EXPECT_EQ(33, a.out_cleared);
	EXPECT_EQ(20, a.out_faults_ready);
	EXPECT_EQ(34, b.out_populated);
	EXPECT_EQ(10, b.out_dropped);
	EXPECT_EQ(sum.out_owned, a.out_owned);
	EXPECT_EQ(sum.out_owned, b.out_owned);

	/* Counters of a scratch stay after its end; its pages do not. */
	munmap(map, 100 * fz_ps);
	close(fd);
	ASSERT_TRUE(fz_until(is_quiet(self->ctx, &sum) &&
			     sum.out_scratches == 2 && !sum.out_pool_ready,
			     FZ_PATIENCE_MS));
	EXPECT_SUMS();
	EXPECT_EQ(SIZE + 50 * fz_ps, sum.out_length);
	EXPECT_EQ(33 + 17, sum.out_populated);
	EXPECT_EQ(33 + 17, sum.out_owned);
	munmap(implicit, 50 * fz_ps);
}

/* How many times we have faulted in here, in both books. */
#define FAULTS_OF(statement) ({						\
	uint64_t before_ = fz_stats(self->fd).out_faults;		\
	long here_ = fz_minor_faults();					\
	statement;							\
	here_ = fz_minor_faults() - here_;				\
	EXPECT_EQ(here_, fz_stats(self->fd).out_faults - before_)	\
		TH_LOG(#statement);					\
	here_; })

TEST_F(stats, populate_saves_the_faults)
{
	struct fastzero_populate p;

	/* That a touch faults otherwise, and that it can be seen. */
	EXPECT_EQ(10, FAULTS_OF(touch(self->map, 0, 10, true)));
	EXPECT_EQ(0, FAULTS_OF(touch(self->map, 0, 10, true)));

	/* More than one batch, some of it there already. */
	p = fz_populate(self->fd, 5 * fz_ps, SIZE - 10 * fz_ps, 0);
	EXPECT_EQ(SIZE - 10 * fz_ps, p.out_done);
	EXPECT_EQ(PAGES - 15, p.out_added);
	EXPECT_EQ(PAGES - 10, p.out_mapped);
	EXPECT_EQ(PAGES - 5, fz_stats(self->fd).out_populated);
	EXPECT_EQ(0, FAULTS_OF(touch(self->map, 5, 800, true)));
	EXPECT_EQ(0, FAULTS_OF(touch(self->map, 805, PAGES - 810, false)));
	EXPECT_EQ(0, FAULTS_OF(touch(self->map, 5, PAGES - 10, true)));
	EXPECT_EQ(5, FAULTS_OF(touch(self->map, PAGES - 5, 5, true)));

	p = fz_populate(self->fd, 0, SIZE, 0);
	EXPECT_EQ(0, p.out_added);
	EXPECT_EQ(PAGES, p.out_mapped);
}

TEST_F(stats, populate_keeps_what_is_there)
{
	fz_fill(self->map, 7 * fz_ps, 3 * fz_ps, SEED);
	EXPECT_EQ(17, fz_populate(self->fd, 0, 20 * fz_ps, 0).out_added);
	EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(self->map, 0, 7 * fz_ps));
	EXPECT_EQ(FZ_CLEAN, fz_find_unlike(self->map, 7 * fz_ps, 3 * fz_ps,
					   SEED));
	EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(self->map, 10 * fz_ps, 10 * fz_ps));
}

/* Everywhere that the range is mapped here, and only there. */
TEST_F(stats, populate_of_many_mappings)
{
	unsigned char *second = fz_map(self->fd, 10 * fz_ps, 20 * fz_ps);
	unsigned char *reads = mmap(NULL, 30 * fz_ps, PROT_READ, MAP_SHARED,
				    self->fd, 0);
	struct fz_peer peer;

	ASSERT_NE(MAP_FAILED, reads);
	/* POPULATE does not map into other processes, or where access is forbidden. */
	ASSERT_EQ(0, fz_peer_start(&peer, self->map));
	ASSERT_EQ(0, mprotect(self->map + 28 * fz_ps, 4 * fz_ps, PROT_NONE));
	/* 20 to 28 in the first, 30 in the second, 30 in the third. */
	EXPECT_EQ(8 + 10 + 10,
		  fz_populate(self->fd, 20 * fz_ps, 10 * fz_ps, 0).out_mapped);
	EXPECT_EQ(0, FAULTS_OF(touch(self->map, 20, 8, true)));
	EXPECT_EQ(0, FAULTS_OF(touch(second, 10, 10, true)));
	EXPECT_EQ(0, FAULTS_OF(touch(reads, 20, 10, false)));
	fz_peer_stop(&peer);

	/* Each part of a split mapping counts, an unmapped one does not. */
	ASSERT_EQ(0, mprotect(self->map + 28 * fz_ps, 4 * fz_ps,
			      PROT_READ | PROT_WRITE));
	ASSERT_EQ(0, munmap(self->map + 100 * fz_ps, 50 * fz_ps));
	EXPECT_EQ(100, fz_populate(self->fd, 50 * fz_ps, 150 * fz_ps,
				   0).out_mapped);
	EXPECT_EQ(0, FAULTS_OF(touch(self->map, 50, 50, true)));
	EXPECT_EQ(0, FAULTS_OF(touch(self->map, 150, 50, true)));
}

TEST_F(stats, populate_without_mappings)
{
	struct fastzero_populate p;

	munmap(self->map, SIZE);
	p = fz_populate(self->fd, 0, SIZE, 0);
	EXPECT_EQ(PAGES, p.out_added);
	EXPECT_EQ(0, p.out_mapped);
	EXPECT_EQ(PAGES, fz_stats(self->fd).out_populated);
	self->map = fz_map(self->fd, 0, SIZE);
}

/* How often AUTO took a way. */
TEST_F(stats, auto_ways_are_counted)
{
	struct fastzero_stats s;

	touch(self->map, 0, 3, true);
	fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_AUTO);
	fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_AUTO);
	fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_INPLACE);
	munmap(self->map, SIZE);
	fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_AUTO);
	fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_DROP);
	s = fz_stats(self->fd);
	EXPECT_EQ(2, s.out_auto_inplace);
	EXPECT_EQ(0, s.out_auto_swap);
	EXPECT_EQ(1, s.out_auto_drop);
	close(self->fd);
	self->fd = fz_create(self->ctx, SIZE);
	self->map = fz_map(self->fd, 0, SIZE);
	EXPECT_EQ(2, fz_stats(self->ctx).out_auto_inplace);
	EXPECT_EQ(1, fz_stats(self->ctx).out_auto_drop);
}

/* A reset with RESET_IDLE is a reset, but AUTO chose nothing, whatever the mode. */
TEST_F(stats, idle_resets_are_no_choice)
{
	struct fastzero_reset r = {
		.size = sizeof(r), .length = SIZE, .flags = FASTZERO_RESET_IDLE,
	};
	struct fastzero_stats s;

	touch(self->map, 0, 3, true);
	fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_AUTO);
	for (r.mode = FASTZERO_MODE_AUTO; r.mode <= FASTZERO_MODE_DROP; r.mode++)
		ASSERT_EQ(0, ioctl(self->fd, FASTZERO_IOC_RESET, &r));
	s = fz_stats(self->fd);
	EXPECT_EQ(5, s.out_resets);
	EXPECT_EQ(1, s.out_auto_inplace);
	EXPECT_EQ(0, s.out_auto_swap);
	EXPECT_EQ(0, s.out_auto_drop);
}

/* The ratio as measured, of a machine that is neither stuck nor infinitely fast. */
TEST_F(stats, ratio_is_measured)
{
	FILE *f = fopen("/sys/module/fastzero/parameters/ratio_measured", "re");
	unsigned int warm = 0, cold = 0;

	ASSERT_NE(NULL, f);
	EXPECT_EQ(2, fscanf(f, "%u %u", &warm, &cold));
	fclose(f);
	EXPECT_LT(1, warm);
	EXPECT_GT(10000, warm);
	EXPECT_LT(1, cold);
	EXPECT_GT(10000, cold);
}

TEST_HARNESS_MAIN

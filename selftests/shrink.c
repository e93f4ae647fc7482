// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A pool without a target keeps as many folios as runs need, for a while.  The system
 * gets them back when memory is short.
 */
#include "kselftest_harness.h"
#include "fz_fixture.h"

#include <signal.h>

#define PAGES	600
#define SIZE	(PAGES * fz_ps)
#define CHUNK	(2UL << 20)
#define CHUNKS	4
#define SEED	41
#define MAX_PAGES FZ_PARAM_DIR "max_pages"

/* In seconds: surely remembered, surely forgotten, in ticks of up to 1.28 s (HZ). */
#define HOLD	2
#define FADED	15

FIXTURE(shrink) {
	FZ_SCRATCH;
	long long max_pages;
};

FIXTURE_SETUP(shrink)
{
	ASSERT_EQ(0, fz_stay());
	self->max_pages = fz_read_number(MAX_PAGES);
	ASSERT_LE(0, self->max_pages) TH_LOG("needs root");
	FZ_SCRATCH_SETUP(SIZE, 0, FASTZERO_PAGES_4K);
}

static int limit(long long pages)
{
	char text[24];

	snprintf(text, sizeof(text), "%lld", pages);
	return fz_write_string(MAX_PAGES, text);
}

FIXTURE_TEARDOWN(shrink)
{
	EXPECT_EQ(0, limit(self->max_pages));
	FZ_SCRATCH_TEARDOWN();
}

#define DROP_CACHES "/proc/sys/vm/drop_caches"

/* As the system does when memory is short: reclaim as much as possible. */
static int shrink(void)
{
	return fz_write_string(DROP_CACHES, "2");
}

#define SKIP_WITHOUT_SHRINK() do {					\
	if (access(DROP_CACHES, W_OK))					\
		SKIP(return, "no " DROP_CACHES);			\
} while (0)

static bool is_ready(int ctx, uint64_t ready, uint64_t owned)
{
	struct fastzero_stats s;

	return !fz_raw_stats(ctx, &s) && !s.out_pool_used && !s.out_pool_held &&
	       s.out_pool_ready == ready && s.out_owned == owned;
}

#define EXPECT_READY_WITHIN(ready, owned, ms) do {			\
	struct fastzero_stats s_;					\
	EXPECT_TRUE(fz_until(is_ready(self->ctx, ready, owned), ms)) {	\
		s_ = fz_stats(self->ctx);				\
		TH_LOG("ready %ju used %ju owned %ju",			\
		       (uintmax_t)s_.out_pool_ready,			\
		       (uintmax_t)s_.out_pool_used,			\
		       (uintmax_t)s_.out_owned);			\
	}								\
} while (0)

#define EXPECT_READY(ready, owned)					\
	EXPECT_READY_WITHIN(ready, owned, FZ_PATIENCE_MS)

/* And it stays so. */
#define EXPECT_STAYS(ready, owned, s) do {				\
	long end_ = fz_now_ms() + 1000 * (s);				\
	while (fz_now_ms() < end_) {					\
		ASSERT_TRUE(is_ready(self->ctx, ready, owned));		\
		usleep(50000);						\
	}								\
} while (0)

#define RUN(seed) do {							\
	ASSERT_ZERO(self->map, 0, SIZE);				\
	fz_fill(self->map, 0, SIZE, seed);				\
} while (0)

#define DROP()	fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_DROP)

/* POOL is never called, and only the first run allocates. */
TEST_F(shrink, next_run_finds_ready_pages)
{
	int i;

	for (i = 0; i < 8; i++) {
		RUN(SEED + (uint64_t)i);
		EXPECT_EQ(PAGES, fz_stats(self->fd).out_faults_alloc);
		DROP();
		EXPECT_READY(PAGES, PAGES);
		usleep(1000000 * HOLD / 4 * (i % 2));
	}
	EXPECT_EQ(7 * PAGES, fz_stats(self->fd).out_faults_ready);
}

/* Few pages again and again are not many. */
TEST_F(shrink, reused_pages_count_once)
{
	int i;

	RUN(SEED);
	for (i = 0; i < 100; i++) {
		fz_fill(self->map, 0, 50 * fz_ps, SEED);
		fz_reset(self->fd, 0, 50 * fz_ps, FASTZERO_MODE_DROP);
		EXPECT_READY(50, PAGES);
	}
	/* By now the large one is forgotten, and it is a tenth that is kept. */
	sleep(FADED);
	for (i = 0; i < 100; i++) {
		fz_fill(self->map, 0, 50 * fz_ps, SEED);
		fz_reset(self->fd, 0, 50 * fz_ps, FASTZERO_MODE_DROP);
		fz_until(!fz_stats(self->ctx).out_pool_used, FZ_PATIENCE_MS);
	}
	DROP();
	EXPECT_READY(50, 50);
}

TEST_F(shrink, learned_demand_fades)
{
	long begin;

	RUN(SEED);
	begin = fz_now_ms();
	DROP();
	EXPECT_READY(PAGES, PAGES);
	/* Not all at once, and it is not looked at on a slow machine. */
	if (fz_now_ms() < begin + 1000 * HOLD)
		EXPECT_EQ(PAGES, fz_stats(self->ctx).out_owned);
	EXPECT_READY_WITHIN(0, 0, 1000 * FADED);
	/* A target stays. */
	fz_pool(self->ctx, 100, FASTZERO_POOL_WAIT);
	RUN(SEED);
	DROP();
	EXPECT_READY_WITHIN(100, 100, 1000 * FADED);
	EXPECT_STAYS(100, 100, HOLD);
}

/* A pool with a target keeps no more than that. */
TEST_F(shrink, pool_forgets)
{
	long begin;

	RUN(SEED);
	begin = fz_now_ms();
	DROP();
	fz_pool(self->ctx, 70, FASTZERO_POOL_WAIT);
	EXPECT_READY(70, 70);
	if (fz_now_ms() > begin + 1000 * HOLD)
		SKIP(return, "too slow to tell");
}

/* Pages that are only touched, or cleared in place, exist once. */
TEST_F(shrink, faults_allocate_nothing_ahead)
{
	int i;

	for (i = 0; i < 3; i++) {
		RUN(SEED);
		fz_reset(self->fd, 0, SIZE, i ? FASTZERO_MODE_AUTO :
						FASTZERO_MODE_INPLACE);
		EXPECT_STAYS(0, PAGES, 1);
	}
}

/*
 * The first SWAP finds no ready folio.  Later ones do, at the price of as much memory
 * again.
 */
TEST_F(shrink, swap_gets_ready_ones)
{
	struct fastzero_reset r;
	int i;

	RUN(SEED);
	r = fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_SWAP);
	EXPECT_EQ(PAGES, r.out_cleared);
	for (i = 0; i < 5; i++) {
		EXPECT_READY(PAGES, 2 * PAGES);
		RUN(SEED + (uint64_t)i);
		r = fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_SWAP);
		EXPECT_EQ(PAGES, r.out_swapped);
	}
	EXPECT_READY(PAGES, 2 * PAGES);
	EXPECT_EQ(PAGES, fz_stats(self->fd).out_faults_alloc);
	EXPECT_READY_WITHIN(0, PAGES, 1000 * FADED);
	ASSERT_ZERO(self->map, 0, SIZE);
}

/* Chunks, in the default mode. */
TEST_F(shrink, chunks_get_ready_ones)
{
	struct fastzero_reset r;
	unsigned char *map;
	int i, fd;

	if (!(fz_info(self->ctx).out_features & FASTZERO_FEATURE_2M))
		SKIP(return, "INFO does not report 2M");
	fd = fz_raw_create(self->ctx, CHUNKS * CHUNK, 0, FASTZERO_PAGES_2M, 0);
	ASSERT_LE(0, fd);
	map = fz_map(fd, 0, CHUNKS * CHUNK);
	fz_fill(map, 0, CHUNKS * CHUNK, SEED);
	if (fz_stats(fd).out_huge_failed)
		SKIP(return, "memory is in pieces");
	r = fz_reset(fd, 0, CHUNKS * CHUNK, FASTZERO_MODE_AUTO);
	EXPECT_EQ(CHUNKS * 512, r.out_cleared);
	for (i = 0; i < 3; i++) {
		EXPECT_READY(CHUNKS * 512, 2 * CHUNKS * 512);
		ASSERT_ZERO(map, 0, CHUNKS * CHUNK);
		fz_fill(map, 0, CHUNKS * CHUNK, SEED);
		r = fz_reset(fd, 0, CHUNKS * CHUNK, FASTZERO_MODE_AUTO);
		EXPECT_EQ(CHUNKS * 512, r.out_swapped);
	}
	EXPECT_READY_WITHIN(0, CHUNKS * 512, 1000 * FADED);
	close(fd);
}

/* Reclaim takes surplus and targets, and none of it comes back by itself. */
TEST_F(shrink, system_takes_surplus)
{
	struct fastzero_reset r;

	SKIP_WITHOUT_SHRINK();
	fz_pool(self->ctx, 100, FASTZERO_POOL_WAIT);
	RUN(SEED);
	DROP();
	EXPECT_READY(PAGES, PAGES);
	EXPECT_EQ(0, fz_stats(self->ctx).out_shrunk);
	ASSERT_EQ(0, shrink());
	/* At once: reclaim waits for no thread. */
	EXPECT_TRUE(is_ready(self->ctx, 0, 0));
	/* On a slow machine the zeroer has given some of the surplus back before. */
	EXPECT_GE(PAGES, fz_stats(self->fd).out_shrunk);
	EXPECT_LE(100, fz_stats(self->fd).out_shrunk);
	EXPECT_EQ(100, fz_stats(self->ctx).out_pool_target);

	/* The reset goes on without ready folios, and wants none for a while. */
	RUN(SEED);
	r = fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_SWAP);
	EXPECT_EQ(PAGES, r.out_cleared);
	EXPECT_STAYS(0, PAGES, HOLD);
	RUN(SEED);
	/*
	 * Folios that come back count for the target only.  If a run takes long, the
	 * shortage may be over.
	 */
	DROP();
	EXPECT_READY_WITHIN(100, 100, 1000 * (fz_slow() > 1 ? 2 * FADED : HOLD));
	/* POOL brings the folios back. */
	EXPECT_EQ(200, fz_pool(self->ctx, 200, FASTZERO_POOL_WAIT).out_ready);
	RUN(SEED);
}

TEST_F(shrink, system_takes_chunks)
{
	SKIP_WITHOUT_SHRINK();
	if (!(fz_info(self->ctx).out_orders & (1 << 9)))
		SKIP(return, "INFO does not report the order");
	if (fz_raw_pool_huge(self->ctx, CHUNKS, FASTZERO_POOL_WAIT))
		SKIP(return, "memory is in pieces");
	EXPECT_READY(CHUNKS * 512, CHUNKS * 512);
	ASSERT_EQ(0, shrink());
	EXPECT_TRUE(is_ready(self->ctx, 0, 0));
	EXPECT_EQ(CHUNKS * 512, fz_stats(self->ctx).out_shrunk);
}

static pid_t shrink_for_ever(void)
{
	pid_t pid = fz_fork();

	while (!pid)
		if (shrink())
			_exit(1);
	return pid;
}

/* POOL during such a shortage may fail with ENOMEM. */
static int pool_when_short(int ctx, uint64_t target, uint32_t flags)
{
	int err = FZ_ERRNO(fz_raw_pool(ctx, target, flags, NULL));

	return err == ENOMEM ? 0 : err;
}

/*
 * While pages are reused under pressure, no process finds another's bytes, and every
 * page is counted.
 */
TEST_F(shrink, under_pressure_pages_stay_isolated)
{
	struct fastzero_stats s;
	pid_t pid;
	int i;

	SKIP_WITHOUT_SHRINK();
	pid = shrink_for_ever();
	ASSERT_LE(0, pid);
	for (i = 0; i < 200; i++) {
		RUN(SEED + (uint64_t)i);
		fz_reset(self->fd, 0, SIZE, i % 3 ? FASTZERO_MODE_DROP :
						    FASTZERO_MODE_SWAP);
		if (i % 8 == 0)
			ASSERT_EQ(0, pool_when_short(self->ctx, (uint64_t)i,
					i % 16 ? FASTZERO_POOL_WAIT : 0));
	}
	DROP();
	EXPECT_TRUE(fz_until(!fz_stats(self->ctx).out_pool_used,
			     FZ_PATIENCE_MS));
	kill(pid, SIGKILL);
	EXPECT_EQ(FZ_SIGNALLED + SIGKILL, fz_wait(pid));
	s = fz_stats(self->ctx);
	EXPECT_LT(0, s.out_shrunk);
	/* Except for pages that are in hand at this moment. */
	EXPECT_TRUE(fz_until((s = fz_stats(self->ctx), s.out_owned ==
			      s.out_populated + s.out_pool_ready),
			     FZ_PATIENCE_MS));
}

/* Contexts come and go meanwhile. */
TEST_F(shrink, under_pressure_contexts_end)
{
	pid_t pid;
	int i;

	SKIP_WITHOUT_SHRINK();
	pid = shrink_for_ever();
	ASSERT_LE(0, pid);
	for (i = 0; i < 300; i++) {
		int ctx = fz_open();

		ASSERT_EQ(0, pool_when_short(ctx, 20, 0));
		close(ctx);
	}
	kill(pid, SIGKILL);
	EXPECT_EQ(FZ_SIGNALLED + SIGKILL, fz_wait(pid));
}

/* At the limit surplus of one size is as good as memory of the other. */
TEST_F(shrink, surplus_makes_room_at_the_limit)
{
	int fd, i;
	unsigned char *map;

	if (!(fz_info(self->ctx).out_features & FASTZERO_FEATURE_2M))
		SKIP(return, "INFO does not report 2M");
	fd = fz_raw_create(self->ctx, CHUNK, 0, FASTZERO_PAGES_2M, 0);
	ASSERT_LE(0, fd);
	map = fz_map(fd, 0, CHUNK);
	ASSERT_EQ(0, limit(PAGES));
	for (i = 0; i < 3; i++) {
		RUN(SEED);
		DROP();
		EXPECT_TRUE(fz_until(!fz_stats(self->ctx).out_pool_used,
				     FZ_PATIENCE_MS));
		fz_fill(map, 0, CHUNK, SEED);
		EXPECT_EQ(512, fz_stats(fd).out_populated);
		if (!i)
			EXPECT_EQ(0, fz_stats(fd).out_huge_failed);
		fz_reset(fd, 0, CHUNK, FASTZERO_MODE_DROP);
		EXPECT_TRUE(fz_until(!fz_stats(self->ctx).out_pool_used,
				     FZ_PATIENCE_MS));
	}
	/* The same for POOL. */
	EXPECT_EQ(PAGES, fz_pool(self->ctx, PAGES, FASTZERO_POOL_WAIT).out_ready);
	close(fd);
}

TEST_HARNESS_MAIN

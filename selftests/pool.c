// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The pool of a context: it reaches its target, dropped folios come back to it and are
 * zero when they are used, and surplus leaves.
 */
#include "kselftest_harness.h"
#include "fz_fixture.h"

#include <signal.h>
#include <pthread.h>
#include <stdatomic.h>

#define PAGES	300
#define SIZE	(PAGES * fz_ps)
#define SEED	21
#define IN_USE	FZ_PARAM_DIR "pages_in_use"

FIXTURE(pool) {
	FZ_SCRATCH;
};

FIXTURE_SETUP(pool)
{
	ASSERT_TRUE(fz_until(!fz_read_number(IN_USE), FZ_PATIENCE_MS));
	FZ_SCRATCH_SETUP(SIZE, 0, FZ_ANY_PAGES);
}

FIXTURE_TEARDOWN(pool)
{
	FZ_SCRATCH_TEARDOWN();
}

/* All idle folios of the pool are ready, and their number is right. */
static bool is_idle(int ctx, uint64_t ready, uint64_t owned)
{
	struct fastzero_stats stats;

	return !fz_raw_stats(ctx, &stats) && stats.out_pool_ready == ready &&
	       !stats.out_pool_used && !stats.out_pool_held &&
	       stats.out_owned == owned;
}

#define EXPECT_IDLE(ready, owned) do {					\
	struct fastzero_stats s_;					\
	EXPECT_TRUE(fz_until(is_idle(self->ctx, ready, owned),		\
			     FZ_PATIENCE_MS)) {				\
		s_ = fz_stats(self->ctx);				\
		TH_LOG("ready %ju used %ju held %ju owned %ju target %ju", \
		       (uintmax_t)s_.out_pool_ready,			\
		       (uintmax_t)s_.out_pool_used,			\
		       (uintmax_t)s_.out_pool_held,			\
		       (uintmax_t)s_.out_owned,				\
		       (uintmax_t)s_.out_pool_target);			\
	}								\
} while (0)

/* All pages into the scratch, dirty, and out of it again. */
#define FILL_AND_DROP(seed) do {					\
	fz_fill(self->map, 0, SIZE, seed);				\
	fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_DROP);		\
} while (0)

TEST_F(pool, empty_at_first)
{
	struct fastzero_stats stats = fz_stats(self->ctx);

	EXPECT_EQ(0, stats.out_pool_target);
	EXPECT_IDLE(0, 0);
}

TEST_F(pool, fills_in_the_call)
{
	struct fastzero_pool out = fz_pool(self->ctx, 200, 0);

	EXPECT_EQ(200, out.out_ready);
	EXPECT_EQ(0, out.out_used);
	EXPECT_EQ(200, fz_stats(self->ctx).out_pool_target);
	EXPECT_EQ(200, fz_read_number(IN_USE));
	/* It is the context's: a scratch says the same. */
	EXPECT_EQ(200, fz_stats(self->fd).out_pool_ready);
	EXPECT_IDLE(200, 200);
}

TEST_F(pool, raise_and_lower)
{
	const uint64_t targets[] = { 10, 500, 500, 499, 1, 64, 0, 33, 32, 0 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(targets); i++) {
		struct fastzero_pool out = fz_pool(self->ctx, targets[i],
						   FASTZERO_POOL_WAIT);

		EXPECT_LE(targets[i], out.out_ready);
		EXPECT_EQ(targets[i], fz_stats(self->ctx).out_pool_target);
		/* The surplus is the system's again. */
		EXPECT_IDLE(targets[i], targets[i]);
		EXPECT_EQ(targets[i], fz_read_number(IN_USE));
	}
}

TEST_F(pool, each_context_has_its_own)
{
	int other = fz_open();

	fz_pool(self->ctx, 100, FASTZERO_POOL_WAIT);
	EXPECT_EQ(0, fz_stats(other).out_pool_target);
	EXPECT_EQ(0, fz_stats(other).out_pool_ready);
	fz_pool(other, 50, FASTZERO_POOL_WAIT);
	fz_pool(other, 0, FASTZERO_POOL_WAIT);
	EXPECT_IDLE(100, 100);
	close(other);
}

/* By a fault, a write and POPULATE alike: ready ones first, then new ones. */
TEST_F(pool, ready_pages_are_taken_first)
{
	struct fastzero_stats stats;
	char byte = 1;

	fz_pool(self->ctx, 30, FASTZERO_POOL_WAIT);
	fz_fill(self->map, 0, 10 * fz_ps, SEED);
	EXPECT_IDLE(20, 30);
	ASSERT_EQ(1, pwrite(self->fd, &byte, 1, 10 * (off_t)fz_ps));
	fz_populate(self->fd, 11 * fz_ps, 9 * fz_ps, 0);
	EXPECT_IDLE(10, 30);
	fz_populate(self->fd, 20 * fz_ps, 25 * fz_ps, 0);
	stats = fz_stats(self->fd);
	EXPECT_EQ(30, stats.out_faults_ready);
	EXPECT_EQ(0, stats.out_faults_used);
	EXPECT_EQ(15, stats.out_faults_alloc);
	EXPECT_EQ(30, stats.out_pool_target);
	EXPECT_IDLE(30, 75);
}

/*
 * After one call of POOL, the pool replaces the first run's folios, and a reset keeps
 * them.
 */
TEST_F(pool, pool_is_refilled_after_a_run)
{
	int i;

	fz_pool(self->ctx, PAGES, FASTZERO_POOL_WAIT);
	for (i = 0; i < 4; i++) {
		fz_fill(self->map, 0, SIZE, SEED + (uint64_t)i);
		fz_reset(self->fd, 0, SIZE, i ? FASTZERO_MODE_AUTO :
						FASTZERO_MODE_INPLACE);
		EXPECT_IDLE(PAGES, 2 * PAGES);
		ASSERT_ZERO(self->map, 0, SIZE);
	}
	EXPECT_EQ(0, fz_stats(self->ctx).out_faults_alloc);
	/* DROP brings back more folios than the target. */
	fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_DROP);
	fz_pool(self->ctx, PAGES, 0);
	EXPECT_IDLE(PAGES, PAGES);
}

/* A guest that is never reset. */
TEST_F(pool, pool_is_refilled_without_a_reset)
{
	fz_pool(self->ctx, PAGES, FASTZERO_POOL_WAIT);
	fz_fill(self->map, 0, SIZE, SEED);
	EXPECT_IDLE(PAGES, 2 * PAGES);
	ASSERT_FILLED(self->map, 0, SIZE, SEED);
}

#define CHUNKS	2

/* The first reset of chunks finds them ready, and need not allocate. */
TEST_F(pool, first_reset_finds_ready_chunks)
{
	const uint64_t size = CHUNKS * FZ_CHUNK;
	struct fastzero_reset r;
	unsigned char *map;
	int i, fd;

	if (!(fz_info(self->ctx).out_orders & 1 << 9))
		SKIP(return, "INFO does not report the order");
	if (fz_raw_pool_huge(self->ctx, CHUNKS, FASTZERO_POOL_WAIT))
		SKIP(return, "memory is in pieces");
	fd = fz_raw_create(self->ctx, size, 0, FASTZERO_PAGES_2M, 0);
	ASSERT_LE(0, fd);
	map = fz_map(fd, 0, size);
	for (i = 0; i < 3; i++) {
		fz_fill(map, 0, size, SEED);
		EXPECT_IDLE(CHUNKS * 512, 2 * CHUNKS * 512);
		r = fz_reset(fd, 0, size, FASTZERO_MODE_AUTO);
		EXPECT_EQ(CHUNKS * 512, r.out_swapped);
		ASSERT_ZERO(map, 0, size);
	}
	EXPECT_EQ(0, fz_stats(self->ctx).out_cleared);
	munmap(map, size);
	close(fd);
}

TEST_F(pool, drop_brings_pages_back)
{
	struct fastzero_stats stats;

	fz_pool(self->ctx, PAGES, FASTZERO_POOL_WAIT);
	fz_fill(self->map, 0, SIZE, SEED);
	EXPECT_IDLE(0, PAGES);
	fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_DROP);
	EXPECT_IDLE(PAGES, PAGES);
	stats = fz_stats(self->ctx);
	EXPECT_EQ(PAGES, stats.out_zeroed);
	EXPECT_LT(0, stats.out_zeroer_ns);
	/* So does the end of a scratch. */
	fz_fill(self->map, 0, SIZE, SEED);
	munmap(self->map, SIZE);
	close(self->fd);
	EXPECT_IDLE(PAGES, PAGES);
	EXPECT_EQ(2 * PAGES, fz_stats(self->ctx).out_zeroed);
	self->fd = fz_create(self->ctx, SIZE);
	self->map = fz_map(self->fd, 0, SIZE);
}

/* Without a target they only pass through. */
TEST_F(pool, drop_without_target)
{
	FILL_AND_DROP(SEED);
	EXPECT_IDLE(0, 0);
	EXPECT_EQ(0, fz_read_number(IN_USE));
}

TEST_F(pool, drop_more_than_the_target)
{
	fz_pool(self->ctx, 40, 0);
	FILL_AND_DROP(SEED);
	EXPECT_IDLE(40, 40);
}

/*
 * Used folios count towards the target: POOL allocates none in their place, unless the
 * zeroer has the last of them in hand.
 */
TEST_F(pool, used_pages_are_present)
{
	uint64_t allocated;
	int i;

	fz_pool(self->ctx, PAGES, FASTZERO_POOL_WAIT);
	for (i = 0; i < 50; i++) {
		struct fastzero_pool out;

		allocated = fz_stats(self->ctx).out_faults_alloc;
		FILL_AND_DROP(SEED);
		if (i % 2 == 0)
			EXPECT_EQ(allocated, fz_stats(self->ctx).out_faults_alloc);
		out = fz_pool(self->ctx, PAGES, i % 2 ? FASTZERO_POOL_WAIT : 0);
		EXPECT_LE(PAGES, out.out_ready + out.out_used);
		if (i % 2)
			EXPECT_LE(PAGES, out.out_ready);
	}
}

/* The same pages again and again, and they are zero each time. */
TEST_F(pool, ready_pages_are_zero)
{
	int i;

	fz_pool(self->ctx, PAGES, FASTZERO_POOL_WAIT);
	for (i = 0; i < 20; i++) {
		ASSERT_EQ(FZ_CLEAN, fz_find_nonzero(self->map, 0, SIZE))
			TH_LOG("round %d", i);
		FILL_AND_DROP(SEED + (uint64_t)i);
		fz_pool(self->ctx, PAGES, FASTZERO_POOL_WAIT);
	}
	EXPECT_EQ(0, fz_stats(self->ctx).out_faults_alloc);
	EXPECT_EQ(20 * PAGES, fz_stats(self->ctx).out_faults_ready);
}

/* Also before the zeroer has cleared them. */
TEST_F(pool, used_pages_are_zero)
{
	struct fastzero_stats stats;
	int i;

	fz_pool(self->ctx, PAGES, FASTZERO_POOL_WAIT);
	for (i = 0; i < 200; i++) {
		FILL_AND_DROP(SEED + (uint64_t)i);
		ASSERT_EQ(FZ_CLEAN, fz_find_nonzero(self->map, 0, SIZE))
			TH_LOG("round %d", i);
		stats = fz_stats(self->ctx);
		if (i >= 20 && stats.out_faults_used)
			break;
	}
	if (!stats.out_faults_used)
		SKIP(return, "the zeroer was always faster");
}

static int raw_pool_order(int ctx, uint32_t order, uint64_t target)
{
	struct fastzero_pool arg = {
		.size = sizeof(arg), .order = order, .target = target,
	};

	return ioctl(ctx, FASTZERO_IOC_POOL, &arg);
}

TEST_F(pool, unknown_orders_are_refused)
{
	uint32_t orders = fz_info(self->ctx).out_orders, order;

	EXPECT_TRUE(orders & 1);
	for (order = 0; order < 32; order++) {
		EXPECT_EQ(orders & (1U << order) ? 0 : EOPNOTSUPP,
			  FZ_ERRNO(raw_pool_order(self->ctx, order, 2)))
			TH_LOG("order %u", order);
	}
}

struct churn {
	int fd;
	unsigned char *map;
	volatile bool stop;
};

static void *churn(void *arg)
{
	struct churn *c = arg;

	while (!c->stop) {
		fz_fill(c->map, 0, SIZE, SEED);
		fz_raw_reset(c->fd, 0, SIZE, FASTZERO_MODE_DROP, NULL);
	}
	return NULL;
}

/* Faults take folios and drops return them while the target moves: none is lost. */
TEST_F(pool, target_moves_under_load)
{
	struct churn c = { self->fd, self->map, false };
	uint64_t random = 8;
	pthread_t thread;
	int i;

	ASSERT_EQ(0, pthread_create(&thread, NULL, churn, &c));
	for (i = 0; i < 300; i++)
		if (fz_raw_pool(self->ctx, fz_random(&random) % (2 * PAGES),
				i % 2 ? FASTZERO_POOL_WAIT : 0, NULL))
			break;
	c.stop = true;
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(300, i);
	fz_pool(self->ctx, 77, FASTZERO_POOL_WAIT);
	EXPECT_IDLE(77, 77);
	EXPECT_EQ(77, fz_read_number(IN_USE));
	EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(self->map, 0, SIZE));
}

static int set_targets(void *arg)
{
	uint64_t random = (uint64_t)getpid();
	int i;

	for (i = 0; i < 100; i++)
		if (fz_raw_pool(*(int *)arg, fz_random(&random) % PAGES,
				FASTZERO_POOL_WAIT, NULL))
			return errno;
	return 0;
}

TEST_F(pool, several_set_it_at_once)
{
	struct fastzero_stats stats;
	pid_t pids[4];
	int i;

	for (i = 0; i < 4; i++) {
		pids[i] = fz_fork();
		if (!pids[i])
			_exit(set_targets(&self->ctx));
	}
	for (i = 0; i < 4; i++)
		EXPECT_EQ(0, fz_wait(pids[i]));
	stats = fz_stats(self->ctx);
	EXPECT_IDLE(stats.out_pool_target, stats.out_pool_target);
}

/* POOL is killed while it allocates: it adds all folios or none. */
TEST_F(pool, killed_in_the_call)
{
	const uint64_t many = 60000;
	int i, undone = 0;

	fz_pool(self->ctx, 5, FASTZERO_POOL_WAIT);
	for (i = 0; i < 20 && undone < 3; i++) {
		struct fastzero_stats stats;
		pid_t pid = fz_fork();

		ASSERT_LE(0, pid);
		if (!pid)
			_exit(FZ_ERRNO(fz_raw_pool(self->ctx, many, 0, NULL)));
		fz_until(fz_stats(self->ctx).out_owned > 1000, FZ_PATIENCE_MS);
		kill(pid, SIGKILL);
		fz_wait(pid);
		stats = fz_stats(self->ctx);
		if (stats.out_pool_target == 5) {
			undone++;
			EXPECT_IDLE(5, 5);
			continue;
		}
		EXPECT_EQ(many, stats.out_pool_target);
		EXPECT_IDLE(many, many);
		fz_pool(self->ctx, 5, FASTZERO_POOL_WAIT);
		EXPECT_IDLE(5, 5);
	}
	EXPECT_EQ(3, undone);
}

/* A thread that fills the pool. */
struct filling {
	int ctx;
	bool huge;
	uint64_t folios;
	int err;
	atomic_bool done;
};

static void *fill_pool(void *arg)
{
	struct filling *f = arg;

	f->err = FZ_ERRNO(f->huge ? fz_raw_pool_huge(f->ctx, f->folios, 0) :
				    fz_raw_pool(f->ctx, f->folios, 0, NULL));
	atomic_store(&f->done, true);
	return NULL;
}

#define FILLED	(96UL << 20)

/*
 * Allocated folios enter the pool batch by batch, so that the system can take them back
 * during the call.
 */
static bool filling_is_seen(int ctx, bool huge)
{
	struct filling f = {
		.ctx = ctx, .huge = huge,
		.folios = FILLED / (huge ? FZ_CHUNK : fz_ps),
	};
	struct fastzero_stats s;
	bool seen = false;
	pthread_t thread;

	if (pthread_create(&thread, NULL, fill_pool, &f))
		return false;
	while (!atomic_load(&f.done) && !seen)
		seen = !fz_raw_stats(ctx, &s) && s.out_pool_ready &&
		       s.out_pool_ready < FILLED / fz_ps;
	pthread_join(thread, NULL);
	return seen && !f.err;
}

TEST_F(pool, fills_in_batches)
{
	/* All of it may come between two looks. */
	EXPECT_TRUE(fz_until((fz_pool(self->ctx, 0, 0),
			      filling_is_seen(self->ctx, false)), FZ_PATIENCE_MS));
	fz_pool(self->ctx, 0, 0);
	if (fz_info(self->ctx).out_orders & 1 << 9) {
		EXPECT_TRUE(fz_until((fz_raw_pool_huge(self->ctx, 0, 0),
				      filling_is_seen(self->ctx, true)),
				     FZ_PATIENCE_MS));
		ASSERT_EQ(0, fz_raw_pool_huge(self->ctx, 0, 0));
	}
	EXPECT_IDLE(0, 0);
}

TEST_HARNESS_MAIN

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Advice, locks and populating of mappings have the same effect on a scratch as on a
 * memfd, and a reset reaches the pages of all of them.
 */
#include "kselftest_harness.h"
#include "fz_fixture.h"

#include <sched.h>
#include <signal.h>
#include <sys/resource.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_READ	22
#define MADV_POPULATE_WRITE	23
#endif

#define PAGES	16
#define SIZE	(PAGES * fz_ps)
#define SEED	8

FZ_FIXTURE(touch, SIZE, 0, FZ_ANY_PAGES)

FIXTURE_VARIANT(touch) {
	uint32_t mode;
};

FIXTURE_VARIANT_ADD(touch, inplace) { .mode = FASTZERO_MODE_INPLACE };
FIXTURE_VARIANT_ADD(touch, drop) { .mode = FASTZERO_MODE_DROP };

#define RESET_ALL()	fz_clear(self->fd, 0, SIZE, variant->mode)

/* Writes to each page; how many faults that took. */
static long faults_of_writing(unsigned char *map)
{
	long before = fz_minor_faults();
	size_t i;

	for (i = 0; i < PAGES; i++)
		map[i * fz_ps] = 1;
	return fz_minor_faults() - before;
}

/* As on a memfd, and unlike anonymous memory. */
TEST_F(touch, dontneed_keeps_the_data)
{
	fz_fill(self->map, 0, SIZE, SEED);
	ASSERT_EQ(0, madvise(self->map, SIZE, MADV_DONTNEED));
	EXPECT_EQ(FZ_CLEAN, fz_find_unlike(self->map, 0, SIZE, SEED));
	ASSERT_EQ(0, madvise(self->map + fz_ps, 4 * fz_ps, MADV_DONTNEED));
	RESET_ALL();
	EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(self->map, 0, SIZE));
}

/* Hints to the page cache must not lose data, since the scratch has the only copy. */
TEST_F(touch, reclaim_advice_keeps_the_data)
{
	const int advice[] = { MADV_COLD, MADV_PAGEOUT, MADV_WILLNEED,
			       MADV_SEQUENTIAL, MADV_RANDOM, MADV_NORMAL };
	size_t i;

	fz_fill(self->map, 0, SIZE, SEED);
	for (i = 0; i < ARRAY_SIZE(advice); i++) {
		EXPECT_EQ(0, madvise(self->map, SIZE, advice[i]))
			TH_LOG("advice %d: %s", advice[i], strerror(errno));
		EXPECT_EQ(FZ_CLEAN, fz_find_unlike(self->map, 0, SIZE, SEED))
			TH_LOG("advice %d", advice[i]);
	}
	EXPECT_EQ(EINVAL, FZ_ERRNO(madvise(self->map, SIZE, MADV_FREE)));
	EXPECT_EQ(FZ_CLEAN, fz_find_unlike(self->map, 0, SIZE, SEED));
	RESET_ALL();
	EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(self->map, 0, SIZE));
}

TEST_F(touch, populate_write)
{
	ASSERT_EQ(0, madvise(self->map, SIZE, MADV_POPULATE_WRITE))
		TH_LOG("%s", strerror(errno));
	EXPECT_EQ(PAGES, fz_stats(self->fd).out_populated);
	EXPECT_EQ(0, faults_of_writing(self->map));
	RESET_ALL();
	EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(self->map, 0, SIZE));
	ASSERT_EQ(0, madvise(self->map, SIZE, MADV_POPULATE_WRITE));
	EXPECT_EQ(0, faults_of_writing(self->map));
}

TEST_F(touch, populate_read)
{
	fz_fill(self->map, 0, fz_ps, SEED);
	ASSERT_EQ(0, madvise(self->map, SIZE, MADV_POPULATE_READ));
	EXPECT_EQ(FZ_CLEAN, fz_find_unlike(self->map, 0, fz_ps, SEED));
	EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(self->map, fz_ps, SIZE - fz_ps));
	RESET_ALL();
	EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(self->map, 0, SIZE));
}

TEST_F(touch, map_populate)
{
	unsigned char *map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
				  MAP_SHARED | MAP_POPULATE, self->fd, 0);

	ASSERT_NE(MAP_FAILED, map);
	/* It is a read, for which a shared page of zeros will do. */
	if (fz_create_flags() & FASTZERO_CREATE_ZEROPAGE) {
		EXPECT_EQ(0, fz_stats(self->fd).out_populated);
		EXPECT_EQ(2 * PAGES, faults_of_writing(map));
	} else {
		EXPECT_EQ(PAGES, fz_stats(self->fd).out_populated);
		EXPECT_EQ(0, faults_of_writing(map));
	}
	RESET_ALL();
	EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(map, 0, SIZE));
}

TEST_F(touch, dontfork)
{
	fz_fill(self->map, 0, SIZE, SEED);
	ASSERT_EQ(0, madvise(self->map + fz_ps, fz_ps, MADV_DONTFORK));
	EXPECT_EQ(0, fz_reads(self->map));
	EXPECT_EQ(FZ_SIGNALLED + SIGSEGV, fz_reads(self->map + fz_ps));
	EXPECT_EQ(FZ_CLEAN, fz_find_unlike(self->map, 0, SIZE, SEED));
	ASSERT_EQ(0, madvise(self->map + fz_ps, fz_ps, MADV_DOFORK));
	EXPECT_EQ(0, fz_reads(self->map + fz_ps));
	RESET_ALL();
	EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(self->map, 0, SIZE));
}

/* Locked pages can be taken back; their mappings remain locked. */
TEST_F(touch, mlock)
{
	fz_fill(self->map, 0, SIZE, SEED);
	ASSERT_EQ(0, mlock(self->map, SIZE)) TH_LOG("%s", strerror(errno));
	RESET_ALL();
	EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(self->map, 0, SIZE));
	fz_fill(self->map, 0, SIZE, SEED + 1);
	RESET_ALL();
	ASSERT_EQ(0, munlock(self->map, SIZE));
	EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(self->map, 0, SIZE));
}

/* The lock goes with the mapping, after its pages are gone. */
TEST_F(touch, mlock_then_unmap)
{
	int round;

	for (round = 0; round < 5; round++) {
		unsigned char *map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
					  MAP_SHARED | MAP_LOCKED, self->fd, 0);

		ASSERT_NE(MAP_FAILED, map);
		fz_fill(map, 0, SIZE, SEED);
		if (round % 2)
			RESET_ALL();
		ASSERT_EQ(0, munmap(map, SIZE));
		RESET_ALL();
		EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(self->map, 0, SIZE));
	}
}

/* A processor that locks or unlocks pages first works off its batch of earlier ones. */
static void settle_locks(void *page)
{
	mlock(page, fz_ps);
	munlock(page, fz_ps);
}

/*
 * All locked pages come back to the pool.  A processor that locks pages refers to the
 * last few until it locks or unlocks others.  Newer kernels do not do that at munmap.
 */
TEST_F(touch, mlocked_pages_come_back)
{
	static char other;
	struct fastzero_stats stats;
	cpu_set_t here;
	bool back;

	CPU_ZERO(&here);
	CPU_SET(sched_getcpu(), &here);
	ASSERT_EQ(0, sched_setaffinity(0, sizeof(here), &here));
	fz_pool(self->ctx, PAGES, FASTZERO_POOL_WAIT);
	ASSERT_EQ(0, mlock(self->map, SIZE));
	fz_fill(self->map, 0, SIZE, SEED);
	fz_clear(self->fd, 0, SIZE, FASTZERO_MODE_DROP);
	ASSERT_EQ(0, munmap(self->map, SIZE));
	settle_locks(&other);
	back = fz_until((stats = fz_stats(self->ctx)).out_pool_ready == PAGES,
			FZ_PATIENCE_MS);
	EXPECT_TRUE(back) TH_LOG("ready %llu, used %llu, held %llu",
				 stats.out_pool_ready, stats.out_pool_used,
				 stats.out_pool_held);
}

TEST_HARNESS_MAIN

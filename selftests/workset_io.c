// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * WORKSET: the working set is read, written and forgotten, and POPULATE brings its
 * pages.
 */
#include "kselftest_harness.h"
#include "fz_fixture.h"

#include <pthread.h>
#include <signal.h>

#define PAGES	1300			/* more than two chunks */
#define SIZE	(PAGES * fz_ps)
#define MOST	64

struct set {
	struct fastzero_workset_head head;
	struct fastzero_workset_run runs[MOST];
};

FIXTURE(workset_io) {
	FZ_SCRATCH;
	struct set set;
};

FIXTURE_SETUP(workset_io)
{
	FZ_SCRATCH_SETUP(SIZE, 0, FASTZERO_PAGES_4K);
	ASSERT_TRUE(fz_info(self->ctx).out_features & FASTZERO_FEATURE_WORKSET);
	memset(&self->set, 0xee, sizeof(self->set));
}

FIXTURE_TEARDOWN(workset_io)
{
	FZ_SCRATCH_TEARDOWN();
}

#define BYTES(nr)	(sizeof(struct fastzero_workset_head) + \
			 (nr) * sizeof(struct fastzero_workset_run))
#define READ(set, size) \
	fz_workset(self->fd, FASTZERO_WORKSET_READ, set, size).out_size
#define WRITE(set, size) \
	fz_workset(self->fd, FASTZERO_WORKSET_WRITE, set, size).out_size
#define CLEAR() fz_workset(self->fd, FASTZERO_WORKSET_CLEAR, NULL, 0)

/* That the set has these runs and no others: pairs of first page and number. */
#define EXPECT_RUNS(...) do {						\
	const uint64_t want_[] = { __VA_ARGS__ };			\
	size_t nr_ = sizeof(want_) / 16, n_;				\
	ASSERT_EQ(BYTES(nr_), READ(&self->set, sizeof(self->set)));	\
	EXPECT_EQ(FASTZERO_WORKSET_MAGIC, self->set.head.magic);	\
	EXPECT_EQ(fz_ps, 1UL << self->set.head.page_shift);		\
	EXPECT_EQ(SIZE, self->set.head.length);				\
	EXPECT_EQ(0, self->set.head.__reserved);			\
	ASSERT_EQ(nr_, self->set.head.nr_runs);				\
	for (n_ = 0; n_ < nr_; n_++) {					\
		EXPECT_EQ(want_[2 * n_], self->set.runs[n_].first);	\
		EXPECT_EQ(want_[2 * n_ + 1], self->set.runs[n_].nr);	\
	}								\
} while (0)

static void touch(unsigned char *map, size_t first, size_t nr)
{
	for (; nr--; first++)
		map[first * fz_ps] = 1;
}

TEST_F(workset_io, set_has_the_touched_pages)
{
	EXPECT_RUNS();
	touch(self->map, 3, 1);
	touch(self->map, 500, 20);		/* over the end of a chunk */
	touch(self->map, PAGES - 1, 1);
	ASSERT_EQ(1, pwrite(self->fd, "x", 1, (off_t)(700 * fz_ps)));
	EXPECT_RUNS(3, 1, 500, 20, 700, 1, PAGES - 1, 1);
	/* The set outlives resets. */
	fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_DROP);
	EXPECT_RUNS(3, 1, 500, 20, 700, 1, PAGES - 1, 1);
	CLEAR();
	EXPECT_RUNS();
	touch(self->map, 0, PAGES);
	EXPECT_RUNS(0, PAGES);
}

/* Only pages of the set are there, mapped, and zero. */
TEST_F(workset_io, populate)
{
	struct fastzero_populate p;
	uint64_t faults;

	touch(self->map, 510, 4);
	touch(self->map, 1000, 3);
	fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_DROP);
	p = fz_populate(self->fd, 0, SIZE, FASTZERO_POPULATE_WORKSET);
	EXPECT_EQ(SIZE, p.out_done);
	EXPECT_EQ(7, p.out_added);
	EXPECT_EQ(7, p.out_mapped);
	EXPECT_EQ(7, fz_stats(self->fd).out_populated);
	faults = fz_stats(self->fd).out_faults;
	touch(self->map, 510, 4);
	touch(self->map, 1000, 3);
	EXPECT_EQ(faults, fz_stats(self->fd).out_faults);
	/* A part of it. */
	fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_DROP);
	p = fz_populate(self->fd, 0, 512 * fz_ps, FASTZERO_POPULATE_WORKSET);
	EXPECT_EQ(2, p.out_added);
	EXPECT_EQ(512 * fz_ps, p.out_done);
	ASSERT_ZERO(self->map, 0, SIZE);
}

#define RUNS	400			/* every third page */

/*
 * POPULATE maps as a fault would.  A store is seen in the scratch, the mapping's
 * protection stays, no special flag stays, and mapped pages are left alone.
 */
static void populate_mapping(struct __test_metadata *_metadata, int ctx,
			     uint32_t policy, int prot)
{
	int fd = fz_raw_create(ctx, SIZE, 0, policy, 0);
	struct fastzero_populate p;
	unsigned char *map, *seen;
	uint64_t faults;
	size_t i;

	ASSERT_LE(0, fd);
	fz_pool(ctx, RUNS / 2, FASTZERO_POOL_WAIT);
	seen = fz_map(fd, 0, SIZE);
	for (i = 0; i < RUNS; i++)
		seen[3 * i * fz_ps] = 1;
	fz_reset(fd, 0, SIZE, FASTZERO_MODE_DROP);
	map = mmap(NULL, SIZE, prot, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, map);
	if (prot & PROT_WRITE)
		map[30 * fz_ps] = 1;
	p = fz_populate(fd, 0, SIZE, FASTZERO_POPULATE_WORKSET);
	EXPECT_EQ(RUNS, p.out_added + !!(prot & PROT_WRITE));
	/* In both mappings. */
	EXPECT_EQ(2 * RUNS, p.out_mapped);
	if (!(prot & PROT_WRITE))
		EXPECT_EQ(FZ_SIGNALLED + SIGSEGV, fz_writes(map));
	faults = fz_stats(fd).out_faults;
	for (i = 0; i < RUNS; i++)
		EXPECT_EQ(prot & PROT_WRITE && i == 10, map[3 * i * fz_ps]);
	ASSERT_EQ(0, mprotect(map, SIZE, PROT_READ | PROT_WRITE));
	for (i = 0; i < RUNS; i++)
		map[3 * i * fz_ps + 1] = (unsigned char)(i % 255 + 1);
	for (i = 0; i < RUNS; i++)
		EXPECT_EQ(i % 255 + 1, seen[3 * i * fz_ps + 1]);
	EXPECT_EQ(faults, fz_stats(fd).out_faults);
	/* Refused where the kernel takes a mapping for special. */
	EXPECT_EQ(0, madvise(map, SIZE, MADV_DODUMP));
	EXPECT_EQ(0, mlock(map, SIZE));
	fz_reset(fd, 0, SIZE, FASTZERO_MODE_DROP);
	p = fz_populate(fd, 0, SIZE, FASTZERO_POPULATE_WORKSET);
	ASSERT_ZERO(map, 0, SIZE);
	ASSERT_ZERO(seen, 0, SIZE);
	munmap(map, SIZE);
	munmap(seen, SIZE);
	close(fd);
}

TEST_F(workset_io, populate_maps)
{
	populate_mapping(_metadata, self->ctx, FASTZERO_PAGES_4K,
			 PROT_READ | PROT_WRITE);
	populate_mapping(_metadata, self->ctx, FASTZERO_PAGES_AUTO,
			 PROT_READ | PROT_WRITE);
}

TEST_F(workset_io, populate_maps_for_reading)
{
	populate_mapping(_metadata, self->ctx, FASTZERO_PAGES_4K, PROT_READ);
}

struct populating {
	int fd;
	volatile bool stop;
	int err;
};

static void *populate_again_and_again(void *arg)
{
	struct populating *p = arg;

	while (!p->stop && !p->err)
		p->err = FZ_ERRNO(fz_raw_populate(p->fd, 0, SIZE,
						  FASTZERO_POPULATE_WORKSET, NULL));
	return NULL;
}

/* While a reset takes the same pages away, no mapping shows old data. */
TEST_F(workset_io, populate_against_resets)
{
	struct populating p = { .fd = self->fd };
	pthread_t thread;
	int i;

	touch(self->map, 0, PAGES);
	fz_pool(self->ctx, PAGES, FASTZERO_POOL_WAIT);
	ASSERT_EQ(0, pthread_create(&thread, NULL, populate_again_and_again, &p));
	for (i = 0; i < 60; i++) {
		fz_fill(self->map, 0, SIZE, (uint64_t)i);
		fz_reset(self->fd, 0, SIZE, i % 2 ? FASTZERO_MODE_DROP :
						    FASTZERO_MODE_SWAP);
		ASSERT_ZERO(self->map, 0, SIZE);
		ASSERT_EQ(FZ_CLEAN, fz_pread_nonzero(self->fd, 0, SIZE));
	}
	p.stop = true;
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(0, p.err);
}

/* To another scratch of the same size, in another context. */
TEST_F(workset_io, set_moves_to_another_scratch)
{
	int ctx = fz_open();
	int fd = fz_raw_create(ctx, SIZE, 0, FASTZERO_PAGES_4K, 0);
	uint64_t size;

	touch(self->map, 7, 9);
	touch(self->map, 1290, 10);
	size = READ(&self->set, sizeof(self->set));
	EXPECT_EQ(size, fz_workset(fd, FASTZERO_WORKSET_WRITE, &self->set, size).out_size);
	EXPECT_EQ(19, fz_populate(fd, 0, SIZE, FASTZERO_POPULATE_WORKSET).out_added);
	EXPECT_EQ(19, fz_stats(fd).out_populated);
	close(fd);
	close(ctx);
	/* Written sets replace. */
	touch(self->map, 100, 1);
	EXPECT_EQ(size, WRITE(&self->set, size));
	EXPECT_RUNS(7, 9, 1290, 10);
}

TEST_F(workset_io, read_reports_its_size)
{
	touch(self->map, 1, 1);
	touch(self->map, 5, 1);
	EXPECT_EQ(BYTES(2), READ(NULL, 0));
	struct fastzero_workset w = { 0 };

	EXPECT_EQ(ENOSPC, FZ_ERRNO(fz_raw_workset(self->fd, FASTZERO_WORKSET_READ,
						  &self->set, BYTES(2) - 1, &w)));
	EXPECT_EQ(BYTES(2), w.out_size);
	EXPECT_EQ(0xee, *(unsigned char *)&self->set);
	EXPECT_EQ(BYTES(2), READ(&self->set, BYTES(2)));
	/* Not a byte after it. */
	EXPECT_EQ(0xee, *((unsigned char *)&self->set + BYTES(2)));
	fz_err_workset(EFAULT, self->fd, FASTZERO_WORKSET_READ, (void *)8, BYTES(2));
}

/* A refused set changes nothing. */
TEST_F(workset_io, bad_sets_are_refused)
{
	struct set good, bad;
	uint64_t size;

	touch(self->map, 10, 2);
	touch(self->map, 20, 2);
	size = READ(&good, sizeof(good));
	ASSERT_EQ(BYTES(2), size);
#define BAD(what, size_) do {						\
	bad = good;							\
	what;								\
	fz_err_workset(EINVAL, self->fd, FASTZERO_WORKSET_WRITE, &bad, size_); \
} while (0)
	BAD(bad.head.magic ^= 1, size);
	BAD(bad.head.page_shift++, size);
	BAD(bad.head.length += fz_ps, size);
	BAD(bad.head.nr_runs++, size);
	BAD(bad.head.nr_runs = 0, size);
	BAD(bad.head.nr_runs = ~0ULL / 16, size);
	BAD(bad.head.__reserved = 1, size);
	BAD(bad.runs[0].nr = 0, size);
	BAD(bad.runs[0].nr = 11, size);
	BAD(bad.runs[0].nr = 10, size);		/* touches the next */
	BAD(bad.runs[1].first = 5, size);
	BAD(bad.runs[1].first = PAGES, size);
	BAD(bad.runs[1].nr = PAGES, size);
	BAD(bad.runs[1].nr = ~0ULL, size);
	BAD(, size - 1);
	BAD(, 0);
	BAD(, 1ULL << 40);
	fz_err_workset(EFAULT, self->fd, FASTZERO_WORKSET_WRITE, (void *)8, size);
	fz_err_workset(EINVAL, self->fd, FASTZERO_WORKSET_CLEAR, NULL, size);
	fz_err_workset(EINVAL, self->fd, 3, NULL, 0);
	EXPECT_RUNS(10, 2, 20, 2);
	EXPECT_EQ(4, fz_stats(self->fd).out_populated);
}

/* A set that would take all memory is refused before it takes any. */
TEST_F(workset_io, set_larger_than_the_host)
{
	uint64_t length = 1ULL << 44;
	struct fastzero_workset w = {
		.size = sizeof(w), .op = FASTZERO_WORKSET_WRITE,
		.buffer = (uintptr_t)&self->set,
	};
	long long before;
	int fd = fz_raw_create(self->ctx, length, 0, FASTZERO_PAGES_4K, 0);

	ASSERT_LE(0, fd);
	memset(&self->set, 0, sizeof(self->set));
	self->set.head.magic = FASTZERO_WORKSET_MAGIC;
	self->set.head.page_shift = 12;
	self->set.head.length = length;
	self->set.head.nr_runs = 1;
	self->set.runs[0].nr = length / fz_ps;
	before = fz_read_key("/proc/meminfo", "SUnreclaim:");
	fz_err_workset(ENOMEM, fd, FASTZERO_WORKSET_WRITE, &self->set, BYTES(1));
	EXPECT_GT(before + 32 * 1024, fz_read_key("/proc/meminfo", "SUnreclaim:"));
	/*
	 * The call does not allocate as much as a header with a wrong length asks for.
	 */
	w.buffer_size = (2ULL << 30) + 16;
	EXPECT_EQ(ENOMEM, FZ_ERRNO(ioctl(fd, FASTZERO_IOC_WORKSET, &w)));
	close(fd);
}

TEST_HARNESS_MAIN

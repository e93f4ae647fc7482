// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which chunks are backed by huge folios: the dense ones, where they can be mapped
 * as a whole; and sparse ones no more when memory is short.
 */
#include "kselftest_harness.h"
#include "fz_fixture.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/uio.h>

#define CHUNK	FZ_CHUNK
#define CHUNKS	4
#define SIZE	(CHUNKS * CHUNK)
/* Memory is short for so long after it was. */
#define SHORT_MS	10000

FIXTURE(large) {
	FZ_SCRATCH;
	long long max_pages;
};

FIXTURE_VARIANT(large) {
	uint32_t policy;
	uint32_t flags;
};

FIXTURE_VARIANT_ADD(large, auto) { .policy = FASTZERO_PAGES_AUTO };
FIXTURE_VARIANT_ADD(large, 2m) { .policy = FASTZERO_PAGES_2M };
/* With TOTAL_CPU AUTO swaps no chunk, but breaks sparse ones. */
FIXTURE_VARIANT_ADD(large, total_cpu) {
	.policy = FASTZERO_PAGES_2M,
	.flags = FASTZERO_CREATE_TOTAL_CPU,
};

FIXTURE_SETUP(large)
{
	self->ctx = fz_open();
	if (!(fz_info(self->ctx).out_features & FASTZERO_FEATURE_2M))
		FZ_SKIP_ALL("INFO does not report 2M");
	FZ_SCRATCH_MAKE(SIZE, variant->flags, variant->policy);
	self->max_pages = fz_read_number(FZ_PARAM_DIR "max_pages");
	ASSERT_LE(0, self->max_pages);
}

FIXTURE_TEARDOWN(large)
{
	FZ_SCRATCH_TEARDOWN();
}

static void touch(unsigned char *map, size_t chunk, size_t nr)
{
	size_t i;

	for (i = 0; i < nr; i++)
		map[chunk * CHUNK + i * fz_ps] = 1;
}

/* The context asks for more than it may have. */
static int make_short(FIXTURE_DATA(large) *self)
{
	struct fastzero_stats st;
	char text[24];
	int err;

	/* Surplus of chunks would be given up for it. */
	if (fz_raw_pool(self->ctx, 0, 0, NULL) ||
	    fz_raw_pool_huge(self->ctx, 0, 0) ||
	    !fz_until(!fz_raw_stats(self->ctx, &st) &&
		      st.out_owned == st.out_populated, FZ_PATIENCE_MS))
		return -1;
	snprintf(text, sizeof(text), "%llu", st.out_owned);
	if (fz_write_string(FZ_PARAM_DIR "max_pages", text))
		return -1;
	err = FZ_ERRNO(fz_raw_pool(self->ctx, 64, 0, NULL));
	snprintf(text, sizeof(text), "%lld", self->max_pages);
	if (fz_write_string(FZ_PARAM_DIR "max_pages", text) ||
	    fz_raw_pool(self->ctx, 0, 0, NULL))
		return -1;
	return err == ENOMEM ? 0 : -1;
}

#define EXPECT_STATS(huge, broken, rebuilt) do {			\
	struct fastzero_stats st_ = fz_stats(self->fd);			\
	EXPECT_EQ((huge) * 512, st_.out_huge);				\
	EXPECT_EQ(broken, st_.out_broken);				\
	EXPECT_EQ(rebuilt, st_.out_rebuilt);				\
} while (0)

/* A working set that was brought along makes chunks huge at the first touch. */
TEST_F(large, written_working_set_makes_chunks_huge)
{
	struct {
		struct fastzero_workset_head head;
		struct fastzero_workset_run runs[2];
	} set = {
		.head = {
			.magic = FASTZERO_WORKSET_MAGIC, .page_shift = 12,
			.length = SIZE, .nr_runs = 2,
		},
		.runs = { { 512, 256 }, { 2 * 512, 255 } },
	};

	if (variant->policy != FASTZERO_PAGES_AUTO)
		return;
	fz_workset(self->fd, FASTZERO_WORKSET_WRITE, &set, sizeof(set));
	touch(self->map, 0, 1);
	EXPECT_STATS(0, 0, 0);
	touch(self->map, 1, 1);
	EXPECT_STATS(1, 0, 1);
	EXPECT_EQ(CHUNK, fz_mapped_huge(self->map));
	touch(self->map, 2, 1);
	EXPECT_STATS(1, 0, 1);
	EXPECT_EQ(512 + 2, fz_stats(self->fd).out_populated);
	/* Each is reset in its own way. */
	ASSERT_EQ(0, fz_raw_pool_huge(self->ctx, 1, FASTZERO_POOL_WAIT));
	EXPECT_EQ(512, fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_AUTO).out_swapped);
	ASSERT_ZERO(self->map, 0, SIZE);
}

/* The same by POPULATE, whether the scratch is mapped or not. */
TEST_F(large, populate_makes_chunks_huge)
{
	struct fastzero_populate p;
	int mapped;

	for (mapped = 1; mapped >= 0; mapped--) {
		ASSERT_EQ(0, fz_want_chunks(self->fd, SIZE, 0, 2));
		if (!mapped)
			ASSERT_EQ(0, munmap(self->map, SIZE));
		p = fz_populate(self->fd, 0, SIZE, FASTZERO_POPULATE_WORKSET);
		EXPECT_EQ(2 * 512, p.out_added);
		EXPECT_EQ(mapped * 2 * 512, p.out_mapped);
		EXPECT_EQ(2 * 512, fz_stats(self->fd).out_huge);
		if (!mapped)
			self->map = fz_map(self->fd, 0, SIZE);
		EXPECT_EQ(mapped * 2 * CHUNK, fz_mapped_huge(self->map));
		fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_DROP);
	}
}

/*
 * AUTO learns from the pages that runs touch.  A mapping with page tables gets no huge
 * folio.
 */
TEST_F(large, touched_pages_make_chunks_huge)
{
	if (variant->policy != FASTZERO_PAGES_AUTO)
		return;
	touch(self->map, 1, 300);
	touch(self->map, 2, 100);
	EXPECT_STATS(0, 0, 0);
	fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_DROP);
	touch(self->map, 1, 3);
	EXPECT_STATS(0, 0, 0);
	EXPECT_EQ(3, fz_stats(self->fd).out_populated);
	fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_DROP);

	ASSERT_EQ(0, munmap(self->map, SIZE));
	self->map = fz_map(self->fd, 0, SIZE);
	touch(self->map, 1, 3);
	touch(self->map, 2, 3);
	EXPECT_STATS(1, 0, 1);
	EXPECT_EQ(CHUNK, fz_mapped_huge(self->map));
	EXPECT_EQ(512 + 3, fz_stats(self->fd).out_populated);
}

/* A mapping that is not aligned gets none either. */
TEST_F(large, odd_mapping)
{
	unsigned char *odd;

	if (variant->policy != FASTZERO_PAGES_AUTO)
		return;
	ASSERT_EQ(0, fz_want_chunks(self->fd, SIZE, 0, 1));
	ASSERT_EQ(0, munmap(self->map, SIZE));
	odd = fz_map(self->fd, fz_ps, CHUNK);
	odd[0] = 1;
	EXPECT_STATS(0, 0, 0);
	EXPECT_EQ(1, fz_stats(self->fd).out_populated);
}

static int make_huge(FIXTURE_DATA(large) *self)
{
	struct fastzero_stats st;

	if (fz_want_chunks(self->fd, SIZE, 0, 1))
		return -1;
	touch(self->map, 0, 127);
	touch(self->map, 1, 128);
	touch(self->map, 2, 2);
	return fz_raw_stats(self->fd, &st) || st.out_huge != 3 * 512 ? -1 : 0;
}

/* Sparse chunks stay while memory suffices, and are broken when memory is short. */
TEST_F(large, sparse_chunks_break_when_short)
{
	struct {
		struct fastzero_workset_head head;
		struct fastzero_workset_run runs[8];
	} set = { 0 };
	uint64_t rebuilt;
	int i;

	ASSERT_EQ(0, make_huge(self));
	rebuilt = fz_stats(self->fd).out_rebuilt;
	fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_AUTO);
	ASSERT_EQ(0, make_huge(self));
	EXPECT_STATS(3, 0, rebuilt);

	ASSERT_EQ(0, make_short(self));
	EXPECT_EQ(2 * 512, fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_AUTO).out_dropped);
	EXPECT_STATS(1, 2, rebuilt);
	ASSERT_ZERO(self->map, CHUNK, CHUNK);
	/* The third of them lies at the end of the second, which is whole. */
	ASSERT_EQ(sizeof(set.head) + 3 * sizeof(set.runs[0]), fz_workset(self->fd, FASTZERO_WORKSET_READ, &set,
					      sizeof(set)).out_size);
	EXPECT_EQ(0, set.runs[0].first);
	EXPECT_EQ(127, set.runs[0].nr);
	EXPECT_EQ(512, set.runs[1].first);
	EXPECT_EQ(512 + 2, set.runs[1].nr);
	EXPECT_EQ(3 * 512, set.runs[2].first);

	/* From now on they have base pages, which stay where they are. */
	for (i = 0; i < 3; i++) {
		touch(self->map, 0, 127);
		touch(self->map, 2, 2);
		EXPECT_EQ(512 + 127 + 2, fz_stats(self->fd).out_populated);
		EXPECT_EQ(0, fz_reset(self->fd, 0, SIZE,
				      FASTZERO_MODE_AUTO).out_dropped);
		ASSERT_ZERO(self->map, 0, 127 * fz_ps);
	}
	EXPECT_STATS(1, 2, rebuilt);
}

/* SWAP by name swaps sparse chunks as well. */
TEST_F(large, swap_breaks_no_chunk)
{
	ASSERT_EQ(0, make_huge(self));
	ASSERT_EQ(0, make_short(self));
	EXPECT_EQ(0, fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_SWAP).out_dropped);
	EXPECT_EQ(3 * 512, fz_stats(self->fd).out_huge);
	ASSERT_ZERO(self->map, 0, SIZE);
}

/* A held chunk stays. */
TEST_F(large, held_chunk_is_not_broken)
{
	struct iovec iov = { self->map + 5 * fz_ps, fz_ps };
	int pipefd[2];

	ASSERT_EQ(0, make_huge(self));
	ASSERT_EQ(0, make_short(self));
	ASSERT_EQ(0, pipe2(pipefd, O_CLOEXEC));
	ASSERT_EQ(fz_ps, vmsplice(pipefd[1], &iov, 1, 0));
	EXPECT_EQ(512, fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_AUTO).out_dropped);
	EXPECT_EQ(2 * 512, fz_stats(self->fd).out_huge);
	EXPECT_EQ(1, fz_stats(self->fd).out_broken);
	ASSERT_ZERO(self->map, 0, SIZE);
	close(pipefd[0]);
	close(pipefd[1]);
}

/* Base pages, until runs touch much of it again and memory is there. */
TEST_F(large, dense_chunk_is_huge_again)
{
	uint64_t rebuilt;

	ASSERT_EQ(0, make_huge(self));
	ASSERT_EQ(0, make_short(self));
	fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_AUTO);
	rebuilt = fz_stats(self->fd).out_rebuilt;
	EXPECT_STATS(1, 2, rebuilt);
	touch(self->map, 0, 400);
	touch(self->map, 2, 200);
	fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_DROP);
	ASSERT_EQ(0, munmap(self->map, SIZE));
	self->map = fz_map(self->fd, 0, SIZE);

	/* Not yet. */
	touch(self->map, 0, 1);
	EXPECT_STATS(0, 2, rebuilt);
	fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_DROP);
	ASSERT_EQ(0, munmap(self->map, SIZE));
	usleep((SHORT_MS + 500) * 1000);
	self->map = fz_map(self->fd, 0, SIZE);
	touch(self->map, 0, 1);
	touch(self->map, 2, 1);
	EXPECT_STATS(1, 2, rebuilt + 1);
	EXPECT_EQ(CHUNK, fz_mapped_huge(self->map));
}

/* The mapping is alone in its GiB, so munmap frees its page tables. */
#define LONELY		((void *)0x7000000000UL)
#define LONELY_MS	(1500 * fz_slow())

struct unmapper {
	int fd;
	atomic_bool stop;
	long rounds;
};

/* Maps the scratch, has page tables made for it, and unmaps it again. */
static void *map_and_unmap(void *arg)
{
	struct unmapper *u = arg;
	unsigned char *map;

	while (!atomic_load(&u->stop)) {
		map = mmap(LONELY, SIZE, PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_FIXED_NOREPLACE, u->fd, 0);
		if (map == MAP_FAILED)
			break;
		map[SIZE - 1] = 1;
		munmap(map, SIZE);
		u->rounds++;
	}
	return NULL;
}

/*
 * A thread that fills a hole reads the page tables of the caller's mapping, while
 * another thread frees these.  KASAN must not report anything.
 */
TEST(filled_while_unmapped)
{
	int ctx = fz_open(), fd = fz_create(ctx, SIZE);
	struct unmapper u = { .fd = fd };
	long end = fz_now_ms() + LONELY_MS, rounds = 0;
	pthread_t thread;

	if (!(fz_info(ctx).out_features & FASTZERO_FEATURE_2M))
		SKIP(return, "INFO does not report 2M");
	ASSERT_EQ(0, fz_want_chunks(fd, SIZE, 0, 1));
	ASSERT_EQ(0, pthread_create(&thread, NULL, map_and_unmap, &u));
	while (fz_now_ms() < end) {
		const off_t at = (off_t)(rounds % (CHUNKS - 1) * CHUNK);
		char byte = 'x';

		if (rounds++ % 2)
			fz_populate(fd, (uint64_t)at, fz_ps, 0);
		ASSERT_EQ(1, pwrite(fd, &byte, 1, at));
		ASSERT_EQ(1, pread(fd, &byte, 1, at));
		EXPECT_EQ('x', byte);
		fz_reset(fd, 0, SIZE, FASTZERO_MODE_DROP);
	}
	atomic_store(&u.stop, true);
	pthread_join(thread, NULL);
	EXPECT_LT(0, u.rounds);
	close(fd);
	close(ctx);
}

TEST_HARNESS_MAIN

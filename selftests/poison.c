// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Pages whose memory has failed: a reset does not touch them, takes them out,
 * and they are never used again.  Each test costs the machine a page for good.
 */
#include "kselftest_harness.h"
#include "fz_fixture.h"

#include <signal.h>

#ifndef MADV_HWPOISON
#define MADV_HWPOISON	100
#endif

#define HARD_OFFLINE	"/sys/devices/system/memory/hard_offline_page"
#define PAGES	32
#define SIZE	(PAGES * fz_ps)
/* The one that fails. */
#define BAD	5

FIXTURE(poison) {
	FZ_SCRATCH;
};

FIXTURE_VARIANT(poison) {
	uint32_t mode;
};

FZ_MODE_VARIANTS(poison);

/*
 * In a child, for the page's users may be killed.  The call says EINVAL where
 * the kernel marks a page that it cannot free by itself, as it does with ours.
 */
static int poison_page(void *page)
{
	if (!madvise(page, fz_ps, MADV_HWPOISON))
		return 0;
	return errno == EPERM || errno == ENOSYS ? 1 : 0;
}

static int poison_unsupported(void *unused)
{
	unsigned char *page = mmap(NULL, fz_ps, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)unused;
	*page = 1;
	return madvise(page, fz_ps, MADV_HWPOISON) ? 1 : 0;
}

/* Newer kernels also kill the child, which maps the page that it poisons. */
static bool poison_worked(int end)
{
	return !end || end == FZ_SIGNALLED + SIGBUS;
}

#define POISON_BAD_PAGE() do {						\
	if (!poison_worked(fz_in_child(poison_unsupported, NULL)))	\
		SKIP(return, "no MADV_HWPOISON: it takes CONFIG_MEMORY_FAILURE and root"); \
	ASSERT_TRUE(poison_worked(fz_in_child(poison_page,		\
					      self->map + BAD * fz_ps))); \
} while (0)

FIXTURE_SETUP(poison)
{
	FZ_SCRATCH_SETUP(SIZE, 0, FZ_ANY_PAGES);
	fz_fill(self->map, 0, SIZE, 1);
}

FIXTURE_TEARDOWN(poison)
{
	FZ_SCRATCH_TEARDOWN();
}

TEST_F(poison, reset_drops_a_failed_page)
{
	struct fastzero_stats stats;

	POISON_BAD_PAGE();
	FZ_SKIP_UNLESS_MODE(self->ctx, variant->mode);
	stats = fz_stats(self->ctx);
	ASSERT_EQ(PAGES, stats.out_owned);
	fz_clear(self->fd, 0, SIZE, variant->mode);
	stats = fz_stats(self->ctx);
	EXPECT_GT(PAGES, stats.out_populated);
	/* SWAP has others made ready for the next time. */
	EXPECT_TRUE(fz_until((stats = fz_stats(self->ctx),
			      stats.out_owned - stats.out_pool_ready < PAGES),
			     FZ_PATIENCE_MS));

	/* The page is gone with its data, and the scratch works as before. */
	ASSERT_ZERO(self->map, 0, SIZE);
	fz_fill(self->map, 0, SIZE, 2);
	ASSERT_FILLED(self->map, 0, SIZE, 2);
	EXPECT_EQ(FZ_CLEAN, fz_pread_unlike(self->fd, 0, SIZE, 2));
	fz_clear(self->fd, 0, SIZE, variant->mode);
	ASSERT_ZERO(self->map, 0, SIZE);
}

TEST_F(poison, touch_of_a_failed_page_is_sigbus)
{
	POISON_BAD_PAGE();
	/* Without its page-table entry the page has to be found again. */
	ASSERT_EQ(0, madvise(self->map, SIZE, MADV_DONTNEED));
	EXPECT_EQ(FZ_SIGNALLED + SIGBUS,
		  fz_reads(self->map + BAD * fz_ps));
	EXPECT_EQ(0, fz_reads(self->map + (BAD + 1) * fz_ps));
}

/* read and write of the failed page fail; those of its neighbours work. */
TEST_F(poison, read_and_write_of_a_failed_page_fail)
{
	const off_t at = (off_t)(BAD * fz_ps);
	char byte = 'x';

	POISON_BAD_PAGE();
	EXPECT_EQ(EIO, FZ_ERRNO(pread(self->fd, &byte, 1, at)));
	EXPECT_EQ(EIO, FZ_ERRNO(pwrite(self->fd, &byte, 1, at)));
	EXPECT_EQ(EIO, FZ_ERRNO(fallocate(self->fd, FALLOC_FL_PUNCH_HOLE |
					  FALLOC_FL_KEEP_SIZE, at + 1, 1)));
	EXPECT_EQ(1, pread(self->fd, &byte, 1, at - 1));
	EXPECT_EQ(1, pwrite(self->fd, &byte, 1, at + (off_t)fz_ps));
	/* A hole punch of the failed page works. */
	EXPECT_EQ(EIO, FZ_ERRNO(fallocate(self->fd, FALLOC_FL_PUNCH_HOLE |
					  FALLOC_FL_KEEP_SIZE, at + 1,
					  (off_t)fz_ps + 1)));
	EXPECT_EQ(FZ_CLEAN, fz_pread_nonzero(self->fd, at + (off_t)fz_ps, 2));
	/* A hole of whole pages takes it out, and then all is well. */
	EXPECT_EQ(0, fallocate(self->fd, FALLOC_FL_PUNCH_HOLE |
			       FALLOC_FL_KEEP_SIZE, at, (off_t)fz_ps));
	EXPECT_EQ(1, pread(self->fd, &byte, 1, at));
	EXPECT_EQ(0, byte);
}

/* Page frame of a mapped page, 0 if it is unknown. */
static uint64_t frame_of(const unsigned char *page)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t entry = 0;

	if (pread(fd, &entry, 8, (off_t)((uintptr_t)page / fz_ps * 8)) != 8)
		entry = 0;
	close(fd);
	return entry & ((1ULL << 55) - 1);
}

/* The page fails while it is in the pool: no fault ever gets it. */
TEST_F(poison, failed_page_never_leaves_the_pool)
{
	struct fastzero_stats st;
	unsigned char *more;
	char address[32];
	uint64_t bad;
	size_t i;
	int fd;

	fz_pool(self->ctx, PAGES, FASTZERO_POOL_WAIT);
	bad = frame_of(self->map + BAD * fz_ps);
	ASSERT_NE(0, bad);
	fz_clear(self->fd, 0, SIZE, FASTZERO_MODE_DROP);
	fz_pool(self->ctx, 2 * PAGES, FASTZERO_POOL_WAIT);
	snprintf(address, sizeof(address), "0x%llx",
		 (unsigned long long)(bad * fz_ps));
	if (access(HARD_OFFLINE, W_OK))
		SKIP(return, "no " HARD_OFFLINE);
	fz_write_string(HARD_OFFLINE, address);

	/* All pages of the pool, and one more for the failed one. */
	fd = fz_create(self->ctx, SIZE);
	more = fz_map(fd, 0, SIZE);
	fz_fill(self->map, 0, SIZE, 3);
	fz_fill(more, 0, SIZE, 3);
	for (i = 0; i < PAGES; i++) {
		EXPECT_NE(bad, frame_of(self->map + i * fz_ps));
		EXPECT_NE(bad, frame_of(more + i * fz_ps));
	}
	/*
	 * Pages that the background has in hand for a moment are owned, but in no
	 * scratch or store.
	 */
	EXPECT_TRUE(fz_until((st = fz_stats(self->ctx),
			      st.out_owned == st.out_populated +
					      st.out_pool_ready + st.out_pool_used),
			     FZ_PATIENCE_MS));
	EXPECT_EQ(2 * PAGES, st.out_populated);
	munmap(more, SIZE);
	close(fd);
}

/*
 * A page fails inside a huge folio.  A part of the chunk cannot be made zero then;
 * all of it can, and the folio is let go of for ever.
 */
TEST(failed_huge_folio_is_kept)
{
	const size_t chunk = 512 * fz_ps;
	struct fastzero_reset r;
	struct fastzero_stats st;
	unsigned char *map;
	int ctx = fz_open(), fd;

	if (!(fz_info(ctx).out_features & FASTZERO_FEATURE_2M))
		SKIP(return, "INFO does not report 2M");
	if (!access("/sys/kernel/debug/page_owner", R_OK))
		SKIP(return, "page_owner takes what is let go of for a leak");
	if (!poison_worked(fz_in_child(poison_unsupported, NULL)))
		SKIP(return, "no MADV_HWPOISON: it takes CONFIG_MEMORY_FAILURE and root");
	fd = fz_raw_create(ctx, 2 * chunk, 0, FASTZERO_PAGES_2M, 0);
	ASSERT_LE(0, fd);
	map = fz_map(fd, 0, 2 * chunk);
	fz_fill(map, 0, 2 * chunk, 1);
	ASSERT_TRUE(poison_worked(fz_in_child(poison_page, map + BAD * fz_ps)));

	EXPECT_EQ(EIO, FZ_ERRNO(fz_raw_reset(fd, 0, (BAD + 2) * fz_ps,
					     FASTZERO_MODE_AUTO, &r)));
	EXPECT_EQ(BAD + 1, r.out_cleared);
	EXPECT_EQ(FZ_CLEAN, fz_pread_nonzero(fd, 0, BAD * fz_ps));
	EXPECT_EQ(FZ_CLEAN, fz_pread_nonzero(fd, (BAD + 1) * fz_ps, fz_ps));
	EXPECT_EQ(FZ_CLEAN, fz_pread_unlike(fd, (BAD + 2) * fz_ps,
					    2 * chunk - (BAD + 2) * fz_ps, 1));
	fz_reset(fd, 0, chunk, FASTZERO_MODE_INPLACE);
	ASSERT_ZERO(map, 0, chunk);
	EXPECT_EQ(FZ_CLEAN, fz_pread_unlike(fd, chunk, chunk, 1));
	st = fz_stats(ctx);
	EXPECT_EQ(st.out_populated + st.out_pool_ready + st.out_pool_used,
		  st.out_owned);
	fz_fill(map, 0, 2 * chunk, 2);
	fz_reset(fd, 0, 2 * chunk, FASTZERO_MODE_DROP);
	ASSERT_ZERO(map, 0, 2 * chunk);
	munmap(map, 2 * chunk);
	close(fd);
	close(ctx);
}

FZ_FIXTURE(ready, FZ_CHUNK, 0, FASTZERO_PAGES_2M)

FIXTURE_VARIANT(ready) {
	uint32_t mode;
};

/* Ways to take a folio from the pool: a fault in a hole, or SWAP. */
FIXTURE_VARIANT_ADD(ready, fault) { .mode = FASTZERO_MODE_DROP };
FIXTURE_VARIANT_ADD(ready, swap) { .mode = FASTZERO_MODE_SWAP };

#define READY	2

/*
 * A page fails in the middle of a ready huge folio: no part of the folio is used again.
 */
TEST_F(ready, huge_folio_fails_in_the_pool)
{
	struct fastzero_stats st;
	char address[32];
	uint64_t bad;
	size_t i;

	if (access(HARD_OFFLINE, W_OK))
		SKIP(return, "no " HARD_OFFLINE);
	if (!access("/sys/kernel/debug/page_owner", R_OK))
		SKIP(return, "page_owner takes what is let go of for a leak");
	ASSERT_EQ(0, fz_raw_pool_huge(self->ctx, READY, FASTZERO_POOL_WAIT));
	fz_fill(self->map, 0, FZ_CHUNK, 1);
	bad = frame_of(self->map + BAD * fz_ps);
	ASSERT_NE(0, bad);
	fz_clear(self->fd, 0, FZ_CHUNK, variant->mode);
	ASSERT_EQ(0, fz_raw_pool_huge(self->ctx, READY, FASTZERO_POOL_WAIT));
	ASSERT_NE(bad, frame_of(self->map + BAD * fz_ps));
	snprintf(address, sizeof(address), "0x%llx",
		 (unsigned long long)(bad * fz_ps));
	fz_write_string(HARD_OFFLINE, address);

	for (i = 0; i < 2 * READY; i++) {
		fz_fill(self->map, 0, FZ_CHUNK, 3);
		EXPECT_NE(bad, frame_of(self->map + BAD * fz_ps));
		fz_clear(self->fd, 0, FZ_CHUNK, variant->mode);
		ASSERT_ZERO(self->map, 0, FZ_CHUNK);
		EXPECT_NE(bad, frame_of(self->map + BAD * fz_ps));
		ASSERT_EQ(0, fz_raw_pool_huge(self->ctx, READY,
					      FASTZERO_POOL_WAIT));
	}
	st = fz_stats(self->ctx);
	EXPECT_EQ(st.out_populated + st.out_pool_ready + st.out_pool_used,
		  st.out_owned);
}

TEST_HARNESS_MAIN

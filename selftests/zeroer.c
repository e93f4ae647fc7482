// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The zeroer: it keeps its rate, no call or fault waits for it, and cleared folios are
 * zero with every kind of store.
 */
#include "kselftest_harness.h"
#include "fz_fixture.h"

#define PAGES		4096
#define SIZE		(PAGES * fz_ps)
#define CHUNKS		4
#define HUGE_SIZE	(CHUNKS * FZ_CHUNK)
#define SEED		47

#define RATE		FZ_PARAM_DIR "zeroer_rate"
#define DEFAULT_RATE	1048576

/*
 * The burst that the zeroer may do after a rest, in ms, and its work between two looks.
 */
#define BURST_MS	20
#define STEP		64

FIXTURE(zeroer) {
	FZ_SCRATCH;
};

static int set_rate(unsigned long long rate)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", rate);
	return fz_write_string(RATE, text);
}

FIXTURE_SETUP(zeroer)
{
	ASSERT_EQ(DEFAULT_RATE, fz_read_number(RATE)) TH_LOG("needs root");
	FZ_SCRATCH_SETUP(SIZE, 0, FASTZERO_PAGES_4K);
}

FIXTURE_TEARDOWN(zeroer)
{
	EXPECT_EQ(0, set_rate(DEFAULT_RATE));
	FZ_SCRATCH_TEARDOWN();
}

static bool all_ready(int ctx, uint64_t pages)
{
	struct fastzero_stats s;

	return !fz_raw_stats(ctx, &s) && !s.out_pool_used && !s.out_pool_held &&
	       s.out_pool_ready == pages;
}

/*
 * Drop all of a full scratch, and watch the zeroer: it never clears more than the rate
 * allows by then.  The clock is read after the count, so it is never too early.
 */
static void watch(struct __test_metadata *_metadata, int fd, long rate, uint64_t step)
{
	uint64_t before = fz_stats(fd).out_zeroed;
	long begin = fz_now_ms();
	uint64_t done;
	long ms;

	fz_reset(fd, 0, SIZE, FASTZERO_MODE_DROP);
	do {
		done = fz_stats(fd).out_zeroed - before;
		ms = fz_now_ms() - begin + 1;
		ASSERT_LE(done, (uint64_t)rate * (ms + BURST_MS) / 1000 + step) {
			TH_LOG("%ju pages in %ld ms", (uintmax_t)done, ms);
		}
		ASSERT_LE(ms, FZ_PATIENCE_MS);
		usleep(5000);
	} while (done < PAGES);
}

/* And it gets there. */
TEST_F(zeroer, holds_its_rate)
{
	fz_fill(self->map, 0, SIZE, SEED);
	ASSERT_EQ(0, set_rate(8 * PAGES));
	watch(_metadata, self->fd, 8 * PAGES, STEP);
	EXPECT_TRUE(fz_until(all_ready(self->ctx, PAGES), FZ_PATIENCE_MS));
	ASSERT_ZERO(self->map, 0, SIZE);
}

TEST_F(zeroer, holds_its_rate_with_chunks)
{
	int fd = fz_raw_create(self->ctx, SIZE, 0, FASTZERO_PAGES_2M, 0);
	unsigned char *map;

	ASSERT_LE(0, fd);
	map = fz_map(fd, 0, SIZE);
	fz_fill(map, 0, SIZE, SEED);
	ASSERT_EQ(0, set_rate(4 * PAGES));
	watch(_metadata, fd, 4 * PAGES, 2 * FZ_CHUNK / fz_ps);
	munmap(map, SIZE);
	close(fd);
}

/*
 * A look at a zero page costs a quarter of a clear and counts as such.  So sparse chunks
 * take a quarter of the time.
 */
TEST_F(zeroer, looks_count_at_their_cost)
{
	int fd = fz_raw_create(self->ctx, SIZE, 0, FASTZERO_PAGES_2M, 0);
	unsigned char *map;
	long begin;

	ASSERT_LE(0, fd);
	map = fz_map(fd, 0, SIZE);
	memset(map, 0, SIZE);
	ASSERT_EQ(0, set_rate(PAGES / 2));
	begin = fz_now_ms();
	fz_reset(fd, 0, SIZE, FASTZERO_MODE_DROP);
	ASSERT_TRUE(fz_until(!fz_stats(self->ctx).out_pool_used, FZ_PATIENCE_MS));
	/* Of 2 s for as many clears, without the burst and the last chunk. */
	EXPECT_LE(2000L / 4 * (SIZE - FZ_CHUNK) / SIZE - BURST_MS,
		  fz_now_ms() - begin);
	munmap(map, SIZE);
	close(fd);
}

/* Faults and resets that need pages take used ones and clear them. */
TEST_F(zeroer, faults_and_resets_do_not_wait)
{
	struct fastzero_stats s;

	fz_fill(self->map, 0, SIZE, SEED);
	ASSERT_EQ(0, set_rate(1));
	fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_DROP);
	ASSERT_ZERO(self->map, 0, SIZE);
	s = fz_stats(self->fd);
	EXPECT_LT(PAGES / 2, s.out_faults_used);
	EXPECT_EQ(2 * PAGES, s.out_faults_used + s.out_faults_ready + s.out_faults_alloc);
}

/* The debt by the old rate is forgiven. */
TEST_F(zeroer, rate_can_be_changed)
{
	fz_fill(self->map, 0, SIZE, SEED);
	ASSERT_EQ(0, set_rate(1));
	fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_DROP);
	usleep(300000);
	EXPECT_GE(STEP, fz_stats(self->ctx).out_zeroed);
	ASSERT_EQ(0, set_rate(0));
	EXPECT_TRUE(fz_until(all_ready(self->ctx, PAGES), FZ_PATIENCE_MS));

	ASSERT_EQ(EINVAL, FZ_ERRNO(fz_write_string(RATE, "-1")));
	ASSERT_EQ(EINVAL, FZ_ERRNO(fz_write_string(RATE, "fast")));
	EXPECT_EQ(0, fz_read_number(RATE));
}

/* The end of a context clears at once. */
TEST_F(zeroer, close_does_not_wait)
{
	int ctx = fz_open();
	int fd = fz_create(ctx, SIZE);
	unsigned char *map = fz_map(fd, 0, SIZE);
	long long in_use = fz_read_number(FZ_PARAM_DIR "pages_in_use");

	ASSERT_EQ(0, set_rate(1));
	fz_fill(map, 0, SIZE, SEED);
	fz_reset(fd, 0, SIZE, FASTZERO_MODE_DROP);
	munmap(map, SIZE);
	close(fd);
	close(ctx);
	EXPECT_TRUE(fz_until(fz_read_number(FZ_PARAM_DIR "pages_in_use") <= in_use,
			     FZ_PATIENCE_MS));
}

FIXTURE(stores) {
	int ctx;
};

FIXTURE_VARIANT(stores) {
	uint32_t policy;
};

FIXTURE_VARIANT_ADD(stores, 4k) {
	.policy = FASTZERO_PAGES_4K,
};

FIXTURE_VARIANT_ADD(stores, 2m) {
	.policy = FASTZERO_PAGES_2M,
};

FIXTURE_SETUP(stores)
{
	self->ctx = fz_open();
}

FIXTURE_TEARDOWN(stores)
{
	close(self->ctx);
}

/* Every byte of folios cleared in the background is zero. */
TEST_F(stores, are_zeros)
{
	int fd = fz_raw_create(self->ctx, HUGE_SIZE, 0, variant->policy, 0);
	const uint64_t pages = HUGE_SIZE / fz_ps;
	unsigned char *map;
	int i;

	ASSERT_LE(0, fd);
	map = fz_map(fd, 0, HUGE_SIZE);
	for (i = 0; i < 4; i++) {
		fz_fill(map, 0, HUGE_SIZE, SEED + (uint64_t)i);
		fz_reset(fd, 0, HUGE_SIZE, FASTZERO_MODE_DROP);
		ASSERT_TRUE(fz_until(all_ready(self->ctx, pages), FZ_PATIENCE_MS));
		ASSERT_ZERO(map, 0, HUGE_SIZE);
	}
	EXPECT_EQ(4 * pages, fz_stats(self->ctx).out_faults_ready);
	munmap(map, HUGE_SIZE);
	close(fd);
}

/* One byte in each page, everywhere in turn: the zeroer looks before it stores. */
TEST_F(stores, find_each_byte)
{
	int fd = fz_raw_create(self->ctx, HUGE_SIZE, 0, variant->policy, 0);
	const uint64_t pages = HUGE_SIZE / fz_ps;
	unsigned char *map;
	uint64_t i, at;

	ASSERT_LE(0, fd);
	map = fz_map(fd, 0, HUGE_SIZE);
	for (at = 0; at < fz_ps; at += pages) {
		for (i = 0; i < pages; i++)
			map[i * fz_ps + (at + i) % fz_ps] = 1 << i % 8;
		fz_reset(fd, 0, HUGE_SIZE, FASTZERO_MODE_DROP);
		ASSERT_TRUE(fz_until(all_ready(self->ctx, pages), FZ_PATIENCE_MS));
		ASSERT_ZERO(map, 0, HUGE_SIZE);
	}
	munmap(map, HUGE_SIZE);
	close(fd);
}

TEST_HARNESS_MAIN

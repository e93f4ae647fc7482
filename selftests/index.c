// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The index of a scratch, which records where its pages are: its cost if pages lie far
 * apart, and its end with the pages.
 */
#include "kselftest_harness.h"
#include "fz.h"
#include "fz_group.h"

#include <sys/stat.h>

#define PAYS	FZ_GROUPS "/fz_test_index"

#define CHUNKS	8192UL
#define SIZE	(CHUNKS * FZ_CHUNK)
#define KIB	1024UL
#define MIB	(1UL << 20)

/* Bytes that debug kernels add to each object. */
#define TIMES	(fz_slow() > 1 ? 3 : 1)
/* Bytes that the kernel may have charged ahead, and the spare arrays of a scratch. */
#define SLACK	(1 * MIB)
#define SPARE	(8 * KIB)
/* A chunk without pages that is in the working set, with its place in the xarray. */
#define WANTED	(320UL)

/* Drops all pages, in the variant's way. */
FIXTURE(index) {
	int ctx;
	int fd;
	long long base;		/* bytes of the group without pages, at first */
};

FIXTURE_VARIANT(index) {
	uint32_t mode;
};

FIXTURE_VARIANT_ADD(index, drop) { .mode = FASTZERO_MODE_DROP };
/* The scratch is not mapped, so AUTO drops. */
FIXTURE_VARIANT_ADD(index, auto) { .mode = FASTZERO_MODE_AUTO };
FIXTURE_VARIANT_ADD(index, punch) { .mode = FZ_PUNCH };

/* Bytes charged to the group, but for pages: -1 without groups. */
static long long bytes(int ctx)
{
	struct fastzero_stats s;

	if (access(PAYS "/memory.current", R_OK) || fz_raw_stats(ctx, &s))
		return -1;
	return fz_read_number(PAYS "/memory.current") -
	       (long long)(s.out_owned * fz_ps);
}

FIXTURE_SETUP(index)
{
	char home[280];

	mkdir(PAYS, 0755);
	ASSERT_EQ(0, fz_group_home(home, sizeof(home)));
	ASSERT_EQ(0, fz_group_enter(PAYS)) TH_LOG("needs root");
	self->ctx = fz_open();
	ASSERT_EQ(0, fz_group_enter(home));
	self->fd = fz_raw_create(self->ctx, SIZE, 0, FASTZERO_PAGES_4K, 0);
	ASSERT_LE(0, self->fd);
	self->base = bytes(self->ctx);
	ASSERT_LE(0, self->base) TH_LOG("no memory controller in " FZ_GROUPS);
}

FIXTURE_TEARDOWN(index)
{
	close(self->fd);
	close(self->ctx);
	/* A zombie's place is kept for a moment. */
	EXPECT_TRUE(fz_until(!rmdir(PAYS) || errno == ENOENT, FZ_PATIENCE_MS));
}

static uint64_t index_bytes(int fd)
{
	struct fastzero_stats s;

	return fz_raw_stats(fd, &s) ? UINT64_MAX : s.out_index;
}

/*
 * The scratch keeps spare arrays for a moment, and memory freed under RCU takes seconds.
 */
#define EXPECT_BYTES(bytes_) do {					\
	const uint64_t most_ = (bytes_) * TIMES;			\
	EXPECT_TRUE(fz_until(index_bytes(self->fd) <= most_ &&		\
			     index_bytes(self->ctx) <= most_ &&		\
			     bytes(self->ctx) - self->base <=		\
			     (long long)(most_ + SLACK), FZ_PATIENCE_MS)) \
		TH_LOG("%lld bytes, %ju by STATS, not %ju",		\
		       bytes(self->ctx) - self->base,			\
		       (uintmax_t)index_bytes(self->fd), (uintmax_t)most_); \
} while (0)

/* A byte in each chunk, as @value says; true if all could be written. */
static bool touch_each(int fd, char value)
{
	size_t n;

	for (n = 0; n < CHUNKS; n++)
		if (pwrite(fd, &value, 1, (off_t)(n * FZ_CHUNK + n % 512 * fz_ps)) != 1)
			return false;
	return true;
}

static bool each_is(int fd, char value)
{
	char byte;
	size_t n;

	for (n = 0; n < CHUNKS; n++)
		if (pread(fd, &byte, 1,
			  (off_t)(n * FZ_CHUNK + n % 512 * fz_ps)) != 1 ||
		    byte != value)
			return false;
	return true;
}

TEST_F(index, lone_page_costs_a_kib)
{
	ASSERT_TRUE(touch_each(self->fd, 1));
	EXPECT_EQ(CHUNKS, fz_stats(self->fd).out_populated);
	/* It is counted at all. */
	EXPECT_LT(CHUNKS * 256, fz_stats(self->fd).out_index);
	EXPECT_BYTES(CHUNKS * KIB);
	EXPECT_TRUE(each_is(self->fd, 1));
}

/* DROP keeps the working set, and that alone. */
TEST_F(index, dropped_pages_cost_their_working_set)
{
	int round;

	for (round = 1; round <= 2; round++) {
		ASSERT_TRUE(touch_each(self->fd, (char)round));
		fz_clear(self->fd, 0, SIZE, variant->mode);
		EXPECT_EQ(0, fz_stats(self->fd).out_populated);
		EXPECT_BYTES(CHUNKS * WANTED + SPARE);
	}
	EXPECT_TRUE(each_is(self->fd, 0));
	fz_workset(self->fd, FASTZERO_WORKSET_CLEAR, NULL, 0);
	EXPECT_BYTES(SPARE);
	/* And all begins again. */
	ASSERT_TRUE(touch_each(self->fd, 3));
	EXPECT_TRUE(each_is(self->fd, 3));
	EXPECT_EQ(CHUNKS, fz_stats(self->fd).out_populated);
}

TEST_F(index, cleared_working_set_costs_nothing)
{
	ASSERT_TRUE(touch_each(self->fd, 1));
	fz_workset(self->fd, FASTZERO_WORKSET_CLEAR, NULL, 0);
	EXPECT_TRUE(each_is(self->fd, 1));
	EXPECT_LT(CHUNKS * 256, fz_stats(self->fd).out_index);
	fz_clear(self->fd, 0, SIZE, variant->mode);
	EXPECT_BYTES(SPARE);
	EXPECT_TRUE(each_is(self->fd, 0));
}

/* Where pages lie side by side: pointers, and places and addresses on the roll. */
TEST_F(index, cost_of_a_full_chunk)
{
	const size_t length = 16 * FZ_CHUNK;

	fz_populate(self->fd, 0, length, 0);
	EXPECT_BYTES(length / fz_ps * 27 + SPARE);
	fz_clear(self->fd, 0, length / 2, variant->mode);
	EXPECT_BYTES(length / fz_ps / 2 * 27 + 16 * WANTED + SPARE);
	fz_clear(self->fd, 0, length, variant->mode);
	EXPECT_BYTES(16 * WANTED + SPARE);
	fz_workset(self->fd, FASTZERO_WORKSET_CLEAR, NULL, 0);
	EXPECT_BYTES(SPARE);
}

TEST_F(index, cost_of_a_huge_chunk)
{
	int fd = fz_raw_create(self->ctx, 16 * FZ_CHUNK, 0, FASTZERO_PAGES_2M, 0);

	if (fd < 0 && errno == EOPNOTSUPP)
		SKIP(return, "no huge pages");
	ASSERT_LE(0, fd);
	fz_populate(fd, 0, 16 * FZ_CHUNK, 0);
	EXPECT_EQ(16 * 512, fz_stats(fd).out_huge);
	EXPECT_GE(16 * WANTED * TIMES + SPARE, fz_stats(fd).out_index);
	fz_workset(fd, FASTZERO_WORKSET_CLEAR, NULL, 0);
	fz_clear(fd, 0, 16 * FZ_CHUNK, variant->mode);
	EXPECT_TRUE(fz_until(index_bytes(fd) <= SPARE, FZ_PATIENCE_MS));
	close(fd);
}

struct set {
	struct fastzero_workset_head head;
	struct fastzero_workset_run run;
};

static struct set set_of_all(void)
{
	return (struct set){
		.head = { .magic = FASTZERO_WORKSET_MAGIC, .page_shift = 12,
			  .length = SIZE, .nr_runs = 1 },
		.run = { .nr = SIZE / fz_ps },
	};
}

/* As many pages as this machine may have, but not more than it has. */
TEST_F(index, written_working_set_costs_little)
{
	struct set set = set_of_all();

	set.run.nr = 128 * FZ_CHUNK / fz_ps;
	fz_workset(self->fd, FASTZERO_WORKSET_WRITE, &set, sizeof(set));
	EXPECT_LT(0, fz_stats(self->fd).out_index);
	EXPECT_BYTES(128 * WANTED);
	/* A set takes the place of another. */
	set.run.first = SIZE / fz_ps - 1;
	set.run.nr = 1;
	fz_workset(self->fd, FASTZERO_WORKSET_WRITE, &set, sizeof(set));
	EXPECT_BYTES(WANTED);
	fz_workset(self->fd, FASTZERO_WORKSET_CLEAR, NULL, 0);
	EXPECT_TRUE(fz_until(!index_bytes(self->fd), FZ_PATIENCE_MS));
}

/* A chunk that has no page in the end is freed. */
TEST_F(index, failed_fill_leaves_no_chunk)
{
	char byte = 1, before[24];

	snprintf(before, sizeof(before), "%lld",
		 fz_read_number(FZ_PARAM_DIR "max_pages"));
	ASSERT_EQ(1, pwrite(self->fd, &byte, 1, 0));
	ASSERT_EQ(0, fz_write_string(FZ_PARAM_DIR "max_pages", "1"));
	EXPECT_FALSE(touch_each(self->fd, 2));
	EXPECT_GT(0, pwrite(self->fd, &byte, 1, 5 * FZ_CHUNK));
	EXPECT_EQ(0, fz_write_string(FZ_PARAM_DIR "max_pages", before));
	EXPECT_BYTES(KIB + SPARE);
}

TEST_HARNESS_MAIN

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Pages that are held while they are reset: by a pipe, and by a driver's long-term pins
 * (the test-only module fz_pin).
 */
#include "kselftest_harness.h"
#include "fz_fixture.h"
#include "pin/fz_pin.h"

#include <sys/uio.h>

#define PAGES	8
#define SIZE	(PAGES * fz_ps)
/* The held pages. */
#define FIRST	2
#define NR_HELD	4
#define HELD	(NR_HELD * fz_ps)
#define SEED	21

enum holder_kind { PIPE, PIN };

FIXTURE(held) {
	FZ_SCRATCH;
	unsigned char *buf;
	int pipe[2];
	int pin;
};

FIXTURE_VARIANT(held) {
	enum holder_kind kind;
};

FIXTURE_VARIANT_ADD(held, pipe) { .kind = PIPE };
FIXTURE_VARIANT_ADD(held, pin) { .kind = PIN };

FIXTURE_SETUP(held)
{
	FZ_SCRATCH_SETUP(SIZE, 0, FZ_ANY_PAGES);
	self->buf = malloc(SIZE);
	ASSERT_NE(NULL, self->buf);
	ASSERT_EQ(0, pipe2(self->pipe, O_CLOEXEC));
	self->pin = open("/dev/fz_pin", O_RDWR | O_CLOEXEC);
	fz_fill(self->map, 0, SIZE, SEED);
}

FIXTURE_TEARDOWN(held)
{
	close(self->pin);
	close(self->pipe[0]);
	close(self->pipe[1]);
	FZ_SCRATCH_TEARDOWN();
}

#define SKIP_UNLESS_HOLDER() do {					\
	if (variant->kind == PIN && self->pin < 0)			\
		SKIP(return, "no /dev/fz_pin: module fz_pin is not loaded"); \
} while (0)

/* Takes hold of the pages in the middle; 0 or -1. */
static int hold(FIXTURE_DATA(held) *self, enum holder_kind kind)
{
	struct iovec iov = { self->map + FIRST * fz_ps, HELD };
	struct fz_pin_range range = {
		.address = (uintptr_t)self->map + FIRST * fz_ps,
		.length = HELD,
	};

	if (kind == PIN)
		return ioctl(self->pin, FZ_PIN_PIN, &range);
	return vmsplice(self->pipe[1], &iov, 1, 0) == (ssize_t)HELD ? 0 : -1;
}

/*
 * Copies the holder's data to the same place in buf.  A pipe lets go of its pages by
 * that.
 */
static int holder_read(FIXTURE_DATA(held) *self, enum holder_kind kind)
{
	unsigned char *to = self->buf + FIRST * fz_ps;
	size_t done = 0;
	ssize_t n;

	memset(self->buf, 0x11, SIZE);
	if (kind == PIN)
		return pread(self->pin, to, HELD, 0) == (ssize_t)HELD ? 0 : -1;
	while (done < HELD) {
		n = read(self->pipe[0], to + done, HELD - done);
		if (n <= 0)
			return -1;
		done += (size_t)n;
	}
	return 0;
}

static int holder_release(FIXTURE_DATA(held) *self, enum holder_kind kind)
{
	if (kind == PIN)
		return ioctl(self->pin, FZ_PIN_UNPIN);
	close(self->pipe[0]);
	close(self->pipe[1]);
	return pipe2(self->pipe, O_CLOEXEC);
}

#define HOLD()		ASSERT_EQ(0, hold(self, variant->kind))
#define RELEASE()	ASSERT_EQ(0, holder_release(self, variant->kind))

#define EXPECT_HOLDER_HAS_DATA(seed) do {				\
	ASSERT_EQ(0, holder_read(self, variant->kind));			\
	EXPECT_EQ(FZ_CLEAN, fz_find_unlike(self->buf, FIRST * fz_ps,	\
					   HELD, seed));		\
} while (0)

#define EXPECT_HOLDER_HAS_ZEROS() do {					\
	ASSERT_EQ(0, holder_read(self, variant->kind));			\
	EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(self->buf, FIRST * fz_ps,	\
					    HELD));			\
} while (0)

#define EXPECT_SCRATCH_IS_ZERO() do {					\
	EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(self->map, 0, SIZE));	\
	EXPECT_EQ(FZ_CLEAN, fz_pread_nonzero(self->fd, 0, SIZE));	\
} while (0)

/* After a while the pool reports @nr held pages, and its sums are right. */
static bool pool_held(int ctx, uint64_t nr, struct fastzero_stats *s)
{
	return !fz_raw_stats(ctx, s) && s->out_pool_held == nr &&
	       s->out_owned == s->out_populated + s->out_pool_ready +
			       s->out_pool_used + s->out_pool_held;
}

#define EXPECT_POOL_HELD(nr) do {					\
	struct fastzero_stats s_ = { 0 };				\
	EXPECT_TRUE(fz_until(pool_held(self->ctx, nr, &s_), FZ_PATIENCE_MS)) \
		TH_LOG("held %llu of %llu", s_.out_pool_held,		\
		       s_.out_owned);					\
} while (0)

static void drop_leaves_the_data(struct __test_metadata *_metadata,
				 FIXTURE_DATA(held) *self,
				 const FIXTURE_VARIANT(held) *variant,
				 bool punch)
{
	struct fastzero_reset r;

	HOLD();
	if (punch) {
		fz_clear(self->fd, 0, SIZE, FZ_PUNCH);
	} else {
		r = fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_DROP);
		EXPECT_EQ(PAGES, r.out_dropped);
		EXPECT_EQ(NR_HELD, r.out_held);
	}
	EXPECT_EQ(NR_HELD, fz_stats(self->fd).out_held);
	EXPECT_SCRATCH_IS_ZERO();
	EXPECT_POOL_HELD(NR_HELD);

	/* However much the context wants pages, these are not among them. */
	fz_fill(self->map, 0, SIZE, SEED + 1);
	fz_pool(self->ctx, 4 * PAGES, FASTZERO_POOL_WAIT);
	usleep(500000);
	EXPECT_POOL_HELD(NR_HELD);
	EXPECT_HOLDER_HAS_DATA(SEED);
	EXPECT_EQ(FZ_CLEAN, fz_find_unlike(self->map, 0, SIZE, SEED + 1));

	RELEASE();
	EXPECT_POOL_HELD(0);
}

TEST_F(held, drop_leaves_the_data)
{
	SKIP_UNLESS_HOLDER();
	drop_leaves_the_data(_metadata, self, variant, false);
}

TEST_F(held, punch_leaves_the_data)
{
	SKIP_UNLESS_HOLDER();
	drop_leaves_the_data(_metadata, self, variant, true);
}

TEST_F(held, inplace_clears_them)
{
	struct fastzero_reset r;

	SKIP_UNLESS_HOLDER();
	HOLD();
	r = fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_INPLACE);
	EXPECT_EQ(PAGES, r.out_cleared);
	EXPECT_EQ(NR_HELD, r.out_held);
	EXPECT_EQ(PAGES, fz_stats(self->fd).out_populated);
	EXPECT_SCRATCH_IS_ZERO();
	EXPECT_POOL_HELD(0);
	EXPECT_HOLDER_HAS_ZEROS();
	RELEASE();
	EXPECT_SCRATCH_IS_ZERO();
}

/* The holder goes on working on the memory of the scratch. */
TEST_F(held, auto_keeps_them)
{
	struct fastzero_reset r;

	SKIP_UNLESS_HOLDER();
	HOLD();
	r = fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_AUTO);
	EXPECT_LE(NR_HELD, r.out_cleared);
	EXPECT_EQ(NR_HELD, r.out_held);
	EXPECT_SCRATCH_IS_ZERO();
	EXPECT_POOL_HELD(0);
	fz_fill(self->map, 0, SIZE, SEED + 3);
	EXPECT_HOLDER_HAS_DATA(SEED + 3);
	fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_AUTO);
	EXPECT_SCRATCH_IS_ZERO();
	RELEASE();
}

/* The same on a scratch that nobody maps. */
TEST_F(held, auto_keeps_them_without_a_mapping)
{
	SKIP_UNLESS_HOLDER();
	HOLD();
	ASSERT_EQ(0, munmap(self->map, SIZE));
	EXPECT_EQ(NR_HELD, fz_reset(self->fd, 0, SIZE,
				    FASTZERO_MODE_AUTO).out_held);
	EXPECT_EQ(FZ_CLEAN, fz_pread_nonzero(self->fd, 0, SIZE));
	EXPECT_POOL_HELD(0);
	self->map = fz_map(self->fd, 0, SIZE);
	EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(self->map, 0, SIZE));
	fz_fill(self->map, 0, SIZE, SEED + 3);
	EXPECT_HOLDER_HAS_DATA(SEED + 3);
	RELEASE();
}

/* A device's writes go to the pages that it has pinned, also if a pipe holds them. */
TEST_F(held, pinned_pages_are_written)
{
	if (self->pin < 0)
		SKIP(return, "no /dev/fz_pin: module fz_pin is not loaded");
	HOLD();
	if (variant->kind != PIN)
		ASSERT_EQ(0, hold(self, PIN));

	fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_AUTO);
	fz_fill(self->buf, 0, HELD, SEED + 5);
	ASSERT_EQ(HELD, pwrite(self->pin, self->buf, HELD, 0));
	EXPECT_EQ(0, memcmp(self->buf, self->map + FIRST * fz_ps, HELD));

	fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_DROP);
	EXPECT_SCRATCH_IS_ZERO();
	fz_fill(self->buf, 0, HELD, SEED + 6);
	ASSERT_EQ(HELD, pwrite(self->pin, self->buf, HELD, 0));
	EXPECT_SCRATCH_IS_ZERO();

	/* Released, they are cleared before anybody gets them. */
	RELEASE();
	ASSERT_EQ(0, holder_release(self, PIN));
	EXPECT_POOL_HELD(0);
	fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_DROP);
	fz_populate(self->fd, 0, SIZE, 0);
	EXPECT_SCRATCH_IS_ZERO();
}

/* Two holders: it is not free before both have let go. */
TEST_F(held, freed_after_two_holders_let_go)
{
	enum holder_kind other = variant->kind == PIN ? PIPE : PIN;

	if (self->pin < 0)
		SKIP(return, "no /dev/fz_pin: module fz_pin is not loaded");
	HOLD();
	ASSERT_EQ(0, hold(self, other));
	fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_DROP);
	EXPECT_POOL_HELD(NR_HELD);
	RELEASE();
	usleep(500000);
	EXPECT_POOL_HELD(NR_HELD);
	ASSERT_EQ(0, holder_read(self, other));
	EXPECT_EQ(FZ_CLEAN, fz_find_unlike(self->buf, FIRST * fz_ps, HELD,
					   SEED));
	ASSERT_EQ(0, holder_release(self, other));
	EXPECT_POOL_HELD(0);
}

TEST_F(held, holder_outlives_the_scratch)
{
	SKIP_UNLESS_HOLDER();
	HOLD();
	ASSERT_EQ(0, munmap(self->map, SIZE));
	ASSERT_EQ(0, close(self->fd));
	self->fd = -1;
	EXPECT_TRUE(fz_until(!fz_stats(self->ctx).out_scratches,
			     FZ_PATIENCE_MS));
	EXPECT_POOL_HELD(NR_HELD);
	EXPECT_HOLDER_HAS_DATA(SEED);
	RELEASE();
	EXPECT_POOL_HELD(0);
}

TEST_F(held, holder_outlives_the_context)
{
	SKIP_UNLESS_HOLDER();
	HOLD();
	ASSERT_EQ(0, munmap(self->map, SIZE));
	ASSERT_EQ(0, close(self->fd));
	ASSERT_EQ(0, close(self->ctx));
	self->fd = -1;
	self->ctx = -1;
	usleep(300000);
	EXPECT_HOLDER_HAS_DATA(SEED);
	RELEASE();
	EXPECT_TRUE(fz_until(!fz_read_number(FZ_PARAM_DIR "pages_in_use"),
			     FZ_PATIENCE_MS));
}

TEST_F(held, many_rounds)
{
	struct fastzero_stats before, after;
	int i;

	SKIP_UNLESS_HOLDER();
	before = fz_stats(self->ctx);
	for (i = 0; i < 50; i++) {
		HOLD();
		fz_reset(self->fd, 0, SIZE, i % 3 ? FASTZERO_MODE_DROP :
						    FASTZERO_MODE_AUTO);
		EXPECT_SCRATCH_IS_ZERO();
		fz_fill(self->map, 0, SIZE, SEED);
		RELEASE();
	}
	EXPECT_POOL_HELD(0);
	/* With a target of 0, the pool gives returned pages to the system. */
	EXPECT_TRUE(fz_until((after = fz_stats(self->ctx)).out_owned ==
			     before.out_owned, FZ_PATIENCE_MS))
		TH_LOG("owned %llu, then %llu", before.out_owned,
		       after.out_owned);
}

TEST_HARNESS_MAIN

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Isolation: nobody ever sees what others left in a page, whatever way the page
 * took: through the system, the pool, or the zeroer.
 */
#include "kselftest_harness.h"
#include "fz.h"

#define SCRATCHES	32
#define PAGES		64
#define SIZE		(PAGES * fz_ps)

FIXTURE(isolation) {
	int ctx;
	int fds[SCRATCHES];
	unsigned char *maps[SCRATCHES];
};

FIXTURE_VARIANT(isolation) {
	uint64_t pool;		/* target, in pages */
};

FIXTURE_VARIANT_ADD(isolation, no_pool) { .pool = 0 };
FIXTURE_VARIANT_ADD(isolation, small_pool) { .pool = PAGES };
FIXTURE_VARIANT_ADD(isolation, large_pool) { .pool = SCRATCHES * PAGES };

FIXTURE_SETUP(isolation)
{
	self->ctx = fz_open();
	fz_pool(self->ctx, variant->pool, FASTZERO_POOL_WAIT);
}

FIXTURE_TEARDOWN(isolation)
{
	close(self->ctx);
}

static int make_all(FIXTURE_DATA(isolation) *self)
{
	int i;

	for (i = 0; i < SCRATCHES; i++) {
		self->fds[i] = fz_raw_create(self->ctx, SIZE, 0, fz_policy(), 0);
		self->maps[i] = fz_raw_map(self->fds[i], 0, SIZE);
		if (self->maps[i] == MAP_FAILED)
			return -1;
	}
	return 0;
}

static void dirty_all(FIXTURE_DATA(isolation) *self)
{
	int i;

	for (i = 0; i < SCRATCHES; i++)
		memset(self->maps[i], 0xff, SIZE);
}

static void close_all(FIXTURE_DATA(isolation) *self)
{
	int i;

	for (i = 0; i < SCRATCHES; i++) {
		munmap(self->maps[i], SIZE);
		close(self->fds[i]);
	}
}

/* By reading, and by writing a byte first: both ways a page can come. */
#define EXPECT_ALL_ZERO() do {						\
	int i_;								\
	size_t p_;							\
	for (i_ = 0; i_ < SCRATCHES; i_++) {				\
		for (p_ = 0; i_ % 2 && p_ < PAGES; p_++)		\
			self->maps[i_][p_ * fz_ps + 100] = 0;		\
		EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(self->maps[i_], 0, SIZE)) \
			TH_LOG("scratch %d", i_);			\
	}								\
} while (0)

TEST_F(isolation, between_contexts)
{
	int round;

	for (round = 0; round < 4; round++) {
		ASSERT_EQ(0, make_all(self));
		EXPECT_ALL_ZERO();
		dirty_all(self);
		close_all(self);
		/* With its last scratch the context gives everything back. */
		close(self->ctx);
		self->ctx = fz_open();
		fz_pool(self->ctx, variant->pool, FASTZERO_POOL_WAIT);
	}
}

/* Both at once: what the one frees the other takes. */
TEST_F(isolation, beside_another_context)
{
	int other = fz_open();
	int fd = fz_create(other, SCRATCHES * SIZE);
	unsigned char *map = fz_map(fd, 0, SCRATCHES * SIZE);

	ASSERT_EQ(0, make_all(self));
	dirty_all(self);
	close_all(self);
	EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(map, 0, SCRATCHES * SIZE));
	memset(map, 0xff, SCRATCHES * SIZE);
	fz_reset(fd, 0, SCRATCHES * SIZE, FASTZERO_MODE_DROP);
	ASSERT_EQ(0, make_all(self));
	EXPECT_ALL_ZERO();
	close(fd);
	close(other);
}

TEST_F(isolation, inside_a_context)
{
	int round;

	for (round = 0; round < 4; round++) {
		ASSERT_EQ(0, make_all(self));
		EXPECT_ALL_ZERO();
		dirty_all(self);
		close_all(self);
	}
}

/* What one scratch drops its sisters take, at once and later. */
TEST_F(isolation, across_drop)
{
	int round, i;

	ASSERT_EQ(0, make_all(self));
	for (round = 0; round < 6; round++) {
		dirty_all(self);
		for (i = 0; i < SCRATCHES; i++)
			fz_reset(self->fds[i], 0, SIZE, FASTZERO_MODE_DROP);
		if (round % 2)
			usleep(100000);
		EXPECT_ALL_ZERO();
	}
	/* Half of them full, half of them dropped, in turn. */
	for (round = 0; round < 6; round++) {
		for (i = round % 2; i < SCRATCHES; i += 2) {
			memset(self->maps[i], 0xff, SIZE);
			fz_reset(self->fds[i], 0, SIZE, FASTZERO_MODE_DROP);
			EXPECT_EQ(FZ_CLEAN,
				  fz_find_nonzero(self->maps[i ^ 1], 0, SIZE));
		}
	}
	close_all(self);
}

TEST_F(isolation, across_reset)
{
	const uint32_t modes[] = { FASTZERO_MODE_AUTO, FASTZERO_MODE_INPLACE,
				   FZ_PUNCH, FASTZERO_MODE_DROP };
	size_t round;
	int i;

	ASSERT_EQ(0, make_all(self));
	for (round = 0; round < 2 * ARRAY_SIZE(modes); round++) {
		dirty_all(self);
		for (i = 0; i < SCRATCHES; i++)
			fz_clear(self->fds[i], 0, SIZE,
				 modes[(round + (size_t)i) % ARRAY_SIZE(modes)]);
		EXPECT_ALL_ZERO();
	}
	close_all(self);
}

/* Pages that were written by pwrite only, and come back by POPULATE. */
TEST_F(isolation, by_other_doors)
{
	unsigned char *buf = malloc(SIZE);
	int i;

	ASSERT_NE(NULL, buf);
	memset(buf, 0xff, SIZE);
	ASSERT_EQ(0, make_all(self));
	for (i = 0; i < SCRATCHES; i++)
		ASSERT_EQ(SIZE, pwrite(self->fds[i], buf, SIZE, 0));
	for (i = 0; i < SCRATCHES; i++)
		fz_reset(self->fds[i], 0, SIZE, FASTZERO_MODE_DROP);
	for (i = 0; i < SCRATCHES; i++) {
		fz_populate(self->fds[i], 0, SIZE, 0);
		EXPECT_EQ(FZ_CLEAN, fz_pread_nonzero(self->fds[i], 0, SIZE));
	}
	/* A write of one byte must not bring the others' bytes. */
	for (i = 0; i < SCRATCHES; i++) {
		memset(self->maps[i], 0xff, SIZE);
		fz_reset(self->fds[i], 0, SIZE, FASTZERO_MODE_DROP);
		ASSERT_EQ(1, pwrite(self->fds[i], "", 1, 5));
		EXPECT_EQ(FZ_CLEAN, fz_pread_nonzero(self->fds[i], 0, SIZE));
	}
	close_all(self);
}

TEST_HARNESS_MAIN

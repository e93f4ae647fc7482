// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Isolation: no scratch ever shows another's data, whether a page went through the
 * system, the pool or the zeroer.
 */
#include "kselftest_harness.h"
#include "fz.h"

#define SCRATCHES	32
#define SIZE		(pages * fz_ps)
/* Each round is like the last but one. */
#define ROUNDS(n)	(fz_slow() > 1 ? 2 : (n))

/* Huge folios need larger scratches, so with FZ_PAGES there are fewer. */
static int scratches = SCRATCHES;
static size_t pages = 64;

FIXTURE(isolation) {
	int ctx;
	int fds[SCRATCHES];
	unsigned char *maps[SCRATCHES];
};

FIXTURE_VARIANT(isolation) {
	int pool;		/* for this many scratches */
};

FIXTURE_VARIANT_ADD(isolation, no_pool) { .pool = 0 };
FIXTURE_VARIANT_ADD(isolation, small_pool) { .pool = 1 };
FIXTURE_VARIANT_ADD(isolation, large_pool) { .pool = SCRATCHES };

static int open_with_pool(const FIXTURE_VARIANT(isolation) *variant)
{
	uint64_t nr = (uint64_t)(variant->pool < scratches ? variant->pool : scratches);
	int ctx = fz_raw_open();

	if (ctx >= 0 && (fz_raw_pool(ctx, nr * pages, FASTZERO_POOL_WAIT, NULL) ||
			 (pages > 512 &&
			  fz_raw_pool_huge(ctx, nr, FASTZERO_POOL_WAIT)))) {
		close(ctx);
		return -1;
	}
	return ctx;
}

FIXTURE_SETUP(isolation)
{
	if (fz_has_huge(0)) {
		scratches = 6;
		pages = 512 + 64;
	}
	self->ctx = open_with_pool(variant);
	ASSERT_LE(0, self->ctx);
}

FIXTURE_TEARDOWN(isolation)
{
	close(self->ctx);
}

static int make_all(FIXTURE_DATA(isolation) *self)
{
	int i;

	for (i = 0; i < scratches; i++) {
		self->fds[i] = fz_raw_create_any(self->ctx, SIZE);
		self->maps[i] = fz_raw_map(self->fds[i], 0, SIZE);
		if (self->maps[i] == MAP_FAILED)
			return -1;
	}
	return 0;
}

static void dirty_all(FIXTURE_DATA(isolation) *self)
{
	int i;

	for (i = 0; i < scratches; i++)
		memset(self->maps[i], 0xff, SIZE);
}

static void close_all(FIXTURE_DATA(isolation) *self)
{
	int i;

	for (i = 0; i < scratches; i++) {
		munmap(self->maps[i], SIZE);
		close(self->fds[i]);
	}
}

/* By reading, and by writing a byte first: both ways a page can come. */
#define EXPECT_ALL_ZERO() do {						\
	int i_;								\
	size_t p_;							\
	for (i_ = 0; i_ < scratches; i_++) {				\
		for (p_ = 0; i_ % 2 && p_ < pages; p_++)		\
			self->maps[i_][p_ * fz_ps + 100] = 0;		\
		EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(self->maps[i_], 0, SIZE)) \
			TH_LOG("scratch %d", i_);			\
	}								\
} while (0)

TEST_F(isolation, huge_folios_only_where_named)
{
	ASSERT_EQ(0, make_all(self));
	dirty_all(self);
	EXPECT_EQ(pages > 512 ? (uint64_t)scratches * 512 : 0,
		  fz_stats(self->ctx).out_huge);
	close_all(self);
}

TEST_F(isolation, between_contexts)
{
	int round;

	for (round = 0; round < ROUNDS(4); round++) {
		ASSERT_EQ(0, make_all(self));
		EXPECT_ALL_ZERO();
		dirty_all(self);
		close_all(self);
		/* With its last scratch the context gives everything back. */
		close(self->ctx);
		self->ctx = open_with_pool(variant);
		ASSERT_LE(0, self->ctx);
	}
}

/* Both at once: one context takes the pages that the other frees. */
TEST_F(isolation, beside_another_context)
{
	int other = fz_open();
	int fd = fz_create(other, (size_t)scratches * SIZE);
	unsigned char *map = fz_map(fd, 0, (size_t)scratches * SIZE);

	ASSERT_EQ(0, make_all(self));
	dirty_all(self);
	close_all(self);
	EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(map, 0, (size_t)scratches * SIZE));
	memset(map, 0xff, (size_t)scratches * SIZE);
	fz_reset(fd, 0, (size_t)scratches * SIZE, FASTZERO_MODE_DROP);
	ASSERT_EQ(0, make_all(self));
	EXPECT_ALL_ZERO();
	close(fd);
	close(other);
}

TEST_F(isolation, inside_a_context)
{
	int round;

	for (round = 0; round < ROUNDS(4); round++) {
		ASSERT_EQ(0, make_all(self));
		EXPECT_ALL_ZERO();
		dirty_all(self);
		close_all(self);
	}
}

/* Scratches take the pages that others of their context drop, at once and later. */
TEST_F(isolation, across_drop)
{
	int round, i;

	ASSERT_EQ(0, make_all(self));
	for (round = 0; round < ROUNDS(6); round++) {
		dirty_all(self);
		for (i = 0; i < scratches; i++)
			fz_reset(self->fds[i], 0, SIZE, FASTZERO_MODE_DROP);
		if (round % 2)
			usleep(100000);
		EXPECT_ALL_ZERO();
	}
	/* Half of them full, half of them dropped, in turn. */
	for (round = 0; round < ROUNDS(6); round++) {
		for (i = round % 2; i < scratches; i += 2) {
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
				   FASTZERO_MODE_SWAP, FZ_PUNCH,
				   FASTZERO_MODE_DROP };
	size_t round;
	int i;

	ASSERT_EQ(0, make_all(self));
	for (round = 0; round < 2 * ARRAY_SIZE(modes); round++) {
		dirty_all(self);
		for (i = 0; i < scratches; i++)
			fz_clear(self->fds[i], 0, SIZE,
				 modes[(round + (size_t)i) % ARRAY_SIZE(modes)]);
		EXPECT_ALL_ZERO();
	}
	close_all(self);
}

/* Pages that were written by pwrite only, and come back by POPULATE. */
TEST_F(isolation, by_pwrite_and_populate)
{
	unsigned char *buf = malloc(SIZE);
	int i;

	ASSERT_NE(NULL, buf);
	memset(buf, 0xff, SIZE);
	ASSERT_EQ(0, make_all(self));
	for (i = 0; i < scratches; i++)
		ASSERT_EQ(SIZE, pwrite(self->fds[i], buf, SIZE, 0));
	for (i = 0; i < scratches; i++)
		fz_reset(self->fds[i], 0, SIZE, FASTZERO_MODE_DROP);
	for (i = 0; i < scratches; i++) {
		fz_populate(self->fds[i], 0, SIZE, 0);
		EXPECT_EQ(FZ_CLEAN, fz_pread_nonzero(self->fds[i], 0, SIZE));
	}
	/* A write of one byte must not bring the others' bytes. */
	for (i = 0; i < scratches; i++) {
		memset(self->maps[i], 0xff, SIZE);
		fz_reset(self->fds[i], 0, SIZE, FASTZERO_MODE_DROP);
		ASSERT_EQ(1, pwrite(self->fds[i], "", 1, 5));
		EXPECT_EQ(FZ_CLEAN, fz_pread_nonzero(self->fds[i], 0, SIZE));
	}
	close_all(self);
}

TEST_HARNESS_MAIN

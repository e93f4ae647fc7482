// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * RESET_MANY: it does as much as single calls of RESET, and reports how far it came if
 * one fails.
 */
#include "kselftest_harness.h"
#include "fz.h"

/* More than are read at once. */
#define NR	150
#define SEED	7

FIXTURE(many) {
	int ctx;
	int32_t fds[NR];
	unsigned char *map[NR];
};

FIXTURE_VARIANT(many) {
	uint32_t mode;
};

FZ_RESET_VARIANTS(many);

/* From one page to four. */
static uint64_t length(int i)
{
	return (1 + i % 4) * fz_ps;
}

static void fill(FIXTURE_DATA(many) *self)
{
	int i;

	for (i = 0; i < NR; i++)
		fz_fill(self->map[i], 0, length(i), SEED);
}

FIXTURE_SETUP(many)
{
	int i;

	self->ctx = fz_open();
	for (i = 0; i < NR; i++) {
		self->fds[i] = fz_create(self->ctx, length(i));
		self->map[i] = fz_map(self->fds[i], 0, length(i));
	}
	fill(self);
}

FIXTURE_TEARDOWN(many)
{
	int i;

	for (i = 0; i < NR; i++) {
		munmap(self->map[i], length(i));
		close(self->fds[i]);
	}
	close(self->ctx);
}

/* The first @nr are zero, the others as they were. */
static void expect_done(struct __test_metadata *_metadata, FIXTURE_DATA(many) *self,
			int nr)
{
	int i;

	for (i = 0; i < NR; i++) {
		if (i < nr) {
			ASSERT_ZERO(self->map[i], 0, length(i));
		} else {
			ASSERT_FILLED(self->map[i], 0, length(i), SEED);
		}
	}
}

TEST_F(many, all_are_zero)
{
	struct fastzero_reset_many r;
	uint64_t pages = 0;
	int round, i;

	for (i = 0; i < NR; i++)
		pages += length(i) / fz_ps;
	for (round = 0; round < 3; round++) {
		fill(self);
		r = fz_reset_many(self->ctx, self->fds, NR, variant->mode);
		EXPECT_EQ(NR, r.out_done);
		EXPECT_EQ(pages, r.out_cleared + r.out_swapped + r.out_dropped);
		EXPECT_EQ(0, r.out_held);
		expect_done(_metadata, self, NR);
	}
	EXPECT_EQ(3 * NR, fz_stats(self->ctx).out_resets);
}

/* A bad descriptor in the first batch, and in a later one. */
TEST_F(many, done_counts_those_before_a_bad_one)
{
	const int at[] = { 100, 64, 63, 1, 0 };
	struct fastzero_reset_many r;
	size_t k;

	for (k = 0; k < sizeof(at) / sizeof(at[0]); k++) {
		int32_t fd = self->fds[at[k]];
		int pipes[2];

		fill(self);
		self->fds[at[k]] = -1;
		EXPECT_EQ(EBADF, FZ_ERRNO(fz_raw_reset_many(self->ctx, self->fds, NR,
							    variant->mode, &r)));
		EXPECT_EQ(at[k], r.out_done);
		expect_done(_metadata, self, at[k]);

		/* A descriptor that is no scratch, a context among these. */
		fill(self);
		ASSERT_EQ(0, pipe(pipes));
		self->fds[at[k]] = pipes[k % 2];
		EXPECT_EQ(EINVAL, FZ_ERRNO(fz_raw_reset_many(self->ctx, self->fds, NR,
							     variant->mode, &r)));
		EXPECT_EQ(at[k], r.out_done);
		self->fds[at[k]] = self->ctx;
		EXPECT_EQ(EINVAL, FZ_ERRNO(fz_raw_reset_many(self->ctx, self->fds, NR,
							     variant->mode, &r)));
		EXPECT_EQ(at[k], r.out_done);
		expect_done(_metadata, self, at[k]);
		close(pipes[0]);
		close(pipes[1]);
		self->fds[at[k]] = fd;
	}
}

TEST_F(many, read_only_descriptors_are_refused)
{
	int32_t fd = self->fds[3];
	struct fastzero_reset_many r;
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	self->fds[3] = open(path, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, self->fds[3]);
	EXPECT_EQ(EBADF, FZ_ERRNO(fz_raw_reset_many(self->ctx, self->fds, NR,
						    variant->mode, &r)));
	EXPECT_EQ(3, r.out_done);
	expect_done(_metadata, self, 3);
	close(self->fds[3]);
	self->fds[3] = fd;
}

/* Scratches of two contexts, and one of them twice: pages go to their own pools. */
TEST_F(many, scratches_of_other_contexts)
{
	int other = fz_open();
	int32_t fds[] = { self->fds[0], fz_create(other, 2 * fz_ps), self->fds[1],
			  self->fds[0] };
	unsigned char *map = fz_map(fds[1], 0, 2 * fz_ps);
	struct fastzero_reset_many r;

	fz_fill(map, 0, 2 * fz_ps, SEED);
	r = fz_reset_many(self->ctx, fds, 4, variant->mode);
	EXPECT_EQ(4, r.out_done);
	ASSERT_ZERO(map, 0, 2 * fz_ps);
	expect_done(_metadata, self, 2);
	EXPECT_EQ(1, fz_stats(other).out_resets);
	EXPECT_EQ(3, fz_stats(self->ctx).out_resets);
	/*
	 * The pool may have allocated folios that SWAP lacked, and keeps them for a
	 * while.
	 */
	EXPECT_TRUE(fz_until(fz_stats(other).out_owned <= 2, FZ_PATIENCE_MS));
	munmap(map, 2 * fz_ps);
	close(fds[1]);
	close(other);
}

/* Descriptors that cannot be read: all of them, or those after the first batch. */
TEST_F(many, unreadable_descriptors)
{
	int32_t *fds = mmap(NULL, 2 * fz_ps, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int32_t *at = (int32_t *)((char *)fds + fz_ps) - 64;
	struct fastzero_reset_many r;

	ASSERT_NE(MAP_FAILED, fds);
	ASSERT_EQ(0, munmap((char *)fds + fz_ps, fz_ps));
	memcpy(at, self->fds, 64 * sizeof(*at));
	EXPECT_EQ(EFAULT, FZ_ERRNO(fz_raw_reset_many(self->ctx, at, NR, variant->mode,
						     &r)));
	EXPECT_EQ(64, r.out_done);
	expect_done(_metadata, self, 64);
	EXPECT_EQ(EFAULT, FZ_ERRNO(fz_raw_reset_many(self->ctx, at + 64, NR,
						     variant->mode, &r)));
	EXPECT_EQ(0, r.out_done);
	munmap(fds, fz_ps);
}

TEST_F(many, bad_calls_are_refused)
{
	EXPECT_EQ(EINVAL, FZ_ERRNO(fz_raw_reset_many(self->ctx, self->fds, 0,
						     variant->mode, NULL)));
	EXPECT_EQ(EINVAL, FZ_ERRNO(fz_raw_reset_many(self->ctx, self->fds, NR, 4,
						     NULL)));
	EXPECT_EQ(ENOTTY, FZ_ERRNO(fz_raw_reset_many(self->fds[0], self->fds, NR,
						     variant->mode, NULL)));
	expect_done(_metadata, self, 0);
}

TEST_HARNESS_MAIN

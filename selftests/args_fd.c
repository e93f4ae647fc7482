// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which ioctl goes with which descriptor: unknown numbers, the wrong kind,
 * read-only ones, and features that INFO does not report.
 */
#include "kselftest_harness.h"
#include "fz_state.h"

#include <sys/resource.h>

FIXTURE(fd) {
	struct fz_state state;
	struct fastzero_info info;
	unsigned char arg[512];
};

FIXTURE_SETUP(fd)
{
	ASSERT_EQ(0, fz_state_setup(&self->state));
	self->info = fz_info(self->state.ctx);
}

FIXTURE_TEARDOWN(fd)
{
	fz_state_teardown(&self->state);
}

static bool known(unsigned int nr)
{
	return nr <= FASTZERO_CMD_RESET_MANY ||
	       (nr >= FASTZERO_CMD_RESET && nr <= FASTZERO_CMD_WORKSET);
}

TEST_F(fd, unknown_numbers)
{
	const int fds[] = { self->state.ctx, self->state.fd };
	unsigned int nr;
	char what[32];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(fds); i++) {
		for (nr = 0; nr < 256; nr++) {
			if (known(nr))
				continue;
			snprintf(what, sizeof(what), "%s, %#x",
				 i ? "scratch" : "context", nr);
			EXPECT_EQ(ENOTTY, FZ_ERRNO(ioctl(fds[i],
					  _IO(FASTZERO_TYPE, nr), self->arg)))
				TH_LOG("this was: %s", what);
		}
	}
	EXPECT_STREQ("", fz_state_changed(&self->state));
}

/* The right number with another type, direction or size is another ioctl. */
TEST_F(fd, unknown_types)
{
	const unsigned int base[] = { FASTZERO_IOC_INFO, FASTZERO_IOC_CREATE,
		FASTZERO_IOC_POOL, FASTZERO_IOC_STATS, FASTZERO_IOC_ZERO,
		FASTZERO_IOC_RESET_MANY, FASTZERO_IOC_RESET,
		FASTZERO_IOC_RESET_DIRTY, FASTZERO_IOC_POPULATE,
		FASTZERO_IOC_WORKSET };
	const unsigned int change[] = { 0x100, 0x8000, _IOC_READ << _IOC_DIRSHIFT,
		(unsigned int)_IOC_WRITE << _IOC_DIRSHIFT,
		(8 << _IOC_SIZESHIFT) | (1U << 31), 1 << _IOC_SIZESHIFT };
	size_t i, k;

	for (i = 0; i < ARRAY_SIZE(base); i++) {
		for (k = 0; k < ARRAY_SIZE(change); k++) {
			unsigned int nr = base[i] ^ change[k];

			EXPECT_EQ(ENOTTY, FZ_ERRNO(ioctl(self->state.ctx, nr,
							 self->arg)))
				TH_LOG("context, %#x", nr);
			EXPECT_EQ(ENOTTY, FZ_ERRNO(ioctl(self->state.fd, nr,
							 self->arg)))
				TH_LOG("scratch, %#x", nr);
		}
	}
	EXPECT_STREQ("", fz_state_changed(&self->state));
}

#define FAILS(err, call) FZ_EXPECT_FAILS(err, &self->state, call, #call)

TEST_F(fd, info_on_scratch)
{
	FAILS(ENOTTY, fz_raw_info(self->state.fd, NULL));
}

TEST_F(fd, create_on_scratch)
{
	FAILS(ENOTTY, fz_raw_create(self->state.fd, fz_ps, 0, 0, 0));
}

TEST_F(fd, pool_on_scratch)
{
	FAILS(ENOTTY, fz_raw_pool(self->state.fd, 1, 0, NULL));
}

TEST_F(fd, zero_on_scratch)
{
	FAILS(ENOTTY, fz_raw_zero(self->state.fd, 1, 0, NULL));
}

TEST_F(fd, reset_without_implicit_scratch)
{
	FAILS(ENXIO, fz_raw_reset(self->state.ctx, 0, fz_ps, 0, NULL));
}

TEST_F(fd, populate_without_implicit_scratch)
{
	FAILS(ENXIO, fz_raw_populate(self->state.ctx, 0, fz_ps, 0, NULL));
}

TEST_F(fd, reset_dirty_without_implicit_scratch)
{
	uint64_t bitmap = 1;

	FAILS(ENXIO, fz_raw_reset_dirty(self->state.ctx, 0, fz_ps, 0, &bitmap, 8,
					NULL));
}

TEST_F(fd, workset_without_implicit_scratch)
{
	FAILS(ENXIO, fz_raw_workset(self->state.ctx, FASTZERO_WORKSET_CLEAR,
				    NULL, 0, NULL));
}

/* Features: with them, other tests see that they work. */
TEST_F(fd, reset_dirty_without_feature)
{
	uint64_t bitmap = 1;

	if (self->info.out_features & FASTZERO_FEATURE_RESET_DIRTY)
		SKIP(return, "INFO reports RESET_DIRTY");
	FAILS(EOPNOTSUPP, fz_raw_reset_dirty(self->state.fd, 0, fz_ps, 0,
					     &bitmap, 8, NULL));
}

TEST_F(fd, workset_without_feature)
{
	if (self->info.out_features & FASTZERO_FEATURE_WORKSET)
		SKIP(return, "INFO reports WORKSET");
	FAILS(EOPNOTSUPP, fz_raw_workset(self->state.fd, FASTZERO_WORKSET_CLEAR,
					 NULL, 0, NULL));
}

TEST_F(fd, populate_workset_without_feature)
{
	if (self->info.out_features & FASTZERO_FEATURE_WORKSET)
		SKIP(return, "INFO reports WORKSET");
	FAILS(EOPNOTSUPP, fz_raw_populate(self->state.fd, 0, fz_ps,
					  FASTZERO_POPULATE_WORKSET, NULL));
}

static int reopen_read_only(int fd)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_RDONLY | O_CLOEXEC);
}

TEST_F(fd, read_only_scratch)
{
	int fd = reopen_read_only(self->state.fd);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, fz_state_take(&self->state));
	FAILS(EBADF, fz_raw_reset(fd, 0, fz_ps, 0, NULL));
	FAILS(EBADF, fz_raw_populate(fd, 0, fz_ps, 0, NULL));
	FAILS(EBADF, fz_raw_clear(fd, 0, fz_ps, FZ_PUNCH));
	FAILS(EBADF, (int)pwrite(fd, "x", 1, 0));
	EXPECT_EQ(FZ_CLEAN, fz_pread_unlike(fd, 0, fz_ps, FZ_STATE_SEED));
	EXPECT_EQ(MAP_FAILED, fz_raw_map(fd, 0, fz_ps));
	EXPECT_EQ(EACCES, errno);
	close(fd);
}

TEST_F(fd, read_only_context)
{
	int ctx = open(FZ_DEV, O_RDONLY | O_CLOEXEC);

	ASSERT_LE(0, ctx);
	ASSERT_EQ(0, fz_state_take(&self->state));
	FAILS(EBADF, fz_raw_create(ctx, fz_ps, 0, 0, 0));
	FAILS(EBADF, fz_raw_pool(ctx, 1, 0, NULL));
	FAILS(EBADF, fz_raw_zero(ctx, 1, 0, NULL));
	FAILS(EBADF, fz_raw_reset(ctx, 0, fz_ps, 0, NULL));
	close(ctx);
}

/* CREATE at the limit of descriptors: no half-made scratch remains. */
TEST_F(fd, create_without_descriptors)
{
	struct rlimit old, few;

	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &old));
	few = old;
	few.rlim_cur = 3;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &few));
	EXPECT_EQ(EMFILE, FZ_ERRNO(fz_raw_create(self->state.ctx, fz_ps, 0, 0,
						 0)));
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &old));
	EXPECT_STREQ("", fz_state_changed(&self->state));
}

TEST_F(fd, info_reports_each_feature)
{
	const struct fastzero_info *info = &self->info;

	EXPECT_EQ(fz_ps, info->out_page_size);
	EXPECT_EQ(2U << 20, info->out_chunk_size);
	EXPECT_EQ(0, info->__reserved);
	EXPECT_LE(32, info->out_max_scratches);
	EXPECT_LE(1ULL << 40, info->out_max_length);
	EXPECT_EQ(0, info->out_max_length % fz_ps);
	/* Every module has a mode that resets a whole scratch. */
	EXPECT_TRUE(fz_has_mode(info, FASTZERO_MODE_AUTO));
	EXPECT_TRUE(fz_has_mode(info, FASTZERO_MODE_INPLACE));
	EXPECT_TRUE(fz_has_mode(info, FASTZERO_MODE_DROP));
	EXPECT_EQ(0, info->out_modes >> (FASTZERO_MODE_DROP + 1));
	EXPECT_EQ(0, info->out_features >> 10);
}

TEST_HARNESS_MAIN

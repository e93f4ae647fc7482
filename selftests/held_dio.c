// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Direct transfers that are in flight while their memory is reset.
 */
#include "kselftest_harness.h"
#include "fz_fixture.h"
#include "nbd.h"

#include <signal.h>

#define PAGES	16
#define SIZE	(PAGES * fz_ps)
#define SEED	31

FIXTURE(dio) {
	FZ_SCRATCH;
	int disk;
	unsigned char *data;
	struct nbd nbd;
	int err;		/* why there is no disk */
	pthread_t thread;
	bool write;
	ssize_t result;
};

FIXTURE_VARIANT(dio) {
	uint32_t mode;
	bool keeps;		/* the scratch keeps the pages */
};

FIXTURE_VARIANT_ADD(dio, auto) { FASTZERO_MODE_AUTO, true };
FIXTURE_VARIANT_ADD(dio, inplace) { FASTZERO_MODE_INPLACE, true };
FIXTURE_VARIANT_ADD(dio, drop) { FASTZERO_MODE_DROP, false };
FIXTURE_VARIANT_ADD(dio, punch) { FZ_PUNCH, false };

FIXTURE_SETUP(dio)
{
	FZ_SCRATCH_SETUP(SIZE, 0, FZ_ANY_PAGES);
	self->data = malloc(NBD_HELD_SIZE);
	ASSERT_NE(NULL, self->data);
	self->err = nbd_start(&self->nbd, self->data) ? errno : 0;
	if (self->err == ENODEV)
		return;
	ASSERT_EQ(0, self->err);
	self->disk = open(NBD_DEV, O_RDWR | O_DIRECT | O_CLOEXEC);
	ASSERT_LE(0, self->disk);
}

FIXTURE_TEARDOWN(dio)
{
	if (!self->err) {
		close(self->disk);
		nbd_stop(&self->nbd);
	}
	FZ_SCRATCH_TEARDOWN();
}

#define SKIP_UNLESS_DISK() do {						\
	if (self->err)							\
		SKIP(return, "no " NBD_DEV ": module nbd is not loaded"); \
} while (0)

static void *transfer(void *arg)
{
	FIXTURE_DATA(dio) *self = arg;

	self->result = self->write ?
		pwrite(self->disk, self->map, SIZE, NBD_HELD) :
		pread(self->disk, self->map, SIZE, NBD_HELD);
	return NULL;
}

/* Begins the transfer and returns when the disk has got the request. */
#define BEGIN(write_) do {						\
	self->write = write_;						\
	ASSERT_EQ(0, pthread_create(&self->thread, NULL, transfer, self)); \
	ASSERT_EQ(0, nbd_wait(&self->nbd));				\
} while (0)

#define END() do {							\
	nbd_go(&self->nbd);						\
	ASSERT_EQ(0, pthread_join(self->thread, NULL));			\
	EXPECT_EQ(SIZE, self->result);					\
	EXPECT_EQ(SIZE, self->nbd.length);				\
} while (0)

#define EXPECT_ALL_BACK() do {						\
	struct fastzero_stats s_;					\
	EXPECT_TRUE(fz_until(!(s_ = fz_stats(self->ctx)).out_pool_held,	\
			     FZ_PATIENCE_MS))				\
		TH_LOG("pool_held is %llu", s_.out_pool_held);		\
} while (0)

#define EXPECT_HELD(nr) do {						\
	struct fastzero_stats s_ = fz_stats(self->fd);			\
	EXPECT_EQ(nr, s_.out_held);					\
	EXPECT_EQ(variant->keeps ? 0 : (nr), s_.out_pool_held);		\
} while (0)

/* The disk's data arrive after the reset, in the pages that were there. */
TEST_F(dio, read_from_disk)
{
	SKIP_UNLESS_DISK();
	fz_fill(self->map, 0, SIZE, SEED);
	fz_fill(self->data, 0, SIZE, SEED + 1);
	BEGIN(false);
	fz_clear(self->fd, 0, SIZE, variant->mode);
	EXPECT_HELD(PAGES);
	EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(self->map, 0, SIZE));
	EXPECT_EQ(FZ_CLEAN, fz_pread_nonzero(self->fd, 0, SIZE));
	END();
	EXPECT_EQ(FZ_CLEAN, variant->keeps ?
		  fz_find_unlike(self->map, 0, SIZE, SEED + 1) :
		  fz_find_nonzero(self->map, 0, SIZE));
	EXPECT_ALL_BACK();

	/* A page that came back with the disk's data is cleared first. */
	fz_clear(self->fd, 0, SIZE, FASTZERO_MODE_DROP);
	fz_populate(self->fd, 0, SIZE, 0);
	EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(self->map, 0, SIZE));
}

/* Most of the data are read after the reset: the old ones, or zeros. */
TEST_F(dio, write_to_disk)
{
	SKIP_UNLESS_DISK();
	fz_fill(self->map, 0, SIZE, SEED);
	BEGIN(true);
	fz_clear(self->fd, 0, SIZE, variant->mode);
	EXPECT_HELD(PAGES);
	EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(self->map, 0, SIZE));
	if (!variant->keeps)
		fz_fill(self->map, 0, SIZE, SEED + 2);
	END();
	EXPECT_EQ(FZ_CLEAN, variant->keeps ?
		  fz_find_nonzero(self->data, SIZE - 2 * fz_ps, 2 * fz_ps) :
		  fz_find_unlike(self->data, 0, SIZE, SEED));
	EXPECT_ALL_BACK();
}

/* The process that had begun it is gone, all of it. */
static int begin_and_die(void *arg)
{
	FIXTURE_DATA(dio) *self = arg;

	transfer(self);
	return 0;
}

TEST_F(dio, killed_process)
{
	pid_t pid;

	SKIP_UNLESS_DISK();
	fz_fill(self->map, 0, SIZE, SEED);
	fz_fill(self->data, 0, SIZE, SEED + 1);
	pid = fz_fork();
	if (!pid)
		_exit(begin_and_die(self));
	ASSERT_EQ(0, nbd_wait(&self->nbd));
	kill(pid, SIGKILL);
	fz_clear(self->fd, 0, SIZE, variant->mode);
	EXPECT_HELD(PAGES);
	EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(self->map, 0, SIZE));
	nbd_go(&self->nbd);
	EXPECT_EQ(FZ_SIGNALLED + SIGKILL, fz_wait(pid));
	EXPECT_ALL_BACK();
	fz_clear(self->fd, 0, SIZE, FASTZERO_MODE_DROP);
	EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(self->map, 0, SIZE));
}

TEST_HARNESS_MAIN

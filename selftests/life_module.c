// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The module's own life.  It cannot be unloaded while anything of it lives, and can be
 * unloaded as soon as nothing does.  It leaves nothing behind.  FZ_KO in the environment
 * names fastzero.ko.  This test ends with the module loaded, its parameters at their
 * defaults.
 */
#include "kselftest_harness.h"
#include "fz_fixture.h"

#include <sys/socket.h>
#include <sys/syscall.h>

#define PAGES	64
#define SIZE	(PAGES * fz_ps)
#define SEED	12
#define MODULE	"/sys/module/fastzero"
#define IN_USE	FZ_PARAM_DIR "pages_in_use"
#define MEMINFO	"/proc/meminfo"

static int unload(void)
{
	return (int)syscall(SYS_delete_module, "fastzero", O_NONBLOCK);
}

static int load(void)
{
	int fd = open(getenv("FZ_KO"), O_RDONLY | O_CLOEXEC);
	int ret;

	if (fd < 0)
		return -1;
	ret = (int)syscall(SYS_finit_module, fd, "", 0);
	close(fd);
	return ret;
}

#define SKIP_WITHOUT_KO() do {						\
	if (!getenv("FZ_KO"))						\
		SKIP(return, "FZ_KO does not name fastzero.ko");	\
} while (0)

/* The last of a file is let go of in the background. */
#define ASSERT_UNLOADS()						\
	ASSERT_TRUE(fz_until(!unload(), FZ_PATIENCE_MS))		\
		TH_LOG("delete_module: %s", strerror(errno))

/* rmmod(8) says EBUSY where the system call has this error. */
#define EXPECT_BUSY() do {						\
	int i_;								\
	for (i_ = 0; i_ < 3; i_++) {					\
		EXPECT_EQ(EWOULDBLOCK, FZ_ERRNO(unload()));		\
		usleep(20000);						\
	}								\
	EXPECT_EQ(0, access(FZ_DEV, F_OK));				\
} while (0)

FIXTURE(life_module) {
	FZ_SCRATCH;
};

FIXTURE_SETUP(life_module)
{
	if (!getenv("FZ_KO"))
		return;
	if (access(MODULE, F_OK))
		ASSERT_EQ(0, load()) TH_LOG("%s", strerror(errno));
	FZ_SCRATCH_SETUP(SIZE, 0, FZ_ANY_PAGES);
	fz_fill(self->map, 0, SIZE / 2, SEED);
}

FIXTURE_TEARDOWN(life_module)
{
	/* A test that failed may have anything open: its end closes it. */
	if (getenv("FZ_KO") && access(MODULE, F_OK))
		EXPECT_EQ(0, load());
}

#define CLOSE_ALL_BUT_MAP() do {					\
	ASSERT_EQ(0, close(self->fd));					\
	ASSERT_EQ(0, close(self->ctx));					\
} while (0)

/* It was refused, works on, and can be unloaded once the last thing is gone. */
#define EXPECT_UNLOADS_AFTER(last) do {					\
	EXPECT_BUSY();							\
	last;								\
	ASSERT_UNLOADS();						\
	EXPECT_EQ(ENOENT, FZ_ERRNO(access(MODULE, F_OK)));		\
	EXPECT_EQ(ENOENT, FZ_ERRNO(access(FZ_DEV, F_OK)));		\
	ASSERT_EQ(0, load()) TH_LOG("%s", strerror(errno));		\
	close(fz_open());						\
} while (0)

TEST_F(life_module, busy_by_a_context)
{
	SKIP_WITHOUT_KO();
	munmap(self->map, SIZE);
	close(self->fd);
	EXPECT_BUSY();
	self->fd = fz_create(self->ctx, SIZE);
	EXPECT_EQ(FZ_CLEAN, fz_pread_nonzero(self->fd, 0, SIZE));
	close(self->fd);
	EXPECT_UNLOADS_AFTER(close(self->ctx));
}

TEST_F(life_module, busy_by_a_scratch)
{
	SKIP_WITHOUT_KO();
	munmap(self->map, SIZE);
	close(self->ctx);
	EXPECT_BUSY();
	EXPECT_EQ(FZ_CLEAN, fz_pread_unlike(self->fd, 0, SIZE / 2, SEED));
	fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_DROP);
	EXPECT_EQ(FZ_CLEAN, fz_pread_nonzero(self->fd, 0, SIZE));
	EXPECT_UNLOADS_AFTER(close(self->fd));
}

TEST_F(life_module, busy_by_a_mapping)
{
	SKIP_WITHOUT_KO();
	CLOSE_ALL_BUT_MAP();
	EXPECT_BUSY();
	fz_fill(self->map, SIZE / 2, SIZE / 2, SEED);
	EXPECT_EQ(FZ_CLEAN, fz_find_unlike(self->map, 0, SIZE, SEED));
	EXPECT_UNLOADS_AFTER(munmap(self->map, SIZE));
}

TEST_F(life_module, busy_by_a_mapping_of_the_device)
{
	unsigned char *map;
	int ctx;

	SKIP_WITHOUT_KO();
	ctx = fz_open();
	map = fz_map(ctx, 0, SIZE);
	munmap(self->map, SIZE);
	CLOSE_ALL_BUT_MAP();
	close(ctx);
	fz_fill(map, 0, SIZE, SEED);
	EXPECT_UNLOADS_AFTER(munmap(map, SIZE));
}

TEST_F(life_module, busy_by_a_mapping_of_another_process)
{
	struct fz_peer peer;

	SKIP_WITHOUT_KO();
	/* The child must not inherit the descriptors. */
	munmap(self->map, SIZE);
	CLOSE_ALL_BUT_MAP();
	ASSERT_EQ(0, fz_peer_start(&peer, NULL));
	self->ctx = fz_open();
	self->fd = fz_create(self->ctx, SIZE);
	ASSERT_LT(0, fz_peer_map(&peer, self->fd, SIZE));
	ASSERT_EQ(0, fz_peer_do(&peer, FZ_PEER_FORGET, 0, 0, 0));
	CLOSE_ALL_BUT_MAP();
	EXPECT_UNLOADS_AFTER(fz_peer_stop(&peer));
}

TEST_F(life_module, busy_by_a_message)
{
	int pair[2];

	SKIP_WITHOUT_KO();
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
	ASSERT_EQ(0, fz_send_fd(pair[0], self->fd));
	munmap(self->map, SIZE);
	CLOSE_ALL_BUT_MAP();
	EXPECT_UNLOADS_AFTER(close(pair[0]); close(pair[1]));
}

/* A life with a bit of all: many scratches, all kinds of resets, a pool. */
#define SCRATCHES	200

#define USE_IT() do {							\
	int ctx_ = fz_open();						\
	int i_;								\
	fz_pool(ctx_, 300, FASTZERO_POOL_WAIT);				\
	for (i_ = 0; i_ < SCRATCHES; i_++) {				\
		int fd_ = fz_create(ctx_, SIZE);			\
		unsigned char *map_ = fz_map(fd_, 0, SIZE);		\
		fz_fill(map_, 0, 4 * fz_ps, SEED);			\
		fz_populate(fd_, 0, 10 * fz_ps, 0);			\
		fz_reset(fd_, 0, SIZE, i_ % 3 ? FASTZERO_MODE_DROP :	\
						FASTZERO_MODE_AUTO);	\
		munmap(map_, SIZE);					\
		/* The others live until their context does. */		\
		if (i_ % 2)						\
			close(fd_);					\
		else							\
			fds[i_ / 2] = fd_;				\
	}								\
	for (i_ = 0; i_ < SCRATCHES / 2; i_++)				\
		close(fds[i_]);						\
	close(ctx_);							\
} while (0)

/* Free memory, with the pages that each processor keeps for itself. */
static long long free_kib(void)
{
	long long kib = fz_read_key(MEMINFO, "MemAvailable:");
	FILE *f = fopen("/proc/zoneinfo", "re");
	char line[256];
	unsigned long count;

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, " count: %lu", &count) == 1)
			kib += (long long)(count * fz_ps >> 10);
	if (f)
		fclose(f);
	return kib;
}

TEST_F(life_module, load_and_unload_fifty_times)
{
	/* Each takes seconds on a debug kernel. */
	const int rounds = fz_slow() > 1 ? 20 : 50;
	long long missing = 0, slab = 0;
	int fds[SCRATCHES / 2];
	int i;

	SKIP_WITHOUT_KO();
	munmap(self->map, SIZE);
	CLOSE_ALL_BUT_MAP();
	for (i = 0; i < rounds; i++) {
		ASSERT_UNLOADS();
		/* The first rounds fill caches of the system. */
		if (i == 10) {
			missing = free_kib();
			slab = fz_read_key(MEMINFO, "SUnreclaim:");
		}
		ASSERT_EQ(0, load()) TH_LOG("%d: %s", i, strerror(errno));
		USE_IT();
		ASSERT_TRUE(fz_until(!fz_read_number(IN_USE), FZ_PATIENCE_MS))
			TH_LOG("%d: %lld pages are in use", i,
			       fz_read_number(IN_USE));
	}
	ASSERT_UNLOADS();
	missing -= free_kib();
	slab = fz_read_key(MEMINFO, "SUnreclaim:") - slab;
	/*
	 * KASAN keeps freed memory, a thirty-second of all.  There page_owner and
	 * kmemleak judge after the last program.
	 */
	if (fz_slow() > 1)
		return;
	EXPECT_GT(2 << 10, missing) TH_LOG("%lld KiB are missing", missing);
	EXPECT_GT(512, slab) TH_LOG("slab grew by %lld KiB", slab);
}

/* If the module still clears pages, the unloading process waits for that. */
TEST_F(life_module, unload_right_after_close)
{
	const uint64_t big = 16 << 20;
	int i;

	SKIP_WITHOUT_KO();
	munmap(self->map, SIZE);
	CLOSE_ALL_BUT_MAP();
	for (i = 0; i < 10; i++) {
		int ctx = fz_open();
		int fd = fz_create(ctx, big);

		fz_pool(ctx, 100, 0);
		fz_populate(fd, 0, big, 0);
		if (i % 2)
			fz_reset(fd, 0, big, FASTZERO_MODE_DROP);
		close(fd);
		close(ctx);
		ASSERT_UNLOADS();
		ASSERT_EQ(0, load());
		ASSERT_EQ(0, fz_read_number(IN_USE));
	}
}

TEST_HARNESS_MAIN

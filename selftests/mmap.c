// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Mappings of scratches, and mmap of the device itself.
 */
#include "kselftest_harness.h"
#include "fz.h"

#include <sched.h>
#include <signal.h>
#include <sys/stat.h>

#define PAGES	8
#define SIZE	(PAGES * fz_ps)
#define SEED	6

/* Both doors have the same rules. */
FIXTURE(map) {
	int ctx;
	int fd;
};

FIXTURE_VARIANT(map) {
	bool implicit;
};

FIXTURE_VARIANT_ADD(map, scratch) { .implicit = false };
FIXTURE_VARIANT_ADD(map, device) { .implicit = true };

FIXTURE_SETUP(map)
{
	self->ctx = fz_open();
	if (variant->implicit) {
		void *map = fz_map(self->ctx, 0, SIZE);

		self->fd = self->ctx;
		munmap(map, SIZE);
	} else {
		self->fd = fz_create(self->ctx, SIZE);
	}
}

FIXTURE_TEARDOWN(map)
{
	if (!variant->implicit)
		close(self->fd);
	close(self->ctx);
}

TEST_F(map, reads_zero_then_what_was_written)
{
	unsigned char *map = fz_map(self->fd, 0, SIZE);

	EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(map, 0, SIZE));
	fz_fill(map, 0, SIZE, SEED);
	EXPECT_EQ(FZ_CLEAN, fz_find_unlike(map, 0, SIZE, SEED));
}

TEST_F(map, offset)
{
	unsigned char *all = fz_map(self->fd, 0, SIZE);
	unsigned char *part = fz_map(self->fd, 3 * fz_ps, 2 * fz_ps);

	fz_fill(all, 0, SIZE, SEED);
	EXPECT_EQ(FZ_CLEAN, fz_find_unlike(part - 3 * fz_ps, 3 * fz_ps,
					   2 * fz_ps, SEED));
}

TEST_F(map, beyond_the_end)
{
	EXPECT_EQ(MAP_FAILED, fz_raw_map(self->fd, 0, SIZE + fz_ps));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(MAP_FAILED, fz_raw_map(self->fd, SIZE, fz_ps));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(MAP_FAILED, fz_raw_map(self->fd, 1ULL << 62, fz_ps));
	EXPECT_NE(0, errno);
}

TEST_F(map, private_and_writable)
{
	EXPECT_EQ(MAP_FAILED, mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE, self->fd, 0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, SIZE, PROT_WRITE, MAP_PRIVATE,
				   self->fd, 0));
	EXPECT_EQ(EINVAL, errno);
}

/* Allowed for reading, and never becomes a private copy. */
TEST_F(map, private_read_only)
{
	unsigned char *shared = fz_map(self->fd, 0, SIZE);
	unsigned char *map = mmap(NULL, SIZE, PROT_READ, MAP_PRIVATE, self->fd,
				  0);
	int mem;

	ASSERT_NE(MAP_FAILED, map);
	fz_fill(shared, 0, SIZE, SEED);
	EXPECT_EQ(FZ_CLEAN, fz_find_unlike(map, 0, SIZE, SEED));

	EXPECT_EQ(EACCES, FZ_ERRNO(mprotect(map, SIZE, PROT_READ | PROT_WRITE)));
	EXPECT_EQ(FZ_SIGNALLED + SIGSEGV, fz_writes(map));
	/* A debugger's forced write would make such a copy. */
	mem = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, mem);
	EXPECT_EQ(-1, pwrite(mem, "x", 1, (off_t)(uintptr_t)map));
	close(mem);

	fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_AUTO);
	EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(map, 0, SIZE));
	fz_fill(shared, 0, SIZE, SEED + 1);
	EXPECT_EQ(FZ_CLEAN, fz_find_unlike(map, 0, SIZE, SEED + 1));
	fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_DROP);
	EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(map, 0, SIZE));
}

TEST_F(map, shared_read_only)
{
	unsigned char *map = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, self->fd,
				  0);

	ASSERT_NE(MAP_FAILED, map);
	EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(map, 0, SIZE));
	EXPECT_EQ(FZ_SIGNALLED + SIGSEGV, fz_writes(map));
	ASSERT_EQ(0, mprotect(map, SIZE, PROT_READ | PROT_WRITE));
	fz_fill(map, 0, SIZE, SEED);
	EXPECT_EQ(FZ_CLEAN, fz_find_unlike(map, 0, SIZE, SEED));
}

TEST_F(map, madv_remove_is_a_reset)
{
	unsigned char *map = fz_map(self->fd, 0, SIZE);

	fz_fill(map, 0, SIZE, SEED);
	ASSERT_EQ(0, madvise(map + fz_ps, 2 * fz_ps, MADV_REMOVE))
		TH_LOG("%s", strerror(errno));
	EXPECT_EQ(FZ_CLEAN, fz_find_unlike(map, 0, fz_ps, SEED));
	EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(map, fz_ps, 2 * fz_ps));
	EXPECT_EQ(FZ_CLEAN, fz_find_unlike(map, 3 * fz_ps, SIZE - 3 * fz_ps,
					   SEED));
}

/* The implicit scratch. */
FIXTURE(device) {
	int ctx;
};

FIXTURE_SETUP(device)
{
	self->ctx = fz_open();
}

FIXTURE_TEARDOWN(device)
{
	close(self->ctx);
}

TEST_F(device, is_a_character_device)
{
	struct stat st;

	ASSERT_EQ(0, fstat(self->ctx, &st));
	EXPECT_TRUE(S_ISCHR(st.st_mode));
}

TEST_F(device, size_is_that_of_the_first_mapping)
{
	EXPECT_EQ(0, lseek(self->ctx, 0, SEEK_END));
	EXPECT_EQ(0, fz_stats(self->ctx).out_scratches);
	fz_map(self->ctx, 0, SIZE);
	EXPECT_EQ(SIZE, lseek(self->ctx, 0, SEEK_END));
	EXPECT_EQ(1, fz_stats(self->ctx).out_scratches);
	EXPECT_EQ(SIZE, fz_stats(self->ctx).out_length);
	/* A smaller mapping later does not change the size. */
	fz_map(self->ctx, 0, fz_ps);
	EXPECT_EQ(SIZE, lseek(self->ctx, 0, SEEK_END));
	EXPECT_EQ(1, fz_stats(self->ctx).out_scratches);
}

TEST_F(device, size_reaches_to_the_end_of_the_first_mapping)
{
	fz_map(self->ctx, 4 * fz_ps, 2 * fz_ps);
	EXPECT_EQ(6 * fz_ps, lseek(self->ctx, 0, SEEK_END));
	fz_map(self->ctx, 0, 6 * fz_ps);
}

TEST_F(device, refused_mapping_makes_no_scratch)
{
	EXPECT_EQ(MAP_FAILED, mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE, self->ctx, 0));
	EXPECT_EQ(0, lseek(self->ctx, 0, SEEK_END));
	fz_err_reset(ENXIO, self->ctx, 0, fz_ps, FASTZERO_MODE_AUTO);
	EXPECT_EQ(0, fz_stats(self->ctx).out_scratches);
}

TEST_F(device, ioctls_work_on_it)
{
	unsigned char *map = fz_map(self->ctx, 0, SIZE);
	struct fastzero_populate populate;
	struct fastzero_reset reset;

	populate = fz_populate(self->ctx, 0, SIZE, 0);
	EXPECT_EQ(PAGES, populate.out_added);
	fz_fill(map, 0, SIZE, SEED);
	reset = fz_reset(self->ctx, fz_ps, 2 * fz_ps, FASTZERO_MODE_INPLACE);
	EXPECT_EQ(2 * fz_ps, reset.out_done);
	EXPECT_EQ(FZ_CLEAN, fz_find_unlike(map, 0, fz_ps, SEED));
	EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(map, fz_ps, 2 * fz_ps));
	EXPECT_EQ(FZ_CLEAN, fz_find_unlike(map, 3 * fz_ps, SIZE - 3 * fz_ps,
					   SEED));
	fz_err_reset(EINVAL, self->ctx, 0, SIZE + fz_ps, FASTZERO_MODE_AUTO);
	fz_reset(self->ctx, 0, SIZE, FASTZERO_MODE_DROP);
	EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(map, 0, SIZE));
}

TEST_F(device, each_open_has_its_own)
{
	int other = fz_open();
	unsigned char *a = fz_map(self->ctx, 0, SIZE);
	unsigned char *b = fz_map(other, 0, SIZE);

	fz_fill(a, 0, SIZE, SEED);
	EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(b, 0, SIZE));
	fz_reset(other, 0, SIZE, FASTZERO_MODE_DROP);
	EXPECT_EQ(FZ_CLEAN, fz_find_unlike(a, 0, SIZE, SEED));
	close(other);
}

TEST_F(device, lives_beside_created_ones)
{
	unsigned char *a = fz_map(self->ctx, 0, SIZE);
	int fd = fz_create(self->ctx, SIZE);
	unsigned char *b = fz_map(fd, 0, SIZE);

	fz_fill(a, 0, SIZE, SEED);
	EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(b, 0, SIZE));
	EXPECT_EQ(2, fz_stats(self->ctx).out_scratches);
	fz_fill(b, 0, SIZE, SEED + 1);
	fz_reset(self->ctx, 0, SIZE, FASTZERO_MODE_AUTO);
	EXPECT_EQ(FZ_CLEAN, fz_find_unlike(b, 0, SIZE, SEED + 1));
}

/* It lives as long as its descriptor, and as its mappings. */
TEST_F(device, outlives_its_mapping_and_its_descriptor)
{
	unsigned char *map = fz_map(self->ctx, 0, SIZE);

	fz_fill(map, 0, SIZE, SEED);
	munmap(map, SIZE);
	map = fz_map(self->ctx, 0, SIZE);
	EXPECT_EQ(FZ_CLEAN, fz_find_unlike(map, 0, SIZE, SEED));
	close(self->ctx);
	EXPECT_EQ(FZ_CLEAN, fz_find_unlike(map, 0, SIZE, SEED));
	fz_fill(map, 0, SIZE, SEED + 1);
	EXPECT_EQ(FZ_CLEAN, fz_find_unlike(map, 0, SIZE, SEED + 1));
	self->ctx = -1;
}

#define MAX_SCRATCHES	FZ_PARAM_DIR "max_scratches"
#define RACERS		4
#define RACE_ROUNDS	150
#define RACE_MS		6000

/* In a child: maps the device when all are ready; 0, or an errno. */
static int map_at_once(int ctx, volatile int *ready)
{
	__atomic_add_fetch(ready, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(ready, __ATOMIC_SEQ_CST) < RACERS)
		sched_yield();
	return fz_raw_map(ctx, 0, SIZE) == MAP_FAILED ? errno : 0;
}

/*
 * Processes that share a descriptor map it first, all at once.  The context must have one
 * scratch, which all of them get.
 */
TEST(device_first_mapped_at_once)
{
	long long limit = fz_read_number(MAX_SCRATCHES);
	volatile int *ready = mmap(NULL, fz_ps, PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	long end = fz_now_ms() + RACE_MS;
	int failed = 0, err = 0;
	char text[24];
	int i, k;

	ASSERT_NE(MAP_FAILED, (void *)ready);
	ASSERT_EQ(0, fz_write_string(MAX_SCRATCHES, "1"));
	for (i = 0; i < RACE_ROUNDS && fz_now_ms() < end; i++) {
		pid_t pids[RACERS];
		int ctx = fz_open();

		*ready = 0;
		for (k = 0; k < RACERS; k++) {
			pids[k] = fz_fork();
			if (!pids[k])
				_exit(map_at_once(ctx, ready));
		}
		for (k = 0; k < RACERS; k++) {
			int status = fz_wait(pids[k]);

			failed += !!status;
			err = status ?: err;
		}
		close(ctx);
	}
	snprintf(text, sizeof(text), "%lld", limit);
	EXPECT_EQ(0, fz_write_string(MAX_SCRATCHES, text));
	EXPECT_EQ(0, failed)
		TH_LOG("%d of %d failed: %s", failed, RACERS * i,
		       strerror(err));
}

TEST_HARNESS_MAIN

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The descriptor of a scratch as a file: it looks like a memfd of fixed size.
 */
#include "kselftest_harness.h"
#include "fz.h"

#include <signal.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/uio.h>

#define PAGES	8
#define SIZE	(PAGES * fz_ps)
#define SEED	5

FIXTURE(file) {
	int ctx;
	int fd;
};

FIXTURE_SETUP(file)
{
	self->ctx = fz_open();
	self->fd = fz_create(self->ctx, SIZE);
}

FIXTURE_TEARDOWN(file)
{
	close(self->fd);
	close(self->ctx);
}

static int reopen(int fd, int flags)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, flags | O_CLOEXEC);
}

/* Fills the whole by write, so that the test needs no mapping. */
#define FILL(fd) do {							\
	unsigned char *buf_ = malloc(SIZE);				\
	ASSERT_NE(NULL, buf_);						\
	fz_fill(buf_, 0, SIZE, SEED);					\
	ASSERT_EQ(SIZE, pwrite(fd, buf_, SIZE, 0));			\
	free(buf_);							\
} while (0)

TEST_F(file, is_a_regular_file_of_that_size)
{
	struct stat st;

	ASSERT_EQ(0, fstat(self->fd, &st));
	EXPECT_TRUE(S_ISREG(st.st_mode));
	EXPECT_EQ(SIZE, st.st_size);
}

TEST_F(file, scratches_are_different_files)
{
	int other = fz_create(self->ctx, SIZE);
	struct stat a, b;

	ASSERT_EQ(0, fstat(self->fd, &a));
	ASSERT_EQ(0, fstat(other, &b));
	EXPECT_EQ(a.st_dev, b.st_dev);
	EXPECT_NE(a.st_ino, b.st_ino);
	close(other);
}

TEST_F(file, lseek)
{
	EXPECT_EQ(0, lseek(self->fd, 0, SEEK_CUR));
	EXPECT_EQ(SIZE, lseek(self->fd, 0, SEEK_END));
	EXPECT_EQ(SIZE - 10, lseek(self->fd, -10, SEEK_CUR));
	EXPECT_EQ(123, lseek(self->fd, 123, SEEK_SET));
	EXPECT_EQ(EINVAL, FZ_ERRNO(lseek(self->fd, -1, SEEK_SET)));
	EXPECT_EQ(123, lseek(self->fd, 0, SEEK_CUR));
}

TEST_F(file, close_on_exec_and_read_write)
{
	EXPECT_EQ(FD_CLOEXEC, fcntl(self->fd, F_GETFD));
	EXPECT_EQ(O_RDWR, fcntl(self->fd, F_GETFL) & O_ACCMODE);
}

TEST_F(file, holes_read_zero_and_take_nothing)
{
	struct fastzero_stats stats;

	EXPECT_EQ(FZ_CLEAN, fz_pread_nonzero(self->fd, 0, SIZE));
	stats = fz_stats(self->fd);
	EXPECT_EQ(0, stats.out_populated);
}

TEST_F(file, read_stops_at_the_end)
{
	unsigned char buf[64];

	EXPECT_EQ(64, pread(self->fd, buf, 64, (off_t)SIZE - 64));
	EXPECT_EQ(10, pread(self->fd, buf, 64, (off_t)SIZE - 10));
	EXPECT_EQ(0, pread(self->fd, buf, 64, (off_t)SIZE));
	EXPECT_EQ(0, pread(self->fd, buf, 64, (off_t)SIZE + 12345));
}

TEST_F(file, write_then_read)
{
	FILL(self->fd);
	EXPECT_EQ(FZ_CLEAN, fz_pread_unlike(self->fd, 0, SIZE, SEED));
	EXPECT_EQ(PAGES, fz_stats(self->fd).out_populated);
}

/* Some bytes across the border of two pages; the rest remains a hole. */
TEST_F(file, write_is_exact)
{
	unsigned char buf[64];
	uint64_t at = 3 * fz_ps - 21;

	memset(buf, 0xee, sizeof(buf));
	ASSERT_EQ(64, pwrite(self->fd, buf, 64, (off_t)at));
	memset(buf, 0, sizeof(buf));
	ASSERT_EQ(64, pread(self->fd, buf, 64, (off_t)at));
	EXPECT_EQ(0xee, buf[0]);
	EXPECT_EQ(0xee, buf[63]);
	EXPECT_EQ(FZ_CLEAN, fz_pread_nonzero(self->fd, 0, at));
	EXPECT_EQ(FZ_CLEAN, fz_pread_nonzero(self->fd, at + 64,
					     SIZE - at - 64));
	EXPECT_EQ(2, fz_stats(self->fd).out_populated);
}

TEST_F(file, write_stops_at_the_end)
{
	unsigned char buf[64];
	struct stat st;

	memset(buf, 0xcc, sizeof(buf));
	EXPECT_EQ(10, pwrite(self->fd, buf, 64, (off_t)SIZE - 10));
	EXPECT_EQ(ENOSPC, FZ_ERRNO(pwrite(self->fd, buf, 64, (off_t)SIZE)));
	EXPECT_EQ(ENOSPC, FZ_ERRNO(pwrite(self->fd, buf, 1,
					  (off_t)SIZE + 12345)));
	EXPECT_EQ(0, pwrite(self->fd, buf, 0, (off_t)SIZE));
	ASSERT_EQ(0, fstat(self->fd, &st));
	EXPECT_EQ(SIZE, st.st_size);
}

TEST_F(file, read_and_write_move_the_position)
{
	char text[] = "fastzero";
	char buf[8] = "";
	struct iovec parts[2] = { { text, 3 }, { text + 3, 5 } };

	ASSERT_EQ(100, lseek(self->fd, 100, SEEK_SET));
	ASSERT_EQ(8, writev(self->fd, parts, 2));
	EXPECT_EQ(108, lseek(self->fd, 0, SEEK_CUR));
	ASSERT_EQ(100, lseek(self->fd, 100, SEEK_SET));
	ASSERT_EQ(8, read(self->fd, buf, 8));
	EXPECT_EQ(0, memcmp(text, buf, 8));
	EXPECT_EQ(108, lseek(self->fd, 0, SEEK_CUR));
}

TEST_F(file, read_and_write_of_bad_buffers)
{
	unsigned char *none = mmap(NULL, fz_ps, PROT_NONE,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_NE(MAP_FAILED, none);
	EXPECT_EQ(EFAULT, FZ_ERRNO(pread(self->fd, none, 64, 0)));
	EXPECT_EQ(EFAULT, FZ_ERRNO(pwrite(self->fd, none, 64, 0)));
	EXPECT_EQ(FZ_CLEAN, fz_pread_nonzero(self->fd, 0, SIZE));
}

/* The buffer is a page of the scratch itself that is not there yet. */
TEST_F(file, read_and_write_of_its_own_mapping)
{
	unsigned char *map = fz_map(self->fd, 0, SIZE);

	fz_fill(map, 0, fz_ps, SEED);
	ASSERT_EQ(fz_ps, pwrite(self->fd, map, fz_ps, (off_t)fz_ps));
	ASSERT_EQ(fz_ps, pread(self->fd, map + 2 * fz_ps, fz_ps, 0));
	EXPECT_EQ(0, memcmp(map, map + fz_ps, fz_ps));
	EXPECT_EQ(0, memcmp(map, map + 2 * fz_ps, fz_ps));
	ASSERT_EQ(fz_ps, pwrite(self->fd, map + 3 * fz_ps, fz_ps,
				(off_t)(3 * fz_ps)));
	EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(map, 3 * fz_ps, fz_ps));
}

TEST_F(file, punch_whole_pages)
{
	struct fastzero_stats stats;

	FILL(self->fd);
	ASSERT_EQ(0, fz_raw_clear(self->fd, 2 * fz_ps, 3 * fz_ps, FZ_PUNCH));
	EXPECT_EQ(FZ_CLEAN, fz_pread_unlike(self->fd, 0, 2 * fz_ps, SEED));
	EXPECT_EQ(FZ_CLEAN, fz_pread_nonzero(self->fd, 2 * fz_ps, 3 * fz_ps));
	EXPECT_EQ(FZ_CLEAN, fz_pread_unlike(self->fd, 5 * fz_ps, 3 * fz_ps,
					    SEED));
	stats = fz_stats(self->fd);
	EXPECT_EQ(PAGES - 3, stats.out_populated);
	EXPECT_EQ(3, stats.out_dropped);
	EXPECT_EQ(1, stats.out_resets);
}

/* As a memfd: whole pages are dropped, parts of pages cleared. */
TEST_F(file, punch_parts_of_pages)
{
	const struct {
		uint64_t offset, length;
	} holes[] = {
		{ 1, 1 }, { 0, 10 }, { fz_ps - 7, 7 }, { fz_ps + 5, fz_ps - 9 },
		{ 3 * fz_ps - 1, 2 }, { 4 * fz_ps + 3, 2 * fz_ps },
		{ SIZE - 5, 5 },
	};
	unsigned char *want = malloc(SIZE), *seen = malloc(SIZE);
	size_t i;

	ASSERT_TRUE(want && seen);
	FILL(self->fd);
	fz_fill(want, 0, SIZE, SEED);
	for (i = 0; i < ARRAY_SIZE(holes); i++) {
		size_t at;

		ASSERT_EQ(0, fz_raw_clear(self->fd, holes[i].offset,
					  holes[i].length, FZ_PUNCH));
		memset(want + holes[i].offset, 0, holes[i].length);
		ASSERT_EQ(SIZE, pread(self->fd, seen, SIZE, 0));
		for (at = 0; at < SIZE && want[at] == seen[at]; at++)
			;
		ASSERT_EQ(SIZE, at)
			TH_LOG("hole %zu: byte %zu is %#x", i, at, seen[at]);
	}
	/* Only page 5 was covered whole. */
	EXPECT_EQ(PAGES - 1, fz_stats(self->fd).out_populated);
}

TEST_F(file, punch_of_a_hole_takes_nothing)
{
	ASSERT_EQ(0, fz_raw_clear(self->fd, 10, fz_ps, FZ_PUNCH));
	EXPECT_EQ(0, fz_stats(self->fd).out_populated);
}

TEST_F(file, punch_across_and_beyond_the_end)
{
	FILL(self->fd);
	ASSERT_EQ(0, fz_raw_clear(self->fd, SIZE, fz_ps, FZ_PUNCH));
	EXPECT_EQ(FZ_CLEAN, fz_pread_unlike(self->fd, 0, SIZE, SEED));
	ASSERT_EQ(0, fz_raw_clear(self->fd, SIZE - fz_ps, 1ULL << 40, FZ_PUNCH));
	EXPECT_EQ(FZ_CLEAN, fz_pread_unlike(self->fd, 0, SIZE - fz_ps, SEED));
	EXPECT_EQ(FZ_CLEAN, fz_pread_nonzero(self->fd, SIZE - fz_ps, fz_ps));
	EXPECT_EQ(SIZE, lseek(self->fd, 0, SEEK_END));
}

TEST_F(file, fallocate_of_other_kinds)
{
	const int modes[] = { FALLOC_FL_ZERO_RANGE,
		FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE,
		FALLOC_FL_COLLAPSE_RANGE, FALLOC_FL_INSERT_RANGE,
		FALLOC_FL_UNSHARE_RANGE };
	size_t i;

	FILL(self->fd);
	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		EXPECT_EQ(EOPNOTSUPP, FZ_ERRNO(fallocate(self->fd, modes[i], 0,
							 (off_t)fz_ps)))
			TH_LOG("mode %#x", modes[i]);
	}
	EXPECT_EQ(EINVAL, FZ_ERRNO(fz_raw_clear(self->fd, 0, 0, FZ_PUNCH)));
	EXPECT_EQ(FZ_CLEAN, fz_pread_unlike(self->fd, 0, SIZE, SEED));
}

TEST_F(file, size_cannot_be_changed)
{
	const off_t sizes[] = { 0, 1, (off_t)(SIZE - fz_ps),
				(off_t)(SIZE + fz_ps) };
	struct stat st;
	size_t i;
	int fd;

	FILL(self->fd);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		EXPECT_EQ(EINVAL, FZ_ERRNO(ftruncate(self->fd, sizes[i])))
			TH_LOG("size %jd", (intmax_t)sizes[i]);
	}
	fd = reopen(self->fd, O_RDWR | O_TRUNC);
	EXPECT_EQ(-1, fd);
	ASSERT_EQ(0, fstat(self->fd, &st));
	EXPECT_EQ(SIZE, st.st_size);
	EXPECT_EQ(FZ_CLEAN, fz_pread_unlike(self->fd, 0, SIZE, SEED));
}

TEST_F(file, reopen_through_proc)
{
	int fd = reopen(self->fd, O_RDWR);

	ASSERT_LE(0, fd) TH_LOG("%s", strerror(errno));
	FILL(fd);
	EXPECT_EQ(FZ_CLEAN, fz_pread_unlike(self->fd, 0, SIZE, SEED));
	close(self->fd);
	fz_reset(fd, 0, SIZE, FASTZERO_MODE_AUTO);
	EXPECT_EQ(FZ_CLEAN, fz_pread_nonzero(fd, 0, SIZE));
	self->fd = fd;
}

TEST_F(file, fsync_and_msync)
{
	unsigned char *map = fz_map(self->fd, 0, SIZE);

	fz_fill(map, 0, SIZE, SEED);
	EXPECT_EQ(0, FZ_ERRNO(fsync(self->fd)));
	EXPECT_EQ(0, FZ_ERRNO(msync(map, SIZE, MS_SYNC)));
	EXPECT_EQ(0, FZ_ERRNO(msync(map, SIZE, MS_ASYNC)));
	EXPECT_EQ(FZ_CLEAN, fz_find_unlike(map, 0, SIZE, SEED));
}

TEST_F(file, fdinfo)
{
	const int fds[] = { self->ctx, self->fd };
	char path[64], line[256];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(fds); i++) {
		int keys = 0;
		FILE *f;

		snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fds[i]);
		f = fopen(path, "re");
		ASSERT_NE(NULL, f);
		while (fgets(line, sizeof(line), f)) {
			const char *colon = strchr(line, ':');

			if (strncmp(line, "fastzero-", 9))
				continue;
			keys++;
			/* "key:\tvalue", with no other character in the key. */
			EXPECT_NE(NULL, colon);
			EXPECT_EQ(NULL, memchr(line, ' ', colon - line));
			EXPECT_EQ('\t', colon[1]) TH_LOG("%s", line);
			EXPECT_NE('\n', colon[2]) TH_LOG("%s", line);
		}
		fclose(f);
		EXPECT_LE(1, keys) TH_LOG("%s", i ? "scratch" : "context");
	}
}

/*
 * The inode outlives the last file.  The thread that ends the inode must not wait for
 * itself.
 */
static int watch_and_close(void *unused)
{
	int watch = inotify_init1(IN_CLOEXEC);
	int ctx = fz_raw_open();
	int fd = fz_raw_create(ctx, 4 * fz_ps, 0, FASTZERO_PAGES_AUTO, 0);
	char path[64];

	(void)unused;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (inotify_add_watch(watch, path, IN_ACCESS) < 0)
		return 1;
	if (pwrite(fd, path, sizeof(path), 0) != sizeof(path))
		return 2;
	close(fd);
	close(ctx);
	close(watch);
	return 0;
}

TEST(watched_to_the_end)
{
	EXPECT_EQ(0, fz_in_child(watch_and_close, NULL));
	EXPECT_TRUE(fz_until(!fz_read_number(FZ_PARAM_DIR "pages_in_use"),
			     FZ_PATIENCE_MS));
}

TEST_HARNESS_MAIN

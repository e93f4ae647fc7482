// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Input and output through the descriptor of a scratch, without a mapping, and the
 * scratch's name: the same is done with a memfd beside it.
 */
#include "kselftest_harness.h"
#include "fz.h"

#include <signal.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#define PAGES	16
#define SIZE	(PAGES * fz_ps)
#define SEED	62

enum { SCRATCH, MEMFD, BOTH };

FIXTURE(io) {
	int ctx;
	int fd[BOTH];
	int pipe[2];
};

FIXTURE_VARIANT(io) {
	uint32_t policy;
	uint32_t flags;
	uint64_t length;
};

/* One chunk is enough to have a huge folio. */
FIXTURE_VARIANT_ADD(io, base) { .policy = FASTZERO_PAGES_4K };
FIXTURE_VARIANT_ADD(io, huge) {
	.policy = FASTZERO_PAGES_2M, .length = FZ_CHUNK };
FIXTURE_VARIANT_ADD(io, zeropage) { .flags = FASTZERO_CREATE_ZEROPAGE };

FIXTURE_SETUP(io)
{
	uint64_t length = variant->length ? variant->length : SIZE;

	self->ctx = fz_open();
	self->fd[SCRATCH] = fz_raw_create(self->ctx, length, variant->flags,
					  variant->policy, 0);
	self->fd[MEMFD] = memfd_create("control", MFD_CLOEXEC);
	ASSERT_LE(0, self->fd[SCRATCH]);
	ASSERT_EQ(0, ftruncate(self->fd[MEMFD], (off_t)length));
	ASSERT_EQ(0, pipe2(self->pipe, O_CLOEXEC | O_NONBLOCK));
	ASSERT_LE(SIZE, (size_t)fcntl(self->pipe[0], F_SETPIPE_SZ, SIZE));
}

FIXTURE_TEARDOWN(io)
{
	int i;

	for (i = 0; i < 2; i++) {
		close(self->pipe[i]);
		close(self->fd[i]);
	}
	close(self->ctx);
}

static int64_t blocks(int fd)
{
	struct stat st;

	return fstat(fd, &st) ? -errno : st.st_blocks;
}

static int write_pages(int fd, uint64_t first, uint64_t nr)
{
	size_t length = nr * fz_ps;
	unsigned char *buf = malloc(length);
	ssize_t done;

	if (!buf)
		return -1;
	fz_fill(buf - first * fz_ps, first * fz_ps, length, SEED);
	done = pwrite(fd, buf, length, (off_t)(first * fz_ps));
	free(buf);
	return done == (ssize_t)length ? 0 : -1;
}

/* Data, a hole, data that does not begin with a page. */
#define WRITE_SOME(fd) do {						\
	ASSERT_EQ(0, write_pages(fd, 0, 3));				\
	ASSERT_EQ(0, write_pages(fd, 7, 2));				\
} while (0)

/* Moves all of a pipe into memory. */
static ssize_t drain(int pipe, unsigned char *buf, size_t size)
{
	size_t done = 0;
	ssize_t nr;

	while (done < size && (nr = read(pipe, buf + done, size - done)) > 0)
		done += (size_t)nr;
	return (ssize_t)done;
}

/* splice may stop short, as on a hole. */
static ssize_t splice_all(int from, loff_t *in, int to, loff_t *out, size_t length)
{
	size_t done = 0;

	while (done < length) {
		ssize_t nr = splice(from, in, to, out, length - done, 0);

		if (nr < 0)
			return done ? (ssize_t)done : -errno;
		if (!nr)
			break;
		done += (size_t)nr;
	}
	return (ssize_t)done;
}

TEST_F(io, read_leaves_holes)
{
	int i;

	for (i = 0; i < BOTH; i++) {
		EXPECT_EQ(FZ_CLEAN, fz_pread_nonzero(self->fd[i], 0, SIZE));
		EXPECT_EQ(0, blocks(self->fd[i]));
	}
}

TEST_F(io, splice_from)
{
	unsigned char *buf[BOTH] = { malloc(SIZE), malloc(SIZE) };
	int i;

	for (i = 0; i < BOTH; i++) {
		int64_t before;
		loff_t at = 100;

		ASSERT_NE(NULL, buf[i]);
		WRITE_SOME(self->fd[i]);
		before = blocks(self->fd[i]);
		ASSERT_EQ(SIZE - fz_ps, splice_all(self->fd[i], &at, self->pipe[1],
						   NULL, SIZE - fz_ps));
		EXPECT_EQ(100 + SIZE - fz_ps, (size_t)at);
		ASSERT_EQ(SIZE - fz_ps, drain(self->pipe[0], buf[i], SIZE));
		EXPECT_EQ(before, blocks(self->fd[i]));
	}
	EXPECT_EQ(0, memcmp(buf[MEMFD], buf[SCRATCH], SIZE - fz_ps));
	EXPECT_EQ(FZ_CLEAN, fz_find_unlike(buf[SCRATCH] - 100, 100,
					   3 * fz_ps - 100, SEED));
	free(buf[SCRATCH]);
	free(buf[MEMFD]);
}

TEST_F(io, splice_from_holes_takes_nothing)
{
	unsigned char *buf = malloc(SIZE);
	int i;

	ASSERT_NE(NULL, buf);
	for (i = 0; i < BOTH; i++) {
		loff_t at = 0;

		ASSERT_EQ(SIZE, splice_all(self->fd[i], &at, self->pipe[1], NULL,
					   SIZE));
		memset(buf, 1, SIZE);
		ASSERT_EQ(SIZE, drain(self->pipe[0], buf, SIZE));
		EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(buf, 0, SIZE));
		EXPECT_EQ(0, blocks(self->fd[i]));
	}
	free(buf);
}

/* The pipe has a copy: a reset finds no page held, and takes none out. */
TEST_F(io, reset_after_splice)
{
	unsigned char *buf = malloc(SIZE);
	loff_t at = 0;

	ASSERT_NE(NULL, buf);
	ASSERT_EQ(0, write_pages(self->fd[SCRATCH], 0, 4));
	ASSERT_EQ(4 * fz_ps, splice_all(self->fd[SCRATCH], &at, self->pipe[1], NULL,
					4 * fz_ps));
	EXPECT_EQ(0, fz_reset(self->fd[SCRATCH], 0, SIZE, FASTZERO_MODE_INPLACE).out_held);
	ASSERT_EQ(4 * fz_ps, drain(self->pipe[0], buf, SIZE));
	EXPECT_EQ(FZ_CLEAN, fz_find_unlike(buf, 0, 4 * fz_ps, SEED));
	EXPECT_EQ(FZ_CLEAN, fz_pread_nonzero(self->fd[SCRATCH], 0, SIZE));
	free(buf);
}

TEST_F(io, splice_to)
{
	unsigned char *buf = malloc(SIZE);
	int i;

	ASSERT_NE(NULL, buf);
	for (i = 0; i < BOTH; i++) {
		loff_t at = (loff_t)fz_ps;

		fz_fill(buf - fz_ps, fz_ps, 3 * fz_ps, SEED);
		ASSERT_EQ(3 * fz_ps, write(self->pipe[1], buf, 3 * fz_ps));
		ASSERT_EQ(3 * fz_ps, splice_all(self->pipe[0], NULL, self->fd[i], &at,
						3 * fz_ps));
		EXPECT_EQ(4 * fz_ps, (size_t)at);
		EXPECT_EQ(FZ_CLEAN, fz_pread_unlike(self->fd[i], fz_ps, 3 * fz_ps,
						    SEED));
		EXPECT_EQ(FZ_CLEAN, fz_pread_nonzero(self->fd[i], 0, fz_ps));
	}
	free(buf);
}

/* From one to the other, both ways, and between two of a kind. */
TEST_F(io, sendfile_and_copy)
{
	int other = fz_create(self->ctx, SIZE);
	loff_t in = 0, out = 0;
	off_t at = 0;

	WRITE_SOME(self->fd[SCRATCH]);
	ASSERT_EQ(SIZE, sendfile(self->fd[MEMFD], self->fd[SCRATCH], &at, SIZE));
	EXPECT_EQ(FZ_CLEAN, fz_pread_unlike(self->fd[MEMFD], 0, 3 * fz_ps, SEED));
	EXPECT_EQ(FZ_CLEAN, fz_pread_nonzero(self->fd[MEMFD], 3 * fz_ps, 4 * fz_ps));
	EXPECT_EQ(FZ_CLEAN, fz_pread_unlike(self->fd[MEMFD], 7 * fz_ps, 2 * fz_ps,
					    SEED));

	at = 0;
	ASSERT_EQ(SIZE, sendfile(other, self->fd[MEMFD], &at, SIZE));
	EXPECT_EQ(FZ_CLEAN, fz_pread_unlike(other, 0, 3 * fz_ps, SEED));
	EXPECT_EQ(FZ_CLEAN, fz_pread_nonzero(other, 3 * fz_ps, 4 * fz_ps));

	fz_clear(other, 0, SIZE, FASTZERO_MODE_DROP);
	while ((size_t)out < 3 * fz_ps)
		ASSERT_LT(0, copy_file_range(self->fd[SCRATCH], &in, other, &out,
					     3 * fz_ps - (size_t)out, 0))
			TH_LOG("%s", strerror(errno));
	EXPECT_EQ(FZ_CLEAN, fz_pread_unlike(other, 0, 3 * fz_ps, SEED));
	close(other);
}

/* mode 0 on all, on a part that is no page, with KEEP_SIZE. */
TEST_F(io, preallocate)
{
	uint64_t length = variant->length ? variant->length : SIZE;
	int i;

	for (i = 0; i < BOTH; i++) {
		int64_t all = (int64_t)length / 512;

		ASSERT_EQ(0, write_pages(self->fd[i], 2, 1));
		EXPECT_EQ(0, FZ_ERRNO(fallocate(self->fd[i], FALLOC_FL_KEEP_SIZE,
						(off_t)fz_ps + 1, 1)));
		if (!variant->length)
			EXPECT_EQ(2 * (int64_t)fz_ps / 512, blocks(self->fd[i]));
		ASSERT_EQ(0, FZ_ERRNO(fallocate(self->fd[i], 0, 0, (off_t)length)));
		EXPECT_EQ(all, blocks(self->fd[i]));
		EXPECT_EQ(0, posix_fallocate(self->fd[i], 0, (off_t)length));
		EXPECT_EQ(FZ_CLEAN, fz_pread_nonzero(self->fd[i], 0, 2 * fz_ps));
		EXPECT_EQ(FZ_CLEAN, fz_pread_unlike(self->fd[i], 2 * fz_ps, fz_ps, SEED));
		EXPECT_EQ(FZ_CLEAN, fz_pread_nonzero(self->fd[i], 3 * fz_ps,
						     length - 3 * fz_ps));
		ASSERT_EQ(0, fz_raw_clear(self->fd[i], 0, length, FZ_PUNCH));
		EXPECT_EQ(0, blocks(self->fd[i]));
	}
}

/* Where a memfd would grow, a scratch has no space left. */
TEST_F(io, preallocate_beyond_the_end)
{
	uint64_t length = variant->length ? variant->length : SIZE;
	const int modes[] = { 0, FALLOC_FL_KEEP_SIZE };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		EXPECT_EQ(ENOSPC, FZ_ERRNO(fallocate(self->fd[SCRATCH], modes[i], 0,
						     (off_t)length + 1)));
		EXPECT_EQ(ENOSPC, FZ_ERRNO(fallocate(self->fd[SCRATCH], modes[i],
						     (off_t)length, 1)));
	}
	EXPECT_EQ(0, blocks(self->fd[SCRATCH]));
}

TEST_F(io, preallocate_beyond_max_pages)
{
	uint64_t length = variant->length ? variant->length : SIZE;
	char before[24];

	snprintf(before, sizeof(before), "%lld",
		 fz_read_number(FZ_PARAM_DIR "max_pages"));
	ASSERT_EQ(0, fz_write_string(FZ_PARAM_DIR "max_pages", "4"));
	EXPECT_EQ(ENOSPC, FZ_ERRNO(fallocate(self->fd[SCRATCH], 0, 0,
					     (off_t)length)));
	ASSERT_EQ(0, fz_write_string(FZ_PARAM_DIR "max_pages", before));
	EXPECT_EQ(4 * fz_ps / 512, (size_t)blocks(self->fd[SCRATCH]));
	EXPECT_EQ(FZ_CLEAN, fz_pread_nonzero(self->fd[SCRATCH], 0, length));
	EXPECT_EQ(0, FZ_ERRNO(fallocate(self->fd[SCRATCH], 0, 0, (off_t)length)));
}

static int preallocate_for_ever(void *arg)
{
	int fd = *(int *)arg;

	for (;;) {
		if (fallocate(fd, 0, 0, 256 << 20))
			return errno;
		fz_raw_reset(fd, 0, 256 << 20, FASTZERO_MODE_DROP, NULL);
	}
}

TEST(preallocate_is_killed)
{
	int ctx = fz_open(), fd = fz_create(ctx, 256 << 20), i;

	for (i = 0; i < 5; i++) {
		pid_t pid = fz_fork();
		long begin;

		if (!pid)
			_exit(preallocate_for_ever(&fd));
		usleep(30000 + 7000 * i);
		begin = fz_now_ms();
		kill(pid, SIGKILL);
		EXPECT_EQ(FZ_SIGNALLED + SIGKILL, fz_wait(pid));
		EXPECT_GT(500 * fz_slow(), fz_now_ms() - begin);
	}
	fz_clear(fd, 0, 256 << 20, FASTZERO_MODE_DROP);
	EXPECT_EQ(FZ_CLEAN, fz_pread_nonzero(fd, 0, FZ_CHUNK));
	close(fd);
	close(ctx);
}

static int create_named(int ctx, const char *name)
{
	struct fastzero_create c = {
		.size = sizeof(c), .length = fz_ps, .name = (uintptr_t)name,
	};

	return ioctl(ctx, FASTZERO_IOC_CREATE, &c) ? -1 : c.out_fd;
}

/* A descriptor's name in /proc, without "(deleted)". */
static const char *link_of(int fd)
{
	static char text[512];
	char path[64], *end;
	ssize_t nr;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	nr = readlink(path, text, sizeof(text) - 1);
	text[nr < 0 ? 0 : nr] = 0;
	end = strstr(text, " (deleted)");
	if (end)
		*end = 0;
	return text;
}

static bool file_has(const char *path, const char *what)
{
	char line[1024];
	bool has = false;
	FILE *f = fopen(path, "re");

	while (f && fgets(line, sizeof(line), f))
		has |= !!strstr(line, what);
	if (f)
		fclose(f);
	return has;
}

TEST(names)
{
	static char longest[FASTZERO_NAME_MAX + 1], longer[FASTZERO_NAME_MAX + 2];
	int ctx = fz_open();
	const struct {
		const char *name, *link, *shown;
	} names[] = {
		{ NULL, "/fastzero", NULL },
		{ "", "/fastzero:", "" },
		{ "guest 7", "/fastzero:guest 7", "guest 7" },
		{ "a:b/c", "/fastzero:a:b/c", "a:b/c" },
		{ "x\ny\\\t\033\xc3\xa9", "/fastzero:x\ny\\\t\033\xc3\xa9",
		  "x\\ny\\\\\\t\\e\\303\\251" },
		{ longest, NULL, longest },
	};
	size_t i;

	memset(longest, 'n', sizeof(longest) - 1);
	memset(longer, 'n', sizeof(longer) - 1);
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		int fd = create_named(ctx, names[i].name);
		char path[64], line[512];

		ASSERT_LE(0, fd) TH_LOG("%s: %s", names[i].name, strerror(errno));
		if (names[i].link)
			EXPECT_STREQ(names[i].link, link_of(fd));
		snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
		snprintf(line, sizeof(line), "fastzero-name:\t%s\n",
			 names[i].shown ? names[i].shown : "");
		EXPECT_EQ(!!names[i].shown, file_has(path, line)) TH_LOG("%s", line);
		close(fd);
	}
	EXPECT_EQ(EINVAL, FZ_ERRNO(create_named(ctx, longer)));
	EXPECT_EQ(EFAULT, FZ_ERRNO(create_named(ctx, (const char *)8)));
	EXPECT_EQ(EFAULT, FZ_ERRNO(memfd_create((const char *)8, 0)));
	close(ctx);
}

TEST(name_of_a_mapping)
{
	int ctx = fz_open(), fd = create_named(ctx, "mapped guest");
	int control = memfd_create("mapped guest", MFD_CLOEXEC);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ftruncate(control, (off_t)fz_ps));
	fz_map(fd, 0, fz_ps);
	fz_map(control, 0, fz_ps);
	EXPECT_TRUE(file_has("/proc/self/maps", " /fastzero:mapped guest (deleted)\n"));
	EXPECT_TRUE(file_has("/proc/self/maps", " /memfd:mapped guest (deleted)\n"));
	close(control);
	close(fd);
	close(ctx);
}

TEST_HARNESS_MAIN

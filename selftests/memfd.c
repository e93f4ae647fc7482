// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Common behaviour of a scratch and a memfd: the same calls on both have the same
 * results. unlike.c tests the differences.
 */
#include "kselftest_harness.h"
#include "fz.h"

#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>

/* Three chunks and a few pages. */
#define CHUNK_PAGES	512
#define PAGES		(3 * CHUNK_PAGES + 5)
#define SIZE		(PAGES * fz_ps)

/* Each member is there twice: of the scratch, and of the memfd. */
enum { SCRATCH, MEMFD, BOTH };

FIXTURE(memfd) {
	int ctx;
	int fd[BOTH];
	unsigned char *map[BOTH];
};

FIXTURE_VARIANT(memfd) {
	uint32_t policy;
	uint32_t flags;
	bool implicit;	/* the context's descriptor, which is no regular file */
};

FIXTURE_VARIANT_ADD(memfd, base) { .policy = FASTZERO_PAGES_4K };
FIXTURE_VARIANT_ADD(memfd, huge) { .policy = FASTZERO_PAGES_2M };
FIXTURE_VARIANT_ADD(memfd, zeropage) { .flags = FASTZERO_CREATE_ZEROPAGE };
FIXTURE_VARIANT_ADD(memfd, implicit) { .implicit = true };

FIXTURE_SETUP(memfd)
{
	int i;

	self->ctx = fz_open();
	self->fd[SCRATCH] = variant->implicit ? self->ctx :
		fz_raw_create(self->ctx, SIZE, variant->flags, variant->policy, 0);
	self->fd[MEMFD] = memfd_create("control", MFD_CLOEXEC);
	ASSERT_LE(0, self->fd[SCRATCH]);
	ASSERT_EQ(0, ftruncate(self->fd[MEMFD], SIZE));
	for (i = 0; i < BOTH; i++)
		self->map[i] = fz_map(self->fd[i], 0, SIZE);
}

FIXTURE_TEARDOWN(memfd)
{
	munmap(self->map[SCRATCH], SIZE);
	munmap(self->map[MEMFD], SIZE);
	close(self->fd[MEMFD]);
	if (!variant->implicit)
		close(self->fd[SCRATCH]);
	close(self->ctx);
}

/* A device is no regular file. */
#define NOT_IMPLICIT() do {						\
	if (variant->implicit)						\
		return;							\
} while (0)

/* The first touch of a huge chunk populates all of it; so it is with the control. */
static void touch(FIXTURE_DATA(memfd) *self, uint64_t page, bool huge)
{
	uint64_t end = page + 1;

	self->map[SCRATCH][page * fz_ps] = 1;
	if (huge && page < 3 * CHUNK_PAGES) {
		page -= page % CHUNK_PAGES;
		end = page + CHUNK_PAGES;
	}
	for (; page < end; page++)
		self->map[MEMFD][page * fz_ps] = 1;
}

static off_t seek(int fd, off_t offset, int whence)
{
	off_t at = lseek(fd, offset, whence);

	return at < 0 ? -errno : at;
}

/* Of each page its first, second and last byte; and around the ends. */
#define EXPECT_SEEKS_ALIKE() do {					\
	const int whences_[] = { SEEK_DATA, SEEK_HOLE };		\
	size_t i_, w_;							\
	for (i_ = 0; i_ < 3 * PAGES + 9; i_++) {			\
		off_t at_ = (off_t)(i_ / 3 * fz_ps) + (off_t)(i_ % 3) - 1; \
		for (w_ = 0; w_ < 2; w_++) {				\
			off_t seen_ = seek(self->fd[SCRATCH], at_, whences_[w_]); \
			ASSERT_EQ(seek(self->fd[MEMFD], at_, whences_[w_]), seen_) \
				TH_LOG("from %jd, whence %d", (intmax_t)at_, \
				       whences_[w_]);			\
			ASSERT_EQ(seek(self->fd[MEMFD], 0, SEEK_CUR),	\
				  seek(self->fd[SCRATCH], 0, SEEK_CUR));	\
		}							\
	}								\
} while (0)

TEST_F(memfd, seek_data_and_hole)
{
	const uint64_t pages[] = { 1, 2, 5, CHUNK_PAGES - 1, CHUNK_PAGES,
		CHUNK_PAGES + 64, 2 * CHUNK_PAGES + 63, PAGES - 3, PAGES - 1, 0 };
	bool huge = variant->policy == FASTZERO_PAGES_2M;
	size_t i;

	EXPECT_SEEKS_ALIKE();
	/* One by one from the end: the chunks come into the index in any order. */
	for (i = ARRAY_SIZE(pages); i--;)
		touch(self, pages[i], huge);
	EXPECT_SEEKS_ALIKE();

	/* A hole in the middle, one at an end, a full chunk. */
	fz_clear(self->fd[SCRATCH], 0, CHUNK_PAGES * fz_ps, FASTZERO_MODE_DROP);
	ASSERT_EQ(0, fz_raw_clear(self->fd[MEMFD], 0, CHUNK_PAGES * fz_ps, FZ_PUNCH));
	for (i = 0; i < CHUNK_PAGES; i++)
		touch(self, 2 * CHUNK_PAGES + i, huge);
	EXPECT_SEEKS_ALIKE();

	/* A page that is zero again is data as long as it is populated. */
	fz_clear(self->fd[SCRATCH], 0, SIZE, FASTZERO_MODE_INPLACE);
	EXPECT_SEEKS_ALIKE();
	for (i = 0; i < PAGES; i++)
		touch(self, i, huge);
	EXPECT_SEEKS_ALIKE();
	fz_clear(self->fd[SCRATCH], 0, SIZE, FASTZERO_MODE_DROP);
	ASSERT_EQ(0, fz_raw_clear(self->fd[MEMFD], 0, SIZE, FZ_PUNCH));
	EXPECT_SEEKS_ALIKE();
}

/* A hole that is read through a mapping of a scratch with ZEROPAGE remains one. */
TEST_F(memfd, seek_after_reads)
{
	if (!variant->flags)
		return;
	touch(self, 7, false);
	EXPECT_EQ(0, self->map[SCRATCH][3 * fz_ps]);
	EXPECT_EQ(0, self->map[SCRATCH][8 * fz_ps]);
	EXPECT_SEEKS_ALIKE();
}

TEST_F(memfd, seek_at_other_offsets)
{
	const off_t offsets[] = { 0, 1, (off_t)SIZE, (off_t)SIZE + 12345,
				  INT64_MAX, -1, -(off_t)SIZE };
	const int whences[] = { SEEK_SET, SEEK_CUR, SEEK_END, SEEK_DATA, SEEK_HOLE };
	size_t i, w;

	for (i = 0; i < ARRAY_SIZE(offsets); i++) {
		for (w = 0; w < ARRAY_SIZE(whences); w++) {
			EXPECT_EQ(seek(self->fd[MEMFD], offsets[i], whences[w]),
				  seek(self->fd[SCRATCH], offsets[i], whences[w]))
				TH_LOG("%jd, whence %d", (intmax_t)offsets[i],
				       whences[w]);
		}
	}
}

TEST(seek_on_a_context_without_a_scratch)
{
	int ctx = fz_open();

	EXPECT_EQ(ENXIO, FZ_ERRNO(lseek(ctx, 0, SEEK_DATA)));
	EXPECT_EQ(ENXIO, FZ_ERRNO(lseek(ctx, 0, SEEK_HOLE)));
	close(ctx);
}

static int64_t blocks(int fd)
{
	struct stat st;

	return fstat(fd, &st) ? -errno : st.st_blocks;
}

#define EXPECT_BLOCKS_ALIKE() \
	EXPECT_EQ(blocks(self->fd[MEMFD]), blocks(self->fd[SCRATCH]))

TEST_F(memfd, blocks)
{
	bool huge = variant->policy == FASTZERO_PAGES_2M;
	struct stat st[BOTH];
	int i;

	NOT_IMPLICIT();
	EXPECT_EQ(0, blocks(self->fd[SCRATCH]));
	touch(self, 3, huge);
	touch(self, PAGES - 1, huge);
	EXPECT_BLOCKS_ALIKE();
	EXPECT_LT(0, blocks(self->fd[SCRATCH]));
	fz_clear(self->fd[SCRATCH], 0, SIZE, FASTZERO_MODE_DROP);
	EXPECT_EQ(0, blocks(self->fd[SCRATCH]));

	for (i = 0; i < BOTH; i++)
		ASSERT_EQ(0, fstat(self->fd[i], &st[i]));
	EXPECT_EQ(st[MEMFD].st_size, st[SCRATCH].st_size);
	EXPECT_EQ(st[MEMFD].st_blksize, st[SCRATCH].st_blksize);
	EXPECT_EQ(0, st[MEMFD].st_nlink);
	EXPECT_EQ(0, st[SCRATCH].st_nlink);
}

TEST_F(memfd, statfs)
{
	struct statfs st[BOTH];
	int i;

	NOT_IMPLICIT();
	for (i = 0; i < BOTH; i++)
		ASSERT_EQ(0, fstatfs(self->fd[i], &st[i]));
	EXPECT_EQ(st[MEMFD].f_bsize, st[SCRATCH].f_bsize);
	EXPECT_EQ(st[MEMFD].f_blocks, st[SCRATCH].f_blocks);
	EXPECT_EQ(st[MEMFD].f_namelen, st[SCRATCH].f_namelen);
	EXPECT_EQ(0x667a306d, st[SCRATCH].f_type);
}

TEST_F(memfd, prot_exec)
{
#if defined(__x86_64__)
	const unsigned char code[] = { 0xb8, 42, 0, 0, 0, 0xc3 };
#elif defined(__aarch64__)
	const unsigned char code[] = { 0x40, 5, 0x80, 0x52, 0xc0, 3, 0x5f, 0xd6 };
#else
	const unsigned char code[] = { };
#endif
	int i;

	if (!sizeof(code))
		SKIP(return, "no code for this machine");
	for (i = 0; i < BOTH; i++) {
		unsigned char *run;

		memcpy(self->map[i], code, sizeof(code));
		__builtin___clear_cache(self->map[i], self->map[i] + sizeof(code));
		run = mmap(NULL, fz_ps, PROT_READ | PROT_EXEC, MAP_SHARED,
			   self->fd[i], 0);
		ASSERT_NE(MAP_FAILED, run) TH_LOG("%d: %s", i, strerror(errno));
		EXPECT_EQ(42, ((int (*)(void))run)());
		munmap(run, fz_ps);
		EXPECT_EQ(0, FZ_ERRNO(mprotect(self->map[i], fz_ps,
					       PROT_READ | PROT_EXEC)));
		EXPECT_EQ(42, ((int (*)(void))self->map[i])());
		EXPECT_EQ(0, FZ_ERRNO(mprotect(self->map[i], fz_ps,
					       PROT_READ | PROT_WRITE | PROT_EXEC)));
		EXPECT_EQ(42, ((int (*)(void))self->map[i])());
#ifdef MADV_COLLAPSE
		/* Some kernels may make huge pages of files that are run. */
		madvise(self->map[i], SIZE, MADV_COLLAPSE);
		EXPECT_EQ(42, ((int (*)(void))self->map[i])());
#endif
	}
	fz_clear(self->fd[SCRATCH], 0, SIZE, FASTZERO_MODE_AUTO);
	EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(self->map[SCRATCH], 0, SIZE));
}

/* Calls that a program may make on any file. */
static int do_to_file(int fd, int what)
{
	struct flock lock = { .l_type = F_WRLCK };

	switch (what) {
	case 0:	return FZ_ERRNO(flock(fd, LOCK_EX));
	case 1:	return FZ_ERRNO(flock(fd, LOCK_UN));
	case 2:	return FZ_ERRNO(fcntl(fd, F_SETLK, &lock));
	case 3:	return FZ_ERRNO(fcntl(fd, F_OFD_SETLK, &lock));
	case 4:	return FZ_ERRNO(fcntl(fd, F_SETLEASE, F_WRLCK));
	case 5:	return FZ_ERRNO(fcntl(fd, F_SETLEASE, F_UNLCK));
	case 6:	return FZ_ERRNO(fsync(fd));
	case 7:	return FZ_ERRNO(fdatasync(fd));
	case 8:	return FZ_ERRNO(sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE));
	case 9:	return FZ_ERRNO((int)readahead(fd, 0, SIZE));
	case 10: return FZ_ERRNO(ftruncate(fd, (off_t)SIZE));
	case 11: return FZ_ERRNO(fallocate(fd, FALLOC_FL_ZERO_RANGE, 0, (off_t)SIZE));
	case 12: return FZ_ERRNO(fallocate(fd, FALLOC_FL_COLLAPSE_RANGE, 0, (off_t)fz_ps));
	case 13: return FZ_ERRNO(fallocate(fd, FALLOC_FL_INSERT_RANGE, 0, (off_t)fz_ps));
	case 14: return FZ_ERRNO(fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, (off_t)fz_ps));
	case 15: return FZ_ERRNO(fallocate(fd, 0, -1, 10));
	case 16: return FZ_ERRNO(fallocate(fd, 0, 0, 0));
	default: return what < 24 ? posix_fadvise(fd, 0, 0, what - 17) : -1;
	}
}

TEST_F(memfd, other_calls_agree)
{
	int what, err;

	NOT_IMPLICIT();
	for (what = 0; (err = do_to_file(self->fd[MEMFD], what)) >= 0; what++)
		EXPECT_EQ(err, do_to_file(self->fd[SCRATCH], what))
			TH_LOG("call %d", what);
}

TEST_F(memfd, madvise_agrees)
{
	/* Advice that all kernels know, then that for failed memory. */
	int advice, i;

	for (advice = 0; advice < 26; advice++) {
		int err[BOTH];

		for (i = 0; i < BOTH; i++) {
			self->map[i][0] = 5;
			err[i] = FZ_ERRNO(madvise(self->map[i], CHUNK_PAGES * fz_ps,
						  advice));
			EXPECT_TRUE(self->map[i][0] == 5 || advice == MADV_REMOVE);
		}
		/*
		 * Kernels differ in whether they know it; none looks at the kind of
		 * memory.
		 */
		if (advice != 25)
			EXPECT_EQ(err[MEMFD], err[SCRATCH]) TH_LOG("advice %d", advice);
	}
}

TEST_HARNESS_MAIN

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Files of the mounted file system: how they become scratches, and that a file does
 * whatever a scratch does.  fs_mount.c is about mounts and their limits.
 */
#include "kselftest_harness.h"
#include "fz.h"
#include "fz_group.h"

#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>

#define PAGES	64
#define SIZE	(PAGES * fz_ps)
#define SEED	21
#define IN_USE	FZ_PARAM_DIR "pages_in_use"
#define NOBODY	65534
#define WAYS	(O_RDWR | O_CLOEXEC)

FIXTURE(fs) {
	int mount;
	int fd;			/* "ram", with a size */
	unsigned char *map;
};

FIXTURE_SETUP(fs)
{
	self->mount = fz_raw_mount("");
	ASSERT_LE(0, self->mount) TH_LOG("mount: %s", strerror(errno));
	self->fd = fz_raw_mount_file(self->mount, "ram", SIZE);
	ASSERT_LE(0, self->fd) TH_LOG("create: %s", strerror(errno));
	self->map = fz_map(self->fd, 0, SIZE);
}

/* The end of the test's process closes the rest. */
FIXTURE_TEARDOWN(fs)
{
	munmap(self->map, SIZE);
	close(self->fd);
	close(self->mount);
}

static struct stat stat_of(int fd)
{
	struct stat st = { .st_size = -1 };

	fstat(fd, &st);
	return st;
}

TEST_F(fs, file_begins_without_a_size)
{
	int fd = fz_raw_mount_file(self->mount, "new", 0);
	char byte = 1;

	ASSERT_LE(0, fd);
	EXPECT_TRUE(S_ISREG(stat_of(fd).st_mode));
	EXPECT_EQ(0, stat_of(fd).st_size);
	EXPECT_EQ(0, stat_of(fd).st_blocks);
	EXPECT_EQ(MAP_FAILED, fz_raw_map(fd, 0, fz_ps));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(0, pread(fd, &byte, 1, 0));
	EXPECT_EQ(ENOSPC, FZ_ERRNO(pwrite(fd, &byte, 1, 0)));
	EXPECT_EQ(ENOSPC, FZ_ERRNO(fallocate(fd, 0, 0, (off_t)fz_ps)));
	EXPECT_EQ(0, fz_raw_clear(fd, 0, fz_ps, FZ_PUNCH));
	EXPECT_EQ(ENXIO, FZ_ERRNO(lseek(fd, 0, SEEK_DATA)));
	EXPECT_EQ(0, lseek(fd, 0, SEEK_END));
	fz_err_reset(EINVAL, fd, 0, fz_ps, FASTZERO_MODE_AUTO);
	fz_err_reset(EINVAL, fd, 0, 0, FASTZERO_MODE_AUTO);
	fz_err_populate(EINVAL, fd, 0, fz_ps, 0);
	EXPECT_EQ(0, fz_stats(fd).out_length);
	/* And none of that was its first use with a size. */
	ASSERT_EQ(0, ftruncate(fd, (off_t)SIZE));
	munmap(fz_map(fd, 0, SIZE), SIZE);
	close(fd);
}

TEST_F(fs, size_is_set_once)
{
	const off_t sizes[] = { 0, 1, (off_t)(SIZE - fz_ps), (off_t)(SIZE + fz_ps) };
	int fd = fz_raw_mount_file(self->mount, "new", 0);
	size_t i;

	ASSERT_LE(0, fd);
	EXPECT_EQ(0, FZ_ERRNO(ftruncate(fd, 0)));
	EXPECT_EQ(EINVAL, FZ_ERRNO(ftruncate(fd, (off_t)SIZE + 1)));
	EXPECT_EQ(EFBIG, FZ_ERRNO(ftruncate(fd, (off_t)1 << 50)));
	EXPECT_EQ(0, stat_of(fd).st_size);
	EXPECT_EQ(0, FZ_ERRNO(ftruncate(fd, (off_t)SIZE)));
	EXPECT_EQ(SIZE, stat_of(fd).st_size);
	EXPECT_EQ(SIZE, fz_stats(fd).out_length);

	fz_fill(self->map, 0, SIZE, SEED);
	EXPECT_EQ(0, FZ_ERRNO(ftruncate(self->fd, (off_t)SIZE)));
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		EXPECT_EQ(EINVAL, FZ_ERRNO(ftruncate(self->fd, sizes[i])))
			TH_LOG("size %jd", (intmax_t)sizes[i]);
	}
	EXPECT_EQ(EINVAL, FZ_ERRNO(openat(self->mount, "ram", WAYS | O_TRUNC)));
	EXPECT_EQ(SIZE, stat_of(self->fd).st_size);
	ASSERT_FILLED(self->map, 0, SIZE, SEED);
	close(fd);
}

TEST_F(fs, contents_stay_with_the_name)
{
	int fd;

	fz_fill(self->map, 0, SIZE, SEED);
	munmap(self->map, SIZE);
	close(self->fd);
	fd = openat(self->mount, "ram", WAYS);
	ASSERT_LE(0, fd);
	EXPECT_EQ(SIZE, stat_of(fd).st_size);
	EXPECT_EQ(FZ_CLEAN, fz_pread_unlike(fd, 0, SIZE, SEED));
	self->fd = fd;
	self->map = fz_map(fd, 0, SIZE);
}

/* A reset by one opener is seen by the other, in each mode. */
TEST_F(fs, two_openers_have_one_scratch)
{
	const uint32_t modes[] = { FASTZERO_MODE_AUTO, FASTZERO_MODE_INPLACE,
				   FASTZERO_MODE_SWAP, FASTZERO_MODE_DROP, FZ_PUNCH };
	int other = openat(self->mount, "ram", WAYS);
	struct fz_peer peer;
	size_t i;

	ASSERT_LE(0, other);
	ASSERT_EQ(0, fz_peer_start(&peer, NULL));
	ASSERT_LT(0, fz_peer_map(&peer, other, SIZE));
	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		fz_fill(self->map, 0, SIZE, SEED);
		EXPECT_EQ(FZ_CLEAN, fz_peer_do(&peer, FZ_PEER_UNLIKE, 0, SIZE, SEED));
		EXPECT_EQ(0, fz_peer_do(&peer, FZ_PEER_CLEAR, 0, SIZE / 2, modes[i]));
		ASSERT_ZERO(self->map, 0, SIZE / 2);
		ASSERT_FILLED(self->map, SIZE / 2, SIZE / 2, SEED);
		fz_clear(self->fd, 0, SIZE, modes[i]);
		EXPECT_EQ(FZ_CLEAN, fz_peer_do(&peer, FZ_PEER_NONZERO, 0, SIZE, 0));
	}
	EXPECT_EQ(2 * ARRAY_SIZE(modes), fz_stats(other).out_resets);
	fz_peer_stop(&peer);
	close(other);
}

TEST_F(fs, ioctls_of_scratches_work)
{
	int ctx = fz_open(), other = fz_create(ctx, SIZE);
	int32_t fds[] = { self->fd, other };
	uint64_t bits = 1ULL << 3 | 1ULL << 7;
	struct fastzero_reset_many many;

	EXPECT_EQ(PAGES, fz_populate(self->fd, 0, SIZE, 0).out_added);
	fz_fill(self->map, 0, SIZE, SEED);
	EXPECT_EQ(2, fz_reset_dirty(self->fd, 0, SIZE, FASTZERO_MODE_INPLACE, &bits,
				    sizeof(bits)).out_cleared);
	ASSERT_ZERO(self->map, 3 * fz_ps, fz_ps);
	ASSERT_FILLED(self->map, 4 * fz_ps, 3 * fz_ps, SEED);
	many = fz_reset_many(ctx, fds, 2, FASTZERO_MODE_INPLACE);
	EXPECT_EQ(2, many.out_done);
	ASSERT_ZERO(self->map, 0, SIZE);
	EXPECT_LT(0, fz_workset(self->fd, FASTZERO_WORKSET_READ, NULL, 0).out_size);
	EXPECT_EQ(PAGES, fz_stats(self->fd).out_populated);
	/* Those of contexts belong to the device. */
	fz_err_info(ENOTTY, self->fd);
	fz_err_pool(ENOTTY, self->fd, 8, 0);
	fz_err_create(ENOTTY, self->fd, SIZE, 0, 0, 0);
	close(other);
	close(ctx);
}

TEST_F(fs, blocks_and_seek_tell_what_is_held)
{
	const off_t blocks = (off_t)fz_ps / 512;
	struct statfs st, later;

	ASSERT_EQ(0, fstatfs(self->mount, &st));
	EXPECT_EQ(0, stat_of(self->fd).st_blocks);
	EXPECT_EQ(ENXIO, FZ_ERRNO(lseek(self->fd, 0, SEEK_DATA)));
	self->map[3 * fz_ps] = 1;
	self->map[4 * fz_ps] = 1;
	EXPECT_EQ(2 * blocks, stat_of(self->fd).st_blocks);
	EXPECT_EQ(3 * fz_ps, lseek(self->fd, 0, SEEK_DATA));
	EXPECT_EQ(5 * fz_ps, lseek(self->fd, 3 * (off_t)fz_ps, SEEK_HOLE));
	ASSERT_EQ(0, fstatfs(self->fd, &later));
	EXPECT_EQ(2, st.f_bfree - later.f_bfree);
	EXPECT_EQ(0, fz_raw_clear(self->fd, 0, 4 * fz_ps, FZ_PUNCH));
	EXPECT_EQ(blocks, stat_of(self->fd).st_blocks);
	EXPECT_EQ(0, madvise(self->map, SIZE, MADV_REMOVE));
	EXPECT_EQ(0, stat_of(self->fd).st_blocks);
	EXPECT_EQ(0, FZ_ERRNO(fallocate(self->fd, 0, 0, (off_t)SIZE)));
	EXPECT_EQ(PAGES * blocks, stat_of(self->fd).st_blocks);
	EXPECT_EQ(0x667a306d, st.f_type);
	EXPECT_EQ(fz_ps, st.f_bsize);
}

TEST_F(fs, unlink_lets_it_go_with_its_last_user)
{
	long long before = fz_read_number(IN_USE) - (long long)fz_stats(self->fd).out_owned;

	fz_fill(self->map, 0, SIZE, SEED);
	ASSERT_EQ(0, unlinkat(self->mount, "ram", 0));
	EXPECT_EQ(ENOENT, FZ_ERRNO(openat(self->mount, "ram", WAYS)));
	EXPECT_EQ(0, stat_of(self->fd).st_nlink);
	ASSERT_FILLED(self->map, 0, SIZE, SEED);
	fz_reset(self->fd, 0, SIZE / 2, FASTZERO_MODE_AUTO);
	close(self->fd);
	ASSERT_ZERO(self->map, 0, SIZE / 2);
	ASSERT_FILLED(self->map, SIZE / 2, SIZE / 2, SEED);
	EXPECT_LE(before + PAGES, fz_read_number(IN_USE));
	munmap(self->map, SIZE);
	EXPECT_TRUE(fz_until(fz_read_number(IN_USE) <= before, FZ_PATIENCE_MS))
		TH_LOG("%lld before, %lld after", before, fz_read_number(IN_USE));
	self->fd = fz_raw_mount_file(self->mount, "ram", SIZE);
	self->map = fz_map(self->fd, 0, SIZE);
	ASSERT_ZERO(self->map, 0, SIZE);
}

TEST_F(fs, tmpfile_may_get_a_name)
{
	int fd = fz_raw_mount_file(self->mount, NULL, SIZE);
	char path[64];

	ASSERT_LE(0, fd);
	EXPECT_EQ(0, stat_of(fd).st_nlink);
	EXPECT_EQ(SIZE, stat_of(fd).st_size);
	EXPECT_EQ(8, pwrite(fd, "fastzero", 8, 0));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ASSERT_EQ(0, FZ_ERRNO(linkat(AT_FDCWD, path, self->mount, "named",
				     AT_SYMLINK_FOLLOW)));
	/* A second name would count against no limit of the mount. */
	EXPECT_EQ(EMLINK, FZ_ERRNO(linkat(self->mount, "named", self->mount, "again", 0)));
	close(fd);
	fd = openat(self->mount, "named", WAYS);
	ASSERT_LE(0, fd);
	EXPECT_EQ(8, pread(fd, path, 8, 0));
	EXPECT_EQ(0, memcmp(path, "fastzero", 8));
	EXPECT_EQ(1, stat_of(fd).st_nlink);
	EXPECT_EQ(0, unlinkat(self->mount, "named", 0));
	close(fd);
}

/* No file can be executed or have the rights of its owner. */
TEST_F(fs, modes_and_owners)
{
	int fd = openat(self->mount, "mode", WAYS | O_CREAT, 06777);
	char *const args[] = { "mode", NULL };

	ASSERT_LE(0, fd);
	EXPECT_EQ(0, stat_of(fd).st_mode & 07111);
	EXPECT_EQ(0600, stat_of(fd).st_mode & 0600);
	EXPECT_EQ(0, FZ_ERRNO(fchmod(fd, 0640)));
	EXPECT_EQ(0640, stat_of(fd).st_mode & 07777);
	EXPECT_EQ(EPERM, FZ_ERRNO(fchmod(fd, 0740)));
	EXPECT_EQ(EPERM, FZ_ERRNO(fchmod(fd, 04640)));
	EXPECT_EQ(0640, stat_of(fd).st_mode & 07777);
	EXPECT_EQ(0, FZ_ERRNO(fchown(fd, 12, 34)));
	EXPECT_EQ(12, stat_of(fd).st_uid);
	EXPECT_EQ(34, stat_of(fd).st_gid);
	EXPECT_EQ(0, FZ_ERRNO(futimens(fd, NULL)));
	EXPECT_EQ(EACCES, FZ_ERRNO((int)syscall(SYS_execveat, self->mount, "ram", args,
						NULL, 0)));
	close(fd);
}

static int as_nobody(void *arg)
{
	int mount = *(int *)arg, fd;

	if (setgid(NOBODY) || setuid(NOBODY))
		return 250;
	if (FZ_ERRNO(openat(mount, "ram", O_RDWR)) != EACCES)
		return 1;
	if (FZ_ERRNO(openat(mount, "new", O_RDWR | O_CREAT, 0600)) != EACCES)
		return 2;
	if (FZ_ERRNO(unlinkat(mount, "ram", 0)) != EACCES)
		return 3;
	/* The mode of this one lets all read. */
	fd = openat(mount, "read", O_RDONLY);
	if (fd < 0)
		return 4;
	if (FZ_ERRNO(fz_raw_reset(fd, 0, SIZE, FASTZERO_MODE_AUTO, NULL)) != EBADF)
		return 5;
	if (fz_raw_map(fd, 0, SIZE) != MAP_FAILED ||
	    mmap(NULL, SIZE, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED)
		return 6;
	return fz_raw_stats(fd, NULL) ? 7 : 0;
}

TEST_F(fs, modes_decide_who_may)
{
	int fd = fz_raw_mount_file(self->mount, "read", SIZE);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, fchmod(fd, 0644));
	EXPECT_EQ(0, fz_in_child(as_nobody, &self->mount));
	close(fd);
}

TEST_F(fs, directories_but_no_links_or_devices)
{
	nlink_t links = stat_of(self->mount).st_nlink;
	int fd;

	ASSERT_EQ(0, FZ_ERRNO(mkdirat(self->mount, "dir", 0700)));
	EXPECT_EQ(links + 1, stat_of(self->mount).st_nlink);
	fd = fz_raw_mount_file(self->mount, "dir/ram", SIZE);
	ASSERT_LE(0, fd);
	EXPECT_EQ(4, pwrite(fd, "data", 4, 0));
	EXPECT_EQ(ENOTEMPTY, FZ_ERRNO(unlinkat(self->mount, "dir", AT_REMOVEDIR)));
	/* The file of that name ends. */
	EXPECT_EQ(0, FZ_ERRNO(renameat(self->mount, "dir/ram", self->mount, "ram")));
	EXPECT_EQ(0, stat_of(self->fd).st_nlink);
	EXPECT_EQ(0, FZ_ERRNO(unlinkat(self->mount, "dir", AT_REMOVEDIR)));
	EXPECT_EQ(links, stat_of(self->mount).st_nlink);
	EXPECT_EQ(EPERM, FZ_ERRNO(symlinkat("ram", self->mount, "link")));
	EXPECT_EQ(EPERM, FZ_ERRNO(mknodat(self->mount, "pipe", S_IFIFO | 0600, 0)));
	EXPECT_EQ(EPERM, FZ_ERRNO(mknodat(self->mount, "null", S_IFCHR | 0600, 0x103)));
	close(fd);
}

TEST_F(fs, private_and_writable)
{
	EXPECT_EQ(MAP_FAILED, mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE,
				   self->fd, 0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(MAP_FAILED, fz_raw_map(self->fd, fz_ps, SIZE));
	EXPECT_EQ(EINVAL, errno);
}

static long long context_of(int fd)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	return fz_read_key(path, "fastzero-context:");
}

TEST_F(fs, each_file_is_a_context_of_its_maker)
{
	int other = fz_raw_mount_file(self->mount, "other", SIZE);
	int again = openat(self->mount, "ram", WAYS);
	char path[64];

	EXPECT_LT(0, context_of(self->fd));
	EXPECT_LT(context_of(self->fd), context_of(other));
	EXPECT_EQ(context_of(self->fd), context_of(again));
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", again);
	EXPECT_EQ(getpid(), fz_read_key(path, "fastzero-opener:"));
	/* Pages of one go back to the system when it drops them, not to the other. */
	memset(self->map, 0xff, SIZE);
	fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_DROP);
	EXPECT_EQ(0, fz_stats(other).out_owned);
	EXPECT_EQ(FZ_CLEAN, fz_pread_nonzero(other, 0, SIZE));
	close(other);
	close(again);
}

#define GROUP	FZ_GROUPS "/fz_test_fs"
#define BYTES	(16UL << 20)

static int make_in_group(void *arg)
{
	int fd;

	if (fz_group_enter(GROUP))
		return 1;
	fd = fz_raw_mount_file(*(int *)arg, "charged", BYTES);
	return fd < 0 ? 2 : 0;
}

/* Whoever makes the file pays, also for pages that another process touches. */
TEST_F(fs, maker_pays)
{
	unsigned char *map;
	long long before;
	int fd;

	if (access(FZ_GROUPS "/cgroup.controllers", R_OK))
		SKIP(return, "no cgroup2");
	fz_write_string(FZ_GROUPS "/cgroup.subtree_control", "+memory");
	ASSERT_TRUE(!mkdir(GROUP, 0755) || errno == EEXIST);
	EXPECT_EQ(0, fz_in_child(make_in_group, &self->mount));
	before = fz_group_bytes(GROUP);
	fd = openat(self->mount, "charged", WAYS);
	ASSERT_LE(0, fd);
	map = fz_map(fd, 0, BYTES);
	memset(map, 1, BYTES);
	EXPECT_LE(before + (long long)BYTES / 2, fz_group_bytes(GROUP));
	munmap(map, BYTES);
	close(fd);
	EXPECT_LE(before + (long long)BYTES / 2, fz_group_bytes(GROUP));
	ASSERT_EQ(0, unlinkat(self->mount, "charged", 0));
	/* The kernel keeps a few pages charged in advance. */
	EXPECT_TRUE(fz_until(fz_group_bytes(GROUP) <= before + (1 << 20),
			     FZ_PATIENCE_MS));
	EXPECT_TRUE(fz_until(!rmdir(GROUP), FZ_PATIENCE_MS));
}

TEST_HARNESS_MAIN

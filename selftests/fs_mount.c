// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Mounts of the file system: options, limits, remount, umount, and who may mount.
 */
#include "kselftest_harness.h"
#include "fz.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>

#define PAGES	64
#define SIZE	(PAGES * fz_ps)
#define SEED	22
#define IN_USE	FZ_PARAM_DIR "pages_in_use"
#define REFCNT	"/sys/module/fastzero/refcnt"
#define NOBODY	65534
#define WAYS	(O_RDWR | O_CLOEXEC)

FIXTURE(fs_mount) {
	char dir[32];
	long long in_use;
	long long refcnt;
};

FIXTURE_SETUP(fs_mount)
{
	strcpy(self->dir, "/tmp/fz_mount.XXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->dir));
	/* What the last test has left may still be ending. */
	EXPECT_TRUE(fz_until(!fz_read_number(IN_USE), FZ_PATIENCE_MS));
	self->in_use = fz_read_number(IN_USE);
	self->refcnt = fz_read_number(REFCNT);
}

FIXTURE_TEARDOWN(fs_mount)
{
	while (!umount2(self->dir, MNT_DETACH))
		;
	EXPECT_EQ(0, rmdir(self->dir));
	EXPECT_TRUE(fz_until(fz_read_number(REFCNT) <= self->refcnt, FZ_PATIENCE_MS));
}

static int mount_at(const char *dir, const char *options)
{
	return mount("fastzero", dir, "fastzero", 0, options);
}

#define MOUNT(options)	\
	ASSERT_EQ(0, FZ_ERRNO(mount_at(self->dir, options))) TH_LOG("%s", options)

static int open_in(const char *dir, const char *name, int flags)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return open(path, flags | O_CLOEXEC, 0600);
}

static int create_in(const char *dir, const char *name, uint64_t length)
{
	int mnt = open(dir, O_PATH | O_CLOEXEC);
	int fd = fz_raw_mount_file(mnt, name, length);
	int err = errno;

	close(mnt);
	errno = err;
	return fd;
}

static int unlink_in(const char *dir, const char *name)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return unlink(path);
}

/* The options of a mount in /proc/mounts. */
static bool shows(const char *dir, const char *option)
{
	FILE *f = fopen("/proc/mounts", "re");
	char line[512], where[300];
	bool is = false;

	snprintf(where, sizeof(where), " %s fastzero ", dir);
	while (f && !is && fgets(line, sizeof(line), f)) {
		char *at = strstr(line, where), *end;

		if (!at)
			continue;
		at = strstr(at, option);
		end = at ? at + strlen(option) : NULL;
		is = at && at[-1] == ',' && (*end == ',' || *end == ' ');
	}
	if (f)
		fclose(f);
	return is;
}

TEST_F(fs_mount, defaults)
{
	struct statfs fs;
	struct stat st;

	MOUNT("");
	ASSERT_EQ(0, stat(self->dir, &st));
	EXPECT_EQ(S_IFDIR | 0755, st.st_mode);
	EXPECT_EQ(0, st.st_uid);
	EXPECT_EQ(0, st.st_gid);
	EXPECT_EQ(2, st.st_nlink);
	ASSERT_EQ(0, statfs(self->dir, &fs));
	/* As many as a context may have scratches; all memory. */
	EXPECT_EQ(fz_read_number(FZ_PARAM_DIR "max_scratches"), fs.f_files);
	EXPECT_EQ(fs.f_files - 1, fs.f_ffree);
	EXPECT_EQ(sysconf(_SC_PHYS_PAGES), fs.f_blocks);
	EXPECT_EQ(fs.f_blocks, fs.f_bfree);
	EXPECT_EQ(fs.f_blocks, fs.f_bavail);
}

TEST_F(fs_mount, options_say_what_they_do)
{
	struct stat st;
	int fd;

	MOUNT("uid=12,gid=34,mode=2770,size=64k,nr_inodes=1k");
	ASSERT_EQ(0, stat(self->dir, &st));
	EXPECT_EQ(12, st.st_uid);
	EXPECT_EQ(34, st.st_gid);
	EXPECT_EQ(S_IFDIR | 02770, st.st_mode);
	EXPECT_TRUE(shows(self->dir, "uid=12"));
	EXPECT_TRUE(shows(self->dir, "gid=34"));
	EXPECT_TRUE(shows(self->dir, "mode=2770"));
	EXPECT_TRUE(shows(self->dir, "size=64k"));
	EXPECT_TRUE(shows(self->dir, "nr_inodes=1024"));
	/* The directory's setgid bit gives files its group. */
	fd = create_in(self->dir, "ram", fz_ps);
	ASSERT_EQ(0, fstat(fd, &st));
	EXPECT_EQ(34, st.st_gid);
	close(fd);
}

TEST_F(fs_mount, pages)
{
	const struct {
		const char *option;
		uint64_t huge;
	} kinds[] = { { "pages=4k", 0 }, { "pages=auto", 0 }, { "pages=2m", 512 } };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		unsigned char *map;
		int fd;

		MOUNT(kinds[i].option);
		EXPECT_EQ(i != 1, shows(self->dir, kinds[i].option));
		/* No chunk but the first is there as a whole. */
		fd = create_in(self->dir, "ram", FZ_CHUNK + fz_ps);
		ASSERT_LE(0, fd);
		map = fz_map(fd, 0, FZ_CHUNK + fz_ps);
		map[0] = 1;
		map[FZ_CHUNK] = 1;
		EXPECT_EQ(kinds[i].huge, fz_stats(fd).out_huge);
		EXPECT_EQ(2 + (kinds[i].huge ? 511 : 0), fz_stats(fd).out_populated);
		munmap(map, FZ_CHUNK + fz_ps);
		close(fd);
		ASSERT_EQ(0, umount(self->dir));
	}
}

/* A file that is smaller than a chunk has base pages, whatever the option says. */
TEST_F(fs_mount, pages_of_a_small_file)
{
	unsigned char *map;
	int fd;

	MOUNT("pages=2m");
	fd = create_in(self->dir, "ram", SIZE);
	map = fz_map(fd, 0, SIZE);
	map[0] = 1;
	EXPECT_EQ(1, fz_stats(fd).out_populated);
	munmap(map, SIZE);
	close(fd);
}

TEST_F(fs_mount, node)
{
	unsigned long none = 1;
	unsigned char *map;
	int fd;

	MOUNT("node=0");
	EXPECT_TRUE(shows(self->dir, "node=0"));
	fd = create_in(self->dir, "ram", SIZE);
	map = fz_map(fd, 0, SIZE);
	/* As for a scratch with a node: the mapping's policy is refused. */
	EXPECT_EQ(EINVAL, FZ_ERRNO((int)syscall(SYS_mbind, map, SIZE, 2 /* MPOL_BIND */,
						&none, 8, 0)));
	munmap(map, SIZE);
	close(fd);
}

/* What the kernel says of it, without the first two letters. */
static void read_log(int fs, char *text, size_t size)
{
	ssize_t n = read(fs, text, size - 1);

	text[n < 0 ? 0 : n] = 0;
	text[strcspn(text, "\n")] = 0;
}

TEST_F(fs_mount, bad_options_are_told)
{
	const struct {
		const char *key, *value, *said;
	} bad[] = {
		{ "uid", "-1", "uid" }, { "uid", "4294967295", "uid" },
		{ "gid", "x", "gid" }, { "gid", "4294967295", "gid" },
		{ "mode", "10000", "mode" }, { "mode", "9", "mode" },
		{ "size", "", "size" }, { "size", "1", "size" }, { "size", "x", "size" },
		{ "size", "4097", "size" }, { "size", "-4k", "size" },
		{ "size", "8k8", "size" }, { "size", "9223372036854775808", "size" },
		{ "nr_inodes", "x", "nr_inodes" }, { "nr_inodes", "-1", "nr_inodes" },
		{ "pages", "1g", "pages" }, { "pages", "", "pages" },
		{ "node", "1000", "node" }, { "node", "-1", "node" },
		{ "huge", "always", "huge" },
	};
	char text[300];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		int fs = fsopen("fastzero", FSOPEN_CLOEXEC);

		ASSERT_LE(0, fs);
		EXPECT_EQ(EINVAL, FZ_ERRNO(fsconfig(fs, FSCONFIG_SET_STRING, bad[i].key,
						    bad[i].value, 0)))
			TH_LOG("%s=%s", bad[i].key, bad[i].value);
		read_log(fs, text, sizeof(text));
		EXPECT_NE(NULL, strstr(text, bad[i].said))
			TH_LOG("%s=%s: \"%s\"", bad[i].key, bad[i].value, text);
		close(fs);
	}
	/* By the old call, too. */
	EXPECT_EQ(EINVAL, FZ_ERRNO(mount_at(self->dir, "size=1")));
	EXPECT_EQ(EINVAL, FZ_ERRNO(mount_at(self->dir, "size")));
	EXPECT_EQ(self->refcnt, fz_read_number(REFCNT));
}

TEST_F(fs_mount, size_limits_the_sum)
{
	struct statfs st;
	int a, b, c;

	MOUNT("size=256k");
	a = create_in(self->dir, "a", 128 << 10);
	b = create_in(self->dir, "b", 0);
	c = create_in(self->dir, NULL, 0);
	ASSERT_TRUE(a >= 0 && b >= 0 && c >= 0);
	EXPECT_EQ(ENOSPC, FZ_ERRNO(ftruncate(b, (128 << 10) + 4096)));
	/* It has none yet, and may get another. */
	EXPECT_EQ(0, FZ_ERRNO(ftruncate(b, 128 << 10)));
	EXPECT_EQ(ENOSPC, FZ_ERRNO(ftruncate(c, 4096)));
	EXPECT_EQ(1, pwrite(a, "x", 1, 0));
	ASSERT_EQ(0, statfs(self->dir, &st));
	EXPECT_EQ(64, st.f_blocks);
	EXPECT_EQ(63, st.f_bfree);
	EXPECT_EQ(0, st.f_bavail);
	/* The name alone holds the size, and so does the descriptor alone. */
	close(a);
	EXPECT_EQ(ENOSPC, FZ_ERRNO(ftruncate(c, 4096)));
	EXPECT_EQ(0, unlink_in(self->dir, "b"));
	EXPECT_EQ(ENOSPC, FZ_ERRNO(ftruncate(c, 4096)));
	EXPECT_EQ(0, unlink_in(self->dir, "a"));
	EXPECT_TRUE(fz_until(!ftruncate(c, 128 << 10), FZ_PATIENCE_MS));
	close(b);
	close(c);
	ASSERT_TRUE(fz_until(!statfs(self->dir, &st) && st.f_bavail == 64,
			     FZ_PATIENCE_MS));
	EXPECT_EQ(64, st.f_bfree);
}

TEST_F(fs_mount, nr_inodes_limits_files_and_directories)
{
	char path[64];
	int a, b;

	/* One is the mount's own directory. */
	MOUNT("nr_inodes=3");
	a = create_in(self->dir, "a", SIZE);
	b = create_in(self->dir, NULL, SIZE);
	ASSERT_TRUE(a >= 0 && b >= 0);
	snprintf(path, sizeof(path), "%s/dir", self->dir);
	EXPECT_EQ(ENOSPC, FZ_ERRNO(create_in(self->dir, "c", 0)));
	EXPECT_EQ(ENOSPC, FZ_ERRNO(create_in(self->dir, NULL, 0)));
	EXPECT_EQ(ENOSPC, FZ_ERRNO(mkdir(path, 0700)));
	close(b);
	EXPECT_TRUE(fz_until(!mkdir(path, 0700), FZ_PATIENCE_MS));
	EXPECT_EQ(ENOSPC, FZ_ERRNO(create_in(self->dir, "c", 0)));
	EXPECT_EQ(0, rmdir(path));
	b = create_in(self->dir, "c", SIZE);
	EXPECT_LE(0, b);
	close(a);
	close(b);
}

static int remount(const char *dir, const char *options)
{
	return mount("fastzero", dir, "fastzero", MS_REMOUNT, options);
}

TEST_F(fs_mount, remount_changes_limits_only)
{
	const char *const others[] = { "uid=1", "gid=1", "mode=700", "pages=4k", "node=0" };
	int fd, more;
	size_t i;

	MOUNT("size=256k,nr_inodes=8");
	fd = create_in(self->dir, "ram", 128 << 10);
	EXPECT_EQ(0, FZ_ERRNO(remount(self->dir, "size=512k,mode=0755")));
	EXPECT_TRUE(shows(self->dir, "size=512k"));
	EXPECT_TRUE(shows(self->dir, "nr_inodes=8"));
	EXPECT_EQ(EINVAL, FZ_ERRNO(remount(self->dir, "size=64k")));
	EXPECT_EQ(EINVAL, FZ_ERRNO(remount(self->dir, "nr_inodes=1")));
	for (i = 0; i < ARRAY_SIZE(others); i++) {
		EXPECT_EQ(EINVAL, FZ_ERRNO(remount(self->dir, others[i])))
			TH_LOG("%s", others[i]);
	}
	EXPECT_EQ(0, FZ_ERRNO(remount(self->dir, "size=128k,nr_inodes=2")));
	EXPECT_EQ(ENOSPC, FZ_ERRNO(create_in(self->dir, "more", 0)));
	EXPECT_EQ(0, FZ_ERRNO(remount(self->dir, "size=0,nr_inodes=0")));
	more = create_in(self->dir, "more", 1UL << 30);
	EXPECT_LE(0, more) TH_LOG("%s", strerror(errno));
	close(more);
	/* Options of the VFS. */
	EXPECT_EQ(EBUSY, FZ_ERRNO(mount(NULL, self->dir, NULL, MS_REMOUNT | MS_RDONLY,
					NULL)));
	close(fd);
	EXPECT_TRUE(fz_until(!mount(NULL, self->dir, NULL, MS_REMOUNT | MS_RDONLY, NULL),
			     FZ_PATIENCE_MS));
	EXPECT_EQ(EROFS, FZ_ERRNO(create_in(self->dir, "new", 0)));
}

TEST_F(fs_mount, mounts_are_separate)
{
	char other[] = "/tmp/fz_mount.XXXXXX";
	int a, b;

	ASSERT_NE(NULL, mkdtemp(other));
	MOUNT("size=64k");
	ASSERT_EQ(0, mount_at(other, "size=64k"));
	a = create_in(self->dir, "ram", 64 << 10);
	b = create_in(other, "ram", 64 << 10);
	ASSERT_TRUE(a >= 0 && b >= 0);
	EXPECT_EQ(4, pwrite(a, "data", 4, 0));
	EXPECT_EQ(FZ_CLEAN, fz_pread_nonzero(b, 0, 64 << 10));
	close(a);
	close(b);
	EXPECT_EQ(0, umount(other));
	EXPECT_EQ(0, rmdir(other));
}

static int unload(void)
{
	return (int)syscall(SYS_delete_module, "fastzero", O_NONBLOCK);
}

TEST_F(fs_mount, umount_frees_files_that_have_names)
{
	unsigned char *map;
	int fd;

	MOUNT("");
	/* The mount alone keeps the module. */
	EXPECT_LT(self->refcnt, fz_read_number(REFCNT));
	EXPECT_EQ(EWOULDBLOCK, FZ_ERRNO(unload()));
	fd = create_in(self->dir, "ram", SIZE);
	map = fz_map(fd, 0, SIZE);
	fz_fill(map, 0, SIZE, SEED);
	EXPECT_EQ(EBUSY, FZ_ERRNO(umount(self->dir)));
	close(fd);
	EXPECT_EQ(EBUSY, FZ_ERRNO(umount(self->dir)));
	munmap(map, SIZE);
	EXPECT_LE(self->in_use + PAGES, fz_read_number(IN_USE));
	EXPECT_TRUE(fz_until(!umount(self->dir), FZ_PATIENCE_MS));
	EXPECT_TRUE(fz_until(fz_read_number(IN_USE) <= self->in_use, FZ_PATIENCE_MS));
}

TEST_F(fs_mount, lazy_umount_leaves_mappings)
{
	unsigned char *map;
	int fd;

	MOUNT("");
	fd = create_in(self->dir, "ram", SIZE);
	map = fz_map(fd, 0, SIZE);
	fz_fill(map, 0, SIZE, SEED);
	ASSERT_EQ(0, umount2(self->dir, MNT_DETACH));
	EXPECT_EQ(ENOENT, FZ_ERRNO(open_in(self->dir, "ram", O_RDWR)));
	fz_reset(fd, 0, SIZE / 2, FASTZERO_MODE_AUTO);
	close(fd);
	ASSERT_ZERO(map, 0, SIZE / 2);
	ASSERT_FILLED(map, SIZE / 2, SIZE / 2, SEED);
	usleep(50000);
	EXPECT_EQ(EWOULDBLOCK, FZ_ERRNO(unload()));
	EXPECT_LE(self->in_use + PAGES, fz_read_number(IN_USE));
	munmap(map, SIZE);
	EXPECT_TRUE(fz_until(fz_read_number(IN_USE) <= self->in_use, FZ_PATIENCE_MS));
	EXPECT_TRUE(fz_until(fz_read_number(REFCNT) <= self->refcnt, FZ_PATIENCE_MS));
}

/* On a debug kernel selftests/vm/leaks looks for what a loop has left. */
TEST_F(fs_mount, in_a_loop)
{
	int rounds = fz_slow() > 1 ? 50 : 200;
	int i;

	for (i = 0; i < rounds; i++) {
		unsigned char *map;
		int fd, other;

		MOUNT("size=64m,pages=4k,nr_inodes=16");
		fd = create_in(self->dir, "ram", SIZE);
		other = create_in(self->dir, NULL, 0);
		ASSERT_LE(0, other);
		map = fz_map(fd, 0, SIZE);
		map[0] = 1;
		munmap(map, SIZE);
		close(fd);
		close(other);
		ASSERT_TRUE(fz_until(!umount(self->dir), FZ_PATIENCE_MS))
			TH_LOG("round %d: %s", i, strerror(errno));
	}
	EXPECT_TRUE(fz_until(fz_read_number(IN_USE) <= self->in_use, FZ_PATIENCE_MS));
	EXPECT_TRUE(fz_until(fz_read_number(REFCNT) <= self->refcnt, FZ_PATIENCE_MS));
}

static int as_user(void *arg)
{
	if (setgid(NOBODY) || setuid(NOBODY))
		return 250;
	if (FZ_ERRNO(mount_at(arg, NULL)) != EPERM)
		return 1;
	if (FZ_ERRNO(mount_at(arg, "size=x")) != EPERM)
		return 2;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS))
		return 0;
	/* Here it may mount what allows it. */
	if (FZ_ERRNO(mount_at(arg, NULL)) != EPERM)
		return 3;
	if (FZ_ERRNO(mount_at(arg, "size=x")) != EPERM)
		return 4;
	if (FZ_ERRNO(fsopen("fastzero", 0)) != EPERM)
		return 5;
	return 100;
}

TEST_F(fs_mount, only_root_mounts)
{
	int ret;

	ASSERT_EQ(0, chmod(self->dir, 0777));
	ret = fz_in_child(as_user, self->dir);
	if (!ret)
		SKIP(return, "no user namespaces for users");
	EXPECT_EQ(100, ret);
}

static int as_root_of_a_namespace(void *arg)
{
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS))
		return 1;
	if (FZ_ERRNO(mount_at(arg, NULL)) != EPERM)
		return 2;
	/* Nor does it change a mount that it has got. */
	if (FZ_ERRNO(remount(arg, "size=1g")) != EPERM)
		return 3;
	return 0;
}

TEST_F(fs_mount, root_of_a_namespace_is_not_root)
{
	MOUNT("size=64k");
	EXPECT_EQ(0, fz_in_child(as_root_of_a_namespace, self->dir));
	EXPECT_TRUE(shows(self->dir, "size=64k"));
}

TEST_HARNESS_MAIN

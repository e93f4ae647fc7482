// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Differences between a scratch and a memfd.  The test checks, on both, those lines of
 * the tables in docs/memfd.md that a program can check, so that the tables stay true.
 */
#include "kselftest_harness.h"
#include "fz.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include <linux/io_uring.h>
#include <linux/kvm.h>
#include <linux/udmabuf.h>
#include <linux/userfaultfd.h>

#define PAGES	8
#define SIZE	(PAGES * fz_ps)
#define SEED	63

enum { SCRATCH, MEMFD, BOTH };

FIXTURE(unlike) {
	int ctx;
	int fd[BOTH];
	unsigned char *map[BOTH];
};

FIXTURE_SETUP(unlike)
{
	int i;

	self->ctx = fz_open();
	self->fd[SCRATCH] = fz_create(self->ctx, SIZE);
	self->fd[MEMFD] = memfd_create("control", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	ASSERT_EQ(0, ftruncate(self->fd[MEMFD], (off_t)SIZE));
	for (i = 0; i < BOTH; i++)
		self->map[i] = fz_map(self->fd[i], 0, SIZE);
}

FIXTURE_TEARDOWN(unlike)
{
	int i;

	for (i = 0; i < BOTH; i++) {
		munmap(self->map[i], SIZE);
		close(self->fd[i]);
	}
	close(self->ctx);
}

/* errno of the same call on both, 0 for success. */
#define EXPECT_ERRNOS(scratch, memfd, call) do {			\
	int errno_[BOTH];						\
	for (int i = 0; i < BOTH; i++)					\
		errno_[i] = FZ_ERRNO(call);				\
	EXPECT_EQ(scratch, errno_[SCRATCH]) TH_LOG("scratch: %s",	\
						  strerror(errno_[SCRATCH])); \
	EXPECT_EQ(memfd, errno_[MEMFD]) TH_LOG("memfd: %s",		\
					      strerror(errno_[MEMFD]));	\
} while (0)

#define MMAP_ERRNO(...) ({						\
	void *p_ = mmap(NULL, __VA_ARGS__);				\
	p_ == MAP_FAILED ? -1 : 0; })

TEST_F(unlike, size_is_fixed)
{
	EXPECT_ERRNOS(EINVAL, 0, ftruncate(self->fd[i], (off_t)(SIZE + fz_ps)));
	EXPECT_ERRNOS(EINVAL, 0, ftruncate(self->fd[i], (off_t)SIZE - 1));
	EXPECT_ERRNOS(ENOSPC, 0, (int)pwrite(self->fd[i], "x", 1, (off_t)SIZE) - 1 ? -1 : 0);
	EXPECT_ERRNOS(ENOSPC, 0, fallocate(self->fd[i], 0, (off_t)SIZE, 1));
}

TEST_F(unlike, private_and_writable)
{
	EXPECT_ERRNOS(EINVAL, 0, MMAP_ERRNO(SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE,
					    self->fd[i], 0));
}

/* Also beside a mapping that ends at the end, with which the kernel could merge it. */
TEST_F(unlike, mapping_beyond_the_end)
{
	EXPECT_ERRNOS(EINVAL, 0, MMAP_ERRNO(SIZE + fz_ps, PROT_READ, MAP_SHARED,
					    self->fd[i], 0));
	EXPECT_ERRNOS(EINVAL, 0, ({
		void *at = mmap(NULL, 2 * SIZE, PROT_NONE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		mmap(at, SIZE, PROT_READ, MAP_SHARED | MAP_FIXED, self->fd[i], 0);
		mmap(at + SIZE, SIZE, PROT_READ, MAP_SHARED | MAP_FIXED,
		     self->fd[i], (off_t)SIZE) == MAP_FAILED ? -1 : 0; }));
}

TEST_F(unlike, mode_is_fixed)
{
	struct stat st[BOTH];
	int i;

	for (i = 0; i < BOTH; i++)
		ASSERT_EQ(0, fstat(self->fd[i], &st[i]));
	EXPECT_EQ(0600, st[SCRATCH].st_mode & 07777);
	EXPECT_EQ(0777, st[MEMFD].st_mode & 07777);
	EXPECT_ERRNOS(EPERM, 0, fchmod(self->fd[i], 0700));
	EXPECT_ERRNOS(EPERM, 0, fchown(self->fd[i], 0, 0));
	EXPECT_ERRNOS(EPERM, 0, futimens(self->fd[i], NULL));
	EXPECT_ERRNOS(EACCES, ENOEXEC, (int)syscall(SYS_execveat, self->fd[i], "", NULL,
						    NULL, AT_EMPTY_PATH));
}

TEST_F(unlike, seals)
{
	EXPECT_ERRNOS(EINVAL, 0, fcntl(self->fd[i], F_GET_SEALS) < 0 ? -1 : 0);
	EXPECT_ERRNOS(EINVAL, 0, fcntl(self->fd[i], F_ADD_SEALS, F_SEAL_GROW));
}

/* Page tables are all that mincore sees of a scratch. */
TEST_F(unlike, mincore)
{
	unsigned char core[PAGES];
	int i;

	for (i = 0; i < BOTH; i++) {
		ASSERT_EQ(1, pwrite(self->fd[i], "x", 1, 0));
		ASSERT_EQ(0, mincore(self->map[i], SIZE, core));
		EXPECT_EQ(i == MEMFD, core[0] & 1);
		self->map[i][0] = 1;
		ASSERT_EQ(0, mincore(self->map[i], SIZE, core));
		EXPECT_EQ(1, core[0] & 1);
		EXPECT_EQ(0, core[1] & 1);
	}
}

/* The VFS asks no device. */
TEST_F(unlike, fallocate_on_the_device)
{
	void *map = fz_map(self->ctx, 0, SIZE);

	EXPECT_EQ(ENODEV, FZ_ERRNO(fz_raw_clear(self->ctx, 0, SIZE, FZ_PUNCH)));
	EXPECT_EQ(ENODEV, FZ_ERRNO(fallocate(self->ctx, 0, 0, (off_t)SIZE)));
	/* Through the mapping it works. */
	memset(map, 1, SIZE);
	EXPECT_EQ(0, madvise(map, SIZE, MADV_REMOVE));
	EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(map, 0, SIZE));
	EXPECT_EQ(0, FZ_ERRNO(fz_raw_clear(self->fd[SCRATCH], 0, SIZE, FZ_PUNCH)));
	munmap(map, SIZE);
}

TEST_F(unlike, rss_counts_as_file)
{
	const char *keys[BOTH] = { "RssFile:", "RssShmem:" };
	int i;

	for (i = 0; i < BOTH; i++) {
		int fd[BOTH] = { fz_create(self->ctx, FZ_CHUNK), memfd_create("r", 0) };
		long long before;
		unsigned char *map;

		ASSERT_EQ(0, ftruncate(fd[MEMFD], FZ_CHUNK));
		before = fz_read_key("/proc/self/status", keys[i]);
		map = fz_map(fd[i], 0, FZ_CHUNK);
		memset(map, 1, FZ_CHUNK);
		EXPECT_LE(before + 1500, fz_read_key("/proc/self/status", keys[i]));
		munmap(map, FZ_CHUNK);
		close(fd[SCRATCH]);
		close(fd[MEMFD]);
	}
}

/* Of a descriptor of userfaultfd with these features; -1 without them. */
static int uffd_open(uint64_t features)
{
	struct uffdio_api api = { .api = UFFD_API, .features = features };
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);

	if (fd >= 0 && ioctl(fd, UFFDIO_API, &api)) {
		close(fd);
		return -1;
	}
	return fd;
}

static int uffd_register(int fd, void *map, uint64_t mode)
{
	struct uffdio_register reg = {
		.range = { .start = (uintptr_t)map, .len = SIZE }, .mode = mode,
	};

	return ioctl(fd, UFFDIO_REGISTER, &reg);
}

#define FEATURE_WP_ASYNC	(1 << 15)

TEST_F(unlike, userfaultfd)
{
	int fd = uffd_open(UFFD_FEATURE_MISSING_SHMEM | UFFD_FEATURE_MINOR_SHMEM |
			   UFFD_FEATURE_WP_HUGETLBFS_SHMEM);

	if (fd < 0)
		SKIP(return, "userfaultfd: %s", strerror(errno));
	EXPECT_ERRNOS(EINVAL, 0, uffd_register(fd, self->map[i],
					       UFFDIO_REGISTER_MODE_MISSING));
	EXPECT_ERRNOS(EINVAL, 0, uffd_register(fd, self->map[i],
					       UFFDIO_REGISTER_MODE_MINOR));
	EXPECT_ERRNOS(EINVAL, 0, uffd_register(fd, self->map[i],
					       UFFDIO_REGISTER_MODE_WP));
	close(fd);
}

/* Writes are tracked on memory of any kind, by kernels from 6.7 on. */
TEST_F(unlike, userfaultfd_wp_async)
{
	int fd = uffd_open(UFFD_FEATURE_WP_HUGETLBFS_SHMEM | FEATURE_WP_ASYNC);

	if (fd < 0)
		return;
	EXPECT_ERRNOS(0, 0, uffd_register(fd, self->map[i], UFFDIO_REGISTER_MODE_WP));
	memset(self->map[SCRATCH], 1, SIZE);
	fz_clear(self->fd[SCRATCH], 0, SIZE, FASTZERO_MODE_AUTO);
	EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(self->map[SCRATCH], 0, SIZE));
	close(fd);
}

static int udmabuf_create(int dev, int fd)
{
	struct udmabuf_create c = { .memfd = (uint32_t)fd, .size = SIZE };
	int buf = ioctl(dev, UDMABUF_CREATE, &c);

	if (buf < 0)
		return -1;
	close(buf);
	return 0;
}

/* Debian's kernels have it from 6.12 on. */
TEST_F(unlike, udmabuf)
{
	int dev = open("/dev/udmabuf", O_RDWR | O_CLOEXEC);

	if (dev < 0)
		return;
	ASSERT_EQ(0, fcntl(self->fd[MEMFD], F_ADD_SEALS, F_SEAL_SHRINK));
	EXPECT_ERRNOS(EBADFD, 0, udmabuf_create(dev, self->fd[i]));
	close(dev);
}

static int uring_register(int ring, void *map)
{
	struct iovec vec = { map, SIZE };
	int ret = (int)syscall(SYS_io_uring_register, ring, IORING_REGISTER_BUFFERS,
			       &vec, 1);

	if (!ret)
		syscall(SYS_io_uring_register, ring, IORING_UNREGISTER_BUFFERS, NULL, 0);
	return ret;
}

/* Kernels before 6.4 take no file but of shmem and hugetlbfs. */
TEST_F(unlike, io_uring_buffers)
{
	struct io_uring_params params = { };
	int ring = (int)syscall(SYS_io_uring_setup, 4, &params);
	int err;

	if (ring < 0)
		SKIP(return, "io_uring: %s", strerror(errno));
	EXPECT_EQ(0, FZ_ERRNO(uring_register(ring, self->map[MEMFD])));
	err = FZ_ERRNO(uring_register(ring, self->map[SCRATCH]));
	EXPECT_TRUE(!err || err == EOPNOTSUPP) TH_LOG("%s", strerror(err));
	TH_LOG("a scratch as a registered buffer: %s", strerror(err));
	close(ring);
}

/* Set bits in KVM's log of a slot that begins at 0. */
static int dirty_pages(int vm, uint32_t slot)
{
	uint64_t bits = 0;
	struct kvm_dirty_log log = { .slot = slot, .dirty_bitmap = &bits };

	return ioctl(vm, KVM_GET_DIRTY_LOG, &log) ? -errno :
						    __builtin_popcountll(bits);
}

/* KVM logs its guest's writes, but no reset and no hole punch. */
TEST_F(unlike, dirty_log_misses_a_reset)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	int vm, i;

	if (kvm < 0)
		SKIP(return, "/dev/kvm: %s", strerror(errno));
	vm = ioctl(kvm, KVM_CREATE_VM, 0);
	ASSERT_LE(0, vm);
	for (i = 0; i < BOTH; i++) {
		struct kvm_userspace_memory_region region = {
			.slot = (uint32_t)i, .flags = KVM_MEM_LOG_DIRTY_PAGES,
			.guest_phys_addr = (uint64_t)i << 30, .memory_size = SIZE,
			.userspace_addr = (uintptr_t)self->map[i],
		};

		memset(self->map[i], 1, SIZE);
		ASSERT_EQ(0, ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region));
		EXPECT_EQ(0, dirty_pages(vm, region.slot));
		ASSERT_EQ(0, fz_raw_clear(self->fd[i], 0, SIZE, i == SCRATCH ?
					  FASTZERO_MODE_INPLACE : FZ_PUNCH));
		EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(self->map[i], 0, SIZE));
		EXPECT_EQ(0, dirty_pages(vm, region.slot));
	}
	close(vm);
	close(kvm);
}

static bool is_soft_dirty(void *map)
{
	uint64_t entry = 0;
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);

	if (pread(fd, &entry, sizeof(entry),
		  (off_t)((uintptr_t)map / fz_ps * sizeof(entry))) != sizeof(entry))
		entry = 0;
	close(fd);
	return entry >> 55 & 1;
}

TEST_F(unlike, soft_dirty_misses_a_reset)
{
	int i;

	for (i = 0; i < BOTH; i++)
		memset(self->map[i], 1, SIZE);
	ASSERT_EQ(0, fz_write_string("/proc/self/clear_refs", "4"));
	EXPECT_FALSE(is_soft_dirty(self->map[SCRATCH]));
	fz_clear(self->fd[SCRATCH], 0, SIZE, FASTZERO_MODE_INPLACE);
	memset(self->map[MEMFD], 0, SIZE);
	if (!is_soft_dirty(self->map[MEMFD]))
		SKIP(return, "no CONFIG_MEM_SOFT_DIRTY");
	EXPECT_FALSE(is_soft_dirty(self->map[SCRATCH]));
}

#define GROUP	"/sys/fs/cgroup/fz_test_unlike"

/*
 * The charge of a group after a process in it has filled a chunk, which is still mapped.
 */
static int fill_in_group(void *arg)
{
	int fd = *(int *)arg, ctx = -1;
	unsigned char *map;
	int ret = 0;

	if (fz_write_string(GROUP "/cgroup.procs", "0"))
		return 1;
	if (fd < 0) {
		ctx = fz_raw_open();
		fd = fz_raw_create(ctx, 4 * FZ_CHUNK, 0, FASTZERO_PAGES_4K, 0);
	}
	map = fz_raw_map(fd, 0, 4 * FZ_CHUNK);
	if (map == MAP_FAILED)
		return 2;
	memset(map, 1, 4 * FZ_CHUNK);
	/* The kernel sums up late. */
	if (!fz_until(fz_read_key(GROUP "/memory.stat", ctx >= 0 ? "kernel " : "shmem ") >=
		      (long long)(4 * FZ_CHUNK), FZ_PATIENCE_MS))
		ret = 3;
	else if (fz_read_key(GROUP "/memory.stat", ctx >= 0 ? "shmem " : "kernel ") >=
		 (long long)(2 * FZ_CHUNK))
		ret = 4;
	return ret;
}

TEST_F(unlike, memory_stat)
{
	int fd = memfd_create("charged", MFD_CLOEXEC), none = -1;

	if (access("/sys/fs/cgroup/cgroup.controllers", R_OK))
		SKIP(return, "no cgroup2");
	fz_write_string("/sys/fs/cgroup/cgroup.subtree_control", "+memory");
	ASSERT_TRUE(!mkdir(GROUP, 0755) || errno == EEXIST);
	ASSERT_EQ(0, ftruncate(fd, 4 * FZ_CHUNK));
	EXPECT_EQ(0, fz_in_child(fill_in_group, &fd));
	close(fd);
	EXPECT_EQ(0, fz_in_child(fill_in_group, &none));
	EXPECT_TRUE(fz_until(!rmdir(GROUP), FZ_PATIENCE_MS));
}

TEST_HARNESS_MAIN

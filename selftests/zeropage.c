// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ZEROPAGE: holes that are only read take no memory, the first write fills one hole, and
 * no thread can write to the shared page of zeros.
 */
#define _GNU_SOURCE
#include "kselftest_harness.h"
#include "fz_fixture.h"
#include "minivm.h"
#include "pin/fz_pin.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/utsname.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE	23
#endif
#ifndef MADV_HWPOISON
#define MADV_HWPOISON	100
#endif

#define PAGES	64
#define SIZE	(PAGES * fz_ps)
/* The one that is written. */
#define PAGE	7
#define AT	(PAGE * fz_ps)

FIXTURE(zeropage) {
	FZ_SCRATCH;
	unsigned char *second;
	struct fz_peer peer;
	int other_fd;		/* another scratch */
	unsigned char *other;
};

FIXTURE_SETUP(zeropage)
{
	FZ_SCRATCH_SETUP(SIZE, FASTZERO_CREATE_ZEROPAGE, FASTZERO_PAGES_AUTO);
	self->other_fd = fz_raw_create(self->ctx, SIZE,
				       FASTZERO_CREATE_ZEROPAGE, 0, 0);
	ASSERT_LE(0, self->other_fd);
	self->second = fz_map(self->fd, 0, SIZE);
	self->other = fz_map(self->other_fd, 0, SIZE);
	ASSERT_EQ(0, fz_peer_start(&self->peer, self->map));
}

FIXTURE_TEARDOWN(zeropage)
{
	fz_peer_stop(&self->peer);
	close(self->other_fd);
	FZ_SCRATCH_TEARDOWN();
}

/* All zero but the one page, in all views; afterwards all have all mapped. */
#define EXPECT_ZERO_BUT(page) do {					\
	const size_t b_ = (page) * fz_ps, e_ = b_ + fz_ps;		\
	EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(self->map, 0, b_));		\
	EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(self->map, e_, SIZE - e_));	\
	EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(self->second, 0, b_));	\
	EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(self->second, e_, SIZE - e_)); \
	EXPECT_EQ(FZ_CLEAN, fz_peer_do(&self->peer, FZ_PEER_NONZERO,	\
				       0, b_, 0));			\
	EXPECT_EQ(FZ_CLEAN, fz_peer_do(&self->peer, FZ_PEER_NONZERO,	\
				       e_, SIZE - e_, 0));		\
	EXPECT_EQ(FZ_CLEAN, fz_pread_nonzero(self->fd, 0, b_));		\
	EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(self->other, 0, SIZE));	\
} while (0)

/* The pattern in the one page, zero elsewhere, in all views. */
#define EXPECT_WRITTEN(seed) do {					\
	EXPECT_EQ(FZ_CLEAN, fz_find_unlike(self->map, AT, fz_ps, seed)); \
	EXPECT_EQ(FZ_CLEAN, fz_find_unlike(self->second, AT, fz_ps, seed)); \
	EXPECT_EQ(FZ_CLEAN, fz_peer_do(&self->peer, FZ_PEER_UNLIKE,	\
				       AT, fz_ps, seed));		\
	EXPECT_EQ(FZ_CLEAN, fz_pread_unlike(self->fd, AT, fz_ps, seed)); \
	EXPECT_ZERO_BUT(PAGE);						\
} while (0)

TEST_F(zeropage, reads_take_no_memory)
{
	const uint64_t size = 1ULL << 40;
	int fd = fz_raw_create(self->ctx, size, FASTZERO_CREATE_ZEROPAGE, 0, 0);
	unsigned char *map = fz_map(fd, 0, size);
	struct fastzero_stats stats;
	uint64_t at;

	EXPECT_ZERO_BUT(PAGE);
	for (at = 0; at < size; at = at * 3 / 2 + fz_ps)
		EXPECT_EQ(0, map[at & ~(fz_ps - 1)]);
	EXPECT_EQ(0, fz_stats(self->fd).out_populated);
	EXPECT_LT(0, fz_stats(fd).out_faults);
	stats = fz_stats(self->ctx);
	EXPECT_EQ(0, stats.out_populated);
	EXPECT_EQ(0, stats.out_owned);
	EXPECT_EQ(0, stats.out_faults_ready + stats.out_faults_used +
		     stats.out_faults_alloc);
	close(fd);
}

/* A scratch costs its one page, and that comes back. */
TEST_F(zeropage, each_scratch_has_one_page_of_zeros)
{
	const char *in_use = FZ_PARAM_DIR "pages_in_use";
	long long before = fz_read_number(in_use);
	int fd;

	if (before < 0)
		SKIP(return, "no parameter pages_in_use");
	fd = fz_raw_create(self->ctx, SIZE, FASTZERO_CREATE_ZEROPAGE, 0, 0);
	ASSERT_LE(0, fd);
	EXPECT_EQ(before + 1, fz_read_number(in_use));
	close(fd);
	EXPECT_TRUE(fz_until(fz_read_number(in_use) == before, FZ_PATIENCE_MS));
}

/* Ways to write to a page that was read.  Each must fill the hole. */
enum way {
	BY_STORE, BY_SECOND, BY_PEER, BY_PWRITE, BY_POPULATE, BY_POPULATE_WRITE,
	BY_READ, BY_PROCESS_VM, BY_PROC_MEM, BY_MPROTECT, BY_MREMAP, BY_MLOCK,
	BY_FUTEX, BY_FORKED,
};

struct way_env {
	unsigned char *map;
	uint64_t seed;
};

static int way_store_in_child(void *arg)
{
	struct way_env *env = arg;

	fz_fill(env->map, AT, fz_ps, env->seed);
	return 0;
}

static int way_proc_mem(unsigned char *map, const unsigned char *page)
{
	int fd = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	ssize_t n = pwrite(fd, page, fz_ps, (off_t)(uintptr_t)(map + AT));

	close(fd);
	return n == (ssize_t)fz_ps ? 0 : -1;
}

static int way_read(unsigned char *map, const unsigned char *page)
{
	int pipe_fd[2];
	int err = -1;

	if (pipe2(pipe_fd, O_CLOEXEC))
		return -1;
	if (write(pipe_fd[1], page, fz_ps) == (ssize_t)fz_ps &&
	    read(pipe_fd[0], map + AT, fz_ps) == (ssize_t)fz_ps)
		err = 0;
	close(pipe_fd[0]);
	close(pipe_fd[1]);
	return err;
}

/* A mapping that begins without the right to write. */
static int way_mprotect(int fd, uint64_t seed)
{
	unsigned char *map = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, fd, 0);

	if (map == MAP_FAILED || fz_find_nonzero(map, 0, SIZE) != FZ_CLEAN ||
	    mprotect(map, SIZE, PROT_READ | PROT_WRITE))
		return -1;
	fz_fill(map, AT, fz_ps, seed);
	return munmap(map, SIZE);
}

/* One whose entries have moved. */
static int way_mremap(int fd, uint64_t seed)
{
	unsigned char *map = fz_raw_map(fd, 0, SIZE);

	if (map == MAP_FAILED || fz_find_nonzero(map, 0, SIZE) != FZ_CLEAN)
		return -1;
	map = mremap(map, SIZE, 2 * SIZE, MREMAP_MAYMOVE);
	if (map == MAP_FAILED)
		return -1;
	fz_fill(map, AT, fz_ps, seed);
	return munmap(map, 2 * SIZE);
}

static int way_mlock(unsigned char *map, uint64_t seed)
{
	if (mlock(map, SIZE) || fz_find_nonzero(map, 0, SIZE) != FZ_CLEAN)
		return -1;
	fz_fill(map, AT, fz_ps, seed);
	return munlock(map, SIZE);
}

/* The kernel itself stores: 0 becomes 1, then the rest. */
static int way_futex(unsigned char *map, uint64_t seed)
{
	if (syscall(SYS_futex, map + AT, FUTEX_WAKE_OP, 1, (void *)1, map + AT,
		    FUTEX_OP(FUTEX_OP_ADD, 1, FUTEX_OP_CMP_EQ, 0)) < 0 ||
	    *(uint32_t *)(map + AT) != 1)
		return -1;
	fz_fill(map, AT, fz_ps, seed);
	return 0;
}

static int way_write(FIXTURE_DATA(zeropage) *self, enum way way, uint64_t seed)
{
	struct way_env env = { self->map, seed };
	unsigned char page[4096];
	struct iovec from = { page, fz_ps };
	struct iovec to = { self->map + AT, fz_ps };

	fz_fill((unsigned char *)((uintptr_t)page - AT), AT, fz_ps, seed);
	switch (way) {
	case BY_STORE:
		fz_fill(self->map, AT, fz_ps, seed);
		return 0;
	case BY_SECOND:
		fz_fill(self->second, AT, fz_ps, seed);
		return 0;
	case BY_PEER:
		return (int)fz_peer_do(&self->peer, FZ_PEER_FILL, AT, fz_ps, seed);
	case BY_PWRITE:
		return pwrite(self->fd, page, fz_ps, (off_t)AT) ==
		       (ssize_t)fz_ps ? 0 : -1;
	case BY_POPULATE:
		if (fz_raw_populate(self->fd, AT, fz_ps, 0, NULL))
			return -1;
		fz_fill(self->second, AT, fz_ps, seed);
		return 0;
	case BY_POPULATE_WRITE:
		if (madvise(self->map + AT, fz_ps, MADV_POPULATE_WRITE))
			return -1;
		fz_fill(self->map, AT, fz_ps, seed);
		return 0;
	case BY_READ:
		return way_read(self->map, page);
	case BY_PROCESS_VM:
		return process_vm_writev(self->peer.pid, &from, 1, &to, 1, 0) ==
		       (ssize_t)fz_ps ? 0 : -1;
	case BY_PROC_MEM:
		return way_proc_mem(self->map, page);
	case BY_MPROTECT:
		return way_mprotect(self->fd, seed);
	case BY_MREMAP:
		/* The page after the end is not of the scratch, and is not touched. */
		return way_mremap(self->fd, seed);
	case BY_MLOCK:
		return way_mlock(self->map, seed);
	case BY_FUTEX:
		return way_futex(self->map, seed);
	case BY_FORKED:
		return fz_in_child(way_store_in_child, &env);
	}
	return -1;
}

static const char way_names[][16] = {
	"store", "second mapping", "peer", "pwrite", "POPULATE",
	"populate_write", "read", "process_vm", "/proc/self/mem", "mprotect",
	"mremap", "mlock", "futex", "forked",
};

static void one_way(struct __test_metadata *_metadata,
		    FIXTURE_DATA(zeropage) *self, enum way way, uint32_t mode)
{
	const uint64_t seed = 100 + way;

	/* Everybody has zeros mapped, and then sees data. */
	EXPECT_ZERO_BUT(PAGE);
	ASSERT_EQ(FZ_CLEAN, fz_find_nonzero(self->map, AT, fz_ps));
	ASSERT_EQ(FZ_CLEAN, fz_find_nonzero(self->second, AT, fz_ps));
	ASSERT_EQ(FZ_CLEAN, fz_peer_do(&self->peer, FZ_PEER_NONZERO, AT, fz_ps,
				       0));
	ASSERT_EQ(0, fz_stats(self->fd).out_populated);
	ASSERT_EQ(0, way_write(self, way, seed)) TH_LOG("%s", strerror(errno));
	EXPECT_EQ(1, fz_stats(self->fd).out_populated);
	EXPECT_WRITTEN(seed);
	EXPECT_EQ(1, fz_stats(self->fd).out_populated);

	/* INPLACE keeps the page, other modes leave a hole; both are zero. */
	fz_clear(self->fd, 0, SIZE, mode);
	EXPECT_EQ(mode == FASTZERO_MODE_INPLACE ? 1 : 0,
		  fz_stats(self->fd).out_populated);
	EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(self->map, AT, fz_ps));
	EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(self->second, AT, fz_ps));
	EXPECT_ZERO_BUT(PAGE);
	fz_fill(self->second, AT, fz_ps, seed + 50);
	EXPECT_WRITTEN(seed + 50);
	fz_clear(self->fd, 0, SIZE, FASTZERO_MODE_DROP);
}

TEST_F(zeropage, write_fills_one_hole)
{
	size_t way;

	for (way = 0; way < ARRAY_SIZE(way_names); way++) {
		one_way(_metadata, self, (enum way)way,
			way % 2 ? FASTZERO_MODE_INPLACE : FASTZERO_MODE_DROP);
		if (!_metadata->passed) {
			TH_LOG("by %s", way_names[way]);
			break;
		}
	}
}

/* A process that may only read a hole does not get the right to write it. */
TEST_F(zeropage, read_only_mapping_cannot_write)
{
	unsigned char *map = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, self->fd, 0);
	struct iovec from = { self->second, 8 };
	struct iovec to = { map, 8 };

	ASSERT_NE(MAP_FAILED, map);
	EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(map, 0, SIZE));
	EXPECT_LT(FZ_SIGNALLED, fz_writes(map));
	EXPECT_EQ(-1, process_vm_writev(getpid(), &from, 1, &to, 1, 0));
	EXPECT_NE(0, way_proc_mem(map, self->map));
	EXPECT_ZERO_BUT(PAGE);
	EXPECT_EQ(0, fz_stats(self->fd).out_populated);
}

/* The price in faults, of a page each. */
TEST_F(zeropage, faults)
{
	volatile unsigned char *map = self->map;
	long before = fz_minor_faults();

	/* The test's own first touches are over by now. */
	map[5 * fz_ps] = 1;
	EXPECT_LE(1, fz_minor_faults() - before);
	before = fz_minor_faults();
	map[0] = 1;
	EXPECT_EQ(1, fz_minor_faults() - before);
	before = fz_minor_faults();
	(void)map[fz_ps];
	EXPECT_EQ(1, fz_minor_faults() - before);
	before = fz_minor_faults();
	map[fz_ps] = 1;
	EXPECT_EQ(2, fz_minor_faults() - before);
	/* First read a page that is populated by then. */
	(void)self->second[2 * fz_ps];
	ASSERT_EQ(1, pwrite(self->fd, "x", 1, (off_t)(2 * fz_ps)));
	before = fz_minor_faults();
	EXPECT_EQ('x', map[2 * fz_ps]);
	EXPECT_EQ(1, fz_minor_faults() - before);
	map[2 * fz_ps] = 1;
	EXPECT_EQ(2, fz_minor_faults() - before);
	/* Pages cleared in place are written without a fault. */
	fz_clear(self->fd, 0, SIZE, FASTZERO_MODE_INPLACE);
	before = fz_minor_faults();
	map[0] = map[fz_ps] = map[2 * fz_ps] = 1;
	EXPECT_EQ(0, fz_minor_faults() - before);
}

/* A pipe that took a hole keeps zeros, and is no way into the page of zeros. */
TEST_F(zeropage, a_pipe_keeps_zeros)
{
	struct iovec iov = { self->map + AT, fz_ps };
	unsigned char page[4096];
	int pipe_fd[2];

	ASSERT_EQ(0, pipe2(pipe_fd, O_CLOEXEC));
	ASSERT_EQ((ssize_t)fz_ps, vmsplice(pipe_fd[1], &iov, 1, SPLICE_F_GIFT));
	fz_fill(self->map, AT, fz_ps, 3);
	EXPECT_WRITTEN(3);
	/* The scratch goes first. */
	munmap(self->map, SIZE);
	munmap(self->second, SIZE);
	fz_peer_stop(&self->peer);
	close(self->fd);
	self->fd = -1;
	memset(page, 0xff, sizeof(page));
	ASSERT_EQ((ssize_t)fz_ps, read(pipe_fd[0], page, fz_ps));
	EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(page, 0, fz_ps));
	close(pipe_fd[0]);
	close(pipe_fd[1]);
	EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(self->other, 0, SIZE));
}

static bool kernel_before(int major, int minor)
{
	struct utsname name;
	int a, b;

	return !uname(&name) && sscanf(name.release, "%d.%d", &a, &b) == 2 &&
	       (a < major || (a == major && b < minor));
}

/* A pin for long: refused by newer kernels, and by older ones the real page. */
TEST_F(zeropage, pin)
{
	struct fz_pin_range range = {
		.address = (uintptr_t)self->map + AT, .length = fz_ps,
	};
	int pin = open("/dev/fz_pin", O_RDWR | O_CLOEXEC);
	unsigned char page[4096];

	if (pin < 0)
		SKIP(return, "no /dev/fz_pin: module fz_pin is not loaded");
	EXPECT_ZERO_BUT(PAGE);
	EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(self->map, AT, fz_ps));
	if (kernel_before(6, 5)) {
		ASSERT_EQ(0, ioctl(pin, FZ_PIN_PIN, &range));
		fz_fill((unsigned char *)((uintptr_t)page - AT), AT, fz_ps, 5);
		ASSERT_EQ((ssize_t)fz_ps, pwrite(pin, page, fz_ps, 0));
		EXPECT_WRITTEN(5);
		/* And it goes on to be the memory of the scratch. */
		fz_clear(self->fd, 0, SIZE, FASTZERO_MODE_AUTO);
		fz_fill(self->map, AT, fz_ps, 6);
		ASSERT_EQ((ssize_t)fz_ps, pread(pin, page, fz_ps, 0));
		EXPECT_EQ(FZ_CLEAN,
			  fz_find_unlike((void *)((uintptr_t)page - AT), AT,
					 fz_ps, 6));
	} else {
		EXPECT_EQ(EFAULT, FZ_ERRNO(ioctl(pin, FZ_PIN_PIN, &range)));
		/* Pins for reading of a populated page fail as well. */
		fz_fill(self->map, AT, fz_ps, 5);
		EXPECT_EQ(EFAULT, FZ_ERRNO(ioctl(pin, FZ_PIN_PIN, &range)));
		EXPECT_WRITTEN(5);
	}
	close(pin);
}

#define GUEST(operation, first_, count_, value_) ({			\
	struct minivm_job job_ = {					\
		.op = operation, .first = first_, .stride = 1,		\
		.count = count_, .words = 512, .value = value_,		\
	};								\
	struct minivm_report report_ = { 0 };				\
	ASSERT_EQ(0, minivm_run(vm, &job_, &report_));			\
	report_; })

TEST_F(zeropage, guest)
{
	const uint64_t value = 0x1122334455667788ULL;
	struct minivm *vm;
	int err = minivm_new(&vm);

	if (err)
		SKIP(return, "no KVM guest: %s", strerror(-err));
	ASSERT_EQ(0, minivm_set_ram(vm, self->map, SIZE));

	/* The guest reads, and takes no memory. */
	EXPECT_EQ(0, GUEST(MINIVM_CHECK, 0, PAGES, 0).nonzero_words);
	EXPECT_EQ(0, fz_stats(self->fd).out_populated);
	EXPECT_ZERO_BUT(PAGE);

	/* The guest writes pages that it has read, and all views show that. */
	GUEST(MINIVM_WRITE, PAGE, 1, value);
	EXPECT_EQ(1, fz_stats(self->fd).out_populated);
	EXPECT_EQ(value, *(volatile uint64_t *)(self->second + AT));
	EXPECT_EQ(512 * value, GUEST(MINIVM_READ, PAGE, 1, 0).sum);
	EXPECT_ZERO_BUT(PAGE);
	EXPECT_EQ(512, GUEST(MINIVM_CHECK, 0, PAGES, 0).nonzero_words);

	/* The host writes pages that the guest has read, and the guest sees that. */
	fz_fill(self->second, 9 * fz_ps, fz_ps, 1);
	EXPECT_EQ(1024, GUEST(MINIVM_CHECK, 0, PAGES, 0).nonzero_words);
	ASSERT_EQ(8, pwrite(self->fd, &value, 8, (off_t)(11 * fz_ps)));
	EXPECT_EQ(1025, GUEST(MINIVM_CHECK, 0, PAGES, 0).nonzero_words);

	fz_clear(self->fd, 0, SIZE, FASTZERO_MODE_DROP);
	EXPECT_EQ(0, GUEST(MINIVM_CHECK, 0, PAGES, 0).nonzero_words);
	EXPECT_EQ(0, fz_stats(self->fd).out_populated);
	minivm_free(vm);
}

/* A page that was only read is in no working set. */
TEST_F(zeropage, working_set)
{
	struct {
		struct fastzero_workset_head head;
		struct fastzero_workset_run run[4];
	} set = { 0 };

	EXPECT_ZERO_BUT(PAGE);
	fz_fill(self->map, AT, fz_ps, 1);
	fz_workset(self->fd, FASTZERO_WORKSET_READ, &set, sizeof(set));
	EXPECT_EQ(1, set.head.nr_runs);
	EXPECT_EQ(PAGE, set.run[0].first);
	EXPECT_EQ(1, set.run[0].nr);
}

static int poison_page(void *page)
{
	return madvise(page, fz_ps, MADV_HWPOISON) &&
	       (errno == EPERM || errno == ENOSYS);
}

static int poison_unsupported(void *unused)
{
	unsigned char *page = mmap(NULL, fz_ps, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)unused;
	*page = 1;
	return madvise(page, fz_ps, MADV_HWPOISON) ? 1 : 0;
}

/* Without its page of zeros a scratch gives each hole that is read a page. */
TEST_F(zeropage, holes_get_pages_after_zeros_failed)
{
	if (fz_in_child(poison_unsupported, NULL) == 1)
		SKIP(return, "no MADV_HWPOISON: it takes CONFIG_MEMORY_FAILURE and root");
	ASSERT_NE(1, fz_in_child(poison_page, self->other));
	EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(self->other, 0, SIZE));
	EXPECT_EQ(PAGES, fz_stats(self->other_fd).out_populated);
	fz_fill(self->other, 0, SIZE, 4);
	fz_clear(self->other_fd, 0, SIZE, FASTZERO_MODE_DROP);
	EXPECT_ZERO_BUT(PAGE);
	EXPECT_EQ(0, fz_stats(self->fd).out_populated);
}

TEST_HARNESS_MAIN

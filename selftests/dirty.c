// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * RESET_DIRTY: exactly the granules that the bitmap names become zero, for every size of
 * granule.  A bad bitmap changes nothing.
 */
#include "kselftest_harness.h"
#include "fz_fixture.h"

#include <poll.h>
#include <pthread.h>
#include <time.h>
#include <sys/syscall.h>
#include <linux/userfaultfd.h>

#define PAGE		4096ULL
/* Two chunks and a bit, so that granules and chunks end in the middle. */
#define PAGES		1234ULL
#define SIZE		(PAGES * PAGE)
#define MAX_WORDS	32
#define SEED		77

FIXTURE(dirty) {
	FZ_SCRATCH;
	uint64_t bitmap[MAX_WORDS];
	struct fastzero_reset_dirty call;
};

FIXTURE_VARIANT(dirty) {
	uint32_t mode;
};

FZ_RESET_VARIANTS(dirty);

FIXTURE_SETUP(dirty)
{
	FZ_SCRATCH_SETUP(SIZE, 0, FZ_ANY_PAGES);
	self->call = (struct fastzero_reset_dirty) {
		.size = sizeof(self->call), .length = SIZE,
		.mode = variant->mode, .granule_shift = 12,
		.bitmap = (uintptr_t)self->bitmap,
		.bitmap_size = sizeof(self->bitmap),
	};
}

FIXTURE_TEARDOWN(dirty)
{
	FZ_SCRATCH_TEARDOWN();
}

#define SKIP_WITHOUT_IT() do {						\
	struct fastzero_info i_ = fz_info(self->ctx);			\
	if (!(i_.out_features & FASTZERO_FEATURE_RESET_DIRTY) ||	\
	    !fz_has_mode(&i_, variant->mode))				\
		SKIP(return, "INFO does not report RESET_DIRTY in mode %u", \
		     variant->mode);					\
} while (0)

#define CALL() FZ_ERRNO(ioctl(self->fd, FASTZERO_IOC_RESET_DIRTY, &self->call))

/* Whether the call is about a page. */
static bool is_named(const FIXTURE_DATA(dirty) *self, uint64_t page)
{
	uint64_t at = page * PAGE - self->call.offset;
	uint64_t bit = at >> self->call.granule_shift;

	return page * PAGE >= self->call.offset && at < self->call.length &&
	       self->bitmap[bit / 64] >> bit % 64 & 1;
}

/* Counts pages that are named and not zero, or not named and changed. */
static uint64_t count_wrong(const FIXTURE_DATA(dirty) *self, uint64_t *nr_named)
{
	uint64_t wrong = 0, page;

	*nr_named = 0;
	for (page = 0; page < PAGES; page++) {
		bool named = is_named(self, page);
		int64_t bad = named ?
			fz_find_nonzero(self->map, page * PAGE, PAGE) :
			fz_find_unlike(self->map, page * PAGE, PAGE, SEED);

		*nr_named += named;
		wrong += bad != FZ_CLEAN;
	}
	return wrong;
}

TEST_F(dirty, resets_exactly_the_named_granules)
{
	static const uint32_t shifts[] = { 12, 12, 13, 16, 21, 30 };
	uint64_t random = 5, nr;
	unsigned int i, k;

	SKIP_WITHOUT_IT();
	for (i = 0; i < 18; i++) {
		uint64_t granule;

		self->call.granule_shift = shifts[i % 6];
		granule = 1ULL << self->call.granule_shift;
		self->call.offset = fz_random(&random) % (SIZE / granule + 1) *
				    granule;
		if (self->call.offset >= SIZE)
			self->call.offset = 0;
		self->call.length = (1 + fz_random(&random) %
				     ((SIZE - self->call.offset) / PAGE)) * PAGE;
		/* Bits after the range are also set: the module must not read them. */
		for (k = 0; k < MAX_WORDS; k++)
			self->bitmap[k] = fz_random(&random) &
					  (i % 3 ? fz_random(&random) : ~0ULL);
		fz_fill(self->map, 0, SIZE, SEED);
		ASSERT_EQ(0, CALL());
		EXPECT_EQ(self->call.length, self->call.out_done);
		EXPECT_EQ(0, count_wrong(self, &nr))
			TH_LOG("offset 0x%llx, length 0x%llx, shift %u",
			       self->call.offset, self->call.length,
			       self->call.granule_shift);
		EXPECT_EQ(nr, self->call.out_cleared + self->call.out_swapped +
			      self->call.out_dropped);
	}
}

/* A named hole stays a hole. */
TEST_F(dirty, named_holes_stay_holes)
{
	struct fastzero_stats st;

	SKIP_WITHOUT_IT();
	memset(self->bitmap, 0xff, sizeof(self->bitmap));
	self->map[600 * PAGE] = 1;
	ASSERT_EQ(0, CALL());
	EXPECT_EQ(fz_has_huge(1) ? 512 : 1,
		  self->call.out_cleared + self->call.out_swapped +
		  self->call.out_dropped);
	st = fz_stats(self->fd);
	EXPECT_GE(fz_has_huge(1) ? 512 : 1, st.out_populated);
	EXPECT_EQ(1, st.out_resets);
	EXPECT_EQ(0, self->map[600 * PAGE]);
}

/* The bitmap is in the scratch that is reset. */
TEST_F(dirty, bitmap_in_the_scratch)
{
	uint64_t *bitmap = (uint64_t *)(self->map + 1000 * PAGE);

	SKIP_WITHOUT_IT();
	fz_fill(self->map, 0, SIZE, SEED);
	memset(bitmap, 0, PAGE);
	bitmap[0] = 1;
	bitmap[1000 / 64] = 1ULL << 1000 % 64;
	self->call.bitmap = (uintptr_t)bitmap;
	self->call.bitmap_size = PAGE;
	ASSERT_EQ(0, CALL());
	ASSERT_ZERO(self->map, 0, PAGE);
	ASSERT_ZERO(bitmap, 0, PAGE);
	ASSERT_FILLED(self->map, PAGE, 999 * PAGE, SEED);
}

/* Of many pieces of bitmap only one names something. */
TEST_F(dirty, large_bitmap_with_one_dirty_page)
{
	const uint64_t size = 64ULL << 30, at = size - 5 * PAGE;
	const size_t bytes = size / PAGE / 8;
	uint64_t *bitmap = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned char *map;
	int fd;

	SKIP_WITHOUT_IT();
	ASSERT_NE(MAP_FAILED, bitmap);
	fd = fz_create(self->ctx, size);
	map = fz_map(fd, at - PAGE, 2 * PAGE);
	fz_fill(map, 0, 2 * PAGE, SEED);
	bitmap[at / PAGE / 64] = 1ULL << at / PAGE % 64;
	self->call.length = size;
	self->call.bitmap = (uintptr_t)bitmap;
	self->call.bitmap_size = bytes;
	ASSERT_EQ(0, FZ_ERRNO(ioctl(fd, FASTZERO_IOC_RESET_DIRTY, &self->call)));
	ASSERT_FILLED(map, 0, PAGE, SEED);
	ASSERT_ZERO(map + PAGE, 0, PAGE);
	munmap(map, 2 * PAGE);
	munmap(bitmap, bytes);
	close(fd);
}

/* A bitmap of more than the module reads at once, whose end is with userfaultfd. */
struct slow_bitmap {
	int ctx;
	int fd;
	unsigned char *map;
	unsigned char *bitmap;
	int uffd;
	int err;
};

#define SLOW_PAGES	(PAGE * 8 + 1)	/* more than a page of bitmap */
#define SLOW_SIZE	(SLOW_PAGES * PAGE)

static void *reset_slowly(void *arg)
{
	struct slow_bitmap *slow = arg;
	struct fastzero_reset_dirty call = {
		.size = sizeof(call), .length = SLOW_SIZE,
		.mode = FASTZERO_MODE_INPLACE, .granule_shift = 12,
		.bitmap = (uintptr_t)slow->bitmap, .bitmap_size = 2 * PAGE,
	};

	slow->err = FZ_ERRNO(ioctl(slow->fd, FASTZERO_IOC_RESET_DIRTY, &call));
	return NULL;
}

static void *reset_meanwhile(void *arg)
{
	struct slow_bitmap *slow = arg;

	fz_raw_reset(slow->fd, 0, PAGE, FASTZERO_MODE_INPLACE, NULL);
	return NULL;
}

/* Waits for a fault of the bitmap's second page. */
static bool bitmap_is_missed(struct slow_bitmap *slow)
{
	struct pollfd pfd = { .fd = slow->uffd, .events = POLLIN };
	struct uffd_msg msg;

	return poll(&pfd, 1, FZ_PATIENCE_MS) == 1 &&
	       read(slow->uffd, &msg, sizeof(msg)) == sizeof(msg);
}

static int bitmap_give(struct slow_bitmap *slow)
{
	struct uffdio_zeropage zero = {
		.range = { (uintptr_t)slow->bitmap + PAGE, PAGE },
	};

	return ioctl(slow->uffd, UFFDIO_ZEROPAGE, &zero);
}

/* A caller that waits for its bitmap does not block other users of the scratch. */
TEST(slow_bitmap)
{
	struct slow_bitmap slow = { .ctx = fz_open() };
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	pthread_t slow_thread, other_thread;
	struct timespec end;

	slow.uffd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (slow.uffd < 0)
		SKIP(return, "no userfaultfd here");
	slow.fd = fz_create(slow.ctx, SLOW_SIZE);
	slow.map = fz_map(slow.fd, 0, SLOW_SIZE);
	memset(slow.map, 1, SLOW_SIZE);
	slow.bitmap = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, slow.bitmap);
	memset(slow.bitmap, 0xff, PAGE);
	ASSERT_EQ(0, ioctl(slow.uffd, UFFDIO_API, &api));
	reg.range.start = (uintptr_t)slow.bitmap;
	reg.range.len = 2 * PAGE;
	ASSERT_EQ(0, ioctl(slow.uffd, UFFDIO_REGISTER, &reg));

	/* The look at all of it before the start, ... */
	ASSERT_EQ(0, pthread_create(&slow_thread, NULL, reset_slowly, &slow));
	ASSERT_TRUE(bitmap_is_missed(&slow));
	ASSERT_EQ(0, bitmap_give(&slow));
	/* ... then, while the first page is at work, the second is taken away. */
	ASSERT_TRUE(fz_until(!*(volatile unsigned char *)slow.map, FZ_PATIENCE_MS));
	ASSERT_EQ(0, madvise(slow.bitmap + PAGE, PAGE, MADV_DONTNEED));
	ASSERT_TRUE(bitmap_is_missed(&slow));

	ASSERT_EQ(0, pthread_create(&other_thread, NULL, reset_meanwhile, &slow));
	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += 10 * fz_slow();
	EXPECT_EQ(0, pthread_timedjoin_np(other_thread, NULL, &end))
		TH_LOG("a reset waits for another's bitmap");
	ASSERT_EQ(0, bitmap_give(&slow));
	pthread_join(slow_thread, NULL);
	EXPECT_EQ(0, slow.err);
	ASSERT_ZERO(slow.map, 0, SLOW_SIZE - PAGE);
	munmap(slow.map, SLOW_SIZE);
	close(slow.uffd);
	close(slow.fd);
	close(slow.ctx);
}

/* The call has one mistake, and changes nothing. */
TEST_F(dirty, bad_calls_fail)
{
	const struct fastzero_reset_dirty good = self->call;
	unsigned char *hole = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	SKIP_WITHOUT_IT();
	ASSERT_NE(MAP_FAILED, hole);
	ASSERT_EQ(0, munmap(hole + PAGE, PAGE));
	memset(hole, 0xff, PAGE);
	memset(self->bitmap, 0xff, sizeof(self->bitmap));
	fz_fill(self->map, 0, SIZE, SEED);

#define BAD(err, ...) do {						\
	self->call = good;						\
	__VA_ARGS__;							\
	EXPECT_EQ(err, CALL()) TH_LOG(#__VA_ARGS__);			\
	ASSERT_FILLED(self->map, 0, SIZE, SEED);			\
} while (0)
	BAD(EINVAL, self->call.granule_shift = 11);
	BAD(EINVAL, self->call.granule_shift = 0);
	BAD(EINVAL, self->call.granule_shift = 31);
	BAD(EINVAL, self->call.granule_shift = 64);
	BAD(EINVAL, self->call.mode = 4);
	BAD(EINVAL, self->call.length = 0);
	BAD(EINVAL, self->call.length = SIZE - 1);
	BAD(EINVAL, self->call.length = SIZE + PAGE);
	BAD(EOVERFLOW, self->call.offset = PAGE, self->call.length = -PAGE);
	/* Granules that do not divide. */
	BAD(EINVAL, self->call.granule_shift = 16, self->call.offset = PAGE,
	    self->call.length = 16 * PAGE);
	/* The bitmap is too short, by 8 bytes and by all of it. */
	BAD(EINVAL, self->call.bitmap_size = (PAGES + 63) / 64 * 8 - 8);
	BAD(EINVAL, self->call.bitmap_size = 0);
	BAD(EINVAL, self->call.bitmap_size -= 4);
	BAD(EINVAL, self->call.bitmap += 4);
	BAD(EFAULT, self->call.bitmap = 0);
	BAD(EFAULT, self->call.bitmap = (uintptr_t)hole + PAGE - 8);
	BAD(EFAULT, self->call.bitmap = ~7ULL);
	BAD(EOPNOTSUPP, self->call.flags = 1);
#undef BAD
	/* And as long as it needs to be is long enough. */
	self->call = good;
	self->call.bitmap_size = (PAGES + 63) / 64 * 8;
	EXPECT_EQ(0, CALL());
	ASSERT_ZERO(self->map, 0, SIZE);
}

TEST_HARNESS_MAIN

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The zero promise as a KVM guest sees it whose RAM is a scratch.
 */
#include "kselftest_harness.h"
#include "fz_fixture.h"
#include "minivm.h"

/* A chunk and a bit of the next. */
#define PAGES	600ULL
#define SIZE	(PAGES * fz_ps)
#define WORDS	512U

FIXTURE(guest) {
	FZ_SCRATCH;
	struct minivm *vm;
	int err;		/* why there is no vm */
};

FIXTURE_VARIANT(guest) {
	uint32_t mode;
};

FZ_MODE_VARIANTS(guest);

FIXTURE_SETUP(guest)
{
	FZ_SCRATCH_SETUP(SIZE, 0, FZ_ANY_PAGES);
	self->err = minivm_new(&self->vm);
	if (!self->err) {
		ASSERT_EQ(0, minivm_set_ram(self->vm, self->map, SIZE));
	} else {
		self->vm = NULL;
	}
}

FIXTURE_TEARDOWN(guest)
{
	minivm_free(self->vm);
	FZ_SCRATCH_TEARDOWN();
}

#define SKIP_UNLESS_GUEST() do {					\
	FZ_SKIP_UNLESS_MODE(self->ctx, variant->mode);			\
	if (self->err)							\
		SKIP(return, "no KVM guest: %s", strerror(-self->err));	\
} while (0)

/* Lets the guest deal with all words of pages [first, end). */
#define GUEST(operation, first_, end_, value_) ({			\
	struct minivm_job job_ = {					\
		.op = operation, .first = first_, .stride = 1,		\
		.count = (end_) - (first_), .words = WORDS,		\
		.value = value_,					\
	};								\
	struct minivm_report report_ = { 0 };				\
	ASSERT_EQ(0, minivm_run(self->vm, &job_, &report_));		\
	ASSERT_EQ((end_) - (first_), report_.pages);			\
	report_; })

/* The guest finds zeros in [a, b) and its own value elsewhere. */
#define EXPECT_GUEST_SEES(a, b, value) do {				\
	struct minivm_report r_ = GUEST(MINIVM_CHECK, a, b, 0);		\
	EXPECT_EQ(0, r_.nonzero_words);					\
	EXPECT_EQ(~0ULL, r_.first_nonzero);				\
	if ((a) > 0) {							\
		r_ = GUEST(MINIVM_READ, 0ULL, a, 0);			\
		EXPECT_EQ((a) * WORDS * (value), r_.sum);		\
	}								\
	if ((b) < PAGES) {						\
		r_ = GUEST(MINIVM_READ, b, PAGES, 0);			\
		EXPECT_EQ((PAGES - (b)) * WORDS * (value), r_.sum);	\
	}								\
} while (0)

/* The check can fail: the guest finds a single byte. */
TEST_F(guest, check_finds_one_byte)
{
	struct minivm_report r;

	SKIP_UNLESS_GUEST();
	self->map[77 * fz_ps + 4095] = 1;
	r = GUEST(MINIVM_CHECK, 0ULL, PAGES, 0);
	EXPECT_EQ(1, r.nonzero_words);
	EXPECT_EQ(77 * fz_ps + 4088, r.first_nonzero);
}

TEST_F(guest, written_by_guest)
{
	const struct {
		uint64_t first, end;
	} ranges[] = {
		{ 0, PAGES }, { 0, 1 }, { PAGES - 1, PAGES }, { 3, 10 },
		{ 511, 513 }, { 1, PAGES - 1 },
	};
	uint64_t value = 0x0123456789abcdefULL;
	size_t i;

	SKIP_UNLESS_GUEST();
	for (i = 0; i < ARRAY_SIZE(ranges); i++) {
		uint64_t a = ranges[i].first, b = ranges[i].end;

		value += 0x1111;
		GUEST(MINIVM_WRITE, 0ULL, PAGES, value);
		fz_clear(self->fd, a * fz_ps, (b - a) * fz_ps, variant->mode);
		EXPECT_GUEST_SEES(a, b, value);
		EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(self->map, a * fz_ps,
						    (b - a) * fz_ps));
		EXPECT_EQ(FZ_CLEAN, fz_pread_nonzero(self->fd, a * fz_ps,
						     (b - a) * fz_ps));
		if (!_metadata->passed) {
			TH_LOG("range %zu", i);
			break;
		}
	}
}

TEST_F(guest, written_by_host)
{
	SKIP_UNLESS_GUEST();
	/* The guest maps the pages by reading, and by writing. */
	fz_fill(self->map, 0, SIZE, 1);
	GUEST(MINIVM_READ, 0ULL, PAGES / 2, 0);
	GUEST(MINIVM_RDWR, PAGES / 2, PAGES, 5);
	fz_clear(self->fd, 0, SIZE, variant->mode);
	EXPECT_GUEST_SEES(0ULL, PAGES, 0ULL);
}

/* Read first, then written: KVM maps such pages twice. */
TEST_F(guest, read_then_written)
{
	SKIP_UNLESS_GUEST();
	GUEST(MINIVM_CHECK, 0ULL, PAGES, 0);
	GUEST(MINIVM_RDWR, 0ULL, PAGES, 0x55);
	fz_clear(self->fd, 0, SIZE, variant->mode);
	EXPECT_GUEST_SEES(0ULL, PAGES, 0ULL);
}

/* After a reset guest and host still share one memory. */
TEST_F(guest, guest_and_host_still_share_memory)
{
	uint64_t page;
	int round;

	SKIP_UNLESS_GUEST();
	for (round = 0; round < 5; round++) {
		uint64_t value = 0xa0 + (uint64_t)round;

		GUEST(MINIVM_WRITE, 0ULL, PAGES, value);
		for (page = 0; page < PAGES; page++) {
			uint64_t seen;

			ASSERT_EQ(8, pread(self->fd, &seen, 8,
					   (off_t)(page * fz_ps + 8 * 511)));
			ASSERT_EQ(value, seen) TH_LOG("page %ju",
						      (uintmax_t)page);
		}
		fz_clear(self->fd, 0, SIZE, variant->mode);
		fz_fill(self->map, 0, SIZE, value);
		EXPECT_EQ(PAGES * WORDS, GUEST(MINIVM_CHECK, 0ULL, PAGES,
					       0).nonzero_words);
		fz_clear(self->fd, 0, SIZE, variant->mode);
		EXPECT_GUEST_SEES(0ULL, PAGES, 0ULL);
	}
}

/* The guest continues where it was after its RAM was reset while it was stopped. */
TEST_F(guest, guest_goes_on_after_a_reset)
{
	const uint64_t pages[] = { 0, 17, 63, 64, 511, 512, PAGES - 1 };
	struct minivm_job job = {
		.op = MINIVM_WRITE, .list = pages, .count = ARRAY_SIZE(pages),
		.words = 1, .value = 1,
	};
	struct fastzero_stats stats;

	SKIP_UNLESS_GUEST();
	ASSERT_EQ(0, minivm_run(self->vm, &job, NULL));
	stats = fz_stats(self->fd);
	/* Of huge folios the first chunk is there as a whole. */
	EXPECT_EQ(fz_has_huge(0) ? 512 + 2 : ARRAY_SIZE(pages),
		  stats.out_populated);
	fz_clear(self->fd, 0, SIZE, variant->mode);
	EXPECT_GUEST_SEES(0ULL, PAGES, 0ULL);
}

TEST_HARNESS_MAIN

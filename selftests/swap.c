// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * SWAP of base pages: ready ones take their place, also in the page tables if the
 * caller's mapping is the only one.
 */
#include "kselftest_harness.h"
#include "fz_fixture.h"

#include <sys/uio.h>
#include <linux/kvm.h>

#define PAGES	1200			/* more than two chunks */
#define SIZE	(PAGES * fz_ps)
#define SEED	17

FIXTURE(swap) {
	FZ_SCRATCH;
};

FIXTURE_SETUP(swap)
{
	ASSERT_EQ(0, fz_write_string(FZ_RATIO, FZ_RATIO_PLAIN));
	FZ_SCRATCH_SETUP(SIZE, 0, FASTZERO_PAGES_4K);
	fz_pool(self->ctx, PAGES, FASTZERO_POOL_WAIT);
	fz_fill(self->map, 0, SIZE, SEED);
	fz_pool(self->ctx, PAGES, FASTZERO_POOL_WAIT);
}

FIXTURE_TEARDOWN(swap)
{
	FZ_SCRATCH_TEARDOWN();
	EXPECT_EQ(0, fz_write_string(FZ_RATIO, "measured"));
}

#define FAULTS() fz_stats(self->fd).out_faults
/* Faults after a SWAP of pages that are mapped by the caller alone. */
#define REFAULTS(nr) (FZ_MOVES_PTES ? 0 : (nr))

/* That the mapping leads to the pages that the scratch has. */
#define ASSERT_SAME(seed) do {						\
	fz_fill(self->map, 0, SIZE, seed);				\
	ASSERT_EQ(FZ_CLEAN, fz_pread_unlike(self->fd, 0, SIZE, seed));	\
} while (0)

TEST_F(swap, no_fault_afterwards)
{
	uint64_t faults = FAULTS();
	struct fastzero_reset r;
	int mode, i;

	FZ_MOVES_PTES_OR_SKIP();
	for (mode = FASTZERO_MODE_AUTO; mode <= FASTZERO_MODE_SWAP; mode += 2) {
		for (i = 0; i < 3; i++) {
			r = fz_reset(self->fd, 0, SIZE, (uint32_t)mode);
			EXPECT_EQ(PAGES, r.out_swapped);
			EXPECT_EQ(0, r.out_cleared + r.out_dropped + r.out_held);
			ASSERT_ZERO(self->map, 0, SIZE);
			ASSERT_SAME(SEED + (uint64_t)i);
			EXPECT_EQ(faults, FAULTS());
			fz_pool(self->ctx, PAGES, FASTZERO_POOL_WAIT);
		}
	}
}

TEST_F(swap, part_of_a_scratch)
{
	uint64_t faults = FAULTS();
	size_t first = 500 * fz_ps, length = 300 * fz_ps;
	struct fastzero_reset r = fz_reset(self->fd, first, length,
					   FASTZERO_MODE_SWAP);

	EXPECT_EQ(300, r.out_swapped);
	ASSERT_FILLED(self->map, 0, first, SEED);
	ASSERT_ZERO(self->map, first, length);
	ASSERT_FILLED(self->map, first + length,
		      SIZE - first - length, SEED);
	EXPECT_EQ(faults + REFAULTS(300), FAULTS());
}

/*
 * A VM leaves a process's list of MMU notifiers behind: its page-table entries are not
 * moved any more.  AUTO knows, and clears in place; SWAP by name unmaps.
 */
TEST_F(swap, after_a_vm)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	struct fastzero_reset r;
	uint64_t faults;
	int vm;

	if (kvm < 0)
		SKIP(return, "no /dev/kvm");
	vm = ioctl(kvm, KVM_CREATE_VM, 0);
	ASSERT_LE(0, vm);
	close(vm);
	close(kvm);
	faults = FAULTS();
	r = fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_AUTO);
	EXPECT_EQ(PAGES, r.out_cleared);
	EXPECT_EQ(0, r.out_swapped);
	ASSERT_ZERO(self->map, 0, SIZE);
	EXPECT_EQ(faults, FAULTS());
	r = fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_SWAP);
	EXPECT_EQ(PAGES, r.out_swapped);
	ASSERT_ZERO(self->map, 0, SIZE);
	EXPECT_EQ(faults + PAGES, FAULTS());
}

/* Pages that lie far apart are cheaper to clear, and so are a few pages. */
TEST_F(swap, auto_looks_at_density)
{
	struct fastzero_reset r;
	int i;

	FZ_MOVES_PTES_OR_SKIP();
	fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_DROP);
	for (i = 0; i < PAGES; i += 40)
		self->map[i * fz_ps] = 1;
	fz_pool(self->ctx, PAGES, FASTZERO_POOL_WAIT);
	r = fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_AUTO);
	EXPECT_EQ(PAGES / 40, r.out_cleared);
	EXPECT_EQ(0, r.out_swapped);
	fz_fill(self->map, 0, 512 * fz_ps, SEED);
	fz_pool(self->ctx, PAGES, FASTZERO_POOL_WAIT);
	r = fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_AUTO);
	EXPECT_EQ(512, r.out_swapped);
	EXPECT_LT(0, r.out_cleared);
	ASSERT_ZERO(self->map, 0, SIZE);
}

/* AUTO uses the ratio, whatever its value. */
TEST_F(swap, auto_uses_the_ratio)
{
	static const struct {
		const char *ratio;
		uint64_t cleared, swapped;
	} cases[] = {
		{ "1", PAGES, 0 },
		/* 336 a page, and a flush, against 541 a hundred. */
		{ "60", PAGES, 0 },
		{ "70", 0, PAGES },
		{ "100", 0, PAGES },
		{ "1000", 0, PAGES },
		{ "100000", 0, PAGES },
	};
	struct fastzero_stats before, after;
	size_t i;

	FZ_MOVES_PTES_OR_SKIP();
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fastzero_reset r;

		ASSERT_EQ(0, fz_write_string(FZ_RATIO, cases[i].ratio));
		fz_fill(self->map, 0, SIZE, SEED + i);
		fz_pool(self->ctx, PAGES, FASTZERO_POOL_WAIT);
		before = fz_stats(self->fd);
		r = fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_AUTO);
		after = fz_stats(self->fd);
		EXPECT_EQ(cases[i].cleared, r.out_cleared) TH_LOG("case %zu", i);
		EXPECT_EQ(cases[i].swapped, r.out_swapped) TH_LOG("case %zu", i);
		EXPECT_EQ(0, r.out_dropped) TH_LOG("case %zu", i);
		EXPECT_EQ(!!cases[i].swapped,
			  after.out_auto_swap - before.out_auto_swap);
		EXPECT_EQ(!cases[i].swapped,
			  after.out_auto_inplace - before.out_auto_inplace);
		ASSERT_ZERO(self->map, 0, SIZE);
	}
	EXPECT_EQ(-1, fz_write_string(FZ_RATIO, "0"));
	EXPECT_EQ(-1, fz_write_string(FZ_RATIO, "100001"));
	EXPECT_EQ(-1, fz_write_string(FZ_RATIO, "1,2"));
	EXPECT_EQ(-1, fz_write_string(FZ_RATIO, "cheap"));
	/* These calls have changed nothing. */
	EXPECT_EQ(100000, fz_read_number(FZ_RATIO));
}

/* If as many pages wait for the zeroer as are ready, its work counts. */
TEST_F(swap, auto_clears_when_the_zeroer_is_late)
{
	struct fastzero_stats s;
	struct fastzero_reset r;
	int i;

	for (i = 0; i < 1000; i++) {
		fz_pool(self->ctx, PAGES, FASTZERO_POOL_WAIT);
		fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_SWAP);
		s = fz_stats(self->fd);
		if (s.out_pool_used <= s.out_pool_ready)
			continue;
		r = fz_reset(self->fd, 0, 100 * fz_ps, FASTZERO_MODE_AUTO);
		s = fz_stats(self->fd);
		/* Otherwise the zeroer has caught up in between. */
		if (s.out_pool_used > s.out_pool_ready)
			break;
	}
	ASSERT_LT(i, 1000);
	EXPECT_EQ(100, r.out_cleared);
	EXPECT_EQ(0, r.out_swapped);
}

/* With TOTAL_CPU AUTO clears, even if the clear is by far the dearest. */
TEST_F(swap, total_cpu)
{
	static const char *const ratios[] = { "100", "100000" };
	int fd = fz_raw_create(self->ctx, SIZE, FASTZERO_CREATE_TOTAL_CPU,
			       FASTZERO_PAGES_4K, 0);
	unsigned char *map = fz_map(fd, 0, SIZE);
	struct fastzero_reset r;
	struct fastzero_stats s;
	uint64_t zeroed;
	size_t i;

	fz_fill(map, 0, SIZE, SEED);
	for (i = 0; i < ARRAY_SIZE(ratios); i++) {
		ASSERT_EQ(0, fz_write_string(FZ_RATIO, ratios[i]));
		fz_fill(map, 0, SIZE, SEED);
		fz_pool(self->ctx, PAGES, FASTZERO_POOL_WAIT);
		zeroed = fz_stats(self->ctx).out_zeroed;
		r = fz_reset(fd, 0, SIZE, FASTZERO_MODE_AUTO);
		EXPECT_EQ(PAGES, r.out_cleared);
		EXPECT_EQ(0, r.out_swapped + r.out_dropped);
		s = fz_stats(fd);
		EXPECT_EQ(i + 1, s.out_auto_inplace);
		EXPECT_EQ(0, s.out_auto_swap + s.out_auto_drop);
		EXPECT_EQ(zeroed, fz_stats(self->ctx).out_zeroed);
		ASSERT_ZERO(map, 0, SIZE);
		/* The same of a scratch that was not told so. */
		r = fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_AUTO);
		EXPECT_EQ(FZ_MOVES_PTES ? 0 : PAGES, r.out_cleared);
	}
	/* A named mode is obeyed.  Pages of an unmapped scratch are dropped. */
	fz_pool(self->ctx, PAGES, FASTZERO_POOL_WAIT);
	r = fz_reset(fd, 0, SIZE, FASTZERO_MODE_SWAP);
	EXPECT_EQ(PAGES, r.out_swapped);
	ASSERT_EQ(0, munmap(map, SIZE));
	r = fz_reset(fd, 0, SIZE, FASTZERO_MODE_AUTO);
	EXPECT_EQ(PAGES, r.out_dropped);
	close(fd);
}

/* The pool is short: the rest is cleared. */
TEST_F(swap, too_few_ready_pages)
{
	uint64_t faults = FAULTS();
	struct fastzero_reset r;

	fz_pool(self->ctx, 700, FASTZERO_POOL_WAIT);
	while (fz_stats(self->ctx).out_pool_ready != 700)
		usleep(1000);
	r = fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_SWAP);
	EXPECT_EQ(700, r.out_swapped);
	EXPECT_EQ(PAGES - 700, r.out_cleared);
	ASSERT_ZERO(self->map, 0, SIZE);
	ASSERT_SAME(SEED);
	/* Where pages are unmapped, so are the cleared ones that lie between. */
	EXPECT_LE(faults + REFAULTS(700), FAULTS());
	EXPECT_GE(faults + REFAULTS(PAGES), FAULTS());
}

/* Pages that the mapping has let go of come by a fault, the others do not. */
TEST_F(swap, unmapped_pages_fault)
{
	uint64_t faults;

	ASSERT_EQ(0, madvise(self->map + 10 * fz_ps, 600 * fz_ps, MADV_DONTNEED));
	faults = FAULTS();
	fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_SWAP);
	ASSERT_ZERO(self->map, 0, SIZE);
	EXPECT_EQ(faults + 600 + REFAULTS(PAGES - 600), FAULTS());
	ASSERT_SAME(SEED);
}

/* Pages that may not be written before may not be written afterwards. */
TEST_F(swap, protection_stays)
{
	ASSERT_EQ(0, mprotect(self->map, SIZE, PROT_READ));
	fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_SWAP);
	ASSERT_ZERO(self->map, 0, SIZE);
	EXPECT_EQ(FZ_SIGNALLED + SIGSEGV, fz_writes(self->map + 5 * fz_ps));
	ASSERT_EQ(0, mprotect(self->map, SIZE, PROT_NONE));
	fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_SWAP);
	EXPECT_EQ(FZ_SIGNALLED + SIGSEGV, fz_reads(self->map + 5 * fz_ps));
	ASSERT_EQ(0, mprotect(self->map, SIZE, PROT_READ | PROT_WRITE));
	ASSERT_ZERO(self->map, 0, SIZE);
	ASSERT_SAME(SEED);
}

/* A mapping of a part, at an offset, and not aligned to page tables. */
TEST_F(swap, mapping_of_a_part)
{
	size_t first = 300 * fz_ps, length = 600 * fz_ps;
	unsigned char *part;
	uint64_t faults;

	munmap(self->map, SIZE);
	part = fz_map(self->fd, first, length);
	fz_fill(part, 0, length, SEED);
	faults = FAULTS();
	fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_SWAP);
	ASSERT_ZERO(part, 0, length);
	EXPECT_EQ(faults + REFAULTS(600), FAULTS());
	fz_fill(part - first, first, length, SEED);
	ASSERT_EQ(FZ_CLEAN, fz_pread_unlike(self->fd, first, length, SEED));
	self->map = fz_map(self->fd, 0, SIZE);
	ASSERT_ZERO(self->map, 0, first);
}

/* More than one mapping, and locked memory: all are unmapped. */
TEST_F(swap, other_mappings)
{
	unsigned char *second = fz_map(self->fd, 0, SIZE);
	uint64_t faults;

	ASSERT_FILLED(second, 0, SIZE, SEED);
	faults = FAULTS();
	fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_SWAP);
	ASSERT_ZERO(self->map, 0, SIZE);
	ASSERT_ZERO(second, 0, SIZE);
	EXPECT_EQ(faults + 2 * PAGES, FAULTS());
	ASSERT_SAME(SEED);
	ASSERT_FILLED(second, 0, SIZE, SEED);
}

static int touch_and_exit(void *arg)
{
	return fz_find_unlike(arg, 0, SIZE, SEED) != FZ_CLEAN;
}

TEST_F(swap, child_has_its_own)
{
	uint64_t faults = FAULTS();

	/* It has faulted by the time it ends, and is gone when we reset. */
	EXPECT_EQ(0, fz_in_child(touch_and_exit, self->map));
	EXPECT_EQ(faults + PAGES, FAULTS());
	fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_SWAP);
	ASSERT_ZERO(self->map, 0, SIZE);
	EXPECT_EQ(faults + PAGES + REFAULTS(PAGES), FAULTS());
}

TEST_F(swap, locked_memory)
{
	ASSERT_EQ(0, mlock(self->map, 20 * fz_ps));
	ASSERT_EQ(0, mlock(self->map, SIZE));
	fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_SWAP);
	ASSERT_ZERO(self->map, 0, SIZE);
	ASSERT_SAME(SEED);
	ASSERT_EQ(0, munlock(self->map, SIZE));
}

/* A pipe has a page: AUTO clears that one, SWAP leaves it to the pipe. */
TEST_F(swap, held_page)
{
	struct iovec vec = { self->map + 7 * fz_ps, fz_ps };
	struct fastzero_reset r;
	unsigned char *buf = malloc(fz_ps);
	int mode, fds[2];

	ASSERT_EQ(0, pipe(fds));
	for (mode = FASTZERO_MODE_AUTO; mode <= FASTZERO_MODE_SWAP; mode += 2) {
		bool is_auto = mode == FASTZERO_MODE_AUTO;

		fz_fill(self->map, 0, SIZE, SEED);
		ASSERT_EQ(fz_ps, vmsplice(fds[1], &vec, 1, 0));
		fz_pool(self->ctx, PAGES, FASTZERO_POOL_WAIT);
		r = fz_reset(self->fd, 0, SIZE, (uint32_t)mode);
		if (is_auto && !FZ_MOVES_PTES) {
			EXPECT_EQ(PAGES, r.out_cleared);
		} else {
			EXPECT_EQ(1, r.out_held);
			EXPECT_EQ(is_auto, r.out_cleared);
			EXPECT_EQ(PAGES - is_auto, r.out_swapped);
		}
		ASSERT_ZERO(self->map, 0, SIZE);
		ASSERT_EQ(fz_ps, read(fds[0], buf, fz_ps));
		if (is_auto) {
			ASSERT_ZERO(buf, 0, fz_ps);
		} else {
			ASSERT_FILLED(buf - 7 * fz_ps, 7 * fz_ps, fz_ps, SEED);
		}
	}
	free(buf);
}

TEST_HARNESS_MAIN

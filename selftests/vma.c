// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The life of mappings: several of them, in several processes, split, moved, shrunk,
 * grown, protected and unmapped in parts.  Each test ends with a reset that must reach
 * all pages that are left.
 */
#include "kselftest_harness.h"
#include "fz_fixture.h"

#include <signal.h>

#define PAGES	16
#define SIZE	(PAGES * fz_ps)
#define SEED	8

FIXTURE(vma) {
	FZ_SCRATCH;
};

FIXTURE_VARIANT(vma) {
	uint32_t mode;
};

FIXTURE_VARIANT_ADD(vma, inplace) { .mode = FASTZERO_MODE_INPLACE };
FIXTURE_VARIANT_ADD(vma, drop) { .mode = FASTZERO_MODE_DROP };

FIXTURE_SETUP(vma)
{
	FZ_SCRATCH_SETUP(SIZE, 0, FZ_ANY_PAGES);
	fz_fill(self->map, 0, SIZE, SEED);
}

FIXTURE_TEARDOWN(vma)
{
	FZ_SCRATCH_TEARDOWN();
}

#define RESET_ALL()	fz_clear(self->fd, 0, SIZE, variant->mode)
#define SEGV		(FZ_SIGNALLED + SIGSEGV)
#define BUS		(FZ_SIGNALLED + SIGBUS)

TEST_F(vma, two_maps)
{
	unsigned char *second = fz_map(self->fd, 0, SIZE);

	EXPECT_EQ(FZ_CLEAN, fz_find_unlike(second, 0, SIZE, SEED));
	fz_fill(second, 0, SIZE, SEED + 1);
	EXPECT_EQ(FZ_CLEAN, fz_find_unlike(self->map, 0, SIZE, SEED + 1));
	RESET_ALL();
	EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(second, 0, SIZE));
	EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(self->map, 0, SIZE));
}

/* A mapping that lies across another at another offset. */
TEST_F(vma, maps_at_offsets)
{
	unsigned char *odd = fz_map(self->fd, 5 * fz_ps, 3 * fz_ps);
	unsigned char *last = fz_map(self->fd, SIZE - fz_ps, fz_ps);

	odd -= 5 * fz_ps;
	last -= SIZE - fz_ps;
	EXPECT_EQ(FZ_CLEAN, fz_find_unlike(odd, 5 * fz_ps, 3 * fz_ps, SEED));
	EXPECT_EQ(FZ_CLEAN, fz_find_unlike(last, SIZE - fz_ps, fz_ps, SEED));
	fz_clear(self->fd, 6 * fz_ps, fz_ps, variant->mode);
	EXPECT_EQ(FZ_CLEAN, fz_find_unlike(odd, 5 * fz_ps, fz_ps, SEED));
	EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(odd, 6 * fz_ps, fz_ps));
	EXPECT_EQ(FZ_CLEAN, fz_find_unlike(odd, 7 * fz_ps, fz_ps, SEED));
	RESET_ALL();
	EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(odd, 5 * fz_ps, 3 * fz_ps));
	EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(last, SIZE - fz_ps, fz_ps));
}

TEST_F(vma, several_processes)
{
	struct fz_peer peers[4];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(peers); i++) {
		ASSERT_EQ(0, fz_peer_start(&peers[i], NULL));
		ASSERT_LT(0, fz_peer_map(&peers[i], self->fd, SIZE));
		EXPECT_EQ(FZ_CLEAN, fz_peer_do(&peers[i], FZ_PEER_UNLIKE, 0,
					       SIZE, SEED));
	}
	RESET_ALL();
	for (i = 0; i < ARRAY_SIZE(peers); i++)
		EXPECT_EQ(FZ_CLEAN, fz_peer_do(&peers[i], FZ_PEER_NONZERO, 0,
					       SIZE, 0));
	for (i = 0; i < ARRAY_SIZE(peers); i++) {
		EXPECT_EQ(0, fz_peer_do(&peers[i], FZ_PEER_FILL, 0, SIZE, i));
		EXPECT_EQ(FZ_CLEAN, fz_find_unlike(self->map, 0, SIZE, i));
		fz_peer_stop(&peers[i]);
	}
}

/* Shared, not copied, however deep. */
static int grandchild(void *arg)
{
	unsigned char *map = arg;

	if (fz_find_unlike(map, 0, SIZE, SEED) != FZ_CLEAN)
		return 1;
	fz_fill(map, 0, SIZE, SEED + 1);
	return 0;
}

static int child(void *arg)
{
	return fz_in_child(grandchild, arg);
}

TEST_F(vma, fork_twice)
{
	EXPECT_EQ(0, fz_in_child(child, self->map));
	EXPECT_EQ(FZ_CLEAN, fz_find_unlike(self->map, 0, SIZE, SEED + 1));
	RESET_ALL();
	EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(self->map, 0, SIZE));
}

TEST_F(vma, mprotect_splits)
{
	unsigned char *part = self->map + 4 * fz_ps;

	ASSERT_EQ(0, mprotect(part, 3 * fz_ps, PROT_READ));
	EXPECT_EQ(SEGV, fz_writes(part));
	EXPECT_EQ(0, fz_writes(part - 1));
	EXPECT_EQ(0, fz_writes(part + 3 * fz_ps));
	ASSERT_EQ(0, mprotect(part + fz_ps, fz_ps, PROT_NONE));
	EXPECT_EQ(SEGV, fz_reads(part + fz_ps));

	RESET_ALL();
	EXPECT_EQ(SEGV, fz_writes(part));
	EXPECT_EQ(SEGV, fz_reads(part + fz_ps));
	EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(part, 0, fz_ps));
	ASSERT_EQ(0, mprotect(self->map, SIZE, PROT_READ | PROT_WRITE));
	EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(self->map, 0, SIZE));
	fz_fill(self->map, 0, SIZE, SEED + 2);
	EXPECT_EQ(FZ_CLEAN, fz_pread_unlike(self->fd, 0, SIZE, SEED + 2));
}

TEST_F(vma, unmapped_in_the_middle)
{
	ASSERT_EQ(0, munmap(self->map + 4 * fz_ps, 5 * fz_ps));
	EXPECT_EQ(SEGV, fz_reads(self->map + 4 * fz_ps));
	EXPECT_EQ(FZ_CLEAN, fz_find_unlike(self->map, 0, 4 * fz_ps, SEED));
	EXPECT_EQ(FZ_CLEAN, fz_find_unlike(self->map, 9 * fz_ps, 7 * fz_ps,
					   SEED));
	/* Pages that are not mapped here are still in the scratch. */
	EXPECT_EQ(FZ_CLEAN, fz_pread_unlike(self->fd, 0, SIZE, SEED));
	RESET_ALL();
	EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(self->map, 0, 4 * fz_ps));
	EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(self->map, 9 * fz_ps, 7 * fz_ps));
	EXPECT_EQ(FZ_CLEAN, fz_pread_nonzero(self->fd, 0, SIZE));
}

TEST_F(vma, unmapped_and_mapped_again)
{
	ASSERT_EQ(0, munmap(self->map, SIZE));
	self->map = fz_map(self->fd, 0, SIZE);
	EXPECT_EQ(FZ_CLEAN, fz_find_unlike(self->map, 0, SIZE, SEED));
	ASSERT_EQ(0, munmap(self->map, SIZE));
	RESET_ALL();
	self->map = fz_map(self->fd, 0, SIZE);
	EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(self->map, 0, SIZE));
}

/* An address range to move to. */
static void *space(size_t length)
{
	return mmap(NULL, length, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		    0);
}

TEST_F(vma, mremap_moves)
{
	void *to = space(SIZE);
	unsigned char *map;

	map = mremap(self->map, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, to);
	ASSERT_EQ(to, map);
	EXPECT_EQ(SEGV, fz_reads(self->map));
	EXPECT_EQ(FZ_CLEAN, fz_find_unlike(map, 0, SIZE, SEED));
	RESET_ALL();
	EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(map, 0, SIZE));
}

/* A part moves, and leaves a gap in the old mapping. */
TEST_F(vma, mremap_moves_a_part)
{
	unsigned char *to = space(SIZE);
	unsigned char *map;

	map = mremap(self->map + 2 * fz_ps, 3 * fz_ps, 3 * fz_ps,
		     MREMAP_MAYMOVE | MREMAP_FIXED, to + fz_ps);
	ASSERT_EQ(to + fz_ps, map);
	EXPECT_EQ(FZ_CLEAN, fz_find_unlike(map - 2 * fz_ps, 2 * fz_ps,
					   3 * fz_ps, SEED));
	RESET_ALL();
	EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(map, 0, 3 * fz_ps));
	EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(self->map, 0, 2 * fz_ps));
	EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(self->map, 5 * fz_ps, 11 * fz_ps));
}

TEST_F(vma, mremap_shrinks)
{
	ASSERT_EQ(self->map, mremap(self->map, SIZE, 3 * fz_ps, 0));
	EXPECT_EQ(FZ_CLEAN, fz_find_unlike(self->map, 0, 3 * fz_ps, SEED));
	EXPECT_EQ(SEGV, fz_reads(self->map + 3 * fz_ps));
	EXPECT_EQ(FZ_CLEAN, fz_pread_unlike(self->fd, 0, SIZE, SEED));
	RESET_ALL();
	EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(self->map, 0, 3 * fz_ps));
	EXPECT_EQ(FZ_CLEAN, fz_pread_nonzero(self->fd, 0, SIZE));
}

/* A mapping may grow beyond the end, where there is no memory. */
TEST_F(vma, mremap_grows_beyond_the_end)
{
	void *to = space(SIZE + 4 * fz_ps);
	unsigned char *map;

	map = mremap(self->map, SIZE, SIZE + 4 * fz_ps,
		     MREMAP_MAYMOVE | MREMAP_FIXED, to);
	ASSERT_EQ(to, map) TH_LOG("%s", strerror(errno));
	EXPECT_EQ(FZ_CLEAN, fz_find_unlike(map, 0, SIZE, SEED));
	EXPECT_EQ(BUS, fz_reads(map + SIZE));
	EXPECT_EQ(BUS, fz_writes(map + SIZE + 3 * fz_ps));
	RESET_ALL();
	EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(map, 0, SIZE));
	EXPECT_EQ(BUS, fz_reads(map + SIZE));
}

TEST_F(vma, mremap_grows_inside)
{
	unsigned char *part = fz_map(self->fd, 2 * fz_ps, 2 * fz_ps);
	void *to = space(14 * fz_ps);

	part = mremap(part, 2 * fz_ps, 14 * fz_ps,
		      MREMAP_MAYMOVE | MREMAP_FIXED, to);
	ASSERT_EQ(to, part);
	EXPECT_EQ(FZ_CLEAN, fz_find_unlike(part - 2 * fz_ps, 2 * fz_ps,
					   14 * fz_ps, SEED));
	RESET_ALL();
	EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(part, 0, 14 * fz_ps));
}

/* An old size of 0 makes a second mapping of the same memory. */
TEST_F(vma, mremap_duplicates)
{
	unsigned char *copy = mremap(self->map, 0, SIZE, MREMAP_MAYMOVE);

	ASSERT_NE(MAP_FAILED, copy);
	EXPECT_EQ(FZ_CLEAN, fz_find_unlike(copy, 0, SIZE, SEED));
	fz_fill(copy, 0, SIZE, SEED + 3);
	EXPECT_EQ(FZ_CLEAN, fz_find_unlike(self->map, 0, SIZE, SEED + 3));
	RESET_ALL();
	EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(copy, 0, SIZE));
	EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(self->map, 0, SIZE));
}

/* Between guard pages, as VMMs do it. */
TEST_F(vma, map_fixed_between_guards)
{
	unsigned char *guard = space(SIZE + 2 * fz_ps);
	unsigned char *map;

	ASSERT_NE(MAP_FAILED, guard);
	map = mmap(guard + fz_ps, SIZE, PROT_READ | PROT_WRITE,
		   MAP_SHARED | MAP_FIXED, self->fd, 0);
	ASSERT_EQ(guard + fz_ps, map);
	EXPECT_EQ(FZ_CLEAN, fz_find_unlike(map, 0, SIZE, SEED));
	EXPECT_EQ(SEGV, fz_reads(map - 1));
	EXPECT_EQ(SEGV, fz_reads(map + SIZE));
	EXPECT_EQ(0, fz_writes(map));
	EXPECT_EQ(0, fz_writes(map + SIZE - 1));
	RESET_ALL();
	EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(map, 0, SIZE));
	EXPECT_EQ(SEGV, fz_writes(map - 1));
	EXPECT_EQ(SEGV, fz_writes(map + SIZE));
}

/* MAP_FIXED over the middle of a mapping: with other pages of the same. */
TEST_F(vma, mapped_over_itself)
{
	unsigned char *map = self->map + 4 * fz_ps;

	ASSERT_EQ(map, mmap(map, 2 * fz_ps, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_FIXED, self->fd,
			    (off_t)(12 * fz_ps)));
	EXPECT_EQ(FZ_CLEAN, fz_find_unlike(map - 12 * fz_ps, 12 * fz_ps,
					   2 * fz_ps, SEED));
	RESET_ALL();
	EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(self->map, 0, SIZE));
	*map = 1;
	EXPECT_EQ(1, self->map[12 * fz_ps]);
}

TEST_HARNESS_MAIN

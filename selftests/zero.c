// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The zero promise: after a reset every byte of the range reads zero through every view,
 * and no byte outside has changed.
 */
#include "kselftest_harness.h"
#include "fz_fixture.h"

#include <sys/uio.h>

/* A chunk and a bit of the next. */
#define PAGES	600
#define SIZE	(PAGES * fz_ps)

/* The ways to look. */
enum view {
	VIEW_SAME,	/* the mapping that was there all the time */
	VIEW_SECOND,	/* another one in this process */
	VIEW_LATE,	/* one that is made when we look */
	VIEW_PEER,	/* a process that got the descriptor over a socket */
	VIEW_FORKED,	/* a child that inherited the mapping */
	VIEW_PREAD,	/* pread here */
	VIEW_PEER_PREAD,
	VIEW_PROCESS_VM, /* process_vm_readv of the peer's mapping */
	NR_VIEWS
};

static const char view_names[NR_VIEWS][32] = {
	"same mapping", "second mapping", "mapping made afterwards",
	"process with the descriptor", "forked child", "pread",
	"pread of another process", "process_vm_readv",
};

FIXTURE(zero) {
	FZ_SCRATCH;
	unsigned char *second;
	struct fz_peer peer;
	struct fz_peer forked;
	int64_t peer_address;
	unsigned char *buf;
};

FIXTURE_VARIANT(zero) {
	uint32_t mode;
};

FZ_MODE_VARIANTS(zero);

FIXTURE_SETUP(zero)
{
	/* The peer starts first, so that it inherits nothing. */
	ASSERT_EQ(0, fz_peer_start(&self->peer, NULL));
	FZ_SCRATCH_SETUP(SIZE, 0, FZ_ANY_PAGES);
	self->second = fz_map(self->fd, 0, SIZE);
	self->peer_address = fz_peer_map(&self->peer, self->fd, SIZE);
	ASSERT_LT(0, self->peer_address);
	ASSERT_EQ(0, fz_peer_start(&self->forked, self->map));
	self->buf = malloc(SIZE);
	ASSERT_NE(NULL, self->buf);
}

FIXTURE_TEARDOWN(zero)
{
	fz_peer_stop(&self->forked);
	fz_peer_stop(&self->peer);
	FZ_SCRATCH_TEARDOWN();
}

static int64_t find(const void *p, uint64_t offset, size_t length,
		    uint64_t seed)
{
	return seed ? fz_find_unlike(p, offset, length, seed) :
		      fz_find_nonzero(p, offset, length);
}

/* First wrong byte of a range in a view; seed 0: all must be zero. */
static int64_t look(FIXTURE_DATA(zero) *self, enum view view, uint64_t offset,
		    size_t length, uint64_t seed)
{
	enum fz_peer_op op = seed ? FZ_PEER_UNLIKE : FZ_PEER_NONZERO;
	struct iovec to = { self->buf + offset, length };
	struct iovec from = { (char *)(uintptr_t)self->peer_address + offset,
			      length };
	unsigned char *late;
	int64_t bad;

	if (!length)
		return FZ_CLEAN;
	switch (view) {
	case VIEW_SAME:
		return find(self->map, offset, length, seed);
	case VIEW_SECOND:
		return find(self->second, offset, length, seed);
	case VIEW_LATE:
		late = fz_raw_map(self->fd, 0, SIZE);
		if (late == MAP_FAILED)
			return 0;
		bad = find(late, offset, length, seed);
		munmap(late, SIZE);
		return bad;
	case VIEW_PEER:
		return fz_peer_do(&self->peer, op, offset, length, seed);
	case VIEW_FORKED:
		return fz_peer_do(&self->forked, op, offset, length, seed);
	case VIEW_PREAD:
		return seed ? fz_pread_unlike(self->fd, offset, length, seed) :
			      fz_pread_nonzero(self->fd, offset, length);
	case VIEW_PEER_PREAD:
		/* The peer only knows to look for zeros this way. */
		return seed ? FZ_CLEAN : fz_peer_do(&self->peer,
				FZ_PEER_PREAD_NONZERO, offset, length, 0);
	case VIEW_PROCESS_VM:
		memset(self->buf + offset, 0xff, length);
		if (process_vm_readv(self->peer.pid, &to, 1, &from, 1, 0) !=
		    (ssize_t)length)
			return (int64_t)offset;
		return find(self->buf, offset, length, seed);
	default:
		return 0;
	}
}

/* The ways to write. */
enum { BY_MAP, BY_SECOND, BY_PEER, BY_FORKED, BY_PWRITE, BY_PROCESS_VM, NR_BY };

static int fill(FIXTURE_DATA(zero) *self, int by, uint64_t offset,
		size_t length, uint64_t seed)
{
	struct iovec from = { self->buf + offset, length };
	struct iovec to = { (char *)(uintptr_t)self->peer_address + offset,
			    length };

	switch (by) {
	case BY_MAP:
		fz_fill(self->map, offset, length, seed);
		return 0;
	case BY_SECOND:
		fz_fill(self->second, offset, length, seed);
		return 0;
	case BY_PEER:
		return (int)fz_peer_do(&self->peer, FZ_PEER_FILL, offset,
				       length, seed);
	case BY_FORKED:
		return (int)fz_peer_do(&self->forked, FZ_PEER_FILL, offset,
				       length, seed);
	case BY_PWRITE:
		fz_fill(self->buf, offset, length, seed);
		return pwrite(self->fd, self->buf + offset, length,
			      (off_t)offset) == (ssize_t)length ? 0 : -1;
	case BY_PROCESS_VM:
		fz_fill(self->buf, offset, length, seed);
		return process_vm_writev(self->peer.pid, &from, 1, &to, 1, 0) ==
		       (ssize_t)length ? 0 : -1;
	}
	return -1;
}

/* In all views, [a, b) is zero, and the rest has the pattern. */
#define EXPECT_VIEWS(a, b, seed) do {					\
	int v_;								\
	for (v_ = 0; v_ < NR_VIEWS; v_++) {				\
		EXPECT_EQ(FZ_CLEAN, look(self, v_, 0, a, seed))		\
			TH_LOG("before the range, %s", view_names[v_]);	\
		EXPECT_EQ(FZ_CLEAN, look(self, v_, a, (b) - (a), 0))	\
			TH_LOG("in the range, %s", view_names[v_]);	\
		EXPECT_EQ(FZ_CLEAN, look(self, v_, b, SIZE - (b), seed)) \
			TH_LOG("behind the range, %s", view_names[v_]);	\
	}								\
} while (0)

TEST_F(zero, ranges)
{
	const struct {
		uint64_t first, end;
	} ranges[] = {
		{ 0, PAGES }, { 0, 1 }, { PAGES - 1, PAGES }, { 3, 10 },
		{ 1, PAGES - 1 }, { 0, 512 }, { 512, PAGES },
		{ 511, 513 },
	};
	uint64_t seed = 100;
	size_t i;

	FZ_SKIP_UNLESS_MODE(self->ctx, variant->mode);
	/* From here on every view has every page mapped before a reset. */
	EXPECT_VIEWS(0UL, SIZE, 0);
	for (i = 0; i < ARRAY_SIZE(ranges); i++) {
		uint64_t a = ranges[i].first * fz_ps;
		uint64_t b = ranges[i].end * fz_ps;

		ASSERT_EQ(0, fill(self, (int)i % NR_BY, 0, SIZE, ++seed));
		fz_clear(self->fd, a, b - a, variant->mode);
		EXPECT_VIEWS(a, b, seed);
		if (!_metadata->passed) {
			TH_LOG("range %zu: pages %ju to %ju", i,
			       (uintmax_t)ranges[i].first,
			       (uintmax_t)ranges[i].end);
			break;
		}
	}
}

/* Only the writer has ever mapped the pages. */
TEST_F(zero, pages_that_only_the_writer_mapped)
{
	const uint64_t size = 20 * fz_ps;
	int by, view;

	FZ_SKIP_UNLESS_MODE(self->ctx, variant->mode);
	for (by = 0; by < NR_BY; by++) {
		ASSERT_EQ(0, fill(self, by, 0, size, 7 + (uint64_t)by));
		fz_clear(self->fd, 0, SIZE, variant->mode);
		for (view = 0; view < NR_VIEWS; view++)
			EXPECT_EQ(FZ_CLEAN, look(self, view, 0, size, 0))
				TH_LOG("writer %d, %s", by, view_names[view]);
		fz_clear(self->fd, 0, SIZE, FASTZERO_MODE_DROP);
	}
}

/* Another process resets the pages that we have written and mapped. */
TEST_F(zero, reset_by_another_process)
{
	FZ_SKIP_UNLESS_MODE(self->ctx, variant->mode);
	ASSERT_EQ(0, fill(self, BY_MAP, 0, SIZE, 3));
	EXPECT_VIEWS(0UL, 0UL, 3);
	ASSERT_EQ(0, fz_peer_do(&self->peer, FZ_PEER_CLEAR, 5 * fz_ps,
				300 * fz_ps, variant->mode));
	EXPECT_VIEWS(5 * fz_ps, 305 * fz_ps, 3);
}

/* Works the same when it is written and reset again and again. */
TEST_F(zero, again_and_again)
{
	int i;

	FZ_SKIP_UNLESS_MODE(self->ctx, variant->mode);
	for (i = 0; i < 60; i++) {
		uint64_t seed = 1000 + (uint64_t)i;

		ASSERT_EQ(FZ_CLEAN, look(self, i % NR_VIEWS, 0, 64 * fz_ps, 0));
		ASSERT_EQ(0, fill(self, i % NR_BY, 0, 64 * fz_ps, seed));
		ASSERT_EQ(FZ_CLEAN, look(self, (i + 3) % NR_VIEWS, 0,
					 64 * fz_ps, seed));
		fz_clear(self->fd, 0, 64 * fz_ps, variant->mode);
	}
	EXPECT_VIEWS(0UL, SIZE, 0);
}

/* Looks at [first, end), in runs of pages that were written together. */
static int64_t look_at_runs(FIXTURE_DATA(zero) *self, enum view view,
			    const uint64_t *seeds, uint64_t first, uint64_t end)
{
	int64_t bad = FZ_CLEAN;
	uint64_t i;

	while (first < end && bad == FZ_CLEAN) {
		for (i = first + 1; i < end && seeds[i] == seeds[first]; i++)
			;
		bad = look(self, view, first * fz_ps, (i - first) * fz_ps,
			   seeds[first]);
		first = i;
	}
	return bad;
}

/*
 * Random writes and resets of random ranges, some in other modes, against a list of the
 * expected value of each page.
 */
TEST_F(zero, random)
{
	const uint32_t modes[] = { FASTZERO_MODE_AUTO, FASTZERO_MODE_INPLACE,
				   FASTZERO_MODE_SWAP, FASTZERO_MODE_DROP,
				   FZ_PUNCH, variant->mode, variant->mode };
	struct fastzero_info info = fz_info(self->ctx);
	uint64_t seeds[PAGES] = { 0 };
	uint64_t random = 12345 + variant->mode;
	const int steps = fz_slow() > 1 ? 80 : 200;
	int step, view;
	uint64_t i;

	FZ_SKIP_UNLESS_MODE(self->ctx, variant->mode);
	for (step = 0; step < steps; step++) {
		uint64_t first = fz_random(&random) % PAGES;
		uint64_t end = first + 1 + fz_random(&random) % (PAGES - first);
		uint32_t mode = modes[fz_random(&random) % ARRAY_SIZE(modes)];
		uint64_t seed = 0;

		if (step % 2 && fz_has_mode(&info, mode)) {
			fz_clear(self->fd, first * fz_ps, (end - first) * fz_ps,
				 mode);
		} else {
			seed = 1 + fz_random(&random) % 1000000;
			if (end > first + 40)
				end = first + 40;
			ASSERT_EQ(0, fill(self, step / 2 % NR_BY, first * fz_ps,
					  (end - first) * fz_ps, seed));
		}
		for (i = first; i < end; i++)
			seeds[i] = seed;
		view = (int)(fz_random(&random) % NR_VIEWS);
		first = first > 5 ? first - 5 : 0;
		end = end < PAGES - 5 ? end + 5 : PAGES;
		ASSERT_EQ(FZ_CLEAN, look_at_runs(self, view, seeds, first, end))
			TH_LOG("step %d, %s", step, view_names[view]);
	}
	for (view = 0; view < NR_VIEWS; view++)
		ASSERT_EQ(FZ_CLEAN, look_at_runs(self, view, seeds, 0, PAGES))
			TH_LOG("at the end, %s", view_names[view]);
}

TEST_F(zero, never_touched)
{
	FZ_SKIP_UNLESS_MODE(self->ctx, variant->mode);
	fz_clear(self->fd, 0, SIZE, variant->mode);
	EXPECT_EQ(0, fz_stats(self->fd).out_populated);
	EXPECT_VIEWS(0UL, SIZE, 0);
}

/* 1 TiB with a few pages in it: the cost must be theirs. */
TEST_F(zero, huge_and_sparse)
{
	const uint64_t tera = 1ULL << 40;
	int fd = fz_create(self->ctx, tera);
	unsigned char *map = fz_map(fd, 0, tera);
	uint64_t at;
	long begin;

	FZ_SKIP_UNLESS_MODE(self->ctx, variant->mode);
	for (at = 0; at < tera; at = at * 3 + 7 * fz_ps)
		fz_fill(map, at, fz_ps, 9);
	begin = fz_now_ms();
	fz_clear(fd, 0, tera, variant->mode);
	EXPECT_GT(5000, fz_now_ms() - begin);
	for (at = 0; at < tera; at = at * 3 + 7 * fz_ps)
		EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(map, at, fz_ps));
	close(fd);
}

TEST_HARNESS_MAIN

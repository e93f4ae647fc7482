// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Tracepoints: the work of a reset, and the reason for AUTO's choice.
 */
#include "kselftest_harness.h"
#include "fz_fixture.h"
#include "fz_trace.h"

#define PAGES	600
#define SIZE	(PAGES * fz_ps)

FIXTURE(trace) {
	FZ_SCRATCH;
	char line[1024];
};

FIXTURE_SETUP(trace)
{
	TRACE_BEGIN();
	FZ_SCRATCH_SETUP(SIZE, 0, FASTZERO_PAGES_4K);
	fz_fill(self->map, 0, SIZE, 1);
}

FIXTURE_TEARDOWN(trace)
{
	FZ_SCRATCH_TEARDOWN();
	TRACE_END();
}

TEST_F(trace, reset)
{
	fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_INPLACE);
	ASSERT_LINES(1, "fastzero_reset:");
	EXPECT_SAYS("mode=inplace way=inplace why=named populated=600 cleared=600 swapped=0 dropped=0 held=0 err=0");
	fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_DROP);
	ASSERT_LINES(1, "mode=drop way=drop why=named populated=0 cleared=0 swapped=0 dropped=600");
	/* These resets had no choice. */
	ASSERT_LINES(0, "fastzero_choice:");
}

/* Chunk by chunk, with both sides of the inequality. */
TEST_F(trace, choice)
{
	FZ_MOVES_PTES_OR_SKIP();
	fz_pool(self->ctx, PAGES, FASTZERO_POOL_WAIT);
	fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_AUTO);
	ASSERT_LINES(1, "mode=auto way=swap why=price populated=600 cleared=0 swapped=600");
	ASSERT_LINES(2, "fastzero_choice:");
	ASSERT_LINES(1, "chunk=1 pages=88 span=88 mappings=0 ready=88 begun=1 ratio=100");
	EXPECT_SAYS("clear=47608 swap=29568 way=swap why=price");
	ASSERT_LINES(1, "chunk=0 pages=512 span=512 mappings=0 ready=600 begun=0 ratio=100");
	EXPECT_SAYS("clear=276992 swap=178532 way=swap why=price");
}

/* The figures of the line lead to the choice, and the reset does what was chosen. */
TEST_F(trace, choices_are_the_cheapest)
{
	unsigned long long clear, swap;
	uint64_t state = 3;
	char ratio[16];
	bool swaps;
	int i;

	FZ_MOVES_PTES_OR_SKIP();
	for (i = 0; i < 100; i++) {
		struct fastzero_reset r;

		snprintf(ratio, sizeof(ratio), "%u",
			 (unsigned int)(30 + fz_random(&state) % 100));
		ASSERT_EQ(0, fz_write_string(FZ_RATIO, ratio));
		fz_fill(self->map, 0, SIZE, 1);
		fz_pool(self->ctx, PAGES, FASTZERO_POOL_WAIT);
		ASSERT_EQ(0, write_file(LOG, ""));
		r = fz_reset(self->fd, 0, 512 * fz_ps, FASTZERO_MODE_AUTO);
		ASSERT_LINES(1, "fastzero_choice: ");
		EXPECT_SAYS("pages=512 ");
		ASSERT_EQ(2, sscanf(strstr(self->line, "clear="), "clear=%llu swap=%llu",
				    &clear, &swap));
		swaps = strstr(self->line, "way=swap");
		EXPECT_EQ(swap < clear, swaps) TH_LOG("%s", self->line);
		EXPECT_EQ(swaps ? 512 : 0, r.out_swapped) TH_LOG("%s", self->line);
		EXPECT_EQ(swaps ? 0 : 512, r.out_cleared) TH_LOG("%s", self->line);
	}
}

/* A choice without a look at chunks has its reason in the line. */
TEST_F(trace, why)
{
	unsigned char *second;

	fz_pool(self->ctx, PAGES, FASTZERO_POOL_WAIT);
	fz_reset(self->fd, 0, 3 * fz_ps, FASTZERO_MODE_AUTO);
	ASSERT_LINES(1, "mode=auto way=inplace why=few");
	ASSERT_LINES(1, "chunk=-1 pages=3 span=3 mappings=0 ready=600");
	EXPECT_SAYS("clear=1623 swap=7508 way=inplace why=few");

	second = fz_map(self->fd, 0, SIZE);
	ASSERT_EQ(0, write_file(LOG, ""));
	fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_AUTO);
	ASSERT_LINES(1, "mode=auto way=inplace why=shared");
	ASSERT_LINES(1, "chunk=-1 pages=600 span=600 mappings=0 ready=600 begun=0");
	EXPECT_SAYS("clear=324600 swap=208100 way=inplace why=shared");
	munmap(second, SIZE);

	/* No page is ready. */
	fz_pool(self->ctx, 0, 0);
	ASSERT_TRUE(fz_until(!fz_stats(self->ctx).out_pool_ready, FZ_PATIENCE_MS));
	ASSERT_EQ(0, write_file(LOG, ""));
	fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_AUTO);
	ASSERT_LINES(1, "mode=auto way=inplace why=late");
	ASSERT_LINES(1, "ready=0 begun=0");

	ASSERT_EQ(0, write_file(LOG, ""));
	munmap(self->map, SIZE);
	fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_AUTO);
	ASSERT_LINES(1, "mode=auto way=drop why=unmapped");
	ASSERT_LINES(1, "fastzero_choice: ");
	EXPECT_SAYS("way=drop why=unmapped");
	self->map = fz_map(self->fd, 0, SIZE);
}

/* The scratch goes by all CPU time. */
TEST_F(trace, total_cpu)
{
	int fd = fz_raw_create(self->ctx, SIZE, FASTZERO_CREATE_TOTAL_CPU,
			       FASTZERO_PAGES_2M, 0);
	unsigned char *map = fz_map(fd, 0, SIZE);

	fz_fill(map, FZ_CHUNK, SIZE - FZ_CHUNK, 1);
	fz_pool(self->ctx, PAGES, FASTZERO_POOL_WAIT);
	ASSERT_EQ(0, write_file(LOG, ""));
	fz_reset(fd, 0, SIZE, FASTZERO_MODE_AUTO);
	ASSERT_LINES(1, "mode=auto way=inplace why=total populated=88 cleared=88");
	ASSERT_LINES(1, "fastzero_choice:");
	EXPECT_SAYS("chunk=-1 pages=88 span=88 mappings=0 ready=600 begun=0 ratio=100");
	EXPECT_SAYS("clear=47608 swap=36068 way=inplace why=total");

	/* With a chunk of 2 MiB, which has no prices. */
	ASSERT_EQ(0, fz_raw_pool_huge(self->ctx, 2, FASTZERO_POOL_WAIT));
	map[0] = 1;
	ASSERT_EQ(0, write_file(LOG, ""));
	fz_reset(fd, 0, SIZE, FASTZERO_MODE_AUTO);
	ASSERT_LINES(0, "fastzero_choice:");
	ASSERT_LINES(1, "mode=auto way=inplace why=total populated=600 cleared=600 swapped=0");
	munmap(map, SIZE);
	close(fd);
}

/* If every sparse chunk lost the inequality, AUTO does not repeat it. */
TEST_F(trace, seen)
{
	size_t i;

	FZ_MOVES_PTES_OR_SKIP();
	fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_DROP);
	for (i = 0; i < PAGES; i += 40)
		self->map[i * fz_ps] = 1;
	fz_pool(self->ctx, PAGES, FASTZERO_POOL_WAIT);
	fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_AUTO);
	ASSERT_LINES(1, "mode=auto way=inplace why=price populated=15 cleared=15 swapped=0");
	/* Two chunks, and the sum. */
	ASSERT_LINES(3, "way=inplace why=price");
	fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_AUTO);
	ASSERT_LINES(1, "mode=auto way=inplace why=seen populated=15 cleared=15");
}

/* Pages that were not written are seen, and then not swapped. */
TEST_F(trace, cold)
{
	FZ_MOVES_PTES_OR_SKIP();
	fz_pool(self->ctx, PAGES, FASTZERO_POOL_WAIT);
	fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_AUTO);
	ASSERT_LINES(1, "mode=auto way=swap why=price populated=600");
	fz_pool(self->ctx, PAGES, FASTZERO_POOL_WAIT);
	fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_AUTO);
	ASSERT_LINES(2, "mode=auto way=swap why=price populated=600");
	fz_pool(self->ctx, PAGES, FASTZERO_POOL_WAIT);
	fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_AUTO);
	ASSERT_LINES(1, "mode=auto way=inplace why=cold populated=600");
}

/* Of huge folios it says why one was not swapped. */
TEST_F(trace, huge)
{
	int fd = fz_raw_create(self->ctx, FZ_CHUNK, 0, FASTZERO_PAGES_2M, 0);
	unsigned char *map = fz_map(fd, 0, FZ_CHUNK);

	ASSERT_EQ(0, write_file(LOG, ""));
	map[0] = 1;
	fz_reset(fd, 0, FZ_CHUNK, FASTZERO_MODE_AUTO);
	ASSERT_LINES(1, "mode=auto way=inplace why=empty populated=512 cleared=512");
	ASSERT_EQ(0, fz_raw_pool_huge(self->ctx, 1, FASTZERO_POOL_WAIT));
	fz_reset(fd, 0, FZ_CHUNK, FASTZERO_MODE_AUTO);
	ASSERT_LINES(1, "mode=auto way=swap why=huge populated=512 cleared=0 swapped=512");
	fz_reset(fd, 0, fz_ps, FASTZERO_MODE_AUTO);
	ASSERT_LINES(1, "mode=auto way=inplace why=part populated=512 cleared=1");
	munmap(map, FZ_CHUNK);
	close(fd);
}

TEST_HARNESS_MAIN

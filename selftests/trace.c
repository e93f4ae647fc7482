// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Tracepoints: what a reset did, and why AUTO chose as it did.
 */
#include "kselftest_harness.h"
#include "fz.h"

#include <sys/mount.h>
#include <sys/stat.h>

#define TRACING	"/sys/kernel/tracing"
#define EVENTS	TRACING "/instances/fz_trace/events/fastzero"
#define LOG	TRACING "/instances/fz_trace/trace"
#define PAGES	600
#define SIZE	(PAGES * fz_ps)

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	int ret = fd < 0 || write(fd, text, strlen(text)) < 0 ? -errno : 0;

	close(fd);
	return ret;
}

/* How many lines of the log have a text; the last of them is kept in @line. */
static int lines_with(const char *text, char *line, size_t size)
{
	FILE *log = fopen(LOG, "r");
	char buf[1024];
	int nr = 0;

	while (log && fgets(buf, sizeof(buf), log)) {
		if (!strstr(buf, text))
			continue;
		snprintf(line, size, "%s", buf);
		nr++;
	}
	if (log)
		fclose(log);
	return log ? nr : -1;
}

FIXTURE(trace) {
	int ctx;
	int fd;
	unsigned char *map;
	char line[1024];
};

FIXTURE_SETUP(trace)
{
	mount("tracefs", TRACING, "tracefs", 0, NULL);
	mkdir(TRACING "/instances/fz_trace", 0700);
	if (access(EVENTS, F_OK))
		FZ_SKIP_ALL("no tracepoints in this kernel");
	ASSERT_EQ(0, fz_write_string(FZ_PRICES, "fixed"));
	ASSERT_EQ(0, write_file(LOG, ""));
	ASSERT_EQ(0, write_file(EVENTS "/enable", "1"));
	self->ctx = fz_open();
	self->fd = fz_raw_create(self->ctx, SIZE, 0, FASTZERO_PAGES_4K, 0);
	ASSERT_LE(0, self->fd);
	self->map = fz_map(self->fd, 0, SIZE);
	fz_fill(self->map, 0, SIZE, 1);
}

FIXTURE_TEARDOWN(trace)
{
	close(self->fd);
	close(self->ctx);
	write_file(EVENTS "/enable", "0");
	EXPECT_EQ(0, fz_write_string(FZ_PRICES, "measured"));
	/* Else the module cannot go. */
	EXPECT_EQ(0, rmdir(TRACING "/instances/fz_trace"));
}

#define ASSERT_LINES(nr, text) \
	ASSERT_EQ(nr, lines_with(text, self->line, sizeof(self->line)))

/* The last line has this, too. */
#define EXPECT_SAYS(text) \
	EXPECT_NE(NULL, strstr(self->line, text)) TH_LOG("%s", self->line)

TEST_F(trace, reset)
{
	fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_INPLACE);
	ASSERT_LINES(1, "fastzero_reset:");
	EXPECT_SAYS("mode=inplace way=inplace why=named populated=600 cleared=600 swapped=0 dropped=0 held=0 err=0");
	fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_DROP);
	ASSERT_LINES(1, "mode=drop way=drop why=named populated=0 cleared=0 swapped=0 dropped=600");
	/* None of these had anything to choose. */
	ASSERT_LINES(0, "fastzero_choice:");
}

/* Chunk by chunk, with prices: of fixed ones it is known what they come to. */
TEST_F(trace, choice)
{
	fz_pool(self->ctx, PAGES, FASTZERO_POOL_WAIT);
	fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_AUTO);
	ASSERT_LINES(1, "mode=auto way=swap why=price populated=600 cleared=0 swapped=600");
	ASSERT_LINES(2, "fastzero_choice:");
	ASSERT_LINES(1, "chunk=1 pages=88 span=88 ready=88 again=256/256 begun=1 shared=0 total=0");
	EXPECT_SAYS("inplace_ns=47608 swap_ns=29568 drop_ns=277200 way=swap why=price");
	ASSERT_LINES(1, "chunk=0 pages=512 span=512 ready=600 again=256/256 begun=0 shared=0 total=0");
	EXPECT_SAYS("inplace_ns=276992 swap_ns=178532 drop_ns=1619300 way=swap why=price");
}

/* The prices are those that decide, and the choice is what is done. */
TEST_F(trace, choices_are_the_cheapest)
{
	static const char *const ways[] = { "inplace", "swap", "drop" };
	unsigned long long ns[3], pages, done[3];
	uint64_t state = 3;
	int i, way, took;
	char name[16];

	for (i = 0; i < 200; i++) {
		struct fastzero_reset r;
		char prices[128];

		snprintf(prices, sizeof(prices), "%u,%u,%u,%u,%u,%u,%u",
			 (unsigned int)(1000000 + fz_random(&state) % 3000000),
			 (unsigned int)(1 + fz_random(&state) % 3000000),
			 (unsigned int)(1 + fz_random(&state) % 1000000),
			 (unsigned int)(1 + fz_random(&state) % 10000000),
			 (unsigned int)(1 + fz_random(&state) % 2000000),
			 (unsigned int)(1 + fz_random(&state) % 2000000), 9000000);
		ASSERT_EQ(0, fz_write_string(FZ_PRICES, prices));
		fz_fill(self->map, 0, SIZE, 1);
		fz_pool(self->ctx, PAGES, FASTZERO_POOL_WAIT);
		ASSERT_EQ(0, write_file(LOG, ""));
		r = fz_reset(self->fd, 0, 512 * fz_ps, FASTZERO_MODE_AUTO);
		ASSERT_LINES(1, "fastzero_choice:");
		ASSERT_EQ(4, sscanf(strstr(self->line, "inplace_ns="),
				    "inplace_ns=%llu swap_ns=%llu drop_ns=%llu way=%15s",
				    &ns[0], &ns[1], &ns[2], name));
		ASSERT_EQ(1, sscanf(strstr(self->line, "pages="), "pages=%llu",
				    &pages));
		EXPECT_EQ(512, pages);
		done[0] = r.out_cleared;
		done[1] = r.out_swapped;
		done[2] = r.out_dropped;
		for (way = 0, took = -1; way < 3; way++)
			if (!strcmp(name, ways[way]))
				took = way;
		ASSERT_LE(0, took);
		for (way = 0; way < 3; way++) {
			EXPECT_LE(ns[took], ns[way]) TH_LOG("%s", self->line);
			EXPECT_EQ(way == took ? 512 : 0, done[way])
				TH_LOG("%s", self->line);
		}
	}
}

/* What is chosen without a look at chunks says why. */
TEST_F(trace, why)
{
	unsigned char *second;

	fz_pool(self->ctx, PAGES, FASTZERO_POOL_WAIT);
	fz_reset(self->fd, 0, 3 * fz_ps, FASTZERO_MODE_AUTO);
	ASSERT_LINES(1, "mode=auto way=inplace why=few");
	ASSERT_LINES(1, "chunk=-1 pages=3 span=3 ready=600");
	EXPECT_SAYS("inplace_ns=1623 swap_ns=7508 drop_ns=15950 way=inplace why=few");

	second = fz_map(self->fd, 0, SIZE);
	ASSERT_EQ(0, write_file(LOG, ""));
	fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_AUTO);
	ASSERT_LINES(1, "mode=auto way=inplace why=shared");
	ASSERT_LINES(1, "chunk=-1 pages=600 span=600 ready=600 again=256/256 begun=0 shared=1");
	EXPECT_SAYS("inplace_ns=324600 swap_ns=3658100 drop_ns=3846500 way=inplace");
	munmap(second, SIZE);

	/* None is ready. */
	fz_pool(self->ctx, 0, 0);
	ASSERT_TRUE(fz_until(!fz_stats(self->ctx).out_pool_ready, FZ_PATIENCE_MS));
	ASSERT_EQ(0, write_file(LOG, ""));
	fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_AUTO);
	ASSERT_LINES(1, "mode=auto way=inplace why=late");
	ASSERT_LINES(1, "ready=0 again=256/256 begun=0 shared=0 total=1");

	ASSERT_EQ(0, write_file(LOG, ""));
	munmap(self->map, SIZE);
	fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_AUTO);
	ASSERT_LINES(1, "mode=auto way=drop why=unmapped");
	ASSERT_LINES(1, "again=0/256 begun=1");
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
	EXPECT_SAYS("chunk=-1 pages=88 span=88 ready=600 again=256/256 begun=0 shared=0 total=1");
	EXPECT_SAYS("inplace_ns=47608 swap_ns=83676 drop_ns=331308 way=inplace why=total");

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

/* A look at sparse chunks that has found nothing is not repeated. */
TEST_F(trace, seen)
{
	size_t i;

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
	/* Other prices want another look. */
	ASSERT_EQ(0, fz_write_string(FZ_PRICES, "541000,1,1,1,1,9000000,9000000"));
	fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_AUTO);
	ASSERT_LINES(1, "mode=auto way=swap why=price populated=15 cleared=0 swapped=15");
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

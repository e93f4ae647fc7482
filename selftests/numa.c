// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * NUMA nodes: pages come from the node that was asked for, and come back to it.
 * For a machine with two nodes that have memory and a processor each:
 * selftests/vm/run --nodes.
 */
#define _GNU_SOURCE
#include "kselftest_harness.h"
#include "fz.h"
#include "fz_numa.h"

#define PAGES	64
#define SIZE	(PAGES * fz_ps)
#define SEED	43
#define MAX_PAGES FZ_PARAM_DIR "max_pages"

FIXTURE(numa) {
	int ctx;
	long long max_pages;
	cpu_set_t cpus[NODES];
	cpu_set_t before;
};

FIXTURE_SETUP(numa)
{
	struct fastzero_info info;
	int node;

	for (node = 0; node < NODES; node++)
		if (!node_cpus(node, &self->cpus[node]))
			FZ_SKIP_ALL("there is one NUMA node");
	self->max_pages = fz_read_number(MAX_PAGES);
	ASSERT_EQ(0, sched_getaffinity(0, sizeof(self->before), &self->before));
	/* Where it is opened is its home. */
	ASSERT_EQ(0, sched_setaffinity(0, sizeof(cpu_set_t), &self->cpus[0]));
	self->ctx = fz_open();
	info = fz_info(self->ctx);
	ASSERT_NE(0, info.out_features & FASTZERO_FEATURE_NODE);
}

FIXTURE_TEARDOWN(numa)
{
	char text[24];

	snprintf(text, sizeof(text), "%lld", self->max_pages);
	EXPECT_EQ(0, fz_write_string(MAX_PAGES, text));
	sched_setaffinity(0, sizeof(self->before), &self->before);
	close(self->ctx);
}

static int create(int ctx, int node, uint32_t policy, uint64_t length)
{
	return node < 0 ? fz_raw_create(ctx, length, 0, policy, 0) :
			  fz_raw_create(ctx, length, FASTZERO_CREATE_NODE,
					policy, node);
}

/* A scratch of a node, or of no named node (-1), and a mapping of it. */
#define SCRATCH(fd, map, node) do {					\
	fd = create(self->ctx, node, FASTZERO_PAGES_4K, SIZE);		\
	ASSERT_LE(0, fd);						\
	map = fz_map(fd, 0, SIZE);					\
} while (0)

TEST_F(numa, pages_of_the_named_node)
{
	unsigned char *map;
	int node, fd;

	for (node = 0; node < NODES; node++) {
		GO_TO(!node);
		SCRATCH(fd, map, node);
		fz_fill(map, 0, SIZE / 2, SEED);
		fz_populate(fd, 0, SIZE, 0);
		EXPECT_ON(node, map, PAGES);
		munmap(map, SIZE);
		close(fd);
	}
}

TEST_F(numa, pages_of_the_touchers_node)
{
	unsigned char *map;
	int node, fd;

	for (node = 0; node < NODES; node++) {
		int ctx = fz_open();

		GO_TO(node);
		fd = fz_create(ctx, SIZE);
		map = fz_map(fd, 0, SIZE);
		fz_fill(map, 0, SIZE, SEED);
		EXPECT_ON(node, map, PAGES);
		munmap(map, SIZE);
		close(fd);
		close(ctx);
	}
}

TEST_F(numa, home_node_is_of_the_opener)
{
	struct fastzero_pool pool;

	GO_TO(1);
	pool = fz_pool(self->ctx, 8, FASTZERO_POOL_WAIT);
	EXPECT_EQ(8, pool.out_ready);
	EXPECT_EQ(8, pool_of(self->ctx, 0, 0, 8).out_ready);
	EXPECT_EQ(8, fz_stats(self->ctx).out_owned);
}

#define GROUP	"/sys/fs/cgroup/fz_test_numa"

/* Opens a context on node 0's processor, with memory of node 1 alone; its pool. */
static int open_in_group(void *group)
{
	struct fastzero_pool pool;
	int ctx;

	if (fz_write_string(group, "0"))
		return 250;
	ctx = fz_raw_open();
	if (ctx < 0 || fz_raw_pool(ctx, 8, FASTZERO_POOL_WAIT, &pool))
		return 251;
	return pool.out_ready == 8 && pool_of(ctx, 0, 1, 8).out_ready == 8 ? 0 : 252;
}

TEST_F(numa, home_is_in_the_cpuset)
{
	fz_write_string("/sys/fs/cgroup/cgroup.subtree_control", "+cpuset");
	mkdir(GROUP, 0755);
	if (fz_write_string(GROUP "/cpuset.mems", "1")) {
		rmdir(GROUP);
		SKIP(return, "no cpuset controller");
	}
	EXPECT_EQ(0, fz_in_child(open_in_group, GROUP "/cgroup.procs"));
	EXPECT_TRUE(fz_until(!rmdir(GROUP), FZ_PATIENCE_MS));
}

/* Each node has a target of its own; STATS has the sums. */
TEST_F(numa, stores_of_nodes_are_separate)
{
	struct fastzero_stats stats;

	POOL(0, 0, 16);
	POOL(0, 1, 32);
	stats = fz_stats(self->ctx);
	EXPECT_EQ(48, stats.out_pool_target);
	EXPECT_EQ(48, stats.out_pool_ready);
	/* They go in the background. */
	EXPECT_GE(32, pool_of(self->ctx, 0, 1, 0).out_ready);
	EXPECT_TRUE(fz_until(fz_stats(self->ctx).out_owned == 16,
			     FZ_PATIENCE_MS));
	EXPECT_EQ(16, pool_of(self->ctx, 0, 0, 16).out_ready);
	EXPECT_EQ(16, fz_stats(self->ctx).out_pool_target);
}

TEST_F(numa, bad_nodes_are_refused)
{
	EXPECT_EQ(~0ULL, pool_of(self->ctx, 0, NODES, 1).out_ready);
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, create(self->ctx, NODES, FASTZERO_PAGES_4K, SIZE));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(0, fz_stats(self->ctx).out_pool_target);
}

/*
 * A scratch with a named node allocates there before it takes ready pages of other
 * nodes.
 */
TEST_F(numa, named_node_before_ready)
{
	struct fastzero_stats stats;
	unsigned char *map;
	int fd;

	POOL(0, 0, PAGES);
	SCRATCH(fd, map, 1);
	fz_fill(map, 0, SIZE, SEED);
	EXPECT_ON(1, map, PAGES);
	stats = fz_stats(fd);
	EXPECT_EQ(0, stats.out_faults_ready);
	EXPECT_EQ(PAGES, stats.out_faults_alloc);
	EXPECT_EQ(PAGES, stats.out_pool_ready);
	munmap(map, SIZE);
	close(fd);
}

TEST_F(numa, ready_before_the_touchers_node)
{
	unsigned char *map;
	int fd;

	POOL(0, 1, PAGES);
	SCRATCH(fd, map, -1);
	fz_fill(map, 0, SIZE, SEED);
	EXPECT_ON(1, map, PAGES);
	EXPECT_EQ(PAGES, fz_stats(fd).out_faults_ready);
	munmap(map, SIZE);
	close(fd);
}

/* At the limit, another node's page is better than a failure. */
TEST_F(numa, other_nodes_pages_at_the_limit)
{
	unsigned char *map;
	char text[24];
	int fd;

	POOL(0, 0, PAGES);
	snprintf(text, sizeof(text), "%d", PAGES);
	ASSERT_EQ(0, fz_write_string(MAX_PAGES, text));
	SCRATCH(fd, map, 1);
	fz_fill(map, 0, SIZE, SEED);
	EXPECT_ON(0, map, PAGES);
	EXPECT_EQ(PAGES, fz_stats(self->ctx).out_owned);
	munmap(map, SIZE);
	close(fd);
}

TEST_F(numa, pages_come_back_to_their_node)
{
	unsigned char *map[NODES];
	int fd[NODES];
	int node, i;

	for (node = 0; node < NODES; node++) {
		POOL(0, node, PAGES);
		SCRATCH(fd[node], map[node], node);
	}
	for (i = 0; i < 4; i++) {
		for (node = 0; node < NODES; node++)
			fz_fill(map[node], 0, SIZE, SEED + i);
		for (node = 0; node < NODES; node++)
			fz_clear(fd[node], 0, SIZE, FASTZERO_MODE_DROP);
		for (node = 0; node < NODES; node++)
			POOL(0, node, PAGES);
	}
	for (node = 0; node < NODES; node++) {
		EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(map[node], 0, SIZE));
		EXPECT_ON(node, map[node], PAGES);
		EXPECT_EQ(5 * PAGES, fz_stats(fd[node]).out_faults_ready);
		munmap(map[node], SIZE);
		close(fd[node]);
	}
	EXPECT_TRUE(fz_until(fz_stats(self->ctx).out_owned == NODES * PAGES,
			     FZ_PATIENCE_MS));
}

TEST_F(numa, swap_keeps_the_node)
{
	struct fastzero_reset out;
	unsigned char *map;
	int fd;

	GO_TO(1);
	SCRATCH(fd, map, -1);
	fz_fill(map, 0, SIZE, SEED);
	POOL(0, 0, PAGES);
	out = fz_reset(fd, 0, SIZE, FASTZERO_MODE_SWAP);
	EXPECT_EQ(0, out.out_swapped);
	EXPECT_EQ(PAGES, out.out_cleared);
	fz_fill(map, 0, SIZE, SEED);
	/*
	 * The zeroer may still have a batch of the next one in hand, but not for long.
	 */
	ASSERT_TRUE(fz_until(pool_of(self->ctx, 0, 1, PAGES).out_ready == PAGES,
			     FZ_PATIENCE_MS));
	out = fz_reset(fd, 0, SIZE, FASTZERO_MODE_SWAP);
	EXPECT_EQ(PAGES, out.out_swapped);
	EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(map, 0, SIZE));
	EXPECT_ON(1, map, PAGES);
	munmap(map, SIZE);
	close(fd);
}

/* Pages that came from elsewhere go home by SWAP. */
TEST_F(numa, swap_moves_pages_to_the_named_node)
{
	struct fastzero_reset out;
	unsigned char *map;
	char text[24];
	int fd;

	POOL(0, 0, PAGES);
	snprintf(text, sizeof(text), "%d", PAGES);
	ASSERT_EQ(0, fz_write_string(MAX_PAGES, text));
	SCRATCH(fd, map, 1);
	fz_fill(map, 0, SIZE, SEED);
	EXPECT_ON(0, map, PAGES);
	ASSERT_EQ(0, fz_write_string(MAX_PAGES, "0"));
	POOL(0, 1, PAGES);
	out = fz_reset(fd, 0, SIZE, FASTZERO_MODE_SWAP);
	EXPECT_EQ(PAGES, out.out_swapped);
	EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(map, 0, SIZE));
	EXPECT_ON(1, map, PAGES);
	munmap(map, SIZE);
	close(fd);
}

/* The pool allocates on the node on which SWAP lacked folios. */
TEST_F(numa, learns_by_node)
{
	struct fastzero_reset out = { 0 };
	unsigned char *map;
	int fd;

	SCRATCH(fd, map, 1);
	EXPECT_TRUE(fz_until((fz_fill(map, 0, SIZE, SEED),
			      out = fz_reset(fd, 0, SIZE, FASTZERO_MODE_SWAP),
			      out.out_swapped == PAGES), FZ_PATIENCE_MS));
	EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(map, 0, SIZE));
	EXPECT_ON(1, map, PAGES);
	munmap(map, SIZE);
	close(fd);
}

TEST_F(numa, swap_keeps_the_node_of_chunks)
{
	struct fastzero_reset out;
	unsigned char *map;
	int node, fd, i;

	fd = create(self->ctx, -1, FASTZERO_PAGES_2M, NODES * 2 * FZ_CHUNK);
	ASSERT_LE(0, fd);
	map = fz_map(fd, 0, NODES * 2 * FZ_CHUNK);
	/* The nodes take turns, so that a reset goes to and fro between them. */
	for (node = 0; node < NODES; node++) {
		GO_TO(node);
		for (i = 0; i < 2; i++)
			map[(i * NODES + node) * FZ_CHUNK] = 1;
	}
	ASSERT_EQ(NODES * 2 * 512, fz_stats(fd).out_huge);
	for (node = 0; node < NODES; node++)
		POOL(9, node, 2);
	for (i = 0; i < 3; i++) {
		fz_fill(map, 0, NODES * 2 * FZ_CHUNK, SEED + i);
		out = fz_reset(fd, 0, NODES * 2 * FZ_CHUNK, FASTZERO_MODE_AUTO);
		EXPECT_EQ(NODES * 2 * 512, out.out_swapped);
		EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(map, 0, NODES * 2 * FZ_CHUNK));
		for (node = 0; node < NODES; node++) {
			EXPECT_ON(node, map + node * FZ_CHUNK, 512);
			EXPECT_ON(node, map + (NODES + node) * FZ_CHUNK, 512);
			/* The demand for both nodes is counted for one of them. */
			ASSERT_LE(2, pool_of(self->ctx, 9, node, 2).out_ready);
		}
	}
	munmap(map, NODES * 2 * FZ_CHUNK);
	close(fd);
}

TEST_F(numa, chunk_of_the_named_node)
{
	struct fastzero_reset out;
	unsigned char *map;
	int fd;

	POOL(9, 0, 1);
	fd = create(self->ctx, 1, FASTZERO_PAGES_2M, FZ_CHUNK);
	ASSERT_LE(0, fd);
	map = fz_map(fd, 0, FZ_CHUNK);
	fz_fill(map, 0, FZ_CHUNK, SEED);
	ASSERT_EQ(512, fz_stats(fd).out_huge);
	EXPECT_ON(1, map, 512);
	/* No folio is ready there. */
	out = fz_reset(fd, 0, FZ_CHUNK, FASTZERO_MODE_AUTO);
	EXPECT_EQ(512, out.out_cleared);
	EXPECT_ON(1, map, 512);
	munmap(map, FZ_CHUNK);
	close(fd);
}

TEST_HARNESS_MAIN

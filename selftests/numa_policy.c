// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * NUMA memory policies: mbind() and set_mempolicy() decide as on a memfd, and automatic
 * balancing leaves scratches alone.
 *
 * For a machine with two nodes that have memory and a processor each:
 * selftests/vm/run --nodes.
 */
#define _GNU_SOURCE
#include "kselftest_harness.h"
#include "fz.h"
#include "fz_numa.h"

#include <linux/mempolicy.h>

#define PAGES	64
#define SIZE	(PAGES * fz_ps)
#define SEED	47
#define MAX_PAGES FZ_PARAM_DIR "max_pages"

FIXTURE(numa_policy) {
	int ctx;
	long long max_pages;
	cpu_set_t cpus[NODES];
	cpu_set_t before;
};

FIXTURE_SETUP(numa_policy)
{
	int node;

	for (node = 0; node < NODES; node++)
		if (!node_cpus(node, &self->cpus[node]))
			FZ_SKIP_ALL("there is one NUMA node");
	self->max_pages = fz_read_number(MAX_PAGES);
	ASSERT_EQ(0, sched_getaffinity(0, sizeof(self->before), &self->before));
	ASSERT_EQ(0, sched_setaffinity(0, sizeof(cpu_set_t), &self->cpus[0]));
	self->ctx = fz_open();
}

FIXTURE_TEARDOWN(numa_policy)
{
	char text[24];

	snprintf(text, sizeof(text), "%lld", self->max_pages);
	EXPECT_EQ(0, fz_write_string(MAX_PAGES, text));
	syscall(SYS_set_mempolicy, MPOL_DEFAULT, NULL, 0UL);
	sched_setaffinity(0, sizeof(self->before), &self->before);
	close(self->ctx);
}

static int bind_range(void *map, size_t length, int mode, unsigned long nodes)
{
	return syscall(SYS_mbind, map, length, mode, &nodes, 8 * sizeof(nodes), 0U);
}

static int bind_task(int mode, unsigned long nodes)
{
	return syscall(SYS_set_mempolicy, mode, &nodes, 8 * sizeof(nodes));
}

/* The kinds of memory under test.  A memfd shows the right result. */
enum kind { MEMFD, SCRATCH, SCRATCH_2M, KINDS };

static int make(int ctx, enum kind kind, uint64_t length)
{
	int fd;

	switch (kind) {
	case MEMFD:
		fd = memfd_create("numa", 0);
		return fd < 0 || ftruncate(fd, length) ? -1 : fd;
	case SCRATCH_2M:
		return fz_raw_create(ctx, length, 0, FASTZERO_PAGES_2M, 0);
	default:
		return fz_raw_create(ctx, length, 0, FASTZERO_PAGES_4K, 0);
	}
}

#define MAKE(fd, map, kind, length) do {				\
	fd = make(self->ctx, kind, length);				\
	ASSERT_LE(0, fd);						\
	map = fz_map(fd, 0, length);					\
} while (0)

static uint64_t length_of(enum kind kind)
{
	return kind == SCRATCH_2M ? 2 * FZ_CHUNK : SIZE;
}

/* On a processor of node 0, with pages of node 0 ready. */
TEST_F(numa_policy, bound_mapping)
{
	unsigned char *map;
	enum kind kind;
	int fd;

	POOL(0, 0, PAGES);
	POOL(9, 0, 2);
	for (kind = 0; kind < KINDS; kind++) {
		uint64_t length = length_of(kind);

		MAKE(fd, map, kind, length);
		ASSERT_EQ(0, bind_range(map, length, MPOL_BIND, 1 << 1));
		fz_fill(map, 0, length, SEED);
		EXPECT_ON(1, map, length / fz_ps) TH_LOG("kind %d", kind);
		munmap(map, length);
		close(fd);
	}
}

/* Two mappings of one scratch, as of a guest with two nodes. */
TEST_F(numa_policy, populate_follows_each_mapping)
{
	unsigned char *map[NODES];
	enum kind kind;
	int node, fd;

	for (kind = SCRATCH; kind < KINDS; kind++) {
		uint64_t length = length_of(kind) * NODES;

		fd = make(self->ctx, kind, length);
		ASSERT_LE(0, fd);
		for (node = 0; node < NODES; node++) {
			map[node] = fz_map(fd, node * length / NODES, length / NODES);
			ASSERT_EQ(0, bind_range(map[node], length / NODES, MPOL_BIND,
						1 << !node));
		}
		fz_populate(fd, 0, length, 0);
		for (node = 0; node < NODES; node++) {
			EXPECT_ON(!node, map[node], length / NODES / fz_ps)
				TH_LOG("kind %d", kind);
			munmap(map[node], length / NODES);
		}
		close(fd);
	}
}

TEST_F(numa_policy, bound_task)
{
	static const enum kind kinds[] = { MEMFD, SCRATCH, SCRATCH_2M };
	unsigned char *map;
	char byte = 1;
	uint64_t at;
	size_t i;
	int fd;

	POOL(0, 0, PAGES);
	ASSERT_EQ(0, bind_task(MPOL_BIND, 1 << 1));
	for (i = 0; i < 3; i++) {
		uint64_t length = length_of(kinds[i]);

		MAKE(fd, map, kinds[i], length);
		for (at = 0; at < length; at += 2 * fz_ps)
			ASSERT_EQ(1, pwrite(fd, &byte, 1, at));
		for (at = 0; at < length; at += fz_ps)
			map[at] = 2;
		EXPECT_ON(1, map, length / fz_ps) TH_LOG("kind %d", kinds[i]);
		munmap(map, length);
		close(fd);
	}
}

/* CREATE's node is the scratch's: it comes before policies, and mbind says so. */
TEST_F(numa_policy, named_node_before_policies)
{
	unsigned char *map;
	int fd;

	fd = fz_raw_create(self->ctx, SIZE, FASTZERO_CREATE_NODE, FASTZERO_PAGES_4K, 0);
	ASSERT_LE(0, fd);
	map = fz_map(fd, 0, SIZE);
	EXPECT_EQ(-1, bind_range(map, SIZE, MPOL_BIND, 1 << 1));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(0, syscall(SYS_mbind, map, SIZE, MPOL_DEFAULT, NULL, 0UL, 0U));
	ASSERT_EQ(0, bind_task(MPOL_BIND, 1 << 1));
	fz_fill(map, 0, SIZE, SEED);
	EXPECT_ON(0, map, PAGES);
	munmap(map, SIZE);
	close(fd);
}

TEST_F(numa_policy, interleaved_and_preferred)
{
	unsigned char *map;
	enum kind kind;
	int fd;

	POOL(0, 0, PAGES);
	for (kind = 0; kind <= SCRATCH; kind++) {
		MAKE(fd, map, kind, SIZE);
		ASSERT_EQ(0, bind_range(map, SIZE, MPOL_INTERLEAVE, 3));
		fz_fill(map, 0, SIZE, SEED);
		EXPECT_EQ(PAGES / 2, pages_on(map, PAGES, 0));
		EXPECT_EQ(PAGES / 2, pages_on(map, PAGES, 1));
		munmap(map, SIZE);
		close(fd);

		MAKE(fd, map, kind, SIZE);
		ASSERT_EQ(0, bind_range(map, SIZE, MPOL_PREFERRED, 1 << 1));
		fz_fill(map, 0, SIZE, SEED);
		EXPECT_ON(1, map, PAGES);
		munmap(map, SIZE);
		close(fd);
	}
}

/* At the limit, pages that the policy forbids make room for some that it allows. */
TEST_F(numa_policy, bound_at_the_limit)
{
	unsigned char *map;
	char text[24];
	int fd;

	POOL(0, 0, PAGES);
	snprintf(text, sizeof(text), "%d", PAGES);
	ASSERT_EQ(0, fz_write_string(MAX_PAGES, text));
	MAKE(fd, map, SCRATCH, SIZE);
	ASSERT_EQ(0, bind_range(map, SIZE, MPOL_BIND, 1 << 1));
	fz_fill(map, 0, SIZE, SEED);
	EXPECT_ON(1, map, PAGES);
	munmap(map, SIZE);
	close(fd);
}

/* A reset leaves pages on the nodes that the policy has put them on. */
TEST_F(numa_policy, resets_keep_the_node)
{
	static const uint32_t modes[] = {
		FASTZERO_MODE_AUTO, FASTZERO_MODE_INPLACE, FASTZERO_MODE_SWAP,
		FASTZERO_MODE_DROP,
	};
	unsigned char *map;
	enum kind kind;
	size_t i;
	int fd;

	POOL(0, 0, PAGES);
	POOL(9, 0, 2);
	for (kind = SCRATCH; kind < KINDS; kind++) {
		uint64_t length = length_of(kind);

		MAKE(fd, map, kind, length);
		ASSERT_EQ(0, bind_range(map, length, MPOL_BIND, 1 << 1));
		for (i = 0; i < 4; i++) {
			fz_fill(map, 0, length, SEED + i);
			fz_reset(fd, 0, length, modes[i]);
			EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(map, 0, length));
			EXPECT_ON(1, map, length / fz_ps)
				TH_LOG("kind %d mode %u", kind, modes[i]);
			fz_reset(fd, 0, length, FASTZERO_MODE_DROP);
		}
		munmap(map, length);
		close(fd);
	}
}

#define BALANCING	"/proc/sys/kernel/numa_balancing"
#define SCAN		"/sys/kernel/debug/sched/numa_balancing/"
#define OTHER		"/sys/devices/system/cpu/cpu1/online"

/* In the test VM the kernel is patched only while one processor runs. */
static bool set_balancing(const char *value)
{
	bool vm = getenv("FASTZERO_VM");

	return (!vm || !fz_write_string(OTHER, "0")) &&
	       !fz_write_string(BALANCING, value) &&
	       (!vm || !fz_write_string(OTHER, "1"));
}

static long long vmstat(const char *key)
{
	FILE *file = fopen("/proc/vmstat", "r");
	long long value = -1, v;
	char name[64];

	while (file && fscanf(file, "%63s %lld", name, &v) == 2)
		if (!strcmp(name, key))
			value = v;
	if (file)
		fclose(file);
	return value;
}

static void touch_all(unsigned char *map, size_t length)
{
	size_t at;

	for (at = 0; at < length; at += fz_ps)
		((volatile unsigned char *)map)[at]++;
}

/* Anonymous base pages beside it show that the kernel was looking. */
TEST_F(numa_policy, balancing_passes_over_chunks)
{
	size_t length = 2 * FZ_CHUNK;
	long long huge, base, was;
	unsigned char *map, *anon;
	int fd, i;

	was = fz_read_number(BALANCING);
	if (was < 0 || access(SCAN, F_OK))
		SKIP(return, "no CONFIG_NUMA_BALANCING");
	MAKE(fd, map, SCRATCH_2M, length);
	anon = mmap(NULL, length, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, anon);
	ASSERT_EQ(0, madvise(anon, length, MADV_NOHUGEPAGE));
	touch_all(map, length);
	touch_all(anon, length);

	ASSERT_EQ(0, fz_write_string(SCAN "scan_delay_ms", "1"));
	ASSERT_EQ(0, fz_write_string(SCAN "scan_period_min_ms", "10") |
		     fz_write_string(SCAN "scan_period_max_ms", "20"));
	ASSERT_TRUE(set_balancing("1"));
	GO_TO(1);
	huge = vmstat("numa_huge_pte_updates");
	base = vmstat("numa_pte_updates");
	/* All of the address space is looked at before it begins again. */
	EXPECT_TRUE(fz_until((touch_all(map, length), touch_all(anon, length),
			      vmstat("numa_pte_updates") - base >=
			      (long long)(length / fz_ps - 64)), 4 * FZ_PATIENCE_MS))
		TH_LOG("%lld", vmstat("numa_pte_updates") - base);
	for (i = 0; i < 10; i++) {
		usleep(20000);
		touch_all(map, length);
	}
	EXPECT_EQ(huge, vmstat("numa_huge_pte_updates"));
	GO_TO(0);
	EXPECT_TRUE(set_balancing(was ? "1" : "0"));
	munmap(anon, length);
	munmap(map, length);
	close(fd);
}

TEST_HARNESS_MAIN

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For tests on a machine with two nodes that have memory and a processor each:
 * selftests/vm/run --nodes.  The fixture has ctx and cpus[NODES].
 */
#ifndef FZ_NUMA_H
#define FZ_NUMA_H

#include <sched.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define NODES	2

/* The processors of a node; false if the node does not exist. */
static inline bool node_cpus(int node, cpu_set_t *cpus)
{
	char path[96];
	int cpu;

	CPU_ZERO(cpus);
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		snprintf(path, sizeof(path),
			 "/sys/devices/system/node/node%d/cpu%d", node, cpu);
		if (!access(path, F_OK))
			CPU_SET(cpu, cpus);
	}
	return CPU_COUNT(cpus);
}

#define GO_TO(node) \
	ASSERT_EQ(0, sched_setaffinity(0, sizeof(cpu_set_t), &self->cpus[node]))

static inline struct fastzero_pool pool_of(int ctx, int order, uint32_t node,
				    uint64_t target)
{
	struct fastzero_pool arg = {
		.size = sizeof(arg), .order = order, .target = target,
		.flags = FASTZERO_POOL_WAIT | FASTZERO_POOL_NODE, .node = node,
	};

	if (ioctl(ctx, FASTZERO_IOC_POOL, &arg))
		arg.out_ready = ~0ULL;
	return arg;
}

#define POOL(order, node, target) \
	ASSERT_EQ(target, pool_of(self->ctx, order, node, target).out_ready)

/* Pages of a mapping, those that are touched, that lie on a node. */
static inline int pages_on(const unsigned char *map, uint64_t pages, int node)
{
	uint64_t i;
	int nr = 0;

	for (i = 0; i < pages; i++) {
		void *page = (void *)(map + i * fz_ps);
		int status = -1;

		syscall(SYS_move_pages, 0, 1UL, &page, NULL, &status, 0);
		nr += status == node;
	}
	return nr;
}

#define EXPECT_ON(node, map, pages) \
	EXPECT_EQ((int)(pages), pages_on(map, pages, node))

#endif

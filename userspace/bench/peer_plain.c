// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Peers that use only the kernel's memory calls.
 */
#include "peers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#define HUGE	(2ull << 20)

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE	23
#endif

#define ANON_FLAGS	(MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE)

static int map(struct memory *m, uint64_t size, void *at, int flags)
{
	void *p = mmap(at, size, PROT_READ | PROT_WRITE, flags, m->fd, 0);

	if (p == MAP_FAILED)
		return -errno;
	m->addr = p;
	m->size = size;
	return 0;
}

/* EINVAL: the kernel has no huge pages to avoid. */
static int base_pages(struct memory *m)
{
	return madvise(m->addr, m->size, MADV_NOHUGEPAGE) && errno != EINVAL ?
	       -errno : 0;
}

/* Base pages, for every system setting of huge ones. */
int anon_setup(const struct peer *peer, const struct plan *plan,
	       struct memory *m)
{
	int ret = map(m, plan->size, NULL, ANON_FLAGS);

	(void)peer;
	return ret ? ret : base_pages(m);
}

/* A piece larger by a huge page is certain to hold an aligned one. */
int thp_setup(const struct peer *peer, const struct plan *plan,
	      struct memory *m)
{
	uintptr_t begin, aligned;
	int ret;

	(void)peer;
	if (plan->size < HUGE) {
		snprintf(m->why, sizeof(m->why), "smaller than a huge page");
		return -EOPNOTSUPP;
	}
	ret = map(m, plan->size + HUGE, NULL, ANON_FLAGS);
	if (ret)
		return ret;
	begin = (uintptr_t)m->addr;
	aligned = (begin + HUGE - 1) / HUGE * HUGE;
	if (aligned > begin)
		munmap(m->addr, aligned - begin);
	munmap((void *)(aligned + plan->size), begin + HUGE - aligned);
	m->addr = (void *)aligned;
	m->size = plan->size;
	if (madvise(m->addr, m->size, MADV_HUGEPAGE)) {
		ret = -errno;
		snprintf(m->why, sizeof(m->why), "this kernel has no huge pages");
	}
	return ret;
}

int memfd_setup(const struct peer *peer, const struct plan *plan,
		struct memory *m)
{
	(void)peer;
	m->fd = memfd_create("fastzero-bench", MFD_CLOEXEC);
	if (m->fd < 0 || ftruncate(m->fd, plan->size))
		return -errno;
	return map(m, plan->size, NULL, MAP_SHARED);
}

int memset_setup(const struct peer *peer, const struct plan *plan,
		 struct memory *m)
{
	uint64_t ram = sysconf(_SC_PHYS_PAGES) * BENCH_PAGE;

	if (plan->size > ram / 2) {
		snprintf(m->why, sizeof(m->why),
			 "all of it would be resident: more than half of this machine's memory");
		return -EOPNOTSUPP;
	}
	return anon_setup(peer, plan, m);
}

void memory_teardown(struct memory *m)
{
	if (m->addr)
		munmap(m->addr, m->size);
	if (m->fd >= 0)
		close(m->fd);
}

int nothing_reset(const struct peer *peer, struct memory *m)
{
	(void)peer;
	(void)m;
	return 0;
}

int memset_reset(const struct peer *peer, struct memory *m)
{
	(void)peer;
	clear_in_user_space(m, m->addr, m->size);
	return 0;
}

int oracle_reset(const struct peer *peer, struct memory *m)
{
	uint64_t next = 0, size;
	void *addr;

	(void)peer;
	while (dirty_run(m, &next, &addr, &size))
		clear_in_user_space(m, addr, size);
	return 0;
}

int dontneed_reset(const struct peer *peer, struct memory *m)
{
	(void)peer;
	return madvise(m->addr, m->size, MADV_DONTNEED) ? -errno : 0;
}

int populate_reset(const struct peer *peer, struct memory *m)
{
	int ret = dontneed_reset(peer, m);
	uint64_t next = 0, size;
	void *addr;

	while (!ret && dirty_run(m, &next, &addr, &size))
		if (madvise(addr, size, MADV_POPULATE_WRITE))
			ret = -errno;
	return ret;
}

/*
 * MAP_FIXED unmaps the old memory in the same call, so no other mapping can come
 * between.
 */
int remap_reset(const struct peer *peer, struct memory *m)
{
	int ret = map(m, m->size, m->addr, ANON_FLAGS | MAP_FIXED);

	(void)peer;
	return ret ? ret : base_pages(m);
}

int punch_reset(const struct peer *peer, struct memory *m)
{
	(void)peer;
	return fallocate(m->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
			 m->size) ? -errno : 0;
}

int remove_reset(const struct peer *peer, struct memory *m)
{
	(void)peer;
	return madvise(m->addr, m->size, MADV_REMOVE) ? -errno : 0;
}

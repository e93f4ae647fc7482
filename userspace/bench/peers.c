// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The table of peers, and those that need nothing but the kernel.
 */
#include "peers.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fastzero.h"

/* Base pages, whatever the system's setting for huge ones is. */
static int anon_setup(const struct peer *peer, const struct plan *plan,
		      struct memory *m)
{
	(void)peer;
	m->addr = mmap(NULL, plan->size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (m->addr == MAP_FAILED) {
		m->addr = NULL;
		return -errno;
	}
	m->size = plan->size;
	/* EINVAL: a kernel that has no huge pages. */
	if (madvise(m->addr, m->size, MADV_NOHUGEPAGE) && errno != EINVAL)
		return -errno;
	return 0;
}

static int memfd_setup(const struct peer *peer, const struct plan *plan,
		       struct memory *m)
{
	(void)peer;
	m->fd = memfd_create("fastzero-bench", MFD_CLOEXEC);
	if (m->fd < 0)
		return -errno;
	if (ftruncate(m->fd, plan->size))
		return -errno;
	m->addr = mmap(NULL, plan->size, PROT_READ | PROT_WRITE, MAP_SHARED,
		       m->fd, 0);
	if (m->addr == MAP_FAILED) {
		m->addr = NULL;
		return -errno;
	}
	m->size = plan->size;
	return 0;
}

static void memory_teardown(struct memory *m)
{
	if (m->addr)
		munmap(m->addr, m->size);
	if (m->fd >= 0)
		close(m->fd);
}

static int nothing_reset(const struct peer *peer, struct memory *m)
{
	(void)peer;
	(void)m;
	return 0;
}

static int memset_reset(const struct peer *peer, struct memory *m)
{
	(void)peer;
	memset(m->addr, 0, m->size);
	return 0;
}

static int dontneed_reset(const struct peer *peer, struct memory *m)
{
	(void)peer;
	return madvise(m->addr, m->size, MADV_DONTNEED) ? -errno : 0;
}

static int punch_reset(const struct peer *peer, struct memory *m)
{
	(void)peer;
	return fallocate(m->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
			 m->size) ? -errno : 0;
}

#define FASTZERO_PEER(mode_)					\
	.arg = (mode_),						\
	.setup = fastzero_peer_setup,				\
	.reset = fastzero_peer_reset,				\
	.settle = fastzero_peer_settle,				\
	.background = fastzero_peer_background,			\
	.teardown = fastzero_peer_teardown

const struct peer peers[] = {
	{
		.name = "no reset",
		.what = "nothing is made zero: what a run on warm memory costs, in every row",
		.floor = true,
		.setup = anon_setup,
		.reset = nothing_reset,
		.teardown = memory_teardown,
	}, {
		.name = "memset-all",
		.what = "memset of all of it",
		.setup = anon_setup,
		.reset = memset_reset,
		.teardown = memory_teardown,
	}, {
		.name = "MADV_DONTNEED",
		.what = "anonymous memory, base pages, madvise(MADV_DONTNEED)",
		.setup = anon_setup,
		.reset = dontneed_reset,
		.teardown = memory_teardown,
	}, {
		.name = "memfd PUNCH_HOLE",
		.what = "memfd, fallocate(FALLOC_FL_PUNCH_HOLE)",
		.setup = memfd_setup,
		.reset = punch_reset,
		.teardown = memory_teardown,
	}, {
		.name = "fastzero INPLACE",
		.what = "RESET, pages are cleared where they are",
		FASTZERO_PEER(FASTZERO_MODE_INPLACE),
	}, {
		.name = "fastzero DROP",
		.what = "RESET, pages are taken back; the pool has ready ones for the next run",
		FASTZERO_PEER(FASTZERO_MODE_DROP),
	}, {
		.name = "fastzero AUTO",
		.what = "RESET as the module thinks best, with the same pool",
		FASTZERO_PEER(FASTZERO_MODE_AUTO),
	},
	{ 0 }
};

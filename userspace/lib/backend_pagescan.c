// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * libfastzero: the backend pagescan.  The kernel notes in the page tables which pages are
 * written (asynchronous write-protection by userfaultfd), and a scan of them tells.
 *
 * A reset clears what was written and protects it again, in this order: a store between
 * the two would be forgotten.  So each page is looked at once more when it is protected,
 * and one that is not zero any more is marked as written.
 *
 * The memory is anonymous: of shared memory a page that was reclaimed has no entry that
 * says whether it was written.
 */
#include "soft.h"
#include "pagescan_abi.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGESCAN_REGIONS	256

/* Pages that were written and are there, in memory or swapped out; not holes. */
static struct pm_scan_arg pagescan_written(const struct fz_segment *part,
					   struct page_region *regions)
{
	return (struct pm_scan_arg) {
		.size = sizeof(struct pm_scan_arg),
		.start = (uintptr_t)part->addr,
		.end = (uintptr_t)part->addr + part->length,
		.vec = (uintptr_t)regions,
		.vec_len = PAGESCAN_REGIONS,
		.category_mask = PAGE_IS_WRITTEN | PAGE_IS_PFNZERO,
		.category_inverted = PAGE_IS_PFNZERO,
		.category_anyof_mask = PAGE_IS_PRESENT | PAGE_IS_SWAPPED,
	};
}

/* How many regions there are, or -errno. */
static int pagescan_scan(const struct fz_memory *memory, struct pm_scan_arg *arg)
{
	int n = ioctl(memory->soft->pagemap, PAGEMAP_SCAN, arg);

	return n < 0 ? fz_fail(-errno, "PAGEMAP_SCAN: %m") : n;
}

static int pagescan_clear_regions(struct fz_memory *memory,
				  const struct page_region *regions, int n,
				  struct fz_done *done)
{
	struct iovec iov[PAGESCAN_REGIONS];
	int i;

	for (i = 0; i < n; i++) {
		iov[i].iov_base = (void *)(uintptr_t)regions[i].start;
		iov[i].iov_len = regions[i].end - regions[i].start;
		done->cleared += iov[i].iov_len / FZ_PAGE;
	}
	return fz_pages_clear(memory->soft->zero, iov, n);
}

/*
 * The scan is at its end when there is room left for more regions; walk_end may lie
 * before regions that were returned (6.12 and 7.3, if they are more than 512).
 */
static int pagescan_clear(struct fz_memory *memory, const struct fz_segment *part,
			  struct fz_done *done)
{
	struct page_region regions[PAGESCAN_REGIONS];
	struct pm_scan_arg arg = pagescan_written(part, regions);
	int n, ret;

	do {
		n = pagescan_scan(memory, &arg);
		if (n <= 0)
			return n;
		ret = pagescan_clear_regions(memory, regions, n, done);
		if (ret)
			return ret;
		arg.start = regions[n - 1].end;
	} while (n == PAGESCAN_REGIONS && arg.start < arg.end);
	return 0;
}

static bool pagescan_is_zero(const uint64_t *words)
{
	uint64_t any = 0;
	size_t i, j;

	for (i = 0; !any && i < FZ_PAGE / sizeof(*words); i += 64)
		for (j = 0; j < 64; j++)
			any |= words[i + j];
	return !any;
}

/* Marks pages that are not zero as written, by a store that changes nothing. */
static void pagescan_look(const struct page_region *regions, int n)
{
	uintptr_t at;
	uint8_t old;
	int i;

	for (i = 0; i < n; i++) {
		for (at = regions[i].start; at < regions[i].end; at += FZ_PAGE) {
			if (pagescan_is_zero((const uint64_t *)at))
				continue;
			old = *(volatile uint8_t *)at;
			__atomic_compare_exchange_n((volatile uint8_t *)at, &old, old, false,
						    __ATOMIC_RELAXED, __ATOMIC_RELAXED);
		}
	}
}

static int pagescan_protect(struct fz_memory *memory, const struct fz_segment *part)
{
	struct page_region regions[PAGESCAN_REGIONS];
	struct pm_scan_arg arg = pagescan_written(part, regions);
	int n;

	arg.flags = PM_SCAN_WP_MATCHING | PM_SCAN_CHECK_WPASYNC;
	do {
		n = pagescan_scan(memory, &arg);
		if (n <= 0)
			return n;
		pagescan_look(regions, n);
		arg.start = regions[n - 1].end;
	} while (n == PAGESCAN_REGIONS && arg.start < arg.end);
	return 0;
}

static int pagescan_reset(struct fz_memory *memory, uint64_t offset, uint64_t length,
			  unsigned int mode, struct fz_done *done)
{
	struct fz_segment part;
	uint64_t before;
	size_t i = SIZE_MAX;
	int ret = 0;

	if (mode == FASTZERO_MODE_DROP)
		return fz_pages_drop_range(memory, offset, length);
	while (!ret && fz_segment_next(memory, offset, offset + length, &i, &part)) {
		before = done->cleared;
		ret = pagescan_clear(memory, &part, done);
		if (!ret && done->cleared != before)
			ret = pagescan_protect(memory, &part);
	}
	return ret;
}

static int pagescan_mapped(struct fz_memory *memory, void *addr, size_t length)
{
	struct uffdio_register reg = {
		.range = { .start = (uintptr_t)addr, .len = length },
		.mode = UFFDIO_REGISTER_MODE_WP,
	};

	return ioctl(memory->soft->uffd, UFFDIO_REGISTER, &reg) ?
		       fz_fail(-errno, "UFFDIO_REGISTER: %m") : 0;
}

static int pagescan_open_uffd(struct fz_soft *soft)
{
	struct uffdio_api api = {
		.api = UFFD_API,
		.features = UFFD_FEATURE_WP_ASYNC,
	};

	/* The kernel resolves these faults itself: so unprivileged users may have it. */
	soft->uffd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK |
				  UFFD_USER_MODE_ONLY);
	if (soft->uffd < 0 && errno == ENOSYS)
		return fz_fail(-EOPNOTSUPP, "the kernel has no userfaultfd (CONFIG_USERFAULTFD), or a seccomp filter hides it");
	if (soft->uffd < 0 && errno == EPERM)
		return fz_fail(-EPERM, "userfaultfd is refused: a seccomp filter or the LSM; allow the system call");
	if (soft->uffd < 0)
		return fz_fail(-errno, "userfaultfd: %m");
	if (ioctl(soft->uffd, UFFDIO_API, &api))
		return fz_fail(-EOPNOTSUPP,
			       "the kernel has no asynchronous write-protection: Linux 6.7 has");
	return 0;
}

static int pagescan_open_pagemap(struct fz_soft *soft)
{
	struct page_region region;
	struct pm_scan_arg arg = {
		.size = sizeof(arg),
		.vec = (uintptr_t)&region,
		.vec_len = 1,
		.category_mask = PAGE_IS_WRITTEN,
	};

	soft->pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	if (soft->pagemap < 0)
		return fz_fail(-errno, "/proc/self/pagemap cannot be opened: %m; mount /proc");
	if (ioctl(soft->pagemap, PAGEMAP_SCAN, &arg) < 0)
		return fz_fail(-EOPNOTSUPP, "the kernel has no PAGEMAP_SCAN: Linux 6.7 has");
	return 0;
}

static void pagescan_close(struct fz_soft *soft)
{
	if (soft->uffd >= 0)
		close(soft->uffd);
	if (soft->pagemap >= 0)
		close(soft->pagemap);
	if (soft->zero >= 0)
		close(soft->zero);
}

static int pagescan_open(struct fz_soft *soft)
{
	int ret = pagescan_open_uffd(soft);

	if (!ret)
		ret = pagescan_open_pagemap(soft);
	if (!ret)
		ret = fz_pages_open_zero(soft);
	if (ret)
		pagescan_close(soft);
	return ret;
}

static const struct fz_soft_ops pagescan_ops = {
	.modes		= 1u << FASTZERO_MODE_AUTO | 1u << FASTZERO_MODE_INPLACE |
			  1u << FASTZERO_MODE_DROP,
	.features	= FASTZERO_FEATURE_RESET_DIRTY | FASTZERO_FEATURE_IDLE,
	.is_private	= true,
	.base_pages	= true,
	.open		= pagescan_open,
	.close		= pagescan_close,
	.mapped		= pagescan_mapped,
	.reset		= pagescan_reset,
};

const struct fz_backend fz_backend_pagescan = {
	.id		= FASTZERO_BACKEND_PAGESCAN,
	.name		= "pagescan",
	.create		= fz_soft_create,
	.soft		= &pagescan_ops,
	FZ_SOFT_BACKEND,
};

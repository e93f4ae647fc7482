// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Peers: the kernel's scan of the page tables says which pages were written,
 * and these are cleared.  As in Wasmtime, but for its cap of regions.
 */
#include "peers.h"
#include "pagescan_abi.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define REGIONS	1024

struct pagescan {
	int pagemap;
	int uffd;		/* -1: without write-protection */
	struct page_region regions[REGIONS];
};

static int explain(struct memory *m, const char *what)
{
	int err = errno;

	snprintf(m->why, sizeof(m->why), "%s: %s", what, strerror(err));
	return -err;
}

/*
 * Pages that are present, without the page of zeros, and written if that is asked for.
 * Without write-protection, 6.12 reports every page as written, and 7.3 none.
 */
static struct pm_scan_arg all_pages(const struct memory *m, __u64 written)
{
	return (struct pm_scan_arg) {
		.size = sizeof(struct pm_scan_arg),
		.start = (uintptr_t)m->addr,
		.end = (uintptr_t)m->addr + m->size,
		.category_mask = written | PAGE_IS_PRESENT | PAGE_IS_PFNZERO,
		.category_inverted = PAGE_IS_PFNZERO,
	};
}

/* Not of holes: a page that comes is written, and each hole would cost an entry. */
static int protect(struct pagescan *p, struct memory *m)
{
	struct pm_scan_arg arg = all_pages(m, PAGE_IS_WRITTEN);

	arg.flags = PM_SCAN_WP_MATCHING | PM_SCAN_CHECK_WPASYNC;
	return ioctl(p->pagemap, PAGEMAP_SCAN, &arg) < 0 ? -errno : 0;
}

static int track(struct pagescan *p, struct memory *m)
{
	struct uffdio_api api = {
		.api = UFFD_API,
		.features = UFFD_FEATURE_WP_ASYNC,
	};
	struct uffdio_register reg = {
		.range = { .start = (uintptr_t)m->addr, .len = m->size },
		.mode = UFFDIO_REGISTER_MODE_WP,
	};

	p->uffd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (p->uffd < 0)
		return explain(m, "userfaultfd");
	if (ioctl(p->uffd, UFFDIO_API, &api))
		return explain(m, "this kernel has no asynchronous write-protection (6.7 has)");
	if (ioctl(p->uffd, UFFDIO_REGISTER, &reg))
		return explain(m, "UFFDIO_REGISTER");
	if (protect(p, m))
		return explain(m, "PM_SCAN_WP_MATCHING");
	return 0;
}

int pagescan_setup(const struct peer *peer, const struct plan *plan,
		   struct memory *m)
{
	struct pagescan *p = malloc(sizeof(*p));
	struct pm_scan_arg arg;
	int ret;

	if (!p)
		return -ENOMEM;
	m->priv = p;
	p->uffd = -1;
	p->pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	if (p->pagemap < 0)
		return explain(m, "pagemap");
	ret = anon_setup(peer, plan, m);
	if (ret)
		return ret;
	arg = all_pages(m, 0);
	if (ioctl(p->pagemap, PAGEMAP_SCAN, &arg) < 0)
		return explain(m, "this kernel has no PAGEMAP_SCAN (6.7 has)");
	return peer->arg ? track(p, m) : 0;
}

/*
 * Clearing writes, so the pages have to be protected again afterwards.  A second scan
 * does that at once for all.  The scan has ended when there is room left for more
 * regions. walk_end may lie before regions that were returned (6.12 and 7.3, if they are
 * more than 512).
 */
int pagescan_reset(const struct peer *peer, struct memory *m)
{
	struct pagescan *p = m->priv;
	struct pm_scan_arg arg = all_pages(m, peer->arg ? PAGE_IS_WRITTEN : 0);
	int i, n;

	do {
		arg.vec = (uintptr_t)p->regions;
		arg.vec_len = REGIONS;
		n = ioctl(p->pagemap, PAGEMAP_SCAN, &arg);
		if (n < 0)
			return -errno;
		for (i = 0; i < n; i++)
			clear_in_user_space(m, (void *)(uintptr_t)p->regions[i].start,
					    p->regions[i].end - p->regions[i].start);
		if (n)
			arg.start = p->regions[n - 1].end;
	} while (n == REGIONS);
	return peer->arg ? protect(p, m) : 0;
}

void pagescan_teardown(struct memory *m)
{
	struct pagescan *p = m->priv;

	memory_teardown(m);
	if (!p)
		return;
	if (p->uffd >= 0)
		close(p->uffd);
	if (p->pagemap >= 0)
		close(p->pagemap);
	free(p);
}

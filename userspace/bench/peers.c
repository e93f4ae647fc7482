// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The table of peers.
 */
#include "peers.h"

#include <string.h>

#include "fastzero.h"

bool dirty_run(const struct memory *m, uint64_t *next, void **addr,
	       uint64_t *size)
{
	uint64_t first = *next, end = first + 1;

	if (first >= m->nr_dirty)
		return false;
	while (end < m->nr_dirty && m->dirty[end] == m->dirty[end - 1] + 1)
		end++;
	*addr = (char *)m->addr + m->dirty[first] * BENCH_PAGE;
	*size = (end - first) * BENCH_PAGE;
	*next = end;
	return true;
}

void clear_in_user_space(struct memory *m, void *addr, uint64_t size)
{
	memset(addr, 0, size);
	m->user_cleared += size / BENCH_PAGE;
}

#define PLAIN_PEER(kind_, reset_)				\
	.setup = kind_##_setup,					\
	.reset = reset_##_reset,				\
	.teardown = memory_teardown

#define FASTZERO_PEER(mode_)					\
	.arg = (mode_),						\
	.setup = fastzero_peer_setup,				\
	.reset = fastzero_peer_reset,				\
	.rest = fastzero_peer_rest,				\
	.account = fastzero_peer_account,			\
	.teardown = fastzero_peer_teardown

const struct peer peers[] = {
	{
		.name = "none",
		.what = "no reset at all: a run on warm memory, which is in every row",
		.floor = true,
		.demo = true,
		PLAIN_PEER(anon, nothing),
	}, {
		.name = "memset-all",
		.what = "memset of all of it",
		.demo = true,
		PLAIN_PEER(memset, memset),
	}, {
		.name = "memset-oracle",
		.what = "memset of the written pages, which an oracle knows for nothing",
		.limit = true,
		PLAIN_PEER(anon, oracle),
	}, {
		.name = "dontneed",
		.what = "anonymous memory, base pages, MADV_DONTNEED",
		.demo = true,
		PLAIN_PEER(anon, dontneed),
	}, {
		.name = "dontneed-thp",
		.what = "anonymous memory, huge pages, MADV_DONTNEED",
		PLAIN_PEER(thp, dontneed),
	}, {
		.name = "dontneed-populate",
		.what = "MADV_DONTNEED, then MADV_POPULATE_WRITE of pages that the run wrote (oracle)",
		PLAIN_PEER(anon, populate),
	}, {
		.name = "munmap-mmap",
		.what = "a fresh mapping in place of the old one, in one call",
		PLAIN_PEER(anon, remap),
	}, {
		.name = "memfd-punch",
		.what = "memfd, fallocate(FALLOC_FL_PUNCH_HOLE)",
		.demo = true,
		PLAIN_PEER(memfd, punch),
	}, {
		.name = "memfd-remove",
		.what = "memfd, MADV_REMOVE",
		PLAIN_PEER(memfd, remove),
	}, {
		.name = "dirty-log",
		.what = "KVM_GET_DIRTY_LOG, memset of the pages that it names",
		.setup = dirtylog_setup,
		.attach = dirtylog_attach,
		.reset = dirtylog_reset,
		.teardown = dirtylog_teardown,
	}, {
		.name = "pagescan",
		.what = "PAGEMAP_SCAN, memset of all pages that are present",
		.setup = pagescan_setup,
		.reset = pagescan_reset,
		.teardown = pagescan_teardown,
	}, {
		.name = "pagescan-wp",
		.what = "PAGEMAP_SCAN with asynchronous write-protection, memset of written pages",
		.arg = 1,
		.setup = pagescan_setup,
		.reset = pagescan_reset,
		.teardown = pagescan_teardown,
	}, {
		.name = "fz-inplace",
		.what = "fastzero RESET, pages are cleared where they are",
		.demo = true,
		FASTZERO_PEER(FASTZERO_MODE_INPLACE),
	}, {
		.name = "fz-swap",
		.what = "fastzero RESET, pages are replaced by ready ones",
		FASTZERO_PEER(FASTZERO_MODE_SWAP),
	}, {
		.name = "fz-drop",
		.what = "fastzero RESET, pages are taken back; the pool has ready ones for the next run",
		.demo = true,
		FASTZERO_PEER(FASTZERO_MODE_DROP),
	}, {
		.name = "fz-drop-populate",
		.what = "as fz-drop, then POPULATE of pages that the run wrote (oracle)",
		FASTZERO_PEER(FASTZERO_MODE_DROP | FASTZERO_PEER_POPULATE),
	}, {
		.name = "fz-workset",
		.what = "WORKSET WRITE of the next run's pages (oracle), and POPULATE of these",
		.special = true,
		FASTZERO_PEER(FASTZERO_MODE_DROP | FASTZERO_PEER_WORKSET |
			      FASTZERO_PEER_POPULATE),
	}, {
		.name = "fz-workset-prefault",
		.what = "the same, then KVM_PRE_FAULT_MEMORY of these pages; in a guest only",
		.special = true,
		FASTZERO_PEER(FASTZERO_MODE_DROP | FASTZERO_PEER_WORKSET |
			      FASTZERO_PEER_POPULATE | FASTZERO_PEER_PREFAULT),
	}, {
		.name = "fz-workset-write",
		.what = "the WORKSET WRITE alone",
		.special = true,
		FASTZERO_PEER(FASTZERO_MODE_DROP | FASTZERO_PEER_WORKSET),
	}, {
		.name = "fz-kvm",
		.what = "fastzero_kvm_reset(): the library resets the pages that KVM's dirty log names",
		.attach = fastzero_peer_attach,
		FASTZERO_PEER(FASTZERO_MODE_AUTO | FASTZERO_PEER_KVM),
	}, {
		.name = "fz-kvm-zeropage",
		.what = "the same, on a scratch whose holes take no memory if they are only read",
		.special = true,
		.attach = fastzero_peer_attach,
		FASTZERO_PEER(FASTZERO_MODE_AUTO | FASTZERO_PEER_KVM | FASTZERO_PEER_ZEROPAGE),
	}, {
		.name = "fz-auto",
		.what = "fastzero RESET as the module thinks best, with the same pool",
		.demo = true,
		FASTZERO_PEER(FASTZERO_MODE_AUTO),
	}, {
		.name = "fz-auto-idle",
		.what = "the same, but idle resets say so (FASTZERO_RESET_IDLE)",
		.special = true,
		FASTZERO_PEER(FASTZERO_MODE_AUTO | FASTZERO_PEER_IDLE),
	}, {
		.name = "fz-many",
		.what = "as fz-auto, all memories in one call (RESET_MANY)",
		.special = true,
		.reset_many = fastzero_peer_reset_many,
		FASTZERO_PEER(FASTZERO_MODE_AUTO),
	}, {
		.name = "fz-2m",
		.what = "as fz-auto, on a scratch of 2 MiB folios, a pool of which is ready",
		FASTZERO_PEER(FASTZERO_MODE_AUTO | FASTZERO_PEER_2M),
	},
	{ 0 }
};

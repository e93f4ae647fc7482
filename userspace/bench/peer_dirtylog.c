// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A peer: KVM's dirty log and memset of the pages that it names, as in VMMs that clear in
 * user space.
 */
#include "peers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <linux/kvm.h>

#include "minivm.h"

struct dirtylog {
	int vm;
	uint64_t words;
	uint64_t bitmap[];
};

int dirtylog_setup(const struct peer *peer, const struct plan *plan,
		   struct memory *m)
{
	uint64_t words = (plan->size / BENCH_PAGE + 63) / 64;
	struct dirtylog *d;

	if (!plan->vm) {
		snprintf(m->why, sizeof(m->why), "it is for guests");
		return -EOPNOTSUPP;
	}
	d = calloc(1, sizeof(*d) + words * sizeof(d->bitmap[0]));
	if (!d)
		return -ENOMEM;
	m->priv = d;
	d->words = words;
	d->vm = minivm_vm_fd(plan->vm);
	return anon_setup(peer, plan, m);
}

int dirtylog_attach(const struct plan *plan, struct memory *m)
{
	struct dirtylog *d = m->priv;
	struct kvm_userspace_memory_region region = {
		.slot = MINIVM_RAM_SLOT,
		.flags = KVM_MEM_LOG_DIRTY_PAGES,
		.guest_phys_addr = MINIVM_RAM_GPA,
		.memory_size = plan->size,
		.userspace_addr = (uintptr_t)m->addr,
	};

	return ioctl(d->vm, KVM_SET_USER_MEMORY_REGION, &region) ? -errno : 0;
}

/* The log is empty and protection is back when KVM_GET_DIRTY_LOG returns. */
int dirtylog_reset(const struct peer *peer, struct memory *m)
{
	struct dirtylog *d = m->priv;
	struct kvm_dirty_log log = { .slot = MINIVM_RAM_SLOT, .dirty_bitmap = d->bitmap };
	uint64_t i, word;

	(void)peer;
	if (ioctl(d->vm, KVM_GET_DIRTY_LOG, &log))
		return -errno;
	for (i = 0; i < d->words; i++)
		for (word = d->bitmap[i]; word; word &= word - 1)
			clear_in_user_space(m, (char *)m->addr + BENCH_PAGE *
					    (i * 64 + __builtin_ctzll(word)),
					    BENCH_PAGE);
	return 0;
}

void dirtylog_teardown(struct memory *m)
{
	memory_teardown(m);
	free(m->priv);
}

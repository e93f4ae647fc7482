// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Peers: KVM's dirty log and memset of the pages that it names, as in VMMs that clear in
 * user space; and the log with RESET_DIRTY.
 */
#include "peers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <linux/kvm.h>

#include "minivm.h"

#define RAM_SLOT	1	/* minivm's */

struct dirtylog {
	int vm;
	struct memory fastzero;	/* the scratch behind the memory, for RESET_DIRTY */
	uint64_t words;
	uint64_t bitmap[];
};

/* minivm hides the descriptor of its VM.  There is only one VM. */
static int find_vm(void)
{
	char path[32], name[32];
	ssize_t n;
	int fd;

	for (fd = 0; fd < 1024; fd++) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		n = readlink(path, name, sizeof(name) - 1);
		if (n < 0)
			continue;
		name[n] = 0;
		if (!strcmp(name, "anon_inode:kvm-vm"))
			return fd;
	}
	return -ENOENT;
}

/* Setup of both peers. */
static int setup(const struct plan *plan, struct memory *m)
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
	d->fastzero.fd = -1;
	d->vm = find_vm();
	return d->vm < 0 ? d->vm : 0;
}

int dirtylog_setup(const struct peer *peer, const struct plan *plan,
		   struct memory *m)
{
	int ret = setup(plan, m);

	return ret ? ret : anon_setup(peer, plan, m);
}

int dirtylog_fastzero_setup(const struct peer *peer, const struct plan *plan,
			    struct memory *m)
{
	int ret = setup(plan, m);
	struct dirtylog *d = m->priv;

	if (ret)
		return ret;
	ret = fastzero_peer_setup(peer, plan, &d->fastzero);
	m->addr = d->fastzero.addr;
	m->size = d->fastzero.size;
	m->fd = d->fastzero.fd;
	memcpy(m->why, d->fastzero.why, sizeof(m->why));
	return ret;
}

int dirtylog_attach(const struct plan *plan, struct memory *m)
{
	struct dirtylog *d = m->priv;
	struct kvm_userspace_memory_region region = {
		.slot = RAM_SLOT,
		.flags = KVM_MEM_LOG_DIRTY_PAGES,
		.guest_phys_addr = MINIVM_RAM_GPA,
		.memory_size = plan->size,
		.userspace_addr = (uintptr_t)m->addr,
	};

	return ioctl(d->vm, KVM_SET_USER_MEMORY_REGION, &region) ? -errno : 0;
}

/* The log is empty and protection is back when KVM_GET_DIRTY_LOG returns. */
static int get_log(struct dirtylog *d)
{
	struct kvm_dirty_log log = { .slot = RAM_SLOT, .dirty_bitmap = d->bitmap };

	return ioctl(d->vm, KVM_GET_DIRTY_LOG, &log) ? -errno : 0;
}

int dirtylog_fastzero_reset(const struct peer *peer, struct memory *m)
{
	struct dirtylog *d = m->priv;
	int ret = get_log(d);

	return ret ? ret : fastzero_peer_reset_bitmap(peer, &d->fastzero, d->bitmap,
						      d->words);
}

int dirtylog_fastzero_rest(struct memory *m)
{
	struct dirtylog *d = m->priv;

	return fastzero_peer_rest(&d->fastzero);
}

int dirtylog_fastzero_account(struct memory *m, struct account *a)
{
	struct dirtylog *d = m->priv;

	return fastzero_peer_account(&d->fastzero, a);
}

void dirtylog_fastzero_teardown(struct memory *m)
{
	struct dirtylog *d = m->priv;

	if (d)
		fastzero_peer_teardown(&d->fastzero);
	free(d);
}

int dirtylog_reset(const struct peer *peer, struct memory *m)
{
	struct dirtylog *d = m->priv;
	uint64_t i, word;
	int ret = get_log(d);

	(void)peer;
	if (ret)
		return ret;
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

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The fastzero peers: one for each mode, with POPULATE, and with the KVM helper.
 */
#include "peers.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "fastzero.h"
#include "fastzero_kvm.h"
#include "minivm.h"
#include "prefault_abi.h"

#define CHUNK_SHIFT	21

#define REST_LOOK_NS	1000000		/* from one look to the next */
#define REST_SAME	4		/* looks without news */
#define REST_LOOKS	1000		/* at most */

struct fastzero_peer {
	struct fastzero_ctx *ctx;
	bool is_owner;		/* of the context */
	struct minivm *vm;	/* whose RAM it is, or NULL */
	struct fastzero_scratch *scratch;
	struct fastzero_kvm *kvm;
};

static int explain(struct memory *m, const char *what, int err)
{
	snprintf(m->why, sizeof(m->why), "%s: %s", what, strerror(-err));
	return err;
}

bool peer_is_fastzero(const struct peer *peer)
{
	return peer->setup == fastzero_peer_setup;
}

int fastzero_peer_probe(const char *device)
{
	struct fastzero_ctx_opts opts = {
		.size = sizeof(opts),
		.path = device,
		.backend = FASTZERO_BACKEND_DEVICE,
	};
	struct fastzero_ctx *ctx;
	int ret = fastzero_ctx_open(&opts, &ctx);

	if (!ret)
		fastzero_ctx_close(ctx);
	return ret;
}

static unsigned int mode_of(const struct peer *peer)
{
	return peer->arg & ~FASTZERO_PEER_FLAGS;
}

/* Calls POOL once, as users do.  From then on the module looks after the pool. */
static int ask_for_pool(const struct peer *peer, const struct plan *plan,
			const struct fastzero_ctx *ctx)
{
	uint64_t chunks = plan->size >> CHUNK_SHIFT;
	uint64_t pages = plan->count;
	unsigned int order = 0;

	if (peer->arg & FASTZERO_PEER_2M) {
		/* A run dirties no more chunks than pages. */
		order = CHUNK_SHIFT - 12;
		pages = chunks < pages ? chunks : pages;
	} else if (mode_of(peer) == FASTZERO_MODE_INPLACE) {
		/* INPLACE keeps its pages, and needs no ready ones. */
		return 0;
	}
	return pages ? fastzero_ctx_pool(ctx, order, pages, FASTZERO_POOL_WAIT, NULL) : 0;
}

/* KVM has it from Linux 6.11 on. */
static bool can_prefault(void)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	int can = kvm < 0 ? 0 : ioctl(kvm, KVM_CHECK_EXTENSION, KVM_CAP_PRE_FAULT_MEMORY);

	if (kvm >= 0)
		close(kvm);
	return can > 0;
}

/* Why this peer cannot run here, or NULL. */
static const char *missing(const struct peer *peer, const struct fastzero_peer *p)
{
	struct fastzero_info info = { .size = sizeof(info) };

	if (fastzero_ctx_info(p->ctx, &info))
		return "no INFO";
	if (!(info.out_modes & (1u << mode_of(peer))))
		return "this module does not have the mode";
	if (!(peer->arg & (FASTZERO_PEER_PREFAULT | FASTZERO_PEER_KVM)))
		return NULL;
	if (!p->vm)
		return "it is for guests";
	if (peer->arg & FASTZERO_PEER_PREFAULT && !can_prefault())
		return "this kernel has no KVM_PRE_FAULT_MEMORY (6.11 has)";
	return NULL;
}

static int make_scratch(const struct peer *peer, const struct plan *plan,
			struct memory *m)
{
	struct fastzero_scratch_opts opts = { .size = sizeof(opts) };
	struct fastzero_peer *p = m->priv;
	int ret;

	if (plan->total_cpu)
		opts.flags |= FASTZERO_CREATE_TOTAL_CPU;
	if (peer->arg & FASTZERO_PEER_ZEROPAGE)
		opts.flags |= FASTZERO_CREATE_ZEROPAGE;
	if (peer->arg & FASTZERO_PEER_2M)
		opts.page_policy = FASTZERO_PAGES_2M;
	ret = fastzero_scratch_create(p->ctx, plan->size, &opts, &p->scratch);
	if (ret)
		return explain(m, "CREATE", ret);
	ret = fastzero_map(p->scratch, NULL, &m->addr);
	if (ret)
		return explain(m, "mmap", ret);
	m->size = plan->size;
	m->fd = fastzero_scratch_fd(p->scratch);
	return 0;
}

/* A memory with another one has a scratch in the context of that, which has the pool. */
int fastzero_peer_setup(const struct peer *peer, const struct plan *plan,
			struct memory *m)
{
	struct fastzero_ctx_opts opts = {
		.size = sizeof(opts),
		.path = plan->device,
		.backend = FASTZERO_BACKEND_DEVICE,
	};
	struct fastzero_peer *with = plan->with ? plan->with->priv : NULL;
	struct fastzero_peer *p = calloc(1, sizeof(*p));
	const char *why;
	int ret = 0;

	if (!p)
		return -ENOMEM;
	m->priv = p;
	p->vm = plan->vm;
	p->is_owner = !with;
	if (with)
		p->ctx = with->ctx;
	else
		ret = fastzero_ctx_open(&opts, &p->ctx);
	if (ret)
		return explain(m, plan->device, ret);
	why = missing(peer, p);
	if (why) {
		snprintf(m->why, sizeof(m->why), "%s", why);
		return -EOPNOTSUPP;
	}
	ret = make_scratch(peer, plan, m);
	if (ret || with)
		return ret;
	ret = ask_for_pool(peer, plan, p->ctx);
	return ret ? explain(m, "POOL", ret) : 0;
}

int fastzero_peer_attach(const struct plan *plan, struct memory *m)
{
	struct fastzero_peer *p = m->priv;
	struct fastzero_kvm_slot slot = {
		.size = sizeof(slot),
		.slot = MINIVM_RAM_SLOT,
		.gpa = MINIVM_RAM_GPA,
		.addr = m->addr,
	};
	int ret = fastzero_kvm_new(minivm_vm_fd(plan->vm), NULL, &p->kvm);

	return ret ? ret : fastzero_kvm_attach(p->kvm, p->scratch, &slot);
}

static int populate(const struct fastzero_peer *p, const struct memory *m)
{
	uint64_t next = 0, size;
	void *addr;
	int ret = 0;

	while (!ret && dirty_run(m, &next, &addr, &size))
		ret = fastzero_populate_range(p->scratch,
					      (char *)addr - (char *)m->addr,
					      size, 0, NULL);
	return ret;
}

/* As a file that was saved beside a snapshot would say it. */
static int write_workset(const struct fastzero_peer *p, const struct memory *m)
{
	struct fastzero_workset_head *head;
	struct fastzero_workset_run *run;
	uint64_t next = 0, size;
	void *addr;
	int ret;

	head = calloc(1, sizeof(*head) + m->nr_dirty * sizeof(*run));
	if (!head)
		return -ENOMEM;
	run = (struct fastzero_workset_run *)(head + 1);
	while (dirty_run(m, &next, &addr, &size)) {
		run->first = htole64(((char *)addr - (char *)m->addr) / BENCH_PAGE);
		run++->nr = htole64(size / BENCH_PAGE);
	}
	head->magic = htole32(FASTZERO_WORKSET_MAGIC);
	head->page_shift = htole32(12);
	head->length = htole64(m->size);
	head->nr_runs = htole64(run - (struct fastzero_workset_run *)(head + 1));
	ret = fastzero_workset_write(p->scratch, head, (char *)run - (char *)head);
	free(head);
	return ret;
}

/* The call returns early, and reports the rest. */
static int prefault(const struct fastzero_peer *p, const struct memory *m)
{
	struct kvm_pre_fault_memory range = { 0 };
	int vcpu = minivm_vcpu_fd(p->vm);
	uint64_t next = 0, size;
	void *addr;

	while (dirty_run(m, &next, &addr, &size)) {
		range.gpa = MINIVM_RAM_GPA + ((char *)addr - (char *)m->addr);
		range.size = size;
		while (range.size && ioctl(vcpu, KVM_PRE_FAULT_MEMORY, &range))
			if (errno != EINTR && errno != EAGAIN)
				return -errno;
	}
	return 0;
}

int fastzero_peer_reset(const struct peer *peer, struct memory *m)
{
	struct fastzero_peer *p = m->priv;
	int ret;

	if (peer->arg & FASTZERO_PEER_KVM)
		return fastzero_kvm_reset(p->kvm, mode_of(peer), NULL);
	if (peer->arg & FASTZERO_PEER_IDLE && !m->nr_dirty)
		return fastzero_reset_idle(p->scratch, NULL);
	ret = fastzero_reset_all(p->scratch, mode_of(peer), NULL);
	if (!ret && peer->arg & FASTZERO_PEER_WORKSET)
		ret = write_workset(p, m);
	if (ret || !(peer->arg & FASTZERO_PEER_POPULATE))
		return ret;
	if (!(peer->arg & FASTZERO_PEER_WORKSET))
		return populate(p, m);
	ret = fastzero_populate_range(p->scratch, 0, m->size,
				      FASTZERO_POPULATE_WORKSET, NULL);
	return ret || !(peer->arg & FASTZERO_PEER_PREFAULT) ? ret : prefault(p, m);
}

/*
 * A caller of RESET_MANY has its descriptors in an array; listing them costs little
 * here.
 */
int fastzero_peer_reset_many(const struct peer *peer, struct memory *const *m,
			     unsigned int nr)
{
	const struct fastzero_peer *p = m[0]->priv;
	int fds[PEER_MANY];
	unsigned int n;

	if (nr > PEER_MANY)
		return -EINVAL;
	for (n = 0; n < nr; n++)
		fds[n] = m[n]->fd;
	return fastzero_reset_many(p->ctx, fds, nr, mode_of(peer), NULL);
}

/*
 * A host with time to spare: wait, without any call that would make the module work,
 * until it has finished.  It has finished when no folio waits and the pool stays as it
 * is.
 */
int fastzero_peer_rest(struct memory *m)
{
	const struct timespec look = { .tv_nsec = REST_LOOK_NS };
	struct fastzero_stats stats = { .size = sizeof(stats) };
	struct fastzero_peer *p = m->priv;
	uint64_t ready = 0;
	int ret, i, same = 0;

	for (i = 0; i < REST_LOOKS && same < REST_SAME; i++) {
		ret = fastzero_ctx_stats(p->ctx, &stats);
		if (ret)
			return ret;
		same = stats.out_pool_used || stats.out_pool_ready != ready ?
		       0 : same + 1;
		ready = stats.out_pool_ready;
		nanosleep(&look, NULL);
	}
	return 0;
}

int fastzero_peer_account(struct memory *m, struct account *a)
{
	struct fastzero_peer *p = m->priv;
	struct fastzero_stats stats = { .size = sizeof(stats) };
	int ret = fastzero_ctx_stats(p->ctx, &stats);

	a->held = stats.out_owned;
	a->reset_cleared = stats.out_cleared;
	a->fault_cleared = stats.out_faults_used + stats.out_faults_alloc;
	a->bg_cleared = stats.out_zeroed;
	a->bg_ns = stats.out_zeroer_ns;
	return ret;
}

void fastzero_peer_teardown(struct memory *m)
{
	struct fastzero_peer *p = m->priv;

	if (m->addr)
		fastzero_unmap(m->addr, m->size);
	if (!p)
		return;
	fastzero_kvm_free(p->kvm);
	fastzero_scratch_close(p->scratch);
	if (p->is_owner)
		fastzero_ctx_close(p->ctx);
	free(p);
}

// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * libfastzero: dirty rings of KVM.
 */
#include "kvm.h"

#include <stdlib.h>
#include <unistd.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#define FZ_RING_BYTES	(64 << 10)

int fz_kvm_ring_enable(struct fastzero_kvm *kvm)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_DIRTY_LOG_RING };
	int most = ioctl(kvm->vm, KVM_CHECK_EXTENSION, cap.cap);

	/*
	 * arm64 has KVM_CAP_DIRTY_LOG_RING_ACQ_REL instead.  With that one, tests on 6.12 saw
	 * writes that were in no ring; so it is not used.
	 */
	if (most <= 0)
		return fz_fail(-EOPNOTSUPP, "KVM has no dirty rings here");
	if (!kvm->ring_bytes)
		kvm->ring_bytes = most < FZ_RING_BYTES ? most : FZ_RING_BYTES;
	cap.args[0] = kvm->ring_bytes;
	if (ioctl(kvm->vm, KVM_ENABLE_CAP, &cap))
		return fz_fail(-errno, "KVM makes no dirty rings of %llu bytes: up to %d, a power of two, before the first vCPU",
			       (unsigned long long)kvm->ring_bytes, most);
	return 0;
}

FASTZERO_API int fastzero_kvm_vcpu(struct fastzero_kvm *kvm, int vcpu_fd)
{
	struct fz_kvm_ring *ring;
	void *gfns;
	int ret;

	if (!kvm)
		return fz_null("the handle");
	if (!(kvm->flags & FASTZERO_KVM_RING))
		return 0;
	ring = calloc(1, sizeof(*ring));
	if (!ring)
		return fz_fail(-ENOMEM, NULL);
	gfns = mmap(NULL, kvm->ring_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu_fd,
		    (off_t)KVM_DIRTY_LOG_PAGE_OFFSET * sysconf(_SC_PAGESIZE));
	if (gfns == MAP_FAILED) {
		ret = -errno;
		free(ring);
		return fz_fail(ret, "the dirty ring of the vCPU cannot be mapped");
	}
	ring->gfns = gfns;
	ring->next = kvm->rings;
	kvm->rings = ring;
	return 0;
}

void fz_kvm_ring_free(struct fastzero_kvm *kvm)
{
	struct fz_kvm_ring *ring;

	while ((ring = kvm->rings)) {
		kvm->rings = ring->next;
		munmap(ring->gfns, kvm->ring_bytes);
		free(ring);
	}
}

/* Entries that KVM has filled, in the order of the ring.  Returns how many. */
static unsigned int fz_kvm_ring_drain(struct fastzero_kvm *kvm, struct fz_kvm_ring *ring)
{
	uint32_t size = kvm->ring_bytes / sizeof(ring->gfns[0]);
	struct kvm_dirty_gfn *gfn;
	struct fz_kvm_slot *slot;
	unsigned int nr;

	for (nr = 0; nr < size; nr++) {
		gfn = &ring->gfns[ring->at % size];
		/* The other members are of the same write as the flag. */
		if (!(__atomic_load_n(&gfn->flags, __ATOMIC_ACQUIRE) & KVM_DIRTY_GFN_F_DIRTY))
			break;
		/* Slots that are gone, and those of the VMM's own, do not count. */
		slot = fz_kvm_find(kvm, gfn->slot);
		if (slot && gfn->offset < slot->pages)
			fz_kvm_keep(slot, gfn->offset);
		__atomic_store_n(&gfn->flags, KVM_DIRTY_GFN_F_RESET, __ATOMIC_RELEASE);
		ring->at++;
	}
	return nr;
}

FASTZERO_API int fastzero_kvm_collect(struct fastzero_kvm *kvm)
{
	struct fz_kvm_ring *ring;
	unsigned int nr = 0;

	if (!kvm)
		return fz_null("the handle");
	for (ring = kvm->rings; ring; ring = ring->next)
		nr += fz_kvm_ring_drain(kvm, ring);
	if (nr && ioctl(kvm->vm, KVM_RESET_DIRTY_RINGS) < 0)
		return fz_fail(-errno, "KVM does not take its dirty rings back");
	return 0;
}

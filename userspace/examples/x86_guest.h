/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * A vCPU on x86-64 that begins in protected or in 64-bit mode.  Its guest never loads a
 * segment, so there is no GDT.
 */
#ifndef X86_GUEST_H
#define X86_GUEST_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <linux/kvm.h>

#define X86_CR0_PE	(1ull << 0)
#define X86_CR0_MP	(1ull << 1)
#define X86_CR0_ET	(1ull << 4)
#define X86_CR0_NE	(1ull << 5)
#define X86_CR0_PG	(1ull << 31)
#define X86_CR4_PAE	(1ull << 5)
#define X86_EFER_LME	(1ull << 8)
#define X86_EFER_LMA	(1ull << 10)

/*
 * Gives a vCPU every feature that KVM has to offer.  Newer kernels refuse 64-bit mode to a
 * vCPU whose CPUID does not have it.  *@gbpages: whether there are pages of 1 GiB.
 */
static inline int x86_set_cpuid(int kvm, int vcpu, bool *gbpages)
{
	struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 entries[256];
	} cpuid = { .head.nent = 256 };
	uint32_t i;

	if (ioctl(kvm, KVM_GET_SUPPORTED_CPUID, &cpuid))
		return -errno;
	*gbpages = false;
	for (i = 0; i < cpuid.head.nent; i++)
		if (cpuid.entries[i].function == 0x80000001)
			*gbpages = cpuid.entries[i].edx & (1u << 26);
	return ioctl(vcpu, KVM_SET_CPUID2, &cpuid) ? -errno : 0;
}

/* Switches to protected mode without paging, or to 64-bit mode with tables at @tables. */
static inline int x86_set_mode(int vcpu, bool is_64, uint64_t tables)
{
	struct kvm_segment seg = {
		.limit = 0xffffffff, .selector = 8, .type = 11, .present = 1,
		.s = 1, .l = is_64, .db = !is_64, .g = 1,
	};
	struct kvm_sregs sregs;

	if (ioctl(vcpu, KVM_GET_SREGS, &sregs))
		return -errno;
	sregs.cs = seg;
	seg.selector = 16;
	seg.type = 3;
	seg.l = 0;
	seg.db = 1;
	sregs.ds = seg;
	sregs.es = seg;
	sregs.fs = seg;
	sregs.gs = seg;
	sregs.ss = seg;
	if (is_64) {
		sregs.cr0 = X86_CR0_PE | X86_CR0_MP | X86_CR0_ET | X86_CR0_NE | X86_CR0_PG;
		sregs.cr3 = tables;
		sregs.cr4 = X86_CR4_PAE;
		sregs.efer = X86_EFER_LME | X86_EFER_LMA;
	} else {
		sregs.cr0 |= X86_CR0_PE;
	}
	return ioctl(vcpu, KVM_SET_SREGS, &sregs) ? -errno : 0;
}

#endif /* X86_GUEST_H */

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * KVM_PRE_FAULT_MEMORY for headers that are older than it (Linux 6.11).
 */
#ifndef PREFAULT_ABI_H
#define PREFAULT_ABI_H

#include <linux/kvm.h>

#ifndef KVM_PRE_FAULT_MEMORY
#define KVM_CAP_PRE_FAULT_MEMORY	236
#define KVM_PRE_FAULT_MEMORY	_IOWR(KVMIO, 0xd5, struct kvm_pre_fault_memory)

struct kvm_pre_fault_memory {
	__u64 gpa;
	__u64 size;
	__u64 flags;
	__u64 padding[5];
};
#endif

#endif /* PREFAULT_ABI_H */

/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * A vCPU on arm64 that runs in EL1 with the MMU and caches on, and so sees memory as the
 * host has it in its own caches.  All of 512 GiB are mapped as they are, by one table.
 */
#ifndef ARM64_GUEST_H
#define ARM64_GUEST_H

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <linux/kvm.h>

/*
 * There must be no memory here.  A guest that writes 32 bits here ends KVM_RUN; an
 * exception of the guest writes to ARM64_GPA_CRASH.
 */
#define ARM64_GPA_EXIT	0x8000000ull
#define ARM64_GPA_CRASH	(ARM64_GPA_EXIT + 8)

/* Blocks of 1 GiB, inner shareable, of memory type 0. */
#define ARM64_BLOCK	0x701ull

#define ARM64_MAIR	0xffull			/* type 0: cached, write-back */
#define ARM64_SCTLR	(0x30d00800ull |	/* bits that are always set */	\
			 1ull << 12 | 1ull << 2 | 1ull << 0) /* caches, MMU */
/* Addresses of 39 bits by TTBR0 alone, table walks cached, physical ones of 40 bits. */
#define ARM64_TCR	(25ull | 0x3500ull | 1ull << 23 | 2ull << 32)

#define ARM64_CORE(name) (KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE |	\
			  KVM_REG_ARM_CORE_REG(name))
#define ARM64_X(n)	ARM64_CORE(regs.regs[n])
#define ARM64_PC	ARM64_CORE(regs.pc)

static inline int arm64_set_reg(int vcpu, uint64_t id, uint64_t value)
{
	struct kvm_one_reg reg = { .id = id, .addr = (uintptr_t)&value };

	return ioctl(vcpu, KVM_SET_ONE_REG, &reg) ? -errno : 0;
}

static inline uint64_t arm64_get_reg(int vcpu, uint64_t id)
{
	uint64_t value = ~0ull;
	struct kvm_one_reg reg = { .id = id, .addr = (uintptr_t)&value };

	ioctl(vcpu, KVM_GET_ONE_REG, &reg);
	return value;
}

/* Makes a new vCPU ready; @table and @vectors are guest-physical addresses. */
static inline int arm64_guest_init(int vm, int vcpu, uint64_t table, uint64_t vectors)
{
	const struct { uint64_t id, value; } regs[] = {
		{ ARM64_SYS_REG(3, 0, 10, 2, 0), ARM64_MAIR },
		{ ARM64_SYS_REG(3, 0, 2, 0, 2), ARM64_TCR },
		{ ARM64_SYS_REG(3, 0, 2, 0, 0), table },
		{ ARM64_SYS_REG(3, 0, 12, 0, 0), vectors },
		{ ARM64_SYS_REG(3, 0, 1, 0, 0), ARM64_SCTLR },
	};
	struct kvm_vcpu_init init;
	unsigned int i;
	int ret = 0;

	if (ioctl(vm, KVM_ARM_PREFERRED_TARGET, &init) ||
	    ioctl(vcpu, KVM_ARM_VCPU_INIT, &init))
		return -errno;
	for (i = 0; !ret && i < sizeof(regs) / sizeof(regs[0]); i++)
		ret = arm64_set_reg(vcpu, regs[i].id, regs[i].value);
	return ret;
}

/* Fills a page with the table, and another one with the vectors. */
static inline void arm64_guest_fill(void *table, void *vectors)
{
	static const uint32_t crash[] = {
		0xd2a1000e,		/* mov x14, ARM64_GPA_EXIT */
		0xb90009df,		/* str wzr, [x14, 8] */
		0x14000000,		/* b . */
	};
	uint64_t *entries = table;
	uint64_t i;

	for (i = 0; i < 512; i++)
		entries[i] = i << 30 | ARM64_BLOCK;
	for (i = 0; i < 16; i++)
		memcpy((char *)vectors + i * 0x80, crash, sizeof(crash));
}

#endif /* ARM64_GUEST_H */

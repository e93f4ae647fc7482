/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest of guest_race on arm64.  Only for guest_race_vm.c.
 */
#ifndef GUEST_RACE_ARM64_H
#define GUEST_RACE_ARM64_H

#include "arm64_guest.h"

#define READ_CODE	0x100
#define GPA_TABLE	0x1000
#define GPA_VECTORS	0x2000

/* str w1,[x2]; add x2,x2,4096; subs x3,x3,1; b.ne; str wzr,[x4]; b . */
static const uint32_t guest_write[] = {
	0xb9000041, 0x91400442, 0xf1000463, 0x54ffffa1, 0xb900009f, 0x14000000,
};

/* ldr w5,[x2]; orr w1,w1,w5; and the same */
static const uint32_t guest_read[] = {
	0xb9400045, 0x2a050021, 0x91400442, 0xf1000463, 0x54ffff81, 0xb900009f,
	0x14000000,
};

static void guest_fill(unsigned char *code)
{
	memset(code, 0, GR_CODE_SIZE);
	memcpy(code, guest_write, sizeof(guest_write));
	memcpy(code + READ_CODE, guest_read, sizeof(guest_read));
	arm64_guest_fill(code + GPA_TABLE, code + GPA_VECTORS);
	__builtin___clear_cache((char *)code, (char *)code + GR_CODE_SIZE);
}

static int guest_init(struct gr_vm *vm)
{
	return arm64_guest_init(vm->fd, vm->vcpu, GPA_TABLE, GPA_VECTORS);
}

static int guest_again(struct gr_vm *vm)
{
	return guest_init(vm);
}

/* Begins a job whose first page is at @at. */
static int guest_begin(struct gr_vm *vm, const struct gr_job *job, uint64_t at)
{
	const uint64_t x[] = {
		0, job->write ? job->value : 0, at, job->pages, ARM64_GPA_EXIT, 0,
	};
	unsigned int i;
	int ret;

	ret = arm64_set_reg(vm->vcpu, ARM64_PC, job->write ? 0 : READ_CODE);
	for (i = 0; !ret && i < sizeof(x) / sizeof(x[0]); i++)
		ret = arm64_set_reg(vm->vcpu, ARM64_X(i), x[i]);
	return ret;
}

static bool guest_has_ended(const struct kvm_run *run)
{
	return run->exit_reason == KVM_EXIT_MMIO && run->mmio.is_write &&
	       run->mmio.phys_addr == ARM64_GPA_EXIT;
}

/*
 * Whether all registers are as they must be after a job whose pages end at @end.  The last
 * write is under way: the next KVM_RUN steps over it.
 */
static bool guest_is_right(struct gr_vm *vm, struct gr_job *job, uint64_t end)
{
	uint64_t last = job->write ? sizeof(guest_write) : READ_CODE + sizeof(guest_read);
	uint64_t x1 = arm64_get_reg(vm->vcpu, ARM64_X(1));

	job->seen = (uint32_t)x1;
	return arm64_get_reg(vm->vcpu, ARM64_PC) == last - 8 &&
	       arm64_get_reg(vm->vcpu, ARM64_X(2)) == end &&
	       !arm64_get_reg(vm->vcpu, ARM64_X(3)) &&
	       arm64_get_reg(vm->vcpu, ARM64_X(4)) == ARM64_GPA_EXIT &&
	       (!job->write || x1 == job->value);
}

static bool guest_is_in_code(struct gr_vm *vm, const struct gr_job *job)
{
	uint64_t pc = arm64_get_reg(vm->vcpu, ARM64_PC);

	return pc - (job->write ? 0 : READ_CODE) < sizeof(guest_read);
}

static void guest_describe(struct gr_vm *vm, char *text, size_t size)
{
	int n = snprintf(text, size, "pc %jx", (uintmax_t)arm64_get_reg(vm->vcpu, ARM64_PC));
	unsigned int i;

	for (i = 1; i <= 5; i++)
		n += snprintf(text + n, size - (size_t)n, " x%u %jx", i,
			      (uintmax_t)arm64_get_reg(vm->vcpu, ARM64_X(i)));
}

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest of guest_race on x86-64, in flat protected mode, without paging.  Only for
 * guest_race_vm.c.
 */
#ifndef GUEST_RACE_X86_H
#define GUEST_RACE_X86_H

#include "x86_guest.h"

#define READ_CODE	0x100

/* mov %eax,(%edi); add $4096,%edi; loop; hlt */
static const unsigned char guest_write[] = {
	0x89, 0x07, 0x81, 0xc7, 0x00, 0x10, 0x00, 0x00, 0xe2, 0xf6, 0xf4,
};

/* or (%edi),%eax; and the same */
static const unsigned char guest_read[] = {
	0x0b, 0x07, 0x81, 0xc7, 0x00, 0x10, 0x00, 0x00, 0xe2, 0xf6, 0xf4,
};

static void guest_fill(unsigned char *code)
{
	memset(code, 0, GR_CODE_SIZE);
	memcpy(code, guest_write, sizeof(guest_write));
	memcpy(code + READ_CODE, guest_read, sizeof(guest_read));
}

/* What a new vCPU has in its system registers, for each machine. */
static struct kvm_sregs guest_first[GR_VMS];

static int guest_init(struct gr_vm *vm)
{
	if (ioctl(vm->vcpu, KVM_GET_SREGS, &guest_first[vm->id]))
		return -errno;
	return x86_set_mode(vm->vcpu, false, 0);
}

/* Back to that, without what was to be injected. */
static int guest_again(struct gr_vm *vm)
{
	struct kvm_vcpu_events none = { 0 };

	if (ioctl(vm->vcpu, KVM_SET_VCPU_EVENTS, &none) ||
	    ioctl(vm->vcpu, KVM_SET_SREGS, &guest_first[vm->id]))
		return -errno;
	return x86_set_mode(vm->vcpu, false, 0);
}

/* Begins a job whose first page is at @at. */
static int guest_begin(struct gr_vm *vm, const struct gr_job *job, uint64_t at)
{
	struct kvm_regs g = {
		.rip = job->write ? 0 : READ_CODE, .rflags = 2,
		.rax = job->write ? job->value : 0,
		.rdi = at, .rcx = job->pages, .rsp = 0x8000,
	};

	return ioctl(vm->vcpu, KVM_SET_REGS, &g) ? -errno : 0;
}

static bool guest_has_ended(const struct kvm_run *run)
{
	return run->exit_reason == KVM_EXIT_HLT;
}

/* Whether registers are as they must be after a job whose pages end at @end. */
static bool guest_is_right(struct gr_vm *vm, struct gr_job *job, uint64_t end)
{
	struct kvm_regs g = { 0 };

	ioctl(vm->vcpu, KVM_GET_REGS, &g);
	job->seen = (uint32_t)g.rax;
	return g.rip == (job->write ? 0 : READ_CODE) + sizeof(guest_write) &&
	       !g.rcx && g.rdi == end && g.rsp == 0x8000 &&
	       (!job->write || g.rax == job->value);
}

static bool guest_is_in_code(struct gr_vm *vm, const struct gr_job *job)
{
	struct kvm_regs g = { 0 };

	ioctl(vm->vcpu, KVM_GET_REGS, &g);
	return g.rip - (job->write ? 0 : READ_CODE) <= sizeof(guest_write);
}

static void guest_describe(struct gr_vm *vm, char *text, size_t size)
{
	struct kvm_vcpu_events e = { 0 };
	struct kvm_sregs s = { 0 };
	struct kvm_regs g = { 0 };

	ioctl(vm->vcpu, KVM_GET_REGS, &g);
	ioctl(vm->vcpu, KVM_GET_SREGS, &s);
	ioctl(vm->vcpu, KVM_GET_VCPU_EVENTS, &e);
	snprintf(text, size,
		 "rip %llx rax %llx rcx %llx rdi %llx rsp %llx rflags %llx\n"
		 "#   rbx %llx rdx %llx rsi %llx rbp %llx r8 %llx r15 %llx\n"
		 "#   cs %x %llx %x ss %x %llx cr0 %llx cr2 %llx cr3 %llx cr4 %llx efer %llx\n"
		 "#   gdt %llx %x idt %llx %x exception %u/%u injected %u interrupt %u nmi %u",
		 g.rip, g.rax, g.rcx, g.rdi, g.rsp, g.rflags, g.rbx, g.rdx,
		 g.rsi, g.rbp, g.r8, g.r15, s.cs.selector, s.cs.base,
		 s.cs.limit, s.ss.selector, s.ss.base, s.cr0, s.cr2, s.cr3,
		 s.cr4, s.efer, s.gdt.base, s.gdt.limit, s.idt.base,
		 s.idt.limit, e.exception.nr, e.exception.pending,
		 e.exception.injected, e.interrupt.injected, e.nmi.injected);
}

#endif

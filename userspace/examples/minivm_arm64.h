/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * minivm: the guest on arm64.  Only for minivm_guest.h.
 */
#ifndef MINIVM_ARM64_H
#define MINIVM_ARM64_H

#include "arm64_guest.h"

#define GPA_VECTORS	(GPA_TABLES + 0x1000u)

/*
 * The guest's code; it is copied to GPA_CODE and runs there.
 *
 * x0 parameters, x1 value, x2 body, x3 next list entry or 0, x4 page, x5 pages left,
 * x6 next page and x7 stride if there is no list, x8 words, x9 sum, x10 words that are
 * not zero, x11 where the first of them is, x14 ARM64_GPA_EXIT.
 */
__asm__(
"	.pushsection .rodata\n"
"	.balign	8\n"
"minivm_code:\n"
"	ldp	x2, x3, [x0]\n"
"	ldp	x6, x7, [x0, 0x10]\n"
"	ldp	x5, x8, [x0, 0x20]\n"
"	ldr	x1, [x0, 0x30]\n"
"	mov	x9, 0\n"
"	mov	x10, 0\n"
"	mov	x11, -1\n"
"	mov	x14, 0x8000000\n"
"1:	cbz	x3, 2f\n"
"	ldr	x4, [x3], 8\n"
"	br	x2\n"
"2:	mov	x4, x6\n"
"	add	x6, x6, x7\n"
"	br	x2\n"

"minivm_write_one:\n"
"	str	x1, [x4]\n"
"3:	subs	x5, x5, 1\n"
"	b.ne	1b\n"
	/* The end of a round. */
"	ldr	x12, [x0, 0x48]\n"
"	add	x12, x12, 1\n"
"	str	x12, [x0, 0x48]\n"
"	ldp	x12, x13, [x0, 0x38]\n"
"	cbnz	x12, 4f\n"
"	ldr	x12, [x0, 0x20]\n"
"	subs	x13, x13, x12\n"
"	str	x13, [x0, 0x40]\n"
"	b.gt	minivm_code\n"
"	str	wzr, [x14, 4]\n"
"	b	minivm_code\n"
"4:	stp	x9, x10, [x0, 0x50]\n"
"	str	x11, [x0, 0x60]\n"
"	str	wzr, [x14]\n"
"	b	minivm_code\n"

"minivm_write:\n"
"	mov	x12, x8\n"
"5:	str	x1, [x4], 8\n"
"	subs	x12, x12, 1\n"
"	b.ne	5b\n"
"	b	3b\n"

"minivm_read:\n"
"	mov	x12, x8\n"
"5:	ldr	x13, [x4], 8\n"
"	add	x9, x9, x13\n"
"	subs	x12, x12, 1\n"
"	b.ne	5b\n"
"	b	3b\n"

"minivm_rdwr:\n"
"	mov	x12, x8\n"
"6:	ldr	x13, [x4]\n"
"	add	x9, x9, x13\n"
"	str	x1, [x4], 8\n"
"	subs	x12, x12, 1\n"
"	b.ne	6b\n"
"	b	3b\n"

	/* Eight words at a time while they are zero, otherwise one. */
"minivm_check:\n"
"	mov	x12, x8\n"
"7:	cmp	x12, 8\n"
"	b.lo	8f\n"
"	ldp	x13, x15, [x4]\n"
"	ldp	x16, x17, [x4, 16]\n"
"	orr	x13, x13, x15\n"
"	orr	x16, x16, x17\n"
"	orr	x13, x13, x16\n"
"	ldp	x15, x16, [x4, 32]\n"
"	orr	x13, x13, x15\n"
"	orr	x13, x13, x16\n"
"	ldp	x15, x16, [x4, 48]\n"
"	orr	x13, x13, x15\n"
"	orr	x13, x13, x16\n"
"	cbnz	x13, 8f\n"
"	add	x4, x4, 64\n"
"	sub	x12, x12, 8\n"
"	b	7b\n"
"8:	cbz	x12, 3b\n"
"	ldr	x13, [x4]\n"
"	cbz	x13, 9f\n"
"	cmp	x10, 0\n"
"	csel	x11, x4, x11, eq\n"
"	add	x10, x10, 1\n"
"9:	add	x4, x4, 8\n"
"	sub	x12, x12, 1\n"
"	b	7b\n"
"minivm_code_end:\n"
"	.popsection\n");

static int guest_init(struct minivm *vm)
{
	return arm64_guest_init(vm->fd, vm->vcpu, GPA_TABLES, GPA_VECTORS);
}

static int guest_restart(struct minivm *vm)
{
	int ret;

	/* KVM_RUN first completes the last write, and would skip an instruction for it. */
	if (vm->run->exit_reason == KVM_EXIT_MMIO) {
		vm->run->immediate_exit = 1;
		ioctl(vm->vcpu, KVM_RUN, 0);
		vm->run->immediate_exit = 0;
	}
	ret = arm64_set_reg(vm->vcpu, ARM64_PC, GPA_CODE);
	return ret ? ret : arm64_set_reg(vm->vcpu, ARM64_X(0), GPA_PARAM);
}

static void guest_fill(uint8_t *slot0)
{
	arm64_guest_fill(slot0 + GPA_TABLES, slot0 + GPA_VECTORS);
	memcpy(slot0 + GPA_CODE, minivm_code, minivm_code_end - minivm_code);
	__builtin___clear_cache((char *)slot0, (char *)slot0 + GPA_LIST);
}

/* The offset from ARM64_GPA_EXIT is the value, times 4. */
static int guest_exit(const struct kvm_run *run)
{
	if (run->exit_reason != KVM_EXIT_MMIO || !run->mmio.is_write ||
	    run->mmio.phys_addr - ARM64_GPA_EXIT > 4)
		return -EIO;
	return (run->mmio.phys_addr - ARM64_GPA_EXIT) / 4;
}

#endif /* MINIVM_ARM64_H */

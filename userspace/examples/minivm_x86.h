/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * minivm: the guest on x86-64.  Only for minivm_guest.h.
 */
#ifndef MINIVM_X86_H
#define MINIVM_X86_H

#include "x86_guest.h"

#define GPA_PML4	GPA_TABLES
#define GPA_PDPT	(GPA_TABLES + 0x1000u)

#define PTE_P		0x001ull
#define PTE_RW		0x002ull
#define PTE_A		0x020ull
#define PTE_D		0x040ull
#define PTE_PS		0x080ull

/*
 * The guest's code; it is copied to GPA_CODE and runs there.
 *
 * rbx parameters, rbp body, rsi next list entry or 0, rdi page, r8 pages left,
 * r9 next page and r10 stride if there is no list, r11 words, rax value,
 * r12 sum, r13 words that are not zero, r14 where the first of them is.
 */
__asm__(
"	.pushsection .rodata\n"
"minivm_code:\n"
"	mov	0x00(%rbx), %rbp\n"
"	mov	0x08(%rbx), %rsi\n"
"	mov	0x10(%rbx), %r9\n"
"	mov	0x18(%rbx), %r10\n"
"	mov	0x20(%rbx), %r8\n"
"	mov	0x28(%rbx), %r11\n"
"	mov	0x30(%rbx), %rax\n"
"	xor	%r12d, %r12d\n"
"	xor	%r13d, %r13d\n"
"	mov	$-1, %r14\n"
"1:	test	%rsi, %rsi\n"
"	jz	2f\n"
"	mov	(%rsi), %rdi\n"
"	add	$8, %rsi\n"
"	jmp	*%rbp\n"
"2:	mov	%r9, %rdi\n"
"	add	%r10, %r9\n"
"	jmp	*%rbp\n"

"minivm_write_one:\n"
"	mov	%rax, (%rdi)\n"
"3:	dec	%r8\n"
"	jnz	1b\n"
	/* The end of a round. */
"	incq	0x48(%rbx)\n"
"	cmpq	$0, 0x38(%rbx)\n"
"	jne	4f\n"
"	mov	0x20(%rbx), %rcx\n"
"	sub	%rcx, 0x40(%rbx)\n"
"	jg	minivm_code\n"
"	out	%al, $1\n"
"	jmp	minivm_code\n"
"4:	mov	%r12, 0x50(%rbx)\n"
"	mov	%r13, 0x58(%rbx)\n"
"	mov	%r14, 0x60(%rbx)\n"
"	out	%al, $0\n"
"	jmp	minivm_code\n"

"minivm_write:\n"
"	mov	%r11, %rcx\n"
"	rep stosq\n"
"	jmp	3b\n"

"minivm_read:\n"
"	mov	%r11, %rcx\n"
"5:	add	(%rdi), %r12\n"
"	add	$8, %rdi\n"
"	dec	%rcx\n"
"	jnz	5b\n"
"	jmp	3b\n"

"minivm_rdwr:\n"
"	mov	%r11, %rcx\n"
"6:	add	(%rdi), %r12\n"
"	mov	%rax, (%rdi)\n"
"	add	$8, %rdi\n"
"	dec	%rcx\n"
"	jnz	6b\n"
"	jmp	3b\n"

	/* Eight words at a time while they are zero, otherwise one. */
"minivm_check:\n"
"	mov	%r11, %rcx\n"
"7:	cmp	$8, %rcx\n"
"	jb	8f\n"
"	mov	(%rdi), %rdx\n"
"	or	8(%rdi), %rdx\n"
"	or	16(%rdi), %rdx\n"
"	or	24(%rdi), %rdx\n"
"	or	32(%rdi), %rdx\n"
"	or	40(%rdi), %rdx\n"
"	or	48(%rdi), %rdx\n"
"	or	56(%rdi), %rdx\n"
"	jnz	8f\n"
"	add	$64, %rdi\n"
"	sub	$8, %rcx\n"
"	jmp	7b\n"
"8:	test	%rcx, %rcx\n"
"	jz	3b\n"
"	cmpq	$0, (%rdi)\n"
"	je	9f\n"
"	test	%r13, %r13\n"
"	cmovz	%rdi, %r14\n"
"	inc	%r13\n"
"9:	add	$8, %rdi\n"
"	dec	%rcx\n"
"	jmp	7b\n"
"minivm_code_end:\n"
"	.popsection\n");

static int guest_init(struct minivm *vm)
{
	bool gbpages;
	int ret = x86_set_cpuid(vm->kvm, vm->vcpu, &gbpages);

	if (ret)
		return ret;
	return gbpages ? x86_set_mode(vm->vcpu, true, GPA_PML4) : -EOPNOTSUPP;
}

/* Back to the beginning of the code, from any state of the guest. */
static int guest_restart(struct minivm *vm)
{
	struct kvm_regs regs = {
		.rip = GPA_CODE,
		.rbx = GPA_PARAM,
		.rflags = 2,
	};

	return ioctl(vm->vcpu, KVM_SET_REGS, &regs) ? -errno : 0;
}

static void guest_fill(uint8_t *slot0)
{
	uint64_t *pml4 = (uint64_t *)(slot0 + GPA_PML4);
	uint64_t *pdpt = (uint64_t *)(slot0 + GPA_PDPT);
	uint64_t i;

	pml4[0] = GPA_PDPT | PTE_P | PTE_RW | PTE_A;
	for (i = 0; i < 512; i++)
		pdpt[i] = (i << 30) | PTE_P | PTE_RW | PTE_A | PTE_D | PTE_PS;
	memcpy(slot0 + GPA_CODE, minivm_code, minivm_code_end - minivm_code);
}

/* The guest's ports are the values. */
static int guest_exit(const struct kvm_run *run)
{
	return run->exit_reason == KVM_EXIT_IO ? run->io.port : -EIO;
}

#endif /* MINIVM_X86_H */

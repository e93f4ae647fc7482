/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * minivm: the guest's side.  Only for minivm.c.
 */
#ifndef MINIVM_GUEST_H
#define MINIVM_GUEST_H

#include <stddef.h>
#include <stdint.h>

/* The layout of slot 0, which begins at guest-physical address 0. */
#define GPA_PML4	0x1000u
#define GPA_PDPT	0x2000u
#define GPA_PARAM	0x3000u
#define GPA_CODE	0x4000u
#define GPA_LIST	0x10000u

#define PORT_DONE	0	/* the job is done */
#define PORT_POLL	1	/* the guest asks whether to go on */

#define POLL_PAGES	16384	/* pages from one question to the next */

/* The parameter page.  The guest's code below knows the offsets. */
struct guest_param {
	uint64_t body;		/* 0x00: address of the operation on a page */
	uint64_t list;		/* 0x08: address of the list, or 0 */
	uint64_t first;		/* 0x10: address of the first page */
	uint64_t stride;	/* 0x18: in bytes */
	uint64_t count;		/* 0x20 */
	uint64_t words;		/* 0x28 */
	uint64_t value;		/* 0x30 */
	uint64_t stop;		/* 0x38: end after this round */
	uint64_t poll;		/* 0x40: pages left before PORT_POLL */
	uint64_t rounds;	/* 0x48: from here on the guest writes */
	uint64_t sum;		/* 0x50 */
	uint64_t nonzero;	/* 0x58 */
	uint64_t where;		/* 0x60: address of the first word not zero */
};

_Static_assert(offsetof(struct guest_param, stop) == 0x38, "guest code");
_Static_assert(offsetof(struct guest_param, where) == 0x60, "guest code");

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

#define GUEST_LABEL extern __attribute__((visibility("hidden"))) const char

GUEST_LABEL minivm_code[], minivm_code_end[];
GUEST_LABEL minivm_write_one[], minivm_write[], minivm_read[];
GUEST_LABEL minivm_rdwr[], minivm_check[];

#endif /* MINIVM_GUEST_H */

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest of 512 bytes, for unmodified VMMs with a BIOS: a boot sector.  It says "up" on the
 * first serial port, and then does what it is told there, a letter at a time:
 *
 *	c	says how many words of its test memory are not zero, as eight hex digits
 *	f	writes all of them, and says "filled"
 *
 * The test memory is 16 MiB from 4 MiB on, which no BIOS uses.
 */
	.set	PORT, 0x3f8
	.set	FROM, 4 << 20
	.set	WORDS, 4 << 20
	.set	PATTERN, 0xfa57fa57

	.code16
	.globl	_start
_start:	cli
	xor	%ax, %ax
	mov	%ax, %ds
	lgdt	gdt_pointer
	mov	%cr0, %eax
	or	$1, %al
	mov	%eax, %cr0
	ljmp	$8, $begin

	.code32
begin:	mov	$16, %ax
	mov	%ax, %ds
	mov	%ax, %es
	mov	%ax, %ss
	mov	$0x7c00, %esp
	cld
	mov	$up, %esi
	call	say

next:	mov	$PORT + 5, %dx
1:	in	%dx, %al
	test	$1, %al
	jz	1b
	mov	$PORT, %dx
	in	%dx, %al
	mov	$FROM, %edi
	mov	$WORDS, %ecx
	cmp	$'f', %al
	je	fill
	cmp	$'c', %al
	jne	next

	xor	%ebx, %ebx
2:	cmpl	$0, (%edi)
	je	3f
	inc	%ebx
3:	add	$4, %edi
	dec	%ecx
	jnz	2b
	mov	$8, %ecx
4:	rol	$4, %ebx
	mov	%bl, %al
	and	$15, %al
	add	$'0', %al
	cmp	$'9', %al
	jbe	5f
	add	$'a' - '0' - 10, %al
5:	call	put
	dec	%ecx
	jnz	4b
	mov	$end, %esi
	call	say
	jmp	next

fill:	mov	$PATTERN, %eax
	rep stosl
	mov	$filled, %esi
	call	say
	jmp	next

/* say: the text at %esi; put: the letter in %al. */
say:	lodsb
	test	%al, %al
	jz	6f
	call	put
	jmp	say
put:	mov	%al, %ah
	mov	$PORT + 5, %dx
7:	in	%dx, %al
	test	$0x20, %al
	jz	7b
	mov	%ah, %al
	mov	$PORT, %dx
	out	%al, %dx
6:	ret

up:	.asciz	"up\n"
filled:	.asciz	"filled\n"
end:	.asciz	"\n"

	.balign	8
gdt:	.quad	0
	.quad	0x00cf9a000000ffff
	.quad	0x00cf92000000ffff
gdt_pointer:
	.word	gdt_pointer - gdt - 1
	.long	gdt

	.org	510
	.word	0xaa55

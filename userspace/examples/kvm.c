// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * A VMM in one file, for docs/vmm-guide.md: a KVM guest on a scratch, and after each run a
 * reset of what the guest and the VMM have written, which KVM's dirty log tells.
 */
#include <fastzero.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#define SIZE	(1UL << 20)
#define CODE	0x1000UL	/* where the VMM puts the guest's code, in each run */
#define DATA	0x20000UL	/* where the guest has its data */

/* In real mode: reads 64 KiB from DATA on, adds 1 to a byte in each of 4 pages, halts. */
static const unsigned char code[] = {
	0xb8, 0x00, 0x20,		/*	mov	$0x2000, %ax	*/
	0x8e, 0xd8,			/*	mov	%ax, %ds	*/
	0x31, 0xf6,			/*	xor	%si, %si	*/
	0xb9, 0x00, 0x80,		/*	mov	$0x8000, %cx	*/
	0xf3, 0xad,			/*	rep lodsw		*/
	0x31, 0xdb,			/*	xor	%bx, %bx	*/
	0xfe, 0x07,			/* 1:	incb	(%bx)		*/
	0x81, 0xc3, 0x00, 0x10,		/*	add	$0x1000, %bx	*/
	0x81, 0xfb, 0x00, 0x40,		/*	cmp	$0x4000, %bx	*/
	0x75, 0xf4,			/*	jne	1b		*/
	0xf4,				/*	hlt			*/
};

/* Ends the program if a step of the library has failed. */
static void fz(int ret, const char *what)
{
	if (ret < 0) {
		fprintf(stderr, "%s: %s\n", what, fastzero_strerror(ret));
		exit(1);
	}
}

/* The same for system calls. */
static int sys(int ret, const char *what)
{
	if (ret < 0) {
		perror(what);
		exit(1);
	}
	return ret;
}

int main(void)
{
	struct fastzero_kvm_slot slot = FASTZERO_KVM_SLOT_INIT;
	struct fastzero_result result = FASTZERO_RESULT_INIT;
	struct fastzero_scratch *ram;
	struct fastzero_kvm *kvm;
	struct fastzero_ctx *ctx;
	struct kvm_sregs sregs;
	struct kvm_run *run;
	int dev, vm, vcpu, i;
	unsigned char *mem;
	void *addr;

	fz(fastzero_ctx_open(NULL, &ctx), "context");
	fz(fastzero_scratch_create(ctx, SIZE, NULL, &ram), "scratch");
	fz(fastzero_map(ram, NULL, &addr), "map");
	mem = addr;

	dev = sys(open("/dev/kvm", O_RDWR | O_CLOEXEC), "/dev/kvm");
	vm = sys(ioctl(dev, KVM_CREATE_VM, 0), "KVM_CREATE_VM");
	fz(fastzero_kvm_new(vm, NULL, &kvm), "KVM helper");
	slot.addr = addr;			/* slot 0, at guest address 0, all of it */
	fz(fastzero_kvm_attach(kvm, ram, &slot), "memory slot");

	vcpu = sys(ioctl(vm, KVM_CREATE_VCPU, 0), "KVM_CREATE_VCPU");
	run = mmap(NULL, sys(ioctl(dev, KVM_GET_VCPU_MMAP_SIZE, 0), "KVM_GET_VCPU_MMAP_SIZE"),
		   PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
	sys(run == MAP_FAILED ? -1 : 0, "mmap");
	sys(ioctl(vcpu, KVM_GET_SREGS, &sregs), "KVM_GET_SREGS");
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	sys(ioctl(vcpu, KVM_SET_SREGS, &sregs), "KVM_SET_SREGS");

	for (i = 0; i < 3; i++) {
		struct kvm_regs regs = { .rip = CODE, .rflags = 2 };

		/* KVM does not see this store: tell the helper. */
		memcpy(mem + CODE, code, sizeof(code));
		fz(fastzero_kvm_wrote(kvm, CODE, sizeof(code)), "wrote");

		sys(ioctl(vcpu, KVM_SET_REGS, &regs), "KVM_SET_REGS");
		sys(ioctl(vcpu, KVM_RUN, 0), "KVM_RUN");
		printf("exit reason %u, the guest's byte is %d", run->exit_reason, mem[DATA]);

		fz(fastzero_kvm_reset(kvm, FASTZERO_MODE_AUTO, &result), "reset");
		printf("; reset: %llu pages cleared, now it is %d, and the code %d\n",
		       (unsigned long long)result.cleared, mem[DATA], mem[CODE]);
	}
	fastzero_kvm_free(kvm);
	fastzero_scratch_close(ram);
	fastzero_ctx_close(ctx);
	return 0;
}

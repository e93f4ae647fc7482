// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Memory as Hyperlight lays it out: a scratch mapped at fixed addresses between guard pages,
 * in which all of the guest lives.  The host writes its page tables and code anew after
 * each reset, and a KVM guest runs on them.
 */
#include "kselftest_harness.h"
#include "fz_fixture.h"

#include <signal.h>
#include <linux/kvm.h>

#include "x86_guest.h"

#define SIZE		(2UL << 20)	/* memory of the guest, from address 0 on */
#define GUARD		(64UL << 10)

/* Where things are in the guest; its addresses are its physical ones. */
#define TABLES		0x1000UL	/* 4 pages, or from TABLES_2 on */
#define TABLES_2	0x9000UL
#define CODE		0x10000UL
#define STACK		0x20000UL	/* its end; no page is mapped below the stack's one */
#define HEAP		0x100000UL
#define HEAP_WORDS	((SIZE - HEAP) / 8)

#define PTE_P		1UL
#define PTE_RW		2UL

/*
 * rdi heap, rcx and rdx its words, rax what to fill it with.  rbx becomes the number of
 * words that are not zero.  r8 is an address to read at the end.
 */
__asm__(
"	.pushsection .rodata\n"
"guest_code:\n"
"	mov	%rdi, %rsi\n"
"	xor	%ebx, %ebx\n"
"1:	cmpq	$0, (%rsi)\n"
"	je	2f\n"
"	inc	%rbx\n"
"2:	add	$8, %rsi\n"
"	dec	%rcx\n"
"	jnz	1b\n"
"	mov	%rdx, %rcx\n"
"	rep stosq\n"
"	push	%rax\n"
"	mov	(%r8), %r9\n"
"	out	%al, $0\n"
"guest_code_end:\n"
"	.popsection\n");

extern const char guest_code[], guest_code_end[];

FIXTURE(sandbox) {
	int ctx;
	int fd;
	unsigned char *reserved;	/* with the guards */
	unsigned char *map;
	int kvm;
	int vm;
	int vcpu;
	struct kvm_run *run;
};

FIXTURE_VARIANT(sandbox) {
	uint32_t mode;
};

FZ_MODE_VARIANTS(sandbox);

FIXTURE_SETUP(sandbox)
{
	struct kvm_userspace_memory_region region = { .memory_size = SIZE };
	bool gbpages;

	self->ctx = fz_open();
	self->fd = fz_create(self->ctx, SIZE);
	self->reserved = mmap(NULL, SIZE + 2 * GUARD, PROT_NONE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)self->reserved);
	self->map = mmap(self->reserved + GUARD, SIZE, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_FIXED, self->fd, 0);
	ASSERT_EQ(self->reserved + GUARD, self->map);

	self->kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->kvm);
	self->vm = ioctl(self->kvm, KVM_CREATE_VM, 0);
	ASSERT_LE(0, self->vm);
	region.userspace_addr = (uintptr_t)self->map;
	ASSERT_EQ(0, ioctl(self->vm, KVM_SET_USER_MEMORY_REGION, &region));
	self->vcpu = ioctl(self->vm, KVM_CREATE_VCPU, 0);
	ASSERT_LE(0, self->vcpu);
	ASSERT_EQ(0, x86_set_cpuid(self->kvm, self->vcpu, &gbpages));
	self->run = mmap(NULL, fz_ps, PROT_READ | PROT_WRITE, MAP_SHARED, self->vcpu, 0);
	ASSERT_NE(MAP_FAILED, (void *)self->run);
}

FIXTURE_TEARDOWN(sandbox)
{
	munmap(self->run, fz_ps);
	close(self->vcpu);
	close(self->vm);
	close(self->kvm);
	munmap(self->reserved, SIZE + 2 * GUARD);
	close(self->fd);
	close(self->ctx);
}

/* The host's part before a run: tables of base pages, and code. */
static void write_guest(unsigned char *map, uint64_t tables)
{
	uint64_t *pml4 = (void *)(map + tables), *pdpt = (void *)(map + tables + 0x1000);
	uint64_t *pd = (void *)(map + tables + 0x2000), *pt = (void *)(map + tables + 0x3000);
	uint64_t page;

	pml4[0] = (tables + 0x1000) | PTE_P | PTE_RW;
	pdpt[0] = (tables + 0x2000) | PTE_P | PTE_RW;
	pd[0] = (tables + 0x3000) | PTE_P | PTE_RW;
	for (page = 0; page < SIZE / fz_ps; page++)
		pt[page] = page * fz_ps | PTE_P | PTE_RW;
	pt[STACK / fz_ps - 2] = 0;
	memcpy(map + CODE, guest_code, guest_code_end - guest_code);
}

/* Runs the guest from its begin: why it ended; *@nonzero is what it has counted. */
static int run_guest(int vcpu, struct kvm_run *run, uint64_t tables, uint64_t value,
		     uint64_t touch, uint64_t *nonzero)
{
	struct kvm_regs regs = {
		.rip = CODE, .rflags = 2, .rsp = STACK, .rdi = HEAP,
		.rcx = HEAP_WORDS, .rdx = HEAP_WORDS, .rax = value, .r8 = touch,
	};
	int ret = x86_set_mode(vcpu, true, tables);

	if (ret)
		return ret;
	if (ioctl(vcpu, KVM_SET_REGS, &regs))
		return -errno;
	do {
		ret = ioctl(vcpu, KVM_RUN, 0);
	} while (ret && errno == EINTR);
	if (ret || ioctl(vcpu, KVM_GET_REGS, &regs))
		return -errno;
	*nonzero = regs.rbx;
	return run->exit_reason;
}

#define RUN(tables, value, touch) ({					\
	int why_ = run_guest(self->vcpu, self->run, tables, value, touch, &nonzero); \
	ASSERT_LE(0, why_) TH_LOG("KVM_RUN: %s", strerror(-why_));	\
	why_; })

/* No byte of the last run is anywhere, and each run is as the first one. */
TEST_F(sandbox, runs_again_and_again)
{
	const int cycles = fz_slow() > 1 ? 4 : 6;
	uint64_t nonzero, value, i;
	uint64_t tables = TABLES;
	int cycle;

	FZ_SKIP_UNLESS_MODE(self->ctx, variant->mode);
	for (cycle = 0; cycle < cycles; cycle++) {
		ASSERT_ZERO(self->map, 0, SIZE) TH_LOG("cycle %d", cycle);
		/* Elsewhere than last time, so that the old tables serve nobody. */
		tables = cycle % 2 ? TABLES_2 : TABLES;
		write_guest(self->map, tables);
		value = 0x1111111111111111UL * (cycle % 15 + 1);
		ASSERT_EQ(KVM_EXIT_IO, RUN(tables, value, 0));
		ASSERT_EQ(0, nonzero);
		for (i = 0; i < HEAP_WORDS; i++)
			ASSERT_EQ(value, ((uint64_t *)(self->map + HEAP))[i]);
		ASSERT_EQ(value, *(uint64_t *)(self->map + STACK - 8));
		fz_clear(self->fd, 0, SIZE, variant->mode);
	}
}

/* The check can fail: without a reset the guest finds all that it wrote. */
TEST_F(sandbox, guest_finds_what_was_not_reset)
{
	uint64_t nonzero;

	write_guest(self->map, TABLES);
	ASSERT_EQ(KVM_EXIT_IO, RUN(TABLES, 1, 0));
	write_guest(self->map, TABLES_2);
	ASSERT_EQ(KVM_EXIT_IO, RUN(TABLES_2, 2, 0));
	EXPECT_EQ(HEAP_WORDS, nonzero);
}

/* After a reset there is nothing to run on until the host has written it. */
TEST_F(sandbox, no_tables_after_a_reset)
{
	uint64_t nonzero;

	FZ_SKIP_UNLESS_MODE(self->ctx, variant->mode);
	write_guest(self->map, TABLES);
	write_guest(self->map, TABLES_2);
	ASSERT_EQ(KVM_EXIT_IO, RUN(TABLES, 1, 0));
	fz_clear(self->fd, 0, SIZE, variant->mode);
	EXPECT_EQ(KVM_EXIT_SHUTDOWN, RUN(TABLES_2, 1, 0));
}

/* The guest's own guard, below its stack, is one before a reset and after. */
TEST_F(sandbox, guard_of_the_guest)
{
	uint64_t nonzero;

	FZ_SKIP_UNLESS_MODE(self->ctx, variant->mode);
	write_guest(self->map, TABLES);
	ASSERT_EQ(KVM_EXIT_IO, RUN(TABLES, 1, STACK - fz_ps));
	fz_clear(self->fd, 0, SIZE, variant->mode);
	write_guest(self->map, TABLES_2);
	EXPECT_EQ(KVM_EXIT_SHUTDOWN, RUN(TABLES_2, 1, STACK - 2 * fz_ps));
}

/* Those of the host are as well. */
TEST_F(sandbox, guards_of_the_host)
{
	const int fault = FZ_SIGNALLED + SIGSEGV;
	int i;

	FZ_SKIP_UNLESS_MODE(self->ctx, variant->mode);
	memset(self->map, 1, SIZE);
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(fault, fz_reads(self->map - 1));
		EXPECT_EQ(fault, fz_writes(self->map - 1));
		EXPECT_EQ(0, fz_writes(self->map));
		EXPECT_EQ(0, fz_writes(self->map + SIZE - 1));
		EXPECT_EQ(fault, fz_reads(self->map + SIZE));
		EXPECT_EQ(fault, fz_writes(self->map + SIZE));
		fz_clear(self->fd, 0, SIZE, variant->mode);
		ASSERT_ZERO(self->map, 0, SIZE);
	}
}

TEST_HARNESS_MAIN

/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * minivm: a very small KVM machine, to have a guest use memory.
 *
 * One vCPU in 64-bit mode and no devices.  Its code, page tables, parameters
 * and page lists live in a memory slot of their own, in ordinary anonymous
 * memory; the RAM under test is a second slot at MINIVM_RAM_GPA.  A reset of
 * that RAM therefore never hurts the machine.
 */
#ifndef MINIVM_H
#define MINIVM_H

#include <stdint.h>

#define MINIVM_PAGE	4096u			/* bytes in a page */
#define MINIVM_RAM_GPA	(4ull << 30)		/* where the guest has its RAM */
#define MINIVM_RAM_SLOT	1u			/* number of its slot */
#define MINIVM_RAM_MAX	(508ull << 30)		/* reach of its page tables */
#define MINIVM_LIST_MAX	((32u << 20) / 8 - 8192) /* entries of a page list */

struct minivm;

/**
 * enum minivm_op - the guest's operation on each chosen page
 * @MINIVM_WRITE: writes the first words of the page
 * @MINIVM_READ: reads them and adds them up
 * @MINIVM_RDWR: reads each of them, then writes it
 * @MINIVM_CHECK: reads them and counts those that are not zero
 * @MINIVM_HAMMER: as MINIVM_WRITE, over and over, until it is told to stop
 */
enum minivm_op {
	MINIVM_WRITE,
	MINIVM_READ,
	MINIVM_RDWR,
	MINIVM_CHECK,
	MINIVM_HAMMER,
};

/**
 * struct minivm_job - the guest's job in one run
 * @op: the operation
 * @first: first page, counted from the begin of the RAM
 * @stride: distance from one page to the next, in pages; 0 stays on @first
 * @count: number of pages, at least 1
 * @list: explicit page numbers, @count of them, in place of @first and
 *	@stride, or NULL; copied
 * @words: 8-byte words of each page, from its begin: 1 to 512
 * @value: the value to write
 * @stop: MINIVM_HAMMER goes on until this is not 0
 */
struct minivm_job {
	enum minivm_op op;
	uint64_t first;
	uint64_t stride;
	uint64_t count;
	const uint64_t *list;
	uint32_t words;
	uint64_t value;
	volatile uint32_t *stop;
};

/**
 * struct minivm_report - results of a job
 * @pages: pages dealt with, all rounds together
 * @nonzero_words: MINIVM_CHECK: words that were not zero
 * @first_nonzero: MINIVM_CHECK: offset in the RAM, in bytes, of the first of
 *	these that was met; ~0 if there was none
 * @sum: MINIVM_READ, MINIVM_RDWR: sum of all words read
 * @rounds: times that the job was done: 1, but for MINIVM_HAMMER
 */
struct minivm_report {
	uint64_t pages;
	uint64_t nonzero_words;
	uint64_t first_nonzero;
	uint64_t sum;
	uint64_t rounds;
};

/**
 * minivm_new() - make a machine without RAM
 * @vm: where to put it
 *
 * Return: 0 or -errno: of opening /dev/kvm; -EOPNOTSUPP if the
 * processor has no 1 GiB pages or KVM lacks something.
 */
int minivm_new(struct minivm **vm);

/**
 * struct minivm_hooks - for those who follow what the guest writes
 * @arg: given to the functions
 * @made: called when there is a VM without a vCPU; 0 or -errno; or NULL
 * @ring_full: called when a dirty ring is full (KVM_EXIT_DIRTY_RING_FULL), to empty it; 0
 *	or -errno; or NULL
 */
struct minivm_hooks {
	void *arg;
	int (*made)(void *arg, int vm_fd);
	int (*ring_full)(void *arg);
};

/**
 * minivm_new_hooked() - make a machine without RAM
 * @hooks: the functions; copied
 * @vm: where to put it
 *
 * Return: as minivm_new(), or what @hooks returned.
 */
int minivm_new_hooked(const struct minivm_hooks *hooks, struct minivm **vm);

/**
 * minivm_set_ram() - give the machine its RAM
 * @vm: the machine
 * @ram: page-aligned memory, or NULL to take the RAM away
 * @size: its size in bytes, a multiple of the page size
 *
 * Replaces the RAM of before.  The memory stays the caller's.
 *
 * Return: 0 or -errno.
 */
int minivm_set_ram(struct minivm *vm, void *ram, uint64_t size);

/**
 * minivm_run() - have the guest do a job
 * @vm: the machine
 * @job: the job
 * @rep: where to put what the guest saw, or NULL
 *
 * Return: 0, or -EINVAL for a bad job, -EFAULT if the guest could not have a
 * page of its RAM, -EIO if it crashed, or another -errno of KVM_RUN.  The
 * machine can be used again after any of these.
 */
int minivm_run(struct minivm *vm, const struct minivm_job *job,
	       struct minivm_report *rep);

/**
 * minivm_prepare() - the first half of minivm_run(): hand a job to the guest
 * @vm: the machine
 * @job: the job
 *
 * Return: 0 or -EINVAL.
 */
int minivm_prepare(struct minivm *vm, const struct minivm_job *job);

/**
 * minivm_go() - the second half of minivm_run(): let the guest do it
 * @vm: the machine; a job can be done again without another prepare
 * @rep: where to put what the guest saw, or NULL
 *
 * Return: as minivm_run().
 */
int minivm_go(struct minivm *vm, struct minivm_report *rep);

/**
 * minivm_vm_fd() - the descriptor of the VM
 * @vm: the machine
 *
 * The RAM is its slot MINIVM_RAM_SLOT.
 *
 * Return: the descriptor; it remains the machine's.
 */
int minivm_vm_fd(const struct minivm *vm);

/**
 * minivm_vcpu_fd() - the descriptor of the vCPU, for KVM's statistics
 * @vm: the machine
 *
 * Return: the descriptor; it remains the machine's.
 */
int minivm_vcpu_fd(const struct minivm *vm);

/**
 * minivm_free() - end the machine
 * @vm: the machine, or NULL
 */
void minivm_free(struct minivm *vm);

#endif /* MINIVM_H */

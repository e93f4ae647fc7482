/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * minivm: the machine and the guest's side.  Only for minivm.c.
 *
 * The header of the processor has the guest's code, and these functions:
 *	guest_init()	a new vCPU is made to run 64-bit code with paging
 *	guest_restart()	back to the beginning of the code, from any state of the guest
 *	guest_fill()	writes slot 0 as it is when the guest begins
 *	guest_exit()	GUEST_DONE or GUEST_POLL, or another value if the guest crashed
 */
#ifndef MINIVM_GUEST_H
#define MINIVM_GUEST_H

#include "minivm.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <linux/kvm.h>

/* The layout of slot 0, which begins at guest-physical address 0. */
#define GPA_TABLES	0x1000u	/* two pages */
#define GPA_PARAM	0x3000u
#define GPA_CODE	0x4000u
#define GPA_LIST	0x10000u

/* Slot 0 ends with the page list. */
#define SLOT0_SIZE	(GPA_LIST + MINIVM_LIST_MAX * sizeof(uint64_t))

#define GUEST_DONE	0	/* the job is done */
#define GUEST_POLL	1	/* the guest asks whether to go on */

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
	uint64_t poll;		/* 0x40: pages left before GUEST_POLL */
	uint64_t rounds;	/* 0x48: from here on the guest writes */
	uint64_t sum;		/* 0x50 */
	uint64_t nonzero;	/* 0x58 */
	uint64_t where;		/* 0x60: address of the first word not zero */
};

_Static_assert(offsetof(struct guest_param, stop) == 0x38, "guest code");
_Static_assert(offsetof(struct guest_param, where) == 0x60, "guest code");

struct minivm {
	int kvm;
	int fd;
	int vcpu;
	bool lost;			/* the guest is not at its begin */
	uint64_t ram_size;
	uint8_t *slot0;
	struct guest_param *param;	/* in slot0 */
	volatile uint32_t *stop;
	struct kvm_run *run;
	size_t run_size;
	struct minivm_hooks hooks;
};

#define GUEST_LABEL extern __attribute__((visibility("hidden"))) const char

GUEST_LABEL minivm_code[], minivm_code_end[];
GUEST_LABEL minivm_write_one[], minivm_write[], minivm_read[];
GUEST_LABEL minivm_rdwr[], minivm_check[];

#if defined(__x86_64__)
#include "minivm_x86.h"
#elif defined(__aarch64__)
#include "minivm_arm64.h"
#else
#error "minivm has no guest code for this processor"
#endif

#endif /* MINIVM_GUEST_H */

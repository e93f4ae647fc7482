/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guests in a race with their VMM: declarations that the parts of guest_race share.
 */
#ifndef GUEST_RACE_H
#define GUEST_RACE_H

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "fz.h"
#include <linux/kvm.h>

#define GR_PAGE		4096UL
#define GR_CODE_SIZE	0x10000UL
#define GR_RAM_GPA	0x40000000UL
/* The largest memory: three chunks. */
#define GR_MOST_PAGES	1536UL
#define GR_VMS		2
/* Room for two mappings of it, with whole chunks. */
#define GR_AREA		(16 * FZ_CHUNK)

/* Parts that a run may leave out, to see what an event depends on. */
enum gr_part {
	GR_RESET,		/* RESET, or a hole punch, beside the guests */
	GR_DONTNEED,
	GR_FORK,
	GR_MREMAP,
	GR_SLOT,		/* slots are deleted and made again elsewhere */
	GR_LOG,			/* dirty logging on and off, RESET_DIRTY */
	GR_PROTECT,
	GR_UNMAP,
	GR_POPULATE,		/* POPULATE, and targets of the pool */
	GR_CLOSE,		/* the end with vCPUs inside */
	GR_RACES,		/* as many are done beside running guests */
	GR_2M = GR_RACES,	/* whole chunks */
	GR_SWAP,
	GR_DROP,
	GR_POOL,		/* recycled pages: without it there is no target */
	GR_TWO,			/* two machines */
	GR_PARTS,
};

struct gr_options {
	bool memfd;
	bool churn;		/* machines are made anew with each memory */
	uint32_t without;	/* bits of enum gr_part */
	uint64_t seed;
	uint64_t checks;	/* ends after this many checks, */
	long seconds;		/* or after this time */
};

struct gr_vm {
	int id;
	int kvm;
	int fd;
	int vcpu;
	struct kvm_run *run;
	size_t run_size;
	unsigned char *code;
	/* The slot; changed by the main thread alone. */
	void *ram;
	uint64_t first;		/* page of the memory where it begins */
	uint64_t pages;
	_Atomic uint64_t gpa;
	uint32_t flags;
	bool has_slot;
	/* The thread that runs it. */
	pthread_t thread;
	sem_t go, parked;
	_Atomic bool stop, quit;
	/* The job under way, for gr_vm_watch(): the thread that runs it, and its limit. */
	_Atomic pid_t runner;
	_Atomic long late_ms;
	uint64_t random;
	struct gr_race *race;
};

struct gr_race {
	struct gr_options o;
	uint64_t random;
	/* The memory: two mappings of it, the second or none. */
	int ctx, fd;
	uint64_t pages;
	bool logging;
	unsigned char *area, *map, *second;
	unsigned int nr_vms;
	struct gr_vm vms[GR_VMS];
	_Atomic bool ended;
	/* Results of a run. */
	uint64_t memories, resets, checks;
	_Atomic uint64_t runs, refused, mmio;
	_Atomic uint64_t events;
	/* Exits that the guest's code cannot cause. */
	_Atomic uint64_t odd_exits;
};

/* guest_race_vm.c: the machines */
struct gr_job {
	bool write;
	uint64_t first, pages;	/* in the slot */
	uint32_t value;		/* written */
	uint32_t seen;		/* of all that was read, or-ed */
};

int gr_vm_new(struct gr_race *r, struct gr_vm *vm, int id);
void gr_vm_free(struct gr_vm *vm);
int gr_vm_slot(struct gr_vm *vm, bool there, uint32_t flags);
/* What gr_vm_run() returns after an odd exit. */
#define GR_ODD_EXIT	(-EILSEQ)
int gr_vm_run(struct gr_vm *vm, struct gr_job *job);
void gr_vm_park(struct gr_vm *vm);
void gr_vm_go(struct gr_vm *vm);
void *gr_vm_watch(void *race);

/* guest_race_ops.c: operations beside running guests */
int gr_reset(struct gr_race *r, uint64_t first, uint64_t pages);
void gr_ops(struct gr_race *r);
void gr_end_memory(struct gr_race *r);
int gr_new_memory(struct gr_race *r);

/* guest_race_check.c: when all is quiet, everything is exact */
void gr_check(struct gr_race *r);

/* guest_race.c */
void gr_event(struct gr_race *r, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void gr_odd_exit(struct gr_race *r, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static inline uint64_t gr_rand(struct gr_race *r, uint64_t n)
{
	return (fz_random(&r->random) >> 11) % n;
}

/* Once in n times. */
static inline bool gr_one(struct gr_race *r, uint64_t n)
{
	return !gr_rand(r, n);
}

static inline bool gr_has(const struct gr_race *r, enum gr_part part)
{
	return !(r->o.without >> part & 1);
}

#endif

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * check-kvm: the KVM helper, with a real guest, on each backend that works here, and by each
 * way to learn what the guest wrote.
 *
 *	check-kvm [BACKEND]...
 *
 * Prints TAP, and how long a reset takes.  FZ_LONG=1 in the environment makes 10,000 of
 * them each time, not 100.
 */
#include "fastzero.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <linux/kvm.h>

#include "minivm.h"

#define PAGE	4096ull
/* Not a multiple of 64, so that bitmaps end within a word; and more than 581 pages. */
#define PAGES	1237ull
#define LENGTH	(PAGES * PAGE)
/* Two slots: where the second begins is not a multiple of 64 pages either. */
#define SPLIT	613ull
#define READS	581ull

#define gpa(page)	(MINIVM_RAM_GPA + (page) * PAGE)

struct way {
	const char *name;
	uint32_t flags;
	uint64_t ring_bytes;
	unsigned int slots;
};

static const struct way ways[] = {
	{ "log", 0, 0, 1 },
	{ "log_two_slots", 0, 0, 2 },
	{ "manual", FASTZERO_KVM_MANUAL, 0, 1 },
	{ "manual_two_slots", FASTZERO_KVM_MANUAL, 0, 2 },
	{ "ring", FASTZERO_KVM_RING, 0, 1 },
	/* 256 entries, of which KVM keeps some: less than the guest writes. */
	{ "ring_full", FASTZERO_KVM_RING, 256 * sizeof(struct kvm_dirty_gfn), 2 },
};

struct here {
	const struct way *way;
	struct fastzero_ctx *ctx;
	struct fastzero_scratch *ram;
	char *addr;
	struct fastzero_kvm *kvm;
	struct minivm *vm;
	unsigned int full;	/* times that the ring was */
	bool bad;
	bool takes_out;		/* a reset takes pages out, and the next read maps them again */
	unsigned int mode;
};

#define HERE(h, cond) do {						\
	if (!(cond)) {							\
		printf("# %s:%d: failed: %s\n", __FILE__, __LINE__, #cond); \
		(h)->bad = true;					\
	}								\
} while (0)

static int made(void *arg, int vm_fd)
{
	struct here *h = arg;
	struct fastzero_kvm_opts opts = {
		.size = sizeof(opts), .flags = h->way->flags, .ring_bytes = h->way->ring_bytes,
	};

	return fastzero_kvm_new(vm_fd, &opts, &h->kvm);
}

static int ring_full(void *arg)
{
	struct here *h = arg;

	h->full++;
	return fastzero_kvm_collect(h->kvm);
}

static int attach(struct here *h)
{
	struct fastzero_kvm_slot slot = {
		.size = sizeof(slot), .slot = MINIVM_RAM_SLOT, .gpa = MINIVM_RAM_GPA,
		.addr = h->addr,
	};
	struct kvm_userspace_memory_region none = { .slot = MINIVM_RAM_SLOT };
	int ret;

	if (h->way->slots == 1)
		return fastzero_kvm_attach(h->kvm, h->ram, &slot);
	/* In the place of minivm's one slot. */
	if (ioctl(minivm_vm_fd(h->vm), KVM_SET_USER_MEMORY_REGION, &none))
		return -1;
	slot.length = SPLIT * PAGE;
	ret = fastzero_kvm_attach(h->kvm, h->ram, &slot);
	slot.slot++;
	slot.gpa += slot.length;
	slot.offset = slot.length;
	slot.addr = h->addr + slot.length;
	slot.length = 0;
	return ret ? ret : fastzero_kvm_attach(h->kvm, h->ram, &slot);
}

static int begin(struct here *h)
{
	const struct minivm_hooks hooks = { .arg = h, .made = made, .ring_full = ring_full };
	void *addr;
	int ret;

	ret = fastzero_scratch_create(h->ctx, LENGTH, NULL, &h->ram);
	if (!ret)
		ret = fastzero_map(h->ram, NULL, &addr);
	if (ret)
		return ret;
	h->addr = addr;
	ret = minivm_new_hooked(&hooks, &h->vm);
	if (!ret)
		ret = fastzero_kvm_vcpu(h->kvm, minivm_vcpu_fd(h->vm));
	if (!ret)
		ret = minivm_set_ram(h->vm, h->addr, LENGTH);
	return ret ? ret : attach(h);
}

static void end(struct here *h)
{
	fastzero_kvm_free(h->kvm);
	minivm_free(h->vm);
	if (h->addr)
		fastzero_unmap(h->addr, LENGTH);
	fastzero_scratch_close(h->ram);
}

static bool page_is(const struct here *h, uint64_t page, char value)
{
	const char *p = h->addr + page * PAGE;

	return *p == value && !memcmp(p, p + 1, PAGE - 1);
}

static bool all_zero(const struct here *h)
{
	uint64_t page;

	for (page = 0; page < PAGES; page++)
		if (!page_is(h, page, 0))
			return false;
	return true;
}

static void run(struct here *h, enum minivm_op op, uint64_t first, uint64_t stride,
		uint64_t count)
{
	struct minivm_job job = {
		.op = op, .first = first, .stride = stride, .count = count, .words = 512,
		.value = 0x0123456789abcdef,
	};
	struct minivm_report report;

	HERE(h, minivm_run(h->vm, &job, &report) == 0);
	HERE(h, report.pages == count);
}

/* Pages that the reset has dealt with. */
static uint64_t reset(struct here *h)
{
	struct fastzero_result r = { .size = sizeof(r) };
	int ret = fastzero_kvm_reset(h->kvm, h->mode, &r);

	if (ret)
		printf("# reset: %s\n", fastzero_strerror(ret));
	HERE(h, !ret);
	HERE(h, r.done == LENGTH);
	return r.cleared + r.swapped + r.dropped;
}

/* Whether that is as many as were written. */
static bool resets(struct here *h, uint64_t pages)
{
	return reset(h) == pages || h->takes_out;
}

/* Everything there is has been written, and found. */
static void check_writes(struct here *h)
{
	run(h, MINIVM_WRITE, 0, 1, PAGES);
	reset(h);
	HERE(h, all_zero(h));
	/* Where pages were taken out, KVM calls those written that are read first. */
	run(h, MINIVM_CHECK, 0, 1, PAGES);
	reset(h);
	/* The ends of the bitmaps, and both sides of the split. */
	run(h, MINIVM_WRITE, PAGES - 1, 0, 1);
	run(h, MINIVM_WRITE, SPLIT - 1, 1, 2);
	run(h, MINIVM_WRITE, 0, 0, 1);
	HERE(h, resets(h, 4));
	HERE(h, all_zero(h));
	HERE(h, resets(h, 0));
}

/* What is only read stays: it is not cleared, and what was hidden there is still there. */
static void check_reads(struct here *h)
{
	unsigned int i;

	run(h, MINIVM_READ, 0, 2, READS);
	reset(h);
	for (i = 0; i < 3; i++) {
		/* Not told of: stays, since nobody looks at it. */
		h->addr[20 * PAGE] = 7;
		run(h, MINIVM_READ, 0, 2, READS);
		run(h, MINIVM_WRITE, 1, 100, 3);
		HERE(h, resets(h, 3));
		HERE(h, page_is(h, 1, 0) && page_is(h, 101, 0) && page_is(h, 201, 0));
		HERE(h, h->takes_out || h->addr[20 * PAGE] == 7);
	}
	HERE(h, fastzero_kvm_wrote(h->kvm, gpa(20), 1) == 0);
	HERE(h, resets(h, 1));
	HERE(h, all_zero(h));
}

/* The VMM's own stores, and those of both. */
static void check_told(struct here *h)
{
	memset(h->addr + SPLIT * PAGE - 1, 1, 2);
	HERE(h, fastzero_kvm_wrote(h->kvm, gpa(SPLIT) - 1, 2) == 0);
	HERE(h, resets(h, 2));
	HERE(h, all_zero(h));
	memset(h->addr + (PAGES - 1) * PAGE, 1, PAGE);
	HERE(h, fastzero_kvm_wrote(h->kvm, gpa(PAGES) - 1, 1) == 0);
	run(h, MINIVM_WRITE, PAGES - 2, 1, 2);
	HERE(h, resets(h, 2));
	HERE(h, all_zero(h));
	HERE(h, resets(h, 0));
	/* Nothing is noted of a range that is not all there. */
	HERE(h, fastzero_kvm_wrote(h->kvm, gpa(PAGES) - 1, 2) == -EFAULT);
	HERE(h, fastzero_kvm_wrote(h->kvm, gpa(0) - 1, 1) == -EFAULT);
	HERE(h, fastzero_kvm_wrote(h->kvm, UINT64_MAX, 2) == -EFAULT);
	HERE(h, fastzero_kvm_wrote(h->kvm, gpa(0), 0) == 0);
	HERE(h, resets(h, 0));
}

/* What a failed call has seen is there for the next. */
static void check_failed(struct here *h)
{
	run(h, MINIVM_WRITE, 3, 7, 20);
	HERE(h, fastzero_kvm_reset(h->kvm, 99, NULL) == -EINVAL);
	HERE(h, page_is(h, 3, 0) == false);
	HERE(h, resets(h, 20));
	HERE(h, all_zero(h));
}

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* Many short runs, in which the guest writes 8 pages of all slots. */
static void check_many(struct here *h)
{
	const char *is_long = getenv("FZ_LONG");
	int i, rounds = is_long && !strcmp(is_long, "1") ? 10000 : 100;
	double began, us = 0;

	for (i = 0; i < rounds && !h->bad; i++) {
		run(h, MINIVM_WRITE, (uint64_t)i % 7, 150, 8);
		began = now_us();
		HERE(h, resets(h, 8));
		us += now_us() - began;
	}
	HERE(h, all_zero(h));
	if (!h->bad)
		printf("# %s.%s: %d resets of 8 pages, %.0f us each\n",
		       fastzero_backend_name((unsigned int)fastzero_backend(h->ctx)),
		       h->way->name, rounds, us / rounds);
}

static void check_slots(struct here *h)
{
	struct fastzero_kvm_slot slot = {
		.size = sizeof(slot), .slot = 9, .gpa = gpa(PAGES - 1), .addr = h->addr,
	};

	HERE(h, fastzero_kvm_attach(h->kvm, h->ram, &slot) == -EEXIST);
	slot.gpa = gpa(PAGES);
	slot.slot = MINIVM_RAM_SLOT;
	HERE(h, fastzero_kvm_attach(h->kvm, h->ram, &slot) == -EEXIST);
	slot.slot = 9;
	slot.offset = LENGTH;
	HERE(h, fastzero_kvm_attach(h->kvm, h->ram, &slot) == -EINVAL);
	slot.offset = 1;
	HERE(h, fastzero_kvm_attach(h->kvm, h->ram, &slot) == -EINVAL);
	slot.offset = 0;
	slot.addr = NULL;
	HERE(h, fastzero_kvm_attach(h->kvm, h->ram, &slot) == -EINVAL);
	HERE(h, fastzero_kvm_detach(h->kvm, 9) == -ENOENT);
	HERE(h, fastzero_kvm_detach(h->kvm, MINIVM_RAM_SLOT) == 0);
	HERE(h, fastzero_kvm_wrote(h->kvm, gpa(0), 1) == -EFAULT);
}

static void check_all(struct here *h)
{
	check_writes(h);
	check_reads(h);
	check_told(h);
	check_failed(h);
	check_many(h);
	HERE(h, (h->full != 0) == (h->way->ring_bytes != 0));
	check_slots(h);
}

static bool wanted(int argc, char **argv, unsigned int id)
{
	int i;

	for (i = 1; i < argc; i++)
		if (!strcmp(argv[i], fastzero_backend_name(id)))
			return true;
	return argc == 1;
}

static void skip(const struct here *h, unsigned int id, unsigned int number, int ret)
{
	printf("ok %u %s.%s # SKIP %s\n", number, fastzero_backend_name(id), h->way->name,
	       fastzero_strerror(ret));
}

int main(int argc, char **argv)
{
	struct fastzero_ctx_opts opts = FASTZERO_CTX_OPTS_INIT;
	unsigned int id, number = 0, bad = 0;
	size_t i;
	int ret;

	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("TAP version 13\n");
	for (id = FASTZERO_BACKEND_ANY + 1; fastzero_backend_name(id); id++) {
		if (!wanted(argc, argv, id))
			continue;
		for (i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
			struct here h = { .way = &ways[i] };

			/* AUTO also drops what runs have stopped to use. */
			if (id == FASTZERO_BACKEND_DEVICE)
				h.mode = FASTZERO_MODE_INPLACE;
			h.takes_out = id == FASTZERO_BACKEND_MEMFD || id == FASTZERO_BACKEND_ANON;
			opts.backend = id;
			ret = fastzero_ctx_open(&opts, &h.ctx);
			if (ret) {
				skip(&h, id, ++number, ret);
				continue;
			}
			ret = begin(&h);
			if (ret == -EOPNOTSUPP && (h.way->flags & FASTZERO_KVM_RING)) {
				skip(&h, id, ++number, ret);
				end(&h);
				fastzero_ctx_close(h.ctx);
				continue;
			}
			if (ret) {
				printf("# %s\n", fastzero_strerror(ret));
				h.bad = true;
			} else {
				check_all(&h);
			}
			end(&h);
			fastzero_ctx_close(h.ctx);
			printf("%sok %u %s.%s\n", h.bad ? "not " : "", ++number,
			       fastzero_backend_name(id), ways[i].name);
			bad += h.bad;
		}
	}
	printf("1..%u\n", number);
	return bad != 0;
}

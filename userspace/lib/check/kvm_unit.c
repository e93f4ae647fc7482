// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Unit checks of the KVM helper, on a stand-in for KVM: logs and rings that the checks fill.
 * The scratch is of the backend memset.  check-kvm does it with real guests.
 */
#include "check.h"
#include "fastzero.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>
#include <linux/kvm.h>
#include <sys/mman.h>

#define PAGE	4096ull
#define PAGES	1300ull		/* not a multiple of 64, and more than two blocks of 512 */
#define SPLIT	70ull		/* the second slot begins here */
#define GPA	(1ull << 32)
#define RING	4096u		/* bytes */

#define at(page)	(GPA + (page) * PAGE)

/* What the stand-in knows of a slot; pages are counted from its begin. */
struct fake_slot {
	uint64_t pages;
	uint64_t log[PAGES / 64 + 1];
};

static struct fake_slot slots[4];
static bool manual;
static unsigned int cleared, rings_reset;
static struct kvm_dirty_gfn *ring;
static unsigned int ring_at;

static int fake_clear(const struct kvm_clear_dirty_log *clear)
{
	struct fake_slot *s = &slots[clear->slot];
	const uint64_t *bits = clear->dirty_bitmap;
	uint64_t i;

	/* As KVM has it. */
	if (!manual || clear->first_page % 64 || clear->first_page >= s->pages ||
	    clear->num_pages > s->pages - clear->first_page ||
	    (clear->num_pages % 64 && clear->first_page + clear->num_pages != s->pages)) {
		errno = EINVAL;
		return -1;
	}
	for (i = 0; i < (clear->num_pages + 63) / 64; i++)
		s->log[clear->first_page / 64 + i] &= ~bits[i];
	cleared++;
	return 0;
}

static int fake_get(const struct kvm_dirty_log *log)
{
	struct fake_slot *s = &slots[log->slot];

	memcpy(log->dirty_bitmap, s->log, (s->pages + 63) / 64 * 8);
	if (!manual)
		memset(s->log, 0, sizeof(s->log));
	return 0;
}

static int fake_set(const struct kvm_userspace_memory_region *region)
{
	memset(&slots[region->slot], 0, sizeof(slots[0]));
	slots[region->slot].pages = region->memory_size / PAGE;
	CHECK(!region->memory_size || region->flags == KVM_MEM_LOG_DIRTY_PAGES);
	return 0;
}

static int fake_reset_rings(void)
{
	unsigned int i;

	for (i = 0; i < RING / sizeof(*ring); i++)
		if (ring[i].flags & KVM_DIRTY_GFN_F_RESET)
			ring[i].flags = 0;
	rings_reset++;
	return 0;
}

int ioctl(int fd, unsigned long request, ...)
{
	va_list ap;
	void *arg;

	(void)fd;
	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	switch (request) {
	case KVM_CHECK_EXTENSION:
		return 65536;
	case KVM_ENABLE_CAP:
		manual = ((struct kvm_enable_cap *)arg)->cap == KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2;
		return 0;
	case KVM_SET_USER_MEMORY_REGION:
		return fake_set(arg);
	case KVM_GET_DIRTY_LOG:
		return fake_get(arg);
	case KVM_CLEAR_DIRTY_LOG:
		return fake_clear(arg);
	case KVM_RESET_DIRTY_RINGS:
		return fake_reset_rings();
	}
	errno = ENOTTY;
	return -1;
}

/* A guest's store: slots 1 and 2 are behind each other. */
static void guest_writes(char *ram, uint64_t page)
{
	uint32_t slot = page < SPLIT ? 1 : 2;
	uint64_t offset = page < SPLIT ? page : page - SPLIT;

	memset(ram + page * PAGE, 1, PAGE);
	if (!ring) {
		slots[slot].log[offset / 64] |= 1ull << offset % 64;
		return;
	}
	ring[ring_at].slot = slot;
	ring[ring_at].offset = offset;
	ring[ring_at].flags = KVM_DIRTY_GFN_F_DIRTY;
	ring_at = (ring_at + 1) % (RING / sizeof(*ring));
}

static uint64_t reset(struct fastzero_kvm *kvm)
{
	struct fastzero_result r = { .size = sizeof(r) };

	CHECK(fastzero_kvm_reset(kvm, FASTZERO_MODE_AUTO, &r) == 0);
	CHECK(r.done == PAGES * PAGE);
	return r.cleared + r.dropped;
}

static bool all_zero(const char *ram)
{
	return !*ram && !memcmp(ram, ram + 1, PAGES * PAGE - 1);
}

/* Single pages and pairs at the edges of blocks of the second slot. */
static void check_edges(struct fastzero_kvm *kvm, char *ram)
{
	static const uint64_t edges[] = {
		SPLIT, SPLIT + 511, SPLIT + 512, SPLIT + 1023, SPLIT + 1024, PAGES - 1,
	};
	const size_t nr = sizeof(edges) / sizeof(edges[0]);
	size_t i, j;

	for (i = 0; i < nr; i++)
		for (j = i; j < nr; j++) {
			guest_writes(ram, edges[i]);
			if (j > i)
				guest_writes(ram, edges[j]);
			CHECK(reset(kvm) == 1 + (j > i) && all_zero(ram));
			CHECK(reset(kvm) == 0);
		}
}

static void check_way(struct fastzero_scratch *scratch, char *ram, struct fastzero_kvm *kvm)
{
	struct fastzero_kvm_slot slot = {
		.size = sizeof(slot), .slot = 1, .gpa = GPA, .length = SPLIT * PAGE, .addr = ram,
	};
	uint64_t page;

	CHECK(fastzero_kvm_attach(kvm, scratch, &slot) == 0);
	slot.slot = 2;
	slot.length = 0;
	slot.offset = SPLIT * PAGE;
	CHECK(fastzero_kvm_attach(kvm, scratch, &slot) == -EEXIST);
	slot.gpa = at(SPLIT);
	slot.addr = ram + SPLIT * PAGE;
	CHECK(fastzero_kvm_attach(kvm, scratch, &slot) == 0);

	CHECK(reset(kvm) == 0);
	guest_writes(ram, 0);
	guest_writes(ram, SPLIT - 1);
	guest_writes(ram, SPLIT);
	guest_writes(ram, PAGES - 1);
	CHECK(reset(kvm) == 4 && all_zero(ram));
	CHECK(reset(kvm) == 0);
	check_edges(kvm, ram);
	/* What nobody told of stays, and is not looked at. */
	ram[5 * PAGE] = 1;
	guest_writes(ram, 6);
	CHECK(reset(kvm) == 1 && ram[5 * PAGE] == 1);
	/* What both wrote is dealt with once. */
	memset(ram + SPLIT * PAGE - 1, 1, 2);
	guest_writes(ram, SPLIT);
	CHECK(fastzero_kvm_wrote(kvm, at(SPLIT) - 1, 2) == 0);
	CHECK(fastzero_kvm_wrote(kvm, at(5) + 7, 1) == 0);
	CHECK(reset(kvm) == 3 && all_zero(ram));
	CHECK(fastzero_kvm_wrote(kvm, at(PAGES) - 1, 2) == -EFAULT);
	CHECK(fastzero_kvm_wrote(kvm, at(0) - 1, 2) == -EFAULT);
	CHECK(reset(kvm) == 0);
	/* What a failed call has seen is there for the next. */
	for (page = 0; page < 100; page++)
		guest_writes(ram, page * 2);
	CHECK(fastzero_kvm_reset(kvm, 99, NULL) == -EINVAL);
	CHECK(reset(kvm) == 100 && all_zero(ram));
	/* Once round the ring. */
	for (page = 0; page < PAGES; page++) {
		if (ring && page % 100 == 99)
			CHECK(fastzero_kvm_collect(kvm) == 0);
		guest_writes(ram, page);
	}
	CHECK(reset(kvm) == PAGES && all_zero(ram));

	CHECK(fastzero_kvm_detach(kvm, 7) == -ENOENT);
	CHECK(fastzero_kvm_detach(kvm, 1) == 0 && !slots[1].pages);
	CHECK(fastzero_kvm_wrote(kvm, at(0), 1) == -EFAULT);
	CHECK(fastzero_kvm_wrote(kvm, at(SPLIT), 1) == 0);
}

int main(void)
{
	static const uint32_t flags[] = { 0, FASTZERO_KVM_MANUAL, FASTZERO_KVM_RING };
	struct fastzero_ctx_opts ctx_opts = FASTZERO_CTX_OPTS_INIT;
	struct fastzero_kvm_opts opts = { .size = sizeof(opts), .ring_bytes = RING };
	struct fastzero_scratch *scratch = NULL;
	struct fastzero_kvm *kvm = NULL;
	struct fastzero_ctx *ctx = NULL;
	void *ram = NULL;
	int vcpu;
	size_t i;

	ctx_opts.backend = FASTZERO_BACKEND_MEMSET;
	CHECK(fastzero_ctx_open(&ctx_opts, &ctx) == 0);
	CHECK(fastzero_scratch_create(ctx, PAGES * PAGE, NULL, &scratch) == 0);
	CHECK(fastzero_map(scratch, NULL, &ram) == 0);
	vcpu = memfd_create("vcpu", 0);
	CHECK(vcpu >= 0 && !ftruncate(vcpu, KVM_DIRTY_LOG_PAGE_OFFSET * PAGE + RING));
	if (failed)
		return check_end("kvm");
	opts.flags = 1u << 31;
	CHECK(fastzero_kvm_new(-1, &opts, &kvm) == -EOPNOTSUPP && !kvm);
	opts.flags = FASTZERO_KVM_MANUAL | FASTZERO_KVM_RING;
	CHECK(fastzero_kvm_new(-1, &opts, &kvm) == -EINVAL && !kvm);
	for (i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		opts.flags = flags[i];
		manual = false;
		CHECK(fastzero_kvm_new(-1, &opts, &kvm) == 0);
		CHECK(fastzero_kvm_vcpu(kvm, vcpu) == 0);
		if (flags[i] & FASTZERO_KVM_RING)
			ring = mmap(NULL, RING, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu,
				    KVM_DIRTY_LOG_PAGE_OFFSET * PAGE);
		check_way(scratch, ram, kvm);
		CHECK((cleared != 0) == (manual != 0));
		CHECK((rings_reset != 0) == (ring != NULL));
		cleared = 0;
		fastzero_kvm_free(kvm);
	}
	CHECK(fastzero_kvm_reset(NULL, 0, NULL) == -EINVAL);
	fastzero_kvm_free(NULL);
	munmap(ring, RING);
	close(vcpu);
	fastzero_unmap(ram, PAGES * PAGE);
	fastzero_scratch_close(scratch);
	fastzero_ctx_close(ctx);
	return check_end("kvm");
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The exact checks of guest_race, while the guests are parked and nothing else runs.
 * After a reset all is zero for guests and host.  On every page guests see the host's
 * writes, and the host sees the guests' writes.
 */
#define _GNU_SOURCE
#include "guest_race.h"

static const unsigned char check_zeros[GR_PAGE];

/* The first word of a page, as the host's descriptor, and as its mapping, has it. */
static bool check_word(struct gr_race *r, uint64_t page, uint32_t right)
{
	uint32_t word = ~right;

	return pread(r->fd, &word, 4, (off_t)(page * GR_PAGE)) == 4 &&
	       word == right &&
	       *(volatile uint32_t *)(r->map + page * GR_PAGE) == right &&
	       (!r->second ||
		*(volatile uint32_t *)(r->second + page * GR_PAGE) == right);
}

/* No guest writes to the rest of a page. */
static bool check_rest(struct gr_race *r, uint64_t page)
{
	return !memcmp(r->map + page * GR_PAGE + 4, check_zeros, GR_PAGE - 4);
}

/* All that can be said about pages that differ. */
static void check_say(struct gr_race *r, const char *what, uint64_t first,
		      uint64_t end, uint32_t right)
{
	uint64_t page, bad = 0, at = 0, last = 0;
	uint32_t by_fd = 0;

	for (page = first; page < end; page++)
		if (!check_word(r, page, right) || !check_rest(r, page)) {
			if (!bad++)
				at = page;
			last = page;
		}
	pread(r->fd, &by_fd, 4, (off_t)(at * GR_PAGE));
	gr_event(r, "%s: not %x in %ju of %ju pages, from %ju to %ju; the first has %x by read, %x and %x in mappings, rest %s\n",
		 what, right, (uintmax_t)bad, (uintmax_t)(end - first),
		 (uintmax_t)at, (uintmax_t)last, by_fd,
		 *(volatile uint32_t *)(r->map + at * GR_PAGE),
		 r->second ? *(volatile uint32_t *)(r->second + at * GR_PAGE) : 0,
		 check_rest(r, at) ? "zero" : "NOT ZERO");
}

static void check_pages(struct gr_race *r, const char *what, uint64_t first,
			uint64_t end, uint32_t right)
{
	uint64_t page;

	for (page = first; page < end; page++)
		if (!check_word(r, page, right) || !check_rest(r, page)) {
			check_say(r, what, first, end, right);
			return;
		}
}

/*
 * A run of a parked machine, here and now.  Only an odd exit ends it early.  Then the guest
 * may have written anywhere in its memory, and the check is given up.
 */
static bool check_guest(struct gr_race *r, struct gr_vm *vm, struct gr_job *job)
{
	int ret = gr_vm_run(vm, job);

	if (ret == GR_ODD_EXIT)
		return false;
	if (ret)
		gr_event(r, "a guest that has all it needs: %d, then %d\n", ret,
			 gr_vm_run(vm, job));
	return true;
}

/*
 * All memory is zero.  A few pages are written, and then reset by the dirty logs: also what
 * a guest writes before an odd exit.
 */
static int check_reset_by_log(struct gr_race *r)
{
	uint64_t all[GR_MOST_PAGES / 64 + 1] = { 0 };
	uint64_t log[GR_MOST_PAGES / 64 + 1];
	unsigned int i, k;
	uint64_t page;
	int err = gr_reset(r, 0, r->pages);

	for (i = 0; i < r->nr_vms && !err; i++) {
		struct kvm_dirty_log get = { .slot = 1, .dirty_bitmap = log };
		struct gr_vm *vm = &r->vms[i];

		err = FZ_ERRNO(ioctl(vm->fd, KVM_GET_DIRTY_LOG, &get));
		for (k = 0; k < 5 && !err; k++) {
			struct gr_job job = {
				.write = true, .first = gr_rand(r, vm->pages),
				.pages = 1, .value = k + 1,
			};

			check_guest(r, vm, &job);
		}
		if (!err)
			err = FZ_ERRNO(ioctl(vm->fd, KVM_GET_DIRTY_LOG, &get));
		for (page = 0; page < vm->pages && !err; page++)
			if (log[page / 64] >> page % 64 & 1)
				all[(page + vm->first) / 64] |=
					1ULL << (page + vm->first) % 64;
	}
	if (err)
		return err;
	r->resets++;
	return FZ_ERRNO(fz_raw_reset_dirty(r->fd, 0, r->pages * GR_PAGE,
					   FASTZERO_MODE_AUTO, all, sizeof(all),
					   NULL));
}

static bool check_zero(struct gr_race *r)
{
	bool by_log = r->logging && !r->o.memfd && gr_one(r, 2);
	int err = by_log ? check_reset_by_log(r) : gr_reset(r, 0, r->pages);
	unsigned int i;

	if (err)
		gr_event(r, "a reset%s: %s\n", by_log ? " by log" : "",
			 strerror(err));
	for (i = 0; i < r->nr_vms; i++) {
		struct gr_vm *vm = &r->vms[i];
		struct gr_job all = { .pages = vm->pages };

		if (gr_one(r, 3))
			continue;
		if (!check_guest(r, vm, &all))
			return false;
		if (all.seen)
			gr_event(r, "guest %u reads %x after a reset%s\n", i,
				 all.seen, by_log ? " by log" : "");
	}
	check_pages(r, "after a reset", 0, r->pages, 0);
	return true;
}

static bool check_shared(struct gr_race *r, struct gr_vm *vm)
{
	uint32_t value = (uint32_t)fz_random(&r->random) | 1;
	struct gr_job all = { .write = true, .pages = vm->pages, .value = value };
	struct gr_job one = { .first = gr_rand(r, vm->pages), .pages = 1 };

	if (!check_guest(r, vm, &all))
		return false;
	check_pages(r, "written by a guest", vm->first, vm->first + vm->pages,
		    value);

	value ^= 0x80000000;
	if (pwrite(r->fd, &value, 4,
		   (off_t)((vm->first + one.first) * GR_PAGE)) != 4)
		gr_event(r, "pwrite: %s\n", strerror(errno));
	if (!check_guest(r, vm, &one))
		return false;
	if (one.seen != value)
		gr_event(r, "guest %d does not see what the host wrote\n",
			 vm->id);
	return true;
}

/* One exact check of everything; an odd exit of a guest ends it early. */
void gr_check(struct gr_race *r)
{
	unsigned int i;

	r->checks++;
	if (!check_zero(r))
		return;
	for (i = 0; i < r->nr_vms; i++)
		if (!check_shared(r, &r->vms[i]))
			return;
}

// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * libfastzero: slots of a VM, and the reset of what was written in them.
 */
#include "kvm.h"

#include <stdlib.h>
#include <string.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>

#define FZ_KVM_FLAGS	(FASTZERO_KVM_RING | FASTZERO_KVM_MANUAL)
/* Room for a look at a log: the fast walk has more than 64 runs. */
#define FZ_KVM_RUNS	128

static int fz_kvm_manual_enable(struct fastzero_kvm *kvm)
{
	struct kvm_enable_cap cap = {
		.cap = KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2,
		.args = { KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE },
	};

	if (ioctl(kvm->vm, KVM_ENABLE_CAP, &cap))
		return fz_fail(-EOPNOTSUPP, "KVM has no manual protection of the dirty log");
	return 0;
}

FASTZERO_API int fastzero_kvm_new(int vm_fd, const struct fastzero_kvm_opts *opts,
				  struct fastzero_kvm **out)
{
	struct fastzero_kvm_opts o;
	struct fastzero_kvm *kvm;
	int ret;

	if (!out)
		return fz_null("the place for the handle");
	*out = NULL;
	ret = fz_struct_in(&o, sizeof(o), opts);
	if (ret)
		return ret;
	if (o.flags & ~FZ_KVM_FLAGS)
		return fz_fail(-EOPNOTSUPP, "flags %#x are not known", o.flags & ~FZ_KVM_FLAGS);
	if (o.flags == FZ_KVM_FLAGS)
		return fz_fail(-EINVAL, "rings have no manual protection");
	kvm = calloc(1, sizeof(*kvm));
	if (!kvm)
		return fz_fail(-ENOMEM, NULL);
	kvm->vm = vm_fd;
	kvm->flags = o.flags;
	kvm->ring_bytes = o.ring_bytes;
	if (o.flags & FASTZERO_KVM_RING)
		ret = fz_kvm_ring_enable(kvm);
	else if (o.flags & FASTZERO_KVM_MANUAL)
		ret = fz_kvm_manual_enable(kvm);
	if (ret) {
		free(kvm);
		return ret;
	}
	*out = kvm;
	return 0;
}

static void fz_kvm_slot_free(struct fz_kvm_slot *slot)
{
	free(slot->log);
	free(slot->kept);
	free(slot);
}

FASTZERO_API void fastzero_kvm_free(struct fastzero_kvm *kvm)
{
	struct fz_kvm_slot *slot;

	if (!kvm)
		return;
	fz_kvm_ring_free(kvm);
	while ((slot = kvm->slots)) {
		kvm->slots = slot->next;
		fz_kvm_slot_free(slot);
	}
	free(kvm);
}

struct fz_kvm_slot *fz_kvm_find(const struct fastzero_kvm *kvm, uint32_t id)
{
	struct fz_kvm_slot *slot;

	for (slot = kvm->slots; slot && slot->id != id; slot = slot->next)
		;
	return slot;
}

/* The slot of a guest's page, or NULL. */
static struct fz_kvm_slot *fz_kvm_slot_at(const struct fastzero_kvm *kvm, uint64_t gpa)
{
	struct fz_kvm_slot *slot;

	for (slot = kvm->slots; slot; slot = slot->next)
		if (gpa >= slot->gpa && (gpa - slot->gpa) / FZ_PAGE < slot->pages)
			return slot;
	return NULL;
}

static int fz_kvm_check_slot(const struct fastzero_kvm *kvm,
			     const struct fastzero_scratch *scratch,
			     const struct fastzero_kvm_slot *s)
{
	uint64_t length = fastzero_scratch_length(scratch);
	const struct fz_kvm_slot *slot;

	if (!s->addr)
		return fz_null("the address of a slot");
	if ((s->gpa | s->offset | s->length | (uintptr_t)s->addr) % FZ_PAGE)
		return fz_fail(-EINVAL, "a slot is not aligned to pages");
	if (!s->length || s->offset > length || s->length > length - s->offset ||
	    s->gpa > UINT64_MAX - s->length)
		return fz_fail(-EINVAL, "the range of a slot is empty, or not inside the scratch");
	for (slot = kvm->slots; slot; slot = slot->next)
		if (slot->id == s->slot ||
		    (s->gpa < slot->gpa + slot->pages * FZ_PAGE && slot->gpa < s->gpa + s->length))
			return fz_fail(-EEXIST, "slot %u is there already, by number or address",
				       slot->id);
	return 0;
}

static int fz_kvm_set(const struct fastzero_kvm *kvm, const struct fastzero_kvm_slot *s)
{
	struct kvm_userspace_memory_region region = {
		.slot = s->slot,
		.flags = s->length ? KVM_MEM_LOG_DIRTY_PAGES : 0,
		.guest_phys_addr = s->gpa,
		.memory_size = s->length,
		.userspace_addr = (uintptr_t)s->addr,
	};

	if (ioctl(kvm->vm, KVM_SET_USER_MEMORY_REGION, &region))
		return fz_fail(-errno, "KVM does not take slot %u", s->slot);
	return 0;
}

FASTZERO_API int fastzero_kvm_attach(struct fastzero_kvm *kvm,
				     const struct fastzero_scratch *scratch,
				     const struct fastzero_kvm_slot *opts)
{
	struct fastzero_kvm_slot s;
	struct fz_kvm_slot *slot;
	int ret;

	if (!kvm || !scratch || !opts)
		return fz_null("the handle, the scratch or the slot");
	ret = fz_struct_in(&s, sizeof(s), opts);
	if (ret)
		return ret;
	if (!s.length && s.offset < fastzero_scratch_length(scratch))
		s.length = fastzero_scratch_length(scratch) - s.offset;
	ret = fz_kvm_check_slot(kvm, scratch, &s);
	if (ret)
		return ret;
	slot = calloc(1, sizeof(*slot));
	if (!slot)
		return fz_fail(-ENOMEM, NULL);
	slot->scratch = scratch;
	slot->id = s.slot;
	slot->gpa = s.gpa;
	slot->offset = s.offset;
	slot->pages = s.length / FZ_PAGE;
	slot->words = (slot->pages + FZ_KVM_BLOCK * 64 - 1) / (FZ_KVM_BLOCK * 64);
	slot->words *= FZ_KVM_BLOCK;
	slot->log = calloc(slot->words, sizeof(*slot->log));
	slot->kept = calloc(slot->words, sizeof(*slot->kept));
	ret = slot->log && slot->kept ? fz_kvm_set(kvm, &s) : fz_fail(-ENOMEM, NULL);
	if (ret) {
		fz_kvm_slot_free(slot);
		return ret;
	}
	slot->next = kvm->slots;
	kvm->slots = slot;
	return 0;
}

FASTZERO_API int fastzero_kvm_detach(struct fastzero_kvm *kvm, uint32_t id)
{
	struct fastzero_kvm_slot gone = { .slot = id };
	struct fz_kvm_slot **at, *slot;
	int ret;

	if (!kvm)
		return fz_null("the handle");
	for (at = &kvm->slots; *at && (*at)->id != id; at = &(*at)->next)
		;
	slot = *at;
	if (!slot)
		return fz_fail(-ENOENT, "there is no slot %u", id);
	/* Entries of the rings must not be taken for those of a later slot. */
	ret = fastzero_kvm_collect(kvm);
	if (!ret)
		ret = fz_kvm_set(kvm, &gone);
	if (ret)
		return ret;
	*at = slot->next;
	fz_kvm_slot_free(slot);
	return 0;
}

void fz_kvm_keep(struct fz_kvm_slot *slot, uint64_t page)
{
	__atomic_fetch_or(&slot->kept[page / 64], 1ull << page % 64, __ATOMIC_RELAXED);
	__atomic_store_n(&slot->any_kept, true, __ATOMIC_RELEASE);
}

FASTZERO_API int fastzero_kvm_wrote(struct fastzero_kvm *kvm, uint64_t gpa, uint64_t length)
{
	struct fz_kvm_slot *slot;
	uint64_t page, end;

	if (!kvm)
		return fz_null("the handle");
	if (!length)
		return 0;
	if (gpa > UINT64_MAX - length)
		return fz_fail(-EFAULT, "the range wraps around");
	end = (gpa + length - 1) / FZ_PAGE;
	for (page = gpa / FZ_PAGE; page <= end; page++)
		if (!fz_kvm_slot_at(kvm, page * FZ_PAGE))
			return fz_fail(-EFAULT, "%#llx is in no slot",
				       (unsigned long long)(page * FZ_PAGE));
	for (page = gpa / FZ_PAGE; page <= end; page++) {
		slot = fz_kvm_slot_at(kvm, page * FZ_PAGE);
		fz_kvm_keep(slot, page - slot->gpa / FZ_PAGE);
	}
	return 0;
}

/* What KVM has logged; its log is empty then, unless protection is manual. */
static int fz_kvm_get_log(const struct fastzero_kvm *kvm, struct fz_kvm_slot *slot)
{
	struct kvm_dirty_log log = { .slot = slot->id, .dirty_bitmap = slot->log };

	if (kvm->flags & FASTZERO_KVM_RING)
		return 0;
	if (ioctl(kvm->vm, KVM_GET_DIRTY_LOG, &log))
		return fz_fail(-errno, "KVM does not give the dirty log of slot %u", slot->id);
	return 0;
}

static bool fz_kvm_block_is_empty(const uint64_t *words)
{
	return !(words[0] | words[1] | words[2] | words[3] |
		 words[4] | words[5] | words[6] | words[7]);
}

/*
 * Finds the part of the log that has bits.  False if there is none.  In a large log it looks
 * at both ends only: the module passes over unpopulated chunks faster than a look does.
 */
static bool fz_kvm_find_part(struct fz_kvm_slot *slot)
{
	uint64_t first = 0, end = slot->words;
	unsigned int looks;

	for (looks = FZ_KVM_LOOKS; looks && first < end; looks--) {
		if (!fz_kvm_block_is_empty(slot->log + first))
			break;
		first += FZ_KVM_BLOCK;
	}
	for (looks = FZ_KVM_LOOKS; looks && first < end; looks--) {
		if (!fz_kvm_block_is_empty(slot->log + end - FZ_KVM_BLOCK))
			break;
		end -= FZ_KVM_BLOCK;
	}
	slot->first = first;
	slot->end = end;
	return first < end;
}

/* The last block may reach beyond the slot. */
static uint64_t fz_kvm_part_pages(const struct fz_kvm_slot *slot)
{
	uint64_t end = slot->end * 64;

	return (end < slot->pages ? end : slot->pages) - slot->first * 64;
}

/* What was dealt with is protected again.  KVM wants 64 pages, or all to the end. */
static int fz_kvm_clear_log(const struct fastzero_kvm *kvm, struct fz_kvm_slot *slot)
{
	struct kvm_clear_dirty_log clear = {
		.slot = slot->id,
		.first_page = slot->first * 64,
		.num_pages = fz_kvm_part_pages(slot),
		.dirty_bitmap = slot->log + slot->first,
	};

	if (!(kvm->flags & FASTZERO_KVM_MANUAL))
		return 0;
	if (slot->pages > UINT32_MAX)
		return fz_fail(-EFBIG, "slot %u is too large for manual protection", slot->id);
	if (ioctl(kvm->vm, KVM_CLEAR_DIRTY_LOG, &clear))
		return fz_fail(-errno, "KVM does not clear the dirty log of slot %u", slot->id);
	return 0;
}

/* Takes what was kept into the log. */
static void fz_kvm_merge(struct fz_kvm_slot *slot)
{
	uint64_t i;

	if (!__atomic_exchange_n(&slot->any_kept, false, __ATOMIC_ACQUIRE))
		return;
	/* Most words are 0, and an exchange costs much more than a look. */
	for (i = 0; i < slot->words; i++)
		if (__atomic_load_n(&slot->kept[i], __ATOMIC_RELAXED))
			slot->log[i] |= __atomic_exchange_n(&slot->kept[i], 0, __ATOMIC_RELAXED);
}

/* What a failed reset leaves; more than was left is zeroed twice, which does no harm. */
static void fz_kvm_keep_log(struct fz_kvm_slot *slot)
{
	uint64_t i;

	for (i = 0; i < slot->words; i++)
		__atomic_fetch_or(&slot->kept[i], slot->log[i], __ATOMIC_RELAXED);
	__atomic_store_n(&slot->any_kept, true, __ATOMIC_RELEASE);
}

/* For a module that is too old for bitmaps. */
static int fz_kvm_reset_runs(struct fz_kvm_slot *slot, unsigned int mode,
			     struct fastzero_result *sum)
{
	struct fastzero_bitmap_walk walk = {
		.size = sizeof(walk), .bitmap = slot->log, .nbits = slot->pages,
	};
	struct fastzero_result r = { .size = sizeof(r) };
	struct fastzero_bitmap_run runs[FZ_KVM_RUNS];
	int64_t i, nr;
	int ret;

	while ((nr = fastzero_bitmap_runs(&walk, runs, FZ_KVM_RUNS)) > 0) {
		for (i = 0; i < nr; i++) {
			ret = fastzero_reset_range(slot->scratch,
						   slot->offset + runs[i].first * FZ_PAGE,
						   (runs[i].end - runs[i].first) * FZ_PAGE,
						   mode, &r);
			if (ret)
				return ret;
			sum->cleared += r.cleared;
			sum->swapped += r.swapped;
			sum->dropped += r.dropped;
			sum->held += r.held;
		}
	}
	sum->done += slot->pages * FZ_PAGE;
	return nr;
}

/* Asks the backend itself: a call with options takes longer than a page. */
static int fz_kvm_reset_part(struct fz_kvm_slot *slot, unsigned int mode,
			     struct fastzero_result *sum)
{
	uint64_t begin = slot->first * 64 * FZ_PAGE;
	struct fastzero_reset_dirty dirty = {
		.size = sizeof(dirty),
		.offset = slot->offset + begin,
		.length = fz_kvm_part_pages(slot) * FZ_PAGE,
		.bitmap = (uintptr_t)(slot->log + slot->first),
		.bitmap_size = (slot->end - slot->first) * sizeof(*slot->log),
		.mode = mode,
		.granule_shift = FZ_PAGE_SHIFT,
	};
	int ret = slot->scratch->backend->reset_dirty(slot->scratch, &dirty);

	if (ret == -EOPNOTSUPP)
		return fz_kvm_reset_runs(slot, mode, sum);
	sum->done += ret ? begin + dirty.out_done : slot->pages * FZ_PAGE;
	sum->cleared += dirty.out_cleared;
	sum->swapped += dirty.out_swapped;
	sum->dropped += dirty.out_dropped;
	sum->held += dirty.out_held;
	return ret;
}

static int fz_kvm_reset_slot(const struct fastzero_kvm *kvm, struct fz_kvm_slot *slot,
			     unsigned int mode, struct fastzero_result *sum)
{
	int ret = fz_kvm_get_log(kvm, slot);

	if (ret)
		return ret;
	fz_kvm_merge(slot);
	if (!fz_kvm_find_part(slot)) {
		sum->done += slot->pages * FZ_PAGE;
		return 0;
	}
	ret = fz_kvm_reset_part(slot, mode, sum);
	if (!ret)
		ret = fz_kvm_clear_log(kvm, slot);
	if (ret)
		fz_kvm_keep_log(slot);
	/* With rings nobody else empties it. */
	if (kvm->flags & FASTZERO_KVM_RING)
		memset(slot->log + slot->first, 0,
		       (slot->end - slot->first) * sizeof(*slot->log));
	return ret;
}

FASTZERO_API int fastzero_kvm_reset(struct fastzero_kvm *kvm, unsigned int mode,
				    struct fastzero_result *result)
{
	struct fastzero_result sum = { 0 };
	struct fz_kvm_slot *slot;
	int ret;

	if (!kvm)
		return fz_null("the handle");
	ret = fz_struct_check_out(result);
	if (ret)
		return ret;
	if (kvm->flags & FASTZERO_KVM_RING)
		ret = fastzero_kvm_collect(kvm);
	for (slot = kvm->slots; slot && !ret; slot = slot->next)
		ret = fz_kvm_reset_slot(kvm, slot, mode, &sum);
	fz_struct_out(result, &sum, sizeof(sum));
	return ret;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * libfastzero: what the files of the KVM helper share.
 */
#ifndef FASTZERO_KVM_INTERNAL_H
#define FASTZERO_KVM_INTERNAL_H

#include "internal.h"
#include "fastzero_kvm.h"

struct kvm_dirty_gfn;

/* Words that are looked at together: 2 MiB of a slot, which is a chunk of the module. */
#define FZ_KVM_BLOCK	8
/* Blocks that are looked at from each end: 512 MiB of a slot. */
#define FZ_KVM_LOOKS	256

/**
 * struct fz_kvm_slot - a slot
 * @next: in fastzero_kvm.slots
 * @scratch: what it shows
 * @id: its number
 * @gpa: where the guest sees it
 * @offset: in the scratch
 * @pages: how many
 * @words: of @log and of @kept, whole blocks
 * @first: word of @log: all blocks before it are empty
 * @end: word of @log: all blocks from it on are empty
 * @log: what KVM_GET_DIRTY_LOG gave
 * @kept: what rings gave, the VMM told, and resets left undone
 * @any_kept: whether there may be something in @kept
 */
struct fz_kvm_slot {
	struct fz_kvm_slot *next;
	const struct fastzero_scratch *scratch;
	uint32_t id;
	uint64_t gpa;
	uint64_t offset;
	uint64_t pages;
	uint64_t words;
	uint64_t first;
	uint64_t end;
	uint64_t *log;
	uint64_t *kept;
	bool any_kept;
};

/* The dirty ring of a vCPU; @at is the entry that comes next. */
struct fz_kvm_ring {
	struct fz_kvm_ring *next;
	struct kvm_dirty_gfn *gfns;
	uint32_t at;
};

struct fastzero_kvm {
	int vm;
	uint32_t flags;
	uint64_t ring_bytes;
	struct fz_kvm_slot *slots;
	struct fz_kvm_ring *rings;
};

/* kvm.c */
struct fz_kvm_slot *fz_kvm_find(const struct fastzero_kvm *kvm, uint32_t id);
void fz_kvm_keep(struct fz_kvm_slot *slot, uint64_t page);

/* kvm_ring.c */
int fz_kvm_ring_enable(struct fastzero_kvm *kvm);
void fz_kvm_ring_free(struct fastzero_kvm *kvm);

#endif /* FASTZERO_KVM_INTERNAL_H */

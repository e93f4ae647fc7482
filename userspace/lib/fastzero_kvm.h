/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * libfastzero: resets of a KVM guest's memory by what the guest and the VMM wrote.
 */
#ifndef FASTZERO_KVM_H
#define FASTZERO_KVM_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct fastzero_result;
struct fastzero_scratch;

/**
 * DOC: KVM
 *
 * A reset of a whole scratch has to find out which pages were written.  KVM can report
 * them.  Then a reset pays nothing for pages that the guest only read::
 *
 *	ret = fastzero_kvm_new(vm_fd, NULL, &kvm);
 *	if (!ret)
 *		ret = fastzero_kvm_attach(kvm, ram, &slot);
 *	while (!ret) {
 *		load_arguments(addr + 0x1000, 4096);
 *		ret = fastzero_kvm_wrote(kvm, slot.gpa + 0x1000, 4096);
 *		if (!ret)
 *			ret = run_guest();
 *		if (!ret)
 *			ret = fastzero_kvm_reset(kvm, FASTZERO_MODE_AUTO, NULL);
 *	}
 *
 * KVM logs what its vCPUs write, and what KVM itself writes for them.  It does not log
 * what the VMM writes to its mapping, by pwrite(2) or read(2), nor what devices, vhost
 * and other processes write.  The VMM must report these writes by fastzero_kvm_wrote(),
 * at the latest before the reset.  Otherwise the written data stays.
 *
 * KVM may report a page that the guest has only read, when it maps that page for the
 * first time or again.  A reset with the backends memfd and anon takes pages out, so KVM
 * maps them again in every run, and reports read pages as written.  In a scratch with
 * FASTZERO_CREATE_ZEROPAGE, KVM does not report holes that are only read.  If the processor
 * does not log writes itself (Intel's PML), the first write to each page after a reset is a
 * nested fault.  So use these functions for guests that write only a small part of their
 * populated memory.
 *
 * Any thread may call fastzero_kvm_wrote() at any time, except while another thread
 * attaches or detaches a slot or frees the handle.  Of the other functions, only one
 * call may be under way at a time, and no vCPU may run meanwhile.
 */

struct fastzero_kvm;

/**
 * enum fastzero_kvm_flags - bits of fastzero_kvm_opts.flags
 * @FASTZERO_KVM_RING: use dirty rings, one for each vCPU (Linux 5.11), not a dirty log.
 *	The VM must not have a vCPU yet
 * @FASTZERO_KVM_MANUAL: a reset write-protects only the pages that were written, by
 *	KVM_CLEAR_DIRTY_LOG (KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2).  The flag must also be set
 *	if the VMM has enabled that capability itself
 */
enum fastzero_kvm_flags {
	FASTZERO_KVM_RING	= 1 << 0,
	FASTZERO_KVM_MANUAL	= 1 << 1
};

/**
 * struct fastzero_kvm_opts - how to learn which pages were written
 * @size: sizeof(struct fastzero_kvm_opts)
 * @flags: bits of enum fastzero_kvm_flags
 * @ring_bytes: with FASTZERO_KVM_RING: bytes of each ring, a power of two that
 *	KVM_CAP_DIRTY_LOG_RING allows; 0 for 64 KiB
 */
struct fastzero_kvm_opts {
	uint32_t size;
	uint32_t flags;
	uint64_t ring_bytes;
};

/**
 * fastzero_kvm_new() - begin to track the writes of a VM
 * @vm_fd: the VM; it remains the caller's, and must stay open until fastzero_kvm_free()
 * @opts: options, or NULL
 * @kvm: where to put the handle; NULL after a failure
 *
 * Return: 0 or -errno: -EOPNOTSUPP if KVM cannot do what a flag asks for, or a flag is
 * unknown; -EINVAL if KVM does not allow the size of the ring, or the VM has a vCPU.
 */
int fastzero_kvm_new(int vm_fd, const struct fastzero_kvm_opts *opts,
		     struct fastzero_kvm **kvm);

/**
 * fastzero_kvm_free() - stop tracking the writes of a VM
 * @kvm: the handle, or NULL
 *
 * Slots stay as they are until the VMM sets them anew.  KVM goes on logging writes to them.
 */
void fastzero_kvm_free(struct fastzero_kvm *kvm);

/**
 * fastzero_kvm_vcpu() - add a vCPU; needed with FASTZERO_KVM_RING only
 * @kvm: the handle
 * @vcpu_fd: the vCPU; the call maps its ring, and the descriptor remains the caller's
 *
 * Return: 0 or -errno.
 */
int fastzero_kvm_vcpu(struct fastzero_kvm *kvm, int vcpu_fd);

/**
 * struct fastzero_kvm_slot - a memory slot that gives a scratch to the guest
 * @size: sizeof(struct fastzero_kvm_slot)
 * @slot: number of the slot, as in struct kvm_userspace_memory_region
 * @gpa: where the guest sees it, a multiple of the page size
 * @offset: first byte of the scratch, a multiple of the page size
 * @length: bytes, a multiple of the page size; 0 for all from @offset on
 * @addr: where the VMM has mapped that part of the scratch
 */
struct fastzero_kvm_slot {
	uint32_t size;
	uint32_t slot;
	uint64_t gpa;
	uint64_t offset;
	uint64_t length;
	void *addr;
};

#define FASTZERO_KVM_OPTS_INIT		FASTZERO_SIZED(fastzero_kvm_opts)
#define FASTZERO_KVM_SLOT_INIT		FASTZERO_SIZED(fastzero_kvm_slot)

/**
 * fastzero_kvm_attach() - make a memory slot of a scratch
 * @kvm: the handle
 * @scratch: the scratch, of any backend; it must live until the slot is detached
 * @slot: the slot
 *
 * The call sets the slot by KVM_SET_USER_MEMORY_REGION, with a dirty log.  A scratch may
 * have any number of slots.  If the scratch was written before the call, report the
 * written pages by fastzero_kvm_wrote(), or reset the scratch by another function.
 *
 * Return: 0 or -errno: the error of KVM; -EINVAL for a range that is not inside the
 * scratch or not aligned, or for a slot without an address; -EEXIST if another slot has
 * the number or some of the guest addresses.
 */
int fastzero_kvm_attach(struct fastzero_kvm *kvm, const struct fastzero_scratch *scratch,
			const struct fastzero_kvm_slot *slot);

/**
 * fastzero_kvm_detach() - take a memory slot away
 * @kvm: the handle
 * @slot: its number
 *
 * The handle forgets which pages of the slot were written since the last reset.
 *
 * Return: 0 or -errno: -ENOENT if there is no such slot.
 */
int fastzero_kvm_detach(struct fastzero_kvm *kvm, uint32_t slot);

/**
 * fastzero_kvm_wrote() - report a write that no vCPU made
 * @kvm: the handle
 * @gpa: first byte, where the guest sees it
 * @length: bytes; neither has to be aligned
 *
 * Return: 0 or -errno: -EFAULT if a part of the range is in no slot; then the call has
 * recorded nothing.
 */
int fastzero_kvm_wrote(struct fastzero_kvm *kvm, uint64_t gpa, uint64_t length);

/**
 * fastzero_kvm_collect() - empty the dirty rings
 * @kvm: the handle
 *
 * Call it after KVM_EXIT_DIRTY_RING_FULL: then the vCPU can go on.  The handle keeps the
 * reported pages for the next reset.  Without rings the call does nothing.
 *
 * Return: 0 or -errno.
 */
int fastzero_kvm_collect(struct fastzero_kvm *kvm);

/**
 * fastzero_kvm_reset() - make the pages zero that were written since the last reset
 * @kvm: the handle
 * @mode: one of enum fastzero_mode
 * @result: where to put the result for all slots together, or NULL; its size must be set.
 *	Its member done is the number of bytes of the slots that are dealt with
 *
 * If the call fails, the pages that it has not reset are kept for the next call.
 *
 * Return: 0 or -errno: the error of KVM or of fastzero_reset_bitmap().
 */
int fastzero_kvm_reset(struct fastzero_kvm *kvm, unsigned int mode,
		       struct fastzero_result *result);

#ifdef __cplusplus
}
#endif

#endif /* FASTZERO_KVM_H */

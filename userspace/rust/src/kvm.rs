// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
//! Resets of a KVM guest's memory by what the guest and the VMM wrote.
//!
//! A reset of a whole scratch has to find out which pages were written.  KVM can tell, and then
//! pages that the guest only read cost nothing.  "KVM" in `fastzero_kvm.h` says when that pays.
//!
//! KVM logs what its vCPUs write.  It does not log what the VMM writes to its mapping, nor what
//! devices and other processes write: the VMM tells of these by [`Kvm::wrote`], at the latest
//! before the reset.  Otherwise the written data stays.

use std::os::unix::io::{AsFd, AsRawFd, OwnedFd};
use std::ptr::{self, NonNull};
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::{check, Error, Result};
use crate::reset::ResetOut;
use crate::{sys, Mapping, Mode, Reset, Scratch};

/// How to learn what a guest wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Tracking {
    /// By a dirty log.
    Log,
    /// By a dirty log that protects only the pages which were written (`KVM_CLEAR_DIRTY_LOG`).
    ///
    /// It must be that, if the VMM has enabled `KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2` itself.
    ManualLog,
    /// By dirty rings of this many bytes, 0 for 64 KiB (Linux 5.11).  The VM has no vCPU yet.
    Ring(u64),
}

/// A slot, and what must live as long as KVM has it.
#[derive(Debug)]
struct Slot {
    number: u32,
    memory: (Arc<Scratch>, Arc<Mapping>),
}

/// Looks after the memory slots of a VM.
///
/// When it is dropped it takes its slots away from the VM, so that no guest has memory that is
/// not there any more.
#[derive(Debug)]
pub struct Kvm {
    handle: NonNull<sys::fastzero_kvm>,
    slots: Vec<Slot>,
    /// For what one thread at a time may do.
    one: Mutex<()>,
    /// Open as long as the handle.
    _vm: OwnedFd,
}

// SAFETY: any thread may use the handle.
unsafe impl Send for Kvm {}
// SAFETY: of the functions behind `&self`, fastzero_kvm_wrote() may be called by any thread at any
// time, and the others are called by one at a time.  Those that change slots have `&mut self`.
unsafe impl Sync for Kvm {}

impl Kvm {
    /// Begins to look after a VM.
    pub fn new(vm: impl AsFd, tracking: Tracking) -> Result<Self> {
        let vm = vm.as_fd().try_clone_to_owned().map_err(|error| {
            Error::new(error.raw_os_error().unwrap_or(libc::EIO), &error.to_string())
        })?;
        let (flags, ring_bytes) = match tracking {
            Tracking::Log => (0, 0),
            Tracking::ManualLog => (sys::FASTZERO_KVM_MANUAL, 0),
            Tracking::Ring(bytes) => (sys::FASTZERO_KVM_RING, bytes),
        };
        let opts = sys::fastzero_kvm_opts { flags, ring_bytes, ..Default::default() };
        let mut handle = ptr::null_mut();

        // SAFETY: the pointers are valid for the call, and the descriptor stays open.
        check(unsafe { sys::fastzero_kvm_new(vm.as_raw_fd(), &opts, &mut handle) })?;
        Ok(Kvm {
            handle: NonNull::new(handle).expect("a handle without an error"),
            slots: Vec::new(),
            one: Mutex::new(()),
            _vm: vm,
        })
    }

    /// Takes in a vCPU; needed with [`Tracking::Ring`] only.
    pub fn vcpu(&mut self, vcpu: impl AsFd) -> Result<()> {
        let fd = vcpu.as_fd().as_raw_fd();

        // SAFETY: nobody else has the handle meanwhile, and the descriptor is open.
        check(unsafe { sys::fastzero_kvm_vcpu(self.handle.as_ptr(), fd) }).map(drop)
    }

    /// Makes a memory slot of all that a mapping shows, at the guest's address `gpa`.
    ///
    /// `mapping` is one of `scratch`.  Both live until the slot is detached.  If the scratch was
    /// written before, tell so by [`Kvm::wrote`].
    pub fn attach(
        &mut self,
        slot: u32,
        gpa: u64,
        scratch: &Arc<Scratch>,
        mapping: &Arc<Mapping>,
    ) -> Result<()> {
        if !mapping.is_of(scratch) {
            return Err(Error::new(libc::EINVAL, "the mapping is one of another scratch"));
        }
        let opts = sys::fastzero_kvm_slot {
            slot,
            gpa,
            offset: mapping.range().start,
            length: mapping.len() as u64,
            addr: mapping.as_ptr().cast(),
            ..Default::default()
        };

        self.slots.reserve(1);
        // SAFETY: nobody else has the handle meanwhile.  The scratch and the memory live until
        // the slot is gone, since `slots` has them.
        check(unsafe { sys::fastzero_kvm_attach(self.handle.as_ptr(), scratch.as_ptr(), &opts) })?;
        self.slots.push(Slot { number: slot, memory: (scratch.clone(), mapping.clone()) });
        Ok(())
    }

    /// Takes a memory slot away.
    pub fn detach(&mut self, slot: u32) -> Result<()> {
        // SAFETY: nobody else has the handle meanwhile.
        check(unsafe { sys::fastzero_kvm_detach(self.handle.as_ptr(), slot) })?;
        self.slots.retain(|have| have.number != slot);
        Ok(())
    }

    /// Tells what something else than a vCPU wrote, where the guest sees it.
    pub fn wrote(&self, gpa: u64, length: u64) -> Result<()> {
        // SAFETY: nobody changes the slots meanwhile, which would need `&mut self`.
        check(unsafe { sys::fastzero_kvm_wrote(self.handle.as_ptr(), gpa, length) }).map(drop)
    }

    /// Empties the dirty rings, for `KVM_EXIT_DIRTY_RING_FULL`.
    pub fn collect(&self) -> Result<()> {
        let _one = self.one.lock().unwrap_or_else(PoisonError::into_inner);

        // SAFETY: no other thread is in this function or in reset().
        check(unsafe { sys::fastzero_kvm_collect(self.handle.as_ptr()) }).map(drop)
    }

    /// Makes zero again what was written since the last reset, in all slots.
    ///
    /// No vCPU runs meanwhile: what it writes may be there after the next reset, too.
    pub fn reset(&self, mode: Mode) -> Result<Reset> {
        let _one = self.one.lock().unwrap_or_else(PoisonError::into_inner);
        let mut out = ResetOut::default();

        // SAFETY: no other thread is in this function or in collect(), and the pointer is valid.
        let ret = unsafe {
            sys::fastzero_kvm_reset(self.handle.as_ptr(), mode.number(), out.as_mut_ptr())
        };
        out.result(ret)
    }
}

impl Drop for Kvm {
    fn drop(&mut self) {
        for slot in std::mem::take(&mut self.slots) {
            // SAFETY: nobody else has the handle.
            let ret = unsafe { sys::fastzero_kvm_detach(self.handle.as_ptr(), slot.number) };

            if ret != 0 {
                // The guest still has it, so it must not go.
                std::mem::forget(slot.memory);
            }
        }
        // SAFETY: nobody else has the handle, and it is not used any more.
        unsafe { sys::fastzero_kvm_free(self.handle.as_ptr()) }
    }
}

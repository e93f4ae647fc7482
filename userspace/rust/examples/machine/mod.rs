// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
//! A very small KVM machine: one vCPU in real mode, whose code writes or reads a byte.
#![deny(unsafe_op_in_unsafe_fn)]

use std::fs::{File, OpenOptions};
use std::io;
use std::os::raw::{c_int, c_ulong, c_void};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::io::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;

/// Where the guest has its RAM, of at most 64 KiB.
pub const RAM: u64 = 0x10000;
/// Where it has its code, in a slot of its own.
const CODE: u64 = 0x1000;
const PAGE: usize = 4096;

const KVM_CREATE_VM: c_ulong = 0xae01;
const KVM_GET_VCPU_MMAP_SIZE: c_ulong = 0xae04;
const KVM_CREATE_VCPU: c_ulong = 0xae41;
const KVM_SET_USER_MEMORY_REGION: c_ulong = 0x4020_ae46;
const KVM_RUN: c_ulong = 0xae80;
const KVM_GET_REGS: c_ulong = 0x8090_ae81;
const KVM_SET_REGS: c_ulong = 0x4090_ae82;
const KVM_GET_SREGS: c_ulong = 0x8138_ae83;
const KVM_SET_SREGS: c_ulong = 0x4138_ae84;

/// Reasons of exits.
pub const EXIT_HLT: u32 = 5;
#[allow(dead_code)]
pub const EXIT_MMIO: u32 = 6;

#[repr(C)]
#[derive(Default)]
struct Region {
    slot: u32,
    flags: u32,
    gpa: u64,
    size: u64,
    address: u64,
}

#[repr(C)]
#[derive(Default)]
struct Regs {
    rax: u64,
    rbx: u64,
    rcx: u64,
    rdx: u64,
    rsi: u64,
    rdi: u64,
    others: [u64; 10],
    rip: u64,
    rflags: u64,
}

#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Segment {
    base: u64,
    limit: u32,
    selector: u16,
    attributes: [u8; 10],
}

#[repr(C)]
#[derive(Default)]
struct Sregs {
    cs: Segment,
    ds: Segment,
    others: [Segment; 6],
    rest: [u64; 15],
}

/// # Safety
///
/// `argument` is what KVM takes for `request`.
unsafe fn ioctl(fd: RawFd, request: c_ulong, argument: *mut c_void) -> io::Result<c_int> {
    // SAFETY: by the caller.
    match unsafe { libc::ioctl(fd, request, argument) } {
        -1 => Err(io::Error::last_os_error()),
        value => Ok(value),
    }
}

/// # Safety
///
/// `request` gives a new descriptor.
unsafe fn new_fd(fd: RawFd, request: c_ulong) -> io::Result<OwnedFd> {
    // SAFETY: by the caller; the argument is 0.
    let fd = unsafe { ioctl(fd, request, ptr::null_mut()) }?;

    // SAFETY: it is open, and nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

fn map(length: usize, flags: c_int, fd: RawFd) -> io::Result<*mut u8> {
    let prot = libc::PROT_READ | libc::PROT_WRITE;

    // SAFETY: the addresses are new.
    match unsafe { libc::mmap(ptr::null_mut(), length, prot, flags, fd, 0) } {
        libc::MAP_FAILED => Err(io::Error::last_os_error()),
        address => Ok(address.cast()),
    }
}

/// The machine.  It never unmaps its code, which is one page.
pub struct Machine {
    kvm: File,
    vm: OwnedFd,
    vcpu: Option<(OwnedFd, *const u32)>,
}

impl Machine {
    /// A VM without a vCPU and without RAM.
    pub fn new() -> io::Result<Self> {
        let kvm = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(libc::O_CLOEXEC)
            .open("/dev/kvm")?;
        // SAFETY: it gives the descriptor of a VM.
        let vm = unsafe { new_fd(kvm.as_raw_fd(), KVM_CREATE_VM) }?;
        let code = map(PAGE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, -1)?;
        // mov [di], bl; hlt; mov bl, [di]; hlt
        let bytes = [0x88, 0x1d, 0xf4, 0x8a, 0x1d, 0xf4];
        let mut region =
            Region { gpa: CODE, size: PAGE as u64, address: code as u64, ..Default::default() };

        // SAFETY: there is a page, and nobody else has it.
        unsafe { code.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
        // SAFETY: it takes such a structure, and the page is never unmapped.
        unsafe {
            ioctl(vm.as_raw_fd(), KVM_SET_USER_MEMORY_REGION, ptr::addr_of_mut!(region).cast())
        }?;
        Ok(Machine { kvm, vm, vcpu: None })
    }

    /// The VM.
    pub fn vm(&self) -> &OwnedFd {
        &self.vm
    }

    /// Makes the vCPU.
    pub fn add_vcpu(&mut self) -> io::Result<&OwnedFd> {
        // SAFETY: it gives the descriptor of a vCPU.
        let vcpu = unsafe { new_fd(self.vm.as_raw_fd(), KVM_CREATE_VCPU) }?;
        let fd = vcpu.as_raw_fd();
        // SAFETY: it has no argument.
        let size = unsafe { ioctl(self.kvm.as_raw_fd(), KVM_GET_VCPU_MMAP_SIZE, ptr::null_mut()) }?;
        let run = map(size as usize, libc::MAP_SHARED, fd)?;
        let mut sregs = Sregs::default();
        let argument = ptr::addr_of_mut!(sregs).cast();

        // SAFETY: it fills such a structure.
        unsafe { ioctl(fd, KVM_GET_SREGS, argument) }?;
        (sregs.cs.base, sregs.cs.selector) = (0, 0);
        (sregs.ds.base, sregs.ds.selector) = (RAM, (RAM / 16) as u16);
        // SAFETY: it takes such a structure.
        unsafe { ioctl(fd, KVM_SET_SREGS, argument) }?;
        // The exit's reason is the third word.
        self.vcpu = Some((vcpu, run.wrapping_add(8) as *const u32));
        Ok(&self.vcpu.as_ref().unwrap().0)
    }

    /// Runs the guest from `rip`; gives the reason of its exit, and the value of bl.
    fn run(&mut self, rip: u64, address: u16, value: u8) -> io::Result<(u32, u8)> {
        let (vcpu, reason) = self.vcpu.as_ref().expect("no vCPU");
        let mut regs =
            Regs { rip, rflags: 2, rbx: value.into(), rdi: address.into(), ..Default::default() };
        let argument = ptr::addr_of_mut!(regs).cast();
        let fd = vcpu.as_raw_fd();

        // SAFETY: they take and fill such a structure, or have no argument; the guest has the
        // memory of its slots alone.
        unsafe {
            ioctl(fd, KVM_SET_REGS, argument)?;
            ioctl(fd, KVM_RUN, ptr::null_mut())?;
            ioctl(fd, KVM_GET_REGS, argument)?;
        }
        // SAFETY: KVM has put it there, and does not run.
        Ok((unsafe { reason.read_volatile() }, regs.rbx as u8))
    }

    /// The guest writes a byte of its RAM.  Returns the reason of the exit.
    pub fn write(&mut self, address: u16, value: u8) -> io::Result<u32> {
        Ok(self.run(CODE, address, value)?.0)
    }

    /// The guest reads a byte of its RAM.
    pub fn read(&mut self, address: u16) -> io::Result<u8> {
        match self.run(CODE + 3, address, 0)? {
            (EXIT_HLT, value) => Ok(value),
            (reason, _) => Err(io::Error::new(io::ErrorKind::Other, format!("exit {reason}"))),
        }
    }
}

// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
//! Scratches.

use std::ops::Range;
use std::os::unix::io::{AsFd, AsRawFd, BorrowedFd, IntoRawFd, OwnedFd};
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{c_string, check, Error, Result};
use crate::reset::length;
use crate::{sys, Backend, Context, Stats};

/// What backs the chunks of a scratch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Pages {
    /// Base pages at first, 2 MiB folios where they pay.
    Auto,
    /// Base pages only.
    Base,
    /// A 2 MiB folio for each chunk, where there is one.
    Huge,
}

/// What a scratch is to be like.  A flag that the backend does not have is `EOPNOTSUPP`.
#[derive(Clone, Debug, Default)]
pub struct ScratchOptions {
    pages: Option<Pages>,
    node: Option<u32>,
    flags: u32,
    name: Option<String>,
}

impl ScratchOptions {
    /// The defaults: [`Pages::Auto`], no flags, no name.
    pub fn new() -> Self {
        Self::default()
    }

    fn flag(mut self, flag: u32, set: bool) -> Self {
        self.flags = if set { self.flags | flag } else { self.flags & !flag };
        self
    }

    /// What backs the chunks.
    pub fn pages(mut self, pages: Pages) -> Self {
        self.pages = Some(pages);
        self
    }

    /// Take pages from this NUMA node first.
    pub fn node(mut self, node: u32) -> Self {
        self.node = Some(node);
        self.flag(sys::FASTZERO_CREATE_NODE, true)
    }

    /// Holes that are only read share one page of zeros.
    pub fn zeropage(self, set: bool) -> Self {
        self.flag(sys::FASTZERO_CREATE_ZEROPAGE, set)
    }

    /// [`Mode::Auto`](crate::Mode::Auto) counts all CPU time, not only the caller's.
    pub fn total_cpu(self, set: bool) -> Self {
        self.flag(sys::FASTZERO_CREATE_TOTAL_CPU, set)
    }

    /// A name, which `/proc` shows.
    pub fn name(mut self, name: &str) -> Self {
        self.name = Some(name.to_string());
        self
    }
}

/// What a populate did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Populated {
    /// Bytes of the range, from its begin, that are populated now.
    pub done: u64,
    /// Base pages that were not populated before.
    pub added: u64,
    /// Base pages that were mapped, or found mapped, counted in each mapping of the process.
    pub mapped: u64,
}

/// Memory of a fixed size that can be made zero again.
///
/// It lives until its last handle, [`Mapping`](crate::Mapping) and descriptor are gone.
#[derive(Debug)]
pub struct Scratch {
    handle: NonNull<sys::fastzero_scratch>,
    id: u64,
}

// SAFETY: any thread may use the handle, and close it when nobody else uses it.
unsafe impl Send for Scratch {}
// SAFETY: any number of threads may use the handle at once.
unsafe impl Sync for Scratch {}

impl Context {
    /// Makes a scratch of `length` bytes, a multiple of the page size.
    pub fn scratch(&self, length: u64, options: &ScratchOptions) -> Result<Scratch> {
        let name = options.name.as_deref().map(|n| c_string(n.as_bytes())).transpose()?;
        let opts = sys::fastzero_scratch_opts {
            flags: options.flags,
            page_policy: match options.pages {
                None | Some(Pages::Auto) => sys::FASTZERO_PAGES_AUTO,
                Some(Pages::Base) => sys::FASTZERO_PAGES_4K,
                Some(Pages::Huge) => sys::FASTZERO_PAGES_2M,
            },
            node: options.node.unwrap_or(0),
            name: name.as_ref().map_or(ptr::null(), |name| name.as_ptr()),
            ..Default::default()
        };
        let mut handle = ptr::null_mut();

        // SAFETY: the handle is open, and the pointers valid for the call.
        check(unsafe { sys::fastzero_scratch_create(self.as_ptr(), length, &opts, &mut handle) })?;
        Ok(Scratch::of(handle))
    }
}

impl Scratch {
    fn of(handle: *mut sys::fastzero_scratch) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);

        Scratch {
            handle: NonNull::new(handle).expect("a handle without an error"),
            id: NEXT.fetch_add(1, Ordering::Relaxed),
        }
    }

    /// Makes a handle of a descriptor that was got from elsewhere.
    ///
    /// It may be a scratch of the module, or a memfd whose size is sealed.  After an error the
    /// descriptor is closed.
    pub fn from_fd(fd: OwnedFd) -> Result<Self> {
        let mut handle = ptr::null_mut();

        // SAFETY: the pointer is valid for the call, and the descriptor is open.
        check(unsafe { sys::fastzero_scratch_adopt(fd.as_raw_fd(), &mut handle) })?;
        // It is the handle's now.
        let _ = fd.into_raw_fd();
        Ok(Scratch::of(handle))
    }

    /// Takes a scratch that another process sends, and waits for it if the socket waits.
    pub fn recv(socket: impl AsFd) -> Result<Self> {
        let mut handle = ptr::null_mut();

        // SAFETY: the pointer is valid for the call, and the descriptor is open.
        check(unsafe { sys::fastzero_scratch_recv(socket.as_fd().as_raw_fd(), &mut handle) })?;
        Ok(Scratch::of(handle))
    }

    /// Gives the scratch to another process over a connected unix socket.
    pub fn send(&self, socket: impl AsFd) -> Result<()> {
        // SAFETY: the handle and the descriptor are open.
        check(unsafe { sys::fastzero_scratch_send(self.as_ptr(), socket.as_fd().as_raw_fd()) })
            .map(drop)
    }

    pub(crate) fn as_ptr(&self) -> *const sys::fastzero_scratch {
        self.handle.as_ptr()
    }

    /// Tells the handles of this process apart.
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// Its descriptor; `EOPNOTSUPP` if the backend has none.
    pub fn fd(&self) -> Result<BorrowedFd<'_>> {
        // SAFETY: the handle is open.
        let fd = check(unsafe { sys::fastzero_scratch_fd(self.as_ptr()) })?;

        // SAFETY: the descriptor is open as long as the handle, which is borrowed.
        Ok(unsafe { BorrowedFd::borrow_raw(fd) })
    }

    /// A descriptor of the caller's own, which may outlive the handle.
    pub fn try_clone_fd(&self) -> Result<OwnedFd> {
        self.fd()?.try_clone_to_owned().map_err(|error| {
            Error::new(error.raw_os_error().unwrap_or(libc::EIO), &error.to_string())
        })
    }

    /// Its size in bytes, which is never 0.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> u64 {
        // SAFETY: the handle is open.
        unsafe { sys::fastzero_scratch_length(self.as_ptr()) }
    }

    /// Which backend it has.
    pub fn backend(&self) -> Backend {
        // SAFETY: the handle is open.
        Backend::of(unsafe { sys::fastzero_scratch_backend(self.as_ptr()) })
    }

    /// Its counters.
    pub fn stats(&self) -> Result<Stats> {
        let mut stats = sys::fastzero_stats::default();

        // SAFETY: the handle is open, and the pointer valid for the call.
        check(unsafe { sys::fastzero_scratch_stats(self.as_ptr(), &mut stats) })?;
        Ok(Stats::of(&stats))
    }

    /// Backs a range with memory and maps it, so that touching it is free.
    pub fn populate(&self, range: Range<u64>) -> Result<Populated> {
        self.populate_flags(range, 0)
    }

    /// The same for those pages of the range that are in the working set.
    pub fn populate_working_set(&self, range: Range<u64>) -> Result<Populated> {
        self.populate_flags(range, sys::FASTZERO_POPULATE_WORKSET)
    }

    fn populate_flags(&self, range: Range<u64>, flags: u32) -> Result<Populated> {
        let length = length(&range)?;
        let mut out = sys::fastzero_populated::default();

        // SAFETY: the handle is open, and the pointer valid for the call.
        let ret = unsafe {
            sys::fastzero_populate_range(self.as_ptr(), range.start, length, flags, &mut out)
        };
        check(ret).map_err(|error| error.with_done(out.done))?;
        Ok(Populated { done: out.done, added: out.added, mapped: out.mapped })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // SAFETY: nobody else has the handle.
        unsafe { sys::fastzero_scratch_close(self.handle.as_ptr()) }
    }
}

// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
//! Mappings of scratches.

use std::ops::Range;
use std::ptr::{self, NonNull};

use crate::error::{check, Error, Result};
use crate::{access, sys, Scratch};

/// What a mapping may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Access {
    /// Reading and writing.
    ReadWrite,
    /// Reading only.
    ReadOnly,
    /// Nothing, until mprotect(2) gives it.
    None,
}

/// How to map a scratch.
#[derive(Clone, Debug)]
pub struct MapOptions {
    range: Option<Range<u64>>,
    access: Access,
    flags: u32,
    address: *mut u8,
    guard: u64,
}

// SAFETY: the address is only a number here.
unsafe impl Send for MapOptions {}
// SAFETY: as above.
unsafe impl Sync for MapOptions {}

impl Default for MapOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl MapOptions {
    /// All of the scratch, anywhere, readable and writable.
    pub fn new() -> Self {
        MapOptions {
            range: None,
            access: Access::ReadWrite,
            flags: 0,
            address: ptr::null_mut(),
            guard: 0,
        }
    }

    /// These bytes of the scratch; both ends are multiples of the page size.
    pub fn range(mut self, range: Range<u64>) -> Self {
        self.range = Some(range);
        self
    }

    /// What it is to be used for.
    pub fn access(mut self, access: Access) -> Self {
        self.access = access;
        self
    }

    /// So many bytes without access before the mapping and after it, a multiple of the page size.
    ///
    /// Not with [`MapOptions::at`] or [`MapOptions::replace`].
    pub fn guard(mut self, bytes: u64) -> Self {
        self.guard = bytes;
        self
    }

    /// At this address if it is free, otherwise elsewhere.
    pub fn near(mut self, address: *mut u8) -> Self {
        self.flags = 0;
        self.address = address;
        self
    }

    /// At this address and nowhere else; `EEXIST` if something is mapped there.
    pub fn at(mut self, address: *mut u8) -> Self {
        self.flags = sys::FASTZERO_MAP_NOREPLACE;
        self.address = address;
        self
    }

    /// At this address and nowhere else, in the place of whatever is mapped there.
    ///
    /// # Safety
    ///
    /// The caller has reserved the addresses, and nothing that is mapped there is used any more,
    /// at each [`Scratch::map`] with these options.  When the [`Mapping`] is dropped the
    /// addresses are free, and no longer reserved.
    ///
    /// ```compile_fail
    /// # let address = std::ptr::null_mut();
    /// fastzero::MapOptions::new().replace(address); // needs unsafe
    /// ```
    pub unsafe fn replace(mut self, address: *mut u8) -> Self {
        self.flags = sys::FASTZERO_MAP_FIXED;
        self.address = address;
        self
    }
}

/// A scratch, or a part of it, in the memory of this process; unmapped when dropped.
///
/// It outlives the [`Scratch`] and the [`Context`](crate::Context), if need be.  Guards go with
/// it.
///
/// A touch of a hole takes memory.  If there is none, the process gets a SIGBUS;
/// [`Scratch::populate`] beforehand avoids that.  After fork(2) a child must not touch mappings of
/// the backends pagescan, anon and memset: it does not have them.
#[derive(Debug)]
pub struct Mapping {
    address: NonNull<u8>,
    length: usize,
    guard: usize,
    offset: u64,
    access: Access,
    scratch: u64,
}

// SAFETY: any thread may take a mapping away.
unsafe impl Send for Mapping {}
// SAFETY: all accesses are atomic operations, and all else is constant.
unsafe impl Sync for Mapping {}

impl Scratch {
    /// Maps the scratch.
    ///
    /// The backends pagescan, anon and memset map each page once: `EOPNOTSUPP`.
    pub fn map(&self, options: &MapOptions) -> Result<Mapping> {
        let range = options.range.clone().unwrap_or(0..self.len());

        if range.is_empty() {
            // 0 would be all that follows.
            return Err(Error::new(libc::EINVAL, "the range is empty"));
        }
        let opts = sys::fastzero_map_opts {
            flags: options.flags
                | match options.access {
                    Access::ReadWrite => 0,
                    Access::ReadOnly => sys::FASTZERO_MAP_READONLY,
                    Access::None => sys::FASTZERO_MAP_NONE,
                },
            offset: range.start,
            length: range.end - range.start,
            addr: options.address.cast(),
            guard: options.guard,
            ..Default::default()
        };
        let mut address = ptr::null_mut();

        // SAFETY: the handle is open, and the pointers valid for the call.  Only replace(), which
        // is unsafe, takes away what is mapped there.
        check(unsafe { sys::fastzero_map(self.as_ptr(), &opts, &mut address) })?;
        Ok(Mapping {
            address: NonNull::new(address.cast()).expect("an address without an error"),
            // Both were mapped, so they are not too large.
            length: opts.length as usize,
            guard: options.guard as usize,
            offset: range.start,
            access: options.access,
            scratch: self.id(),
        })
    }
}

impl Mapping {
    /// Its address.
    ///
    /// The memory changes at any time, see "References to the memory" in the [crate].  It stays
    /// there as long as the mapping.  Take no part of the mapping away by munmap(2), mmap(2) or
    /// mremap(2).
    pub fn as_ptr(&self) -> *mut u8 {
        self.address.as_ptr()
    }

    /// Its length in bytes, which is never 0.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.length
    }

    /// The bytes of the scratch that it shows.
    pub fn range(&self) -> Range<u64> {
        self.offset..self.offset + self.length as u64
    }

    /// What it may be used for.
    pub fn access(&self) -> Access {
        self.access
    }

    /// Bytes of the guard before it, and of the one after it.
    pub fn guard(&self) -> usize {
        self.guard
    }

    pub(crate) fn is_of(&self, scratch: &Scratch) -> bool {
        self.scratch == scratch.id()
    }

    /// The address of bytes that may be used so.
    fn bytes(&self, offset: usize, length: usize, write: bool) -> Result<*mut u8> {
        if self.access == Access::None || write && self.access != Access::ReadWrite {
            return Err(Error::new(libc::EACCES, "the mapping does not allow this access"));
        }
        if offset > self.length || length > self.length - offset {
            return Err(Error::new(libc::EINVAL, "the range is not inside the mapping"));
        }
        // SAFETY: it is inside, or one past the end.
        Ok(unsafe { self.as_ptr().add(offset) })
    }

    /// Copies bytes out of it.  What others write meanwhile is seen or not, word by word.
    pub fn read_at(&self, offset: usize, to: &mut [u8]) -> Result<()> {
        let from = self.bytes(offset, to.len(), false)?;

        // SAFETY: the bytes are inside the mapping, which lives and can be read.
        unsafe { access::read(from, to) };
        Ok(())
    }

    /// Copies bytes into it, in no order that others could rely on.
    pub fn write_at(&self, offset: usize, from: &[u8]) -> Result<()> {
        let to = self.bytes(offset, from.len(), true)?;

        // SAFETY: the bytes are inside the mapping, which lives and can be written.
        unsafe { access::write(to, from) };
        Ok(())
    }

    /// Whether all bytes of a range are zero.
    pub fn is_zero(&self, range: Range<usize>) -> Result<bool> {
        let mut page = [0; 4096];

        self.bytes(range.start, range.len(), false)?;
        for offset in range.clone().step_by(page.len()) {
            let part = &mut page[..(range.end - offset).min(4096)];

            self.read_at(offset, part)?;
            if part.iter().any(|&byte| byte != 0) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Takes it away, as a drop does, but tells of an error.
    pub fn unmap(self) -> Result<()> {
        let this = std::mem::ManuallyDrop::new(self);

        // SAFETY: it is not used any more.
        unsafe { this.take_away() }
    }

    /// # Safety
    ///
    /// Called once, at the end.
    unsafe fn take_away(&self) -> Result<()> {
        let begin = self.as_ptr().wrapping_sub(self.guard);

        // SAFETY: the addresses are those that fastzero_map() gave, with their guards.
        check(unsafe { sys::fastzero_unmap(begin.cast(), self.length + 2 * self.guard) }).map(drop)
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: it is not used any more.
        let _ = unsafe { self.take_away() };
    }
}

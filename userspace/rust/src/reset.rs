// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
//! Resets.

use std::ops::Range;
use std::os::raw::c_int;

use crate::error::{check, Error, Result};
use crate::{sys, Mode, Scratch};

/// What a reset did.  Pages are base pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reset {
    /// Bytes of the range, from its begin, that are zero now; or scratches, for many of them.
    pub done: u64,
    /// Pages that were cleared.
    pub cleared: u64,
    /// Pages that were replaced by ready ones.
    pub swapped: u64,
    /// Pages that were taken out and left a hole.
    pub dropped: u64,
    /// Pages among these that somebody else referred to.
    pub held: u64,
}

/// Where the library puts it.
#[derive(Default)]
pub(crate) struct ResetOut(sys::fastzero_result);

impl ResetOut {
    pub(crate) fn as_mut_ptr(&mut self) -> *mut sys::fastzero_result {
        &mut self.0
    }

    /// Of a call that returned `ret`, which writes it also when it fails.
    pub(crate) fn result(self, ret: c_int) -> Result<Reset> {
        let r = self.0;

        check(ret).map_err(|error| error.with_done(r.done))?;
        Ok(Reset {
            done: r.done,
            cleared: r.cleared,
            swapped: r.swapped,
            dropped: r.dropped,
            held: r.held,
        })
    }
}

/// Which pages a dirty bitmap is about, and how they are reset.
#[derive(Clone, Debug)]
pub struct DirtyOptions {
    mode: Mode,
    range: Option<Range<u64>>,
    granule_shift: u32,
}

impl Default for DirtyOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl DirtyOptions {
    /// All of the scratch, a bit for 4 KiB, [`Mode::Auto`].
    pub fn new() -> Self {
        DirtyOptions { mode: Mode::Auto, range: None, granule_shift: 12 }
    }

    /// The mode.
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// Bytes of the scratch: the first bit stands for their begin.
    pub fn range(mut self, range: Range<u64>) -> Self {
        self.range = Some(range);
        self
    }

    /// log2 of the bytes that a bit stands for, from 12 to 30.
    pub fn granule_shift(mut self, granule_shift: u32) -> Self {
        self.granule_shift = granule_shift;
        self
    }
}

/// The length of a range; the library refuses 0.
pub(crate) fn length(range: &Range<u64>) -> Result<u64> {
    range
        .end
        .checked_sub(range.start)
        .ok_or_else(|| Error::new(libc::EINVAL, "the range ends before it begins"))
}

impl Scratch {
    /// Makes all of the scratch zero again.
    ///
    /// When it returns `Ok`, every byte reads zero through every mapping, unless somebody wrote
    /// it after the call began.  Mappings and pointers stay valid.
    pub fn reset(&self, mode: Mode) -> Result<Reset> {
        let mut out = ResetOut::default();
        let (number, to) = (mode.number(), out.as_mut_ptr());

        // SAFETY: the handle is open, and the pointer valid for the call.  Nobody has a reference
        // to the memory.
        let ret = unsafe { sys::fastzero_reset_all(self.as_ptr(), number, to) };
        out.result(ret)
    }

    /// Makes a range of it zero again; both ends are multiples of the page size.
    pub fn reset_range(&self, range: Range<u64>, mode: Mode) -> Result<Reset> {
        let length = length(&range)?;
        let mut out = ResetOut::default();

        // SAFETY: as for reset().
        let ret = unsafe {
            sys::fastzero_reset_range(
                self.as_ptr(),
                range.start,
                length,
                mode.number(),
                out.as_mut_ptr(),
            )
        };
        out.result(ret)
    }

    /// Says that nothing has written to the scratch since its last reset.
    ///
    /// If something has, its data stays until the next reset.
    pub fn reset_idle(&self) -> Result<Reset> {
        let mut out = ResetOut::default();

        // SAFETY: as for reset().
        let ret = unsafe { sys::fastzero_reset_idle(self.as_ptr(), out.as_mut_ptr()) };
        out.result(ret)
    }

    /// Makes the pages of a bitmap zero again, as `KVM_GET_DIRTY_LOG` gives it.
    ///
    /// Pages without a bit keep their data, also data that the host wrote.
    pub fn reset_dirty(&self, bitmap: &[u64], options: &DirtyOptions) -> Result<Reset> {
        let (offset, length) = match &options.range {
            // 0 would be all of it.
            Some(range) if range.is_empty() => {
                return Err(Error::new(libc::EINVAL, "the range is empty"))
            }
            Some(range) => (range.start, length(range)?),
            None => (0, 0),
        };
        let opts = sys::fastzero_bitmap_opts {
            offset,
            length,
            bitmap: bitmap.as_ptr(),
            bitmap_size: std::mem::size_of_val(bitmap) as u64,
            mode: options.mode.number(),
            granule_shift: options.granule_shift,
            ..Default::default()
        };
        let mut out = ResetOut::default();

        // SAFETY: as for reset(); the bitmap is as long as it says.
        let ret = unsafe { sys::fastzero_reset_bitmap(self.as_ptr(), &opts, out.as_mut_ptr()) };
        out.result(ret)
    }
}

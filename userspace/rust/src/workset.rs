// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
//! Working sets.

use std::os::raw::c_int;
use std::path::Path;
use std::ptr;

use crate::error::{c_path, check, Error, Result};
use crate::{sys, Scratch};

impl Scratch {
    /// A copy of the working set, to be saved beside a snapshot.
    pub fn working_set(&self) -> Result<Vec<u8>> {
        let mut buffer: Vec<u8> = Vec::new();

        loop {
            let at: *mut u8 = if buffer.is_empty() { ptr::null_mut() } else { buffer.as_mut_ptr() };
            // SAFETY: the handle is open, and the buffer is as long as it says.
            let ret = unsafe { sys::fastzero_workset_read(self.as_ptr(), at.cast(), buffer.len()) };

            match usize::try_from(ret) {
                // What is there may have shrunk, or was only asked for its size.
                Ok(size) if size <= buffer.len() => {
                    buffer.truncate(size);
                    return Ok(buffer);
                }
                Ok(size) => buffer.resize(size, 0),
                // It has grown meanwhile.
                Err(_) if ret == -i64::from(libc::ENOSPC) => buffer.clear(),
                Err(_) => return Err(Error::last(ret as c_int)),
            }
        }
    }

    /// Sets the working set to one that [`Scratch::working_set`] gave.
    pub fn set_working_set(&self, set: &[u8]) -> Result<()> {
        // SAFETY: the handle is open, and the buffer is as long as it says.
        check(unsafe { sys::fastzero_workset_write(self.as_ptr(), set.as_ptr().cast(), set.len()) })
            .map(drop)
    }

    /// Forgets the working set.
    pub fn clear_working_set(&self) -> Result<()> {
        // SAFETY: the handle is open.
        check(unsafe { sys::fastzero_workset_clear(self.as_ptr()) }).map(drop)
    }

    /// Writes the working set to a file, as a whole or not at all.
    pub fn save_working_set(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = c_path(path.as_ref())?;

        // SAFETY: the handle is open, and the path is a string.
        check(unsafe { sys::fastzero_workset_save(self.as_ptr(), path.as_ptr()) }).map(drop)
    }

    /// Sets the working set to that of a file, also from another host.
    pub fn load_working_set(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = c_path(path.as_ref())?;

        // SAFETY: the handle is open, and the path is a string.
        check(unsafe { sys::fastzero_workset_load(self.as_ptr(), path.as_ptr()) }).map(drop)
    }
}

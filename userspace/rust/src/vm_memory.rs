// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
//! Scratches for the crate vm-memory.

use std::fs::File;

use vm_memory::FileOffset;

use crate::error::Result;
use crate::Scratch;

impl Scratch {
    /// The scratch as a file of vm-memory, from `offset` on; with the feature `vm-memory`.
    ///
    /// It needs a backend with descriptors: [`ContextOptions::need_fd`].  vm-memory maps it
    /// itself, and a reset reaches these mappings as all others.
    ///
    /// [`ContextOptions::need_fd`]: crate::ContextOptions::need_fd
    pub fn file_offset(&self, offset: u64) -> Result<FileOffset> {
        Ok(FileOffset::new(File::from(self.try_clone_fd()?), offset))
    }
}

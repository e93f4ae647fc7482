// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
//! Scratch memory that becomes zero again almost for free.
//!
//! The crate makes libfastzero safe.  With the kernel module a reset costs what a run has
//! written; without it the same calls work by a fallback ([`Context::backend_why`]).
//!
//! ```
//! use fastzero::{Context, Mode, ScratchOptions, MapOptions};
//!
//! # fn main() -> fastzero::Result<()> {
//! let context = Context::open()?;
//! let ram = context.scratch(64 << 20, &ScratchOptions::new())?;
//! let mapping = ram.map(&MapOptions::new())?; // mapping.as_ptr() is for KVM
//! for run in 0..3u8 {
//!     mapping.write_at(4096 * usize::from(run), b"what a run leaves")?;
//!     ram.reset(Mode::Auto)?;
//!     assert!(mapping.is_zero(0..mapping.len())?);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # References to the memory
//!
//! A guest, other processes, the kernel and a reset change the memory at any time.  So the crate
//! gives out no `&[u8]` or `&mut [u8]` of it.  [`Mapping`] has accessors that copy, by atomic
//! operations, and a raw pointer.
//!
//! A reset changes the data alone.  All mappings and raw pointers stay valid, and the bytes read
//! zero.  If `unsafe` code has made a reference from a pointer, then a reset of these bytes during
//! the life of the reference is a write by somebody else: undefined behaviour.
//!
//! ```compile_fail
//! # use fastzero::*;
//! # let context = Context::open().unwrap();
//! # let ram = context.scratch(4096, &ScratchOptions::new()).unwrap();
//! # let mapping = ram.map(&MapOptions::new()).unwrap();
//! let bytes: &[u8] = &mapping[..];
//! ```
//!
//! # Handles
//!
//! [`Context`], [`Scratch`] and [`Mapping`] do not depend on each other, as in C: they may be
//! dropped in any order, and the memory lives until the last of them is gone.  They are [`Send`]
//! and [`Sync`], because any number of threads may use a handle of the C library at once.
//! Descriptors that they lend do not outlive them:
//!
//! ```compile_fail
//! # use fastzero::*;
//! # let context = Context::open().unwrap();
//! # let ram = context.scratch(4096, &ScratchOptions::new()).unwrap();
//! let fd = ram.fd();
//! drop(ram);
//! fd.unwrap();
//! ```
//!
//! This is the same without the mistake:
//!
//! ```
//! # use fastzero::*;
//! # let context = Context::open().unwrap();
//! # let ram = context.scratch(4096, &ScratchOptions::new()).unwrap();
//! let fd = ram.fd();
//! drop(fd);
//! drop(ram);
//! ```
#![deny(missing_docs, unsafe_op_in_unsafe_fn)]
#![warn(missing_debug_implementations, clippy::undocumented_unsafe_blocks)]

mod access;
mod backend;
pub mod bitmap;
mod context;
pub mod doctor;
mod error;
mod info;
pub mod kvm;
mod map;
mod pool;
mod reset;
mod scratch;
mod stats;
#[cfg(feature = "vm-memory")]
mod vm_memory;
mod workset;

pub use backend::{Backend, Mode};
pub use context::{Context, ContextOptions};
pub use error::{Error, Result};
pub use fastzero_sys as sys;
pub use info::{Features, Info};
pub use map::{Access, MapOptions, Mapping};
pub use pool::{Pool, PoolState, Zeroed};
pub use reset::{DirtyOptions, Reset};
pub use scratch::{Pages, Populated, Scratch, ScratchOptions};
pub use stats::Stats;

/// The version of the C library that runs.
pub fn version() -> &'static str {
    // SAFETY: it has no conditions, and returns a constant.
    unsafe { error::constant(sys::fastzero_version()) }.unwrap_or("")
}

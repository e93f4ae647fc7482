// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
//! The C interface of libfastzero, as it is.
//!
//! The C headers document all of it: `fastzero.h`, `fastzero_bitmap.h`, `fastzero_kvm.h`,
//! `fastzero_doctor.h` and `linux/fastzero.h`.  The crate `fastzero` makes it safe.
//!
//! The declarations are written by hand.  The unit test of this crate has a C compiler compare
//! each of them with the headers.
#![deny(missing_docs)]
#![allow(non_camel_case_types)]

use std::marker::{PhantomData, PhantomPinned};
use std::os::raw::{c_int, c_void};

#[macro_use]
mod declare;

#[cfg(test)]
mod abi;
mod constants;
mod functions;
mod structs;

pub use constants::*;
pub use functions::*;
pub use structs::*;

handles! {
    struct fastzero_ctx;
    struct fastzero_scratch;
    struct fastzero_kvm;
}

/// What [`fastzero_bitmap_for_each`] calls for each run.
pub type fastzero_bitmap_fn =
    Option<unsafe extern "C" fn(arg: *mut c_void, first: u64, end: u64) -> c_int>;

/// What [`fastzero_doctor`] calls for each check.
pub type fastzero_doctor_fn = Option<
    unsafe extern "C" fn(finding: *const fastzero_doctor_finding, arg: *mut c_void) -> c_int,
>;

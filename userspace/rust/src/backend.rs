// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
//! Backends and modes, by number and by name.

use std::fmt;
use std::os::raw::c_int;
use std::str::FromStr;

use crate::error::{c_string, check, constant, Error, Result};
use crate::sys;

/// What does the work; "Backends" in `fastzero.h` compares them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Backend {
    /// The module.
    Device,
    /// Clears what the kernel's scan of page tables calls written (Linux 6.7).
    Pagescan,
    /// Punches holes into a memfd.
    Memfd,
    /// MADV_DONTNEED of anonymous memory.
    Anon,
    /// Stores zeros.
    Memset,
    /// One of a newer library, by its number.
    Other(u32),
}

impl Backend {
    /// Those that this crate knows, the better ones first.
    pub const ALL: [Backend; 5] =
        [Backend::Device, Backend::Pagescan, Backend::Memfd, Backend::Anon, Backend::Memset];

    pub(crate) fn number(self) -> u32 {
        match self {
            Backend::Device => sys::FASTZERO_BACKEND_DEVICE,
            Backend::Pagescan => sys::FASTZERO_BACKEND_PAGESCAN,
            Backend::Memfd => sys::FASTZERO_BACKEND_MEMFD,
            Backend::Anon => sys::FASTZERO_BACKEND_ANON,
            Backend::Memset => sys::FASTZERO_BACKEND_MEMSET,
            Backend::Other(number) => number,
        }
    }

    /// Of what the library returned, which was no error.
    pub(crate) fn of(ret: c_int) -> Self {
        let number = ret as u32;

        Backend::ALL.into_iter().find(|b| b.number() == number).unwrap_or(Backend::Other(number))
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // SAFETY: it takes any number, and returns a constant or NULL.
        match unsafe { constant(sys::fastzero_backend_name(self.number())) } {
            Some(name) => f.write_str(name),
            None => write!(f, "backend {}", self.number()),
        }
    }
}

impl FromStr for Backend {
    type Err = Error;

    /// Takes the names of [`Display`](fmt::Display), as `FASTZERO_BACKEND` in the environment.
    fn from_str(name: &str) -> Result<Self> {
        let c_name = c_string(name.as_bytes())?;
        // SAFETY: the name is a string.
        let number = check(unsafe { sys::fastzero_backend_parse(c_name.as_ptr()) })?;

        if number == sys::FASTZERO_BACKEND_ANY as c_int {
            return Err(Error::new(libc::EINVAL, "\"any\" is no backend"));
        }
        Ok(Backend::of(number))
    }
}

/// How a reset is done; `enum fastzero_mode` in `linux/fastzero.h` says more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Mode {
    /// The backend chooses.
    Auto,
    /// Clear pages where they are; the next touch does not fault.
    Inplace,
    /// Put ready pages in the place of the written ones.
    Swap,
    /// Take the pages out.
    Drop,
}

impl Mode {
    /// All of them; [`Info::has_mode`](crate::Info::has_mode) says which a backend has.
    pub const ALL: [Mode; 4] = [Mode::Auto, Mode::Inplace, Mode::Swap, Mode::Drop];

    pub(crate) fn number(self) -> u32 {
        match self {
            Mode::Auto => sys::FASTZERO_MODE_AUTO,
            Mode::Inplace => sys::FASTZERO_MODE_INPLACE,
            Mode::Swap => sys::FASTZERO_MODE_SWAP,
            Mode::Drop => sys::FASTZERO_MODE_DROP,
        }
    }
}

impl Default for Mode {
    fn default() -> Self {
        Mode::Auto
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // SAFETY: it takes any number, and returns a constant or NULL.
        f.write_str(unsafe { constant(sys::fastzero_mode_name(self.number())) }.unwrap_or("?"))
    }
}

impl FromStr for Mode {
    type Err = Error;

    /// Takes the names of [`Display`](fmt::Display).
    fn from_str(name: &str) -> Result<Self> {
        let c_name = c_string(name.as_bytes())?;
        // SAFETY: the name is a string.
        let number = check(unsafe { sys::fastzero_mode_parse(c_name.as_ptr()) })? as u32;

        Mode::ALL
            .into_iter()
            .find(|mode| mode.number() == number)
            .ok_or_else(|| Error::new(libc::EINVAL, "a mode that this crate does not know"))
    }
}

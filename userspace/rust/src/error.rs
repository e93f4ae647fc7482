// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
//! Errors, with the words of the C library.

use std::ffi::{CStr, CString};
use std::os::raw::{c_char, c_int};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::{fmt, io};

use crate::sys;

/// What a call of this crate returns.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a call has failed: a number of `errno`, and words that often name a remedy.
///
/// `?` turns it into an [`io::Error`], from which [`io::Error::get_ref`] gives it back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    errno: i32,
    words: String,
    done: u64,
}

impl Error {
    pub(crate) fn new(errno: i32, words: &str) -> Self {
        Error { errno, words: words.to_string(), done: 0 }
    }

    /// Of a call that has just failed in this thread.
    pub(crate) fn last(ret: c_int) -> Self {
        // SAFETY: the string is this thread's until its next call of the library.
        let words = unsafe { CStr::from_ptr(sys::fastzero_strerror(ret)) };

        Error { errno: ret.wrapping_neg(), words: words.to_string_lossy().into_owned(), done: 0 }
    }

    pub(crate) fn with_done(self, done: u64) -> Self {
        Error { done, ..self }
    }

    /// The number, as `libc::ENOSPC`.
    pub fn errno(&self) -> i32 {
        self.errno
    }

    /// Its [`io::ErrorKind`].
    pub fn kind(&self) -> io::ErrorKind {
        io::Error::from_raw_os_error(self.errno).kind()
    }

    /// How far a reset or a populate came before it failed, as in [`Reset::done`]; otherwise 0.
    ///
    /// [`Reset::done`]: crate::Reset::done
    pub fn done(&self) -> u64 {
        self.done
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

impl std::error::Error for Error {}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        io::Error::new(error.kind(), error)
    }
}

/// What a function of the library returned: 0 or more, or -errno.
pub(crate) fn check(ret: c_int) -> Result<c_int> {
    if ret < 0 {
        Err(Error::last(ret))
    } else {
        Ok(ret)
    }
}

/// A string that is there as long as the program.
///
/// # Safety
///
/// `string` is NULL, or a string that is never changed or freed.
pub(crate) unsafe fn constant(string: *const c_char) -> Option<&'static str> {
    if string.is_null() {
        return None;
    }
    // SAFETY: by the caller.
    unsafe { CStr::from_ptr(string) }.to_str().ok()
}

pub(crate) fn c_string(bytes: &[u8]) -> Result<CString> {
    CString::new(bytes).map_err(|_| Error::new(libc::EINVAL, "a string has a 0 in it"))
}

pub(crate) fn c_path(path: &Path) -> Result<CString> {
    c_string(path.as_os_str().as_bytes())
}

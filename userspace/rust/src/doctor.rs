// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
//! What is wrong with this host, and what helps.

use std::ffi::CStr;
use std::os::raw::{c_char, c_int, c_void};
use std::path::{Path, PathBuf};
use std::ptr;

use crate::error::{c_path, check, Result};
use crate::sys;

/// What a check has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Status {
    /// Nothing is wrong.
    Pass,
    /// It works, but not as well as it could.
    Warn,
    /// It does not work.
    Fail,
    /// This process or this host cannot tell.
    Skip,
}

/// What one check has found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// What was found, in one word.
    pub status: Status,
    /// "FZ001" and so on; a later version never uses an id for another check.
    pub id: String,
    /// The check, in a word or two.
    pub name: String,
    /// What was found, on one line.
    pub text: String,
    /// What helps, on one line; empty with [`Status::Pass`] and [`Status::Skip`].
    pub remedy: String,
}

/// What to check.
#[derive(Clone, Debug, Default)]
pub struct Options {
    device: Option<PathBuf>,
    root: Option<PathBuf>,
    pool_bytes: u64,
}

impl Options {
    /// The host itself, and `/dev/fastzero`.
    pub fn new() -> Self {
        Self::default()
    }

    /// Another path of the device.
    pub fn device(mut self, path: impl AsRef<Path>) -> Self {
        self.device = Some(path.as_ref().to_path_buf());
        self
    }

    /// A directory in which the files of a host are looked up, for tests.
    pub fn root(mut self, path: impl AsRef<Path>) -> Self {
        self.root = Some(path.as_ref().to_path_buf());
        self
    }

    /// Bytes that the caller means to keep ready in its pool.
    pub fn pool_bytes(mut self, bytes: u64) -> Self {
        self.pool_bytes = bytes;
        self
    }

    /// Makes all checks, in the order of their ids.  They change nothing.
    pub fn check(&self) -> Result<Vec<Finding>> {
        let device = self.device.as_deref().map(c_path).transpose()?;
        let root = self.root.as_deref().map(c_path).transpose()?;
        let opts = sys::fastzero_doctor_opts {
            device: device.as_ref().map_or(ptr::null(), |path| path.as_ptr()),
            root: root.as_ref().map_or(ptr::null(), |path| path.as_ptr()),
            pool_bytes: self.pool_bytes,
            ..Default::default()
        };
        let mut findings = Vec::new();
        let arg: *mut Vec<Finding> = &mut findings;

        // SAFETY: the pointers are valid for the call, and keep() takes this argument.
        check(unsafe { sys::fastzero_doctor(&opts, Some(keep), arg.cast()) })?;
        Ok(findings)
    }
}

/// # Safety
///
/// `string` is one.
unsafe fn owned(string: *const c_char) -> String {
    // SAFETY: by the caller.
    unsafe { CStr::from_ptr(string) }.to_string_lossy().into_owned()
}

/// Called by the library for each check.
///
/// # Safety
///
/// `finding` and its strings are valid, and `arg` is a `Vec<Finding>` that nobody else uses.
unsafe extern "C" fn keep(finding: *const sys::fastzero_doctor_finding, arg: *mut c_void) -> c_int {
    // SAFETY: by the caller.
    let (finding, findings) = unsafe { (&*finding, &mut *arg.cast::<Vec<Finding>>()) };
    let status = match finding.status {
        sys::FASTZERO_DOCTOR_PASS => Status::Pass,
        sys::FASTZERO_DOCTOR_WARN => Status::Warn,
        sys::FASTZERO_DOCTOR_FAIL => Status::Fail,
        _ => Status::Skip,
    };

    // SAFETY: by the caller.
    findings.push(unsafe {
        Finding {
            status,
            id: owned(finding.id),
            name: owned(finding.name),
            text: owned(finding.text),
            remedy: owned(finding.remedy),
        }
    });
    0
}

// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
//! Contexts.

use std::ffi::CStr;
use std::os::unix::io::{AsRawFd, BorrowedFd, IntoRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::ptr::{self, NonNull};

use crate::error::{c_path, check, Result};
use crate::reset::ResetOut;
use crate::{sys, Backend, Info, Mode, Reset, Scratch, Stats};

/// How to open a [`Context`].
#[derive(Clone, Debug, Default)]
pub struct ContextOptions {
    backend: Option<Backend>,
    path: Option<PathBuf>,
    need_fd: bool,
}

impl ContextOptions {
    /// The first backend that works, or the one that `FASTZERO_BACKEND` in the environment names.
    pub fn new() -> Self {
        Self::default()
    }

    /// This backend, and no other.
    pub fn backend(mut self, backend: Backend) -> Self {
        self.backend = Some(backend);
        self
    }

    /// The device of this path, and no other backend.
    pub fn path(mut self, path: impl AsRef<Path>) -> Self {
        self.path = Some(path.as_ref().to_path_buf());
        self
    }

    /// Only a backend whose scratches have descriptors.
    pub fn need_fd(mut self, need_fd: bool) -> Self {
        self.need_fd = need_fd;
        self
    }

    /// Opens the context.
    pub fn open(&self) -> Result<Context> {
        let path = self.path.as_deref().map(c_path).transpose()?;
        let options = sys::fastzero_ctx_opts {
            flags: if self.need_fd { sys::FASTZERO_CTX_NEED_FD } else { 0 },
            path: path.as_ref().map_or(ptr::null(), |path| path.as_ptr()),
            backend: self.backend.map_or(sys::FASTZERO_BACKEND_ANY, Backend::number),
            ..Default::default()
        };
        let mut handle = ptr::null_mut();

        // SAFETY: all pointers are valid for the call.
        check(unsafe { sys::fastzero_ctx_open(&options, &mut handle) })?;
        Ok(Context::of(handle))
    }
}

/// One tenant: it owns scratches and a pool, and has a [`Backend`].
#[derive(Debug)]
pub struct Context {
    handle: NonNull<sys::fastzero_ctx>,
}

// SAFETY: any thread may use the handle, and close it when nobody else uses it.
unsafe impl Send for Context {}
// SAFETY: any number of threads may use the handle at once.
unsafe impl Sync for Context {}

impl Context {
    fn of(handle: *mut sys::fastzero_ctx) -> Self {
        Context { handle: NonNull::new(handle).expect("a handle without an error") }
    }

    /// Opens a context with the options of [`ContextOptions::new`].
    pub fn open() -> Result<Self> {
        ContextOptions::new().open()
    }

    /// Makes a handle of a descriptor of the device, got from elsewhere.
    ///
    /// After an error the descriptor is closed.
    pub fn from_fd(fd: OwnedFd) -> Result<Self> {
        let mut handle = ptr::null_mut();

        // SAFETY: the pointer is valid for the call, and the descriptor is open.
        check(unsafe { sys::fastzero_ctx_adopt(fd.as_raw_fd(), &mut handle) })?;
        // It is the handle's now.
        let _ = fd.into_raw_fd();
        Ok(Context::of(handle))
    }

    pub(crate) fn as_ptr(&self) -> *const sys::fastzero_ctx {
        self.handle.as_ptr()
    }

    /// Which backend it has.
    pub fn backend(&self) -> Backend {
        // SAFETY: the handle is open.
        Backend::of(unsafe { sys::fastzero_backend(self.as_ptr()) })
    }

    /// Why it does not have a better one: a line for each that was tried, with a remedy.
    pub fn backend_why(&self) -> &str {
        // SAFETY: the handle is open, and the string is the handle's.
        let why = unsafe { CStr::from_ptr(sys::fastzero_backend_why(self.as_ptr())) };

        why.to_str().unwrap_or("")
    }

    /// Its descriptor, to be passed on; `EOPNOTSUPP` for all backends but the device.
    pub fn fd(&self) -> Result<BorrowedFd<'_>> {
        // SAFETY: the handle is open.
        let fd = check(unsafe { sys::fastzero_ctx_fd(self.as_ptr()) })?;

        // SAFETY: the descriptor is open as long as the handle, which is borrowed.
        Ok(unsafe { BorrowedFd::borrow_raw(fd) })
    }

    /// What the backend can do.
    pub fn info(&self) -> Result<Info> {
        let mut info = sys::fastzero_info::default();

        // SAFETY: the handle is open, and the pointer valid for the call.
        check(unsafe { sys::fastzero_ctx_info(self.as_ptr(), &mut info) })?;
        Ok(Info::of(&info))
    }

    /// Counters of all its scratches.
    pub fn stats(&self) -> Result<Stats> {
        let mut stats = sys::fastzero_stats::default();

        // SAFETY: the handle is open, and the pointer valid for the call.
        check(unsafe { sys::fastzero_ctx_stats(self.as_ptr(), &mut stats) })?;
        Ok(Stats::of(&stats))
    }

    /// Makes many scratches zero again, in one call where the backend has one.
    ///
    /// [`Reset::done`] and [`Error::done`](crate::Error::done) count scratches, from the first on.
    pub fn reset_scratches(&self, scratches: &[&Scratch], mode: Mode) -> Result<Reset> {
        let handles: Vec<_> = scratches.iter().map(|scratch| scratch.as_ptr()).collect();
        let mut out = ResetOut::default();

        // SAFETY: the handles are open, and the pointers valid for the call.
        let ret = unsafe {
            sys::fastzero_reset_scratches(
                self.as_ptr(),
                handles.as_ptr(),
                count(handles.len()),
                mode.number(),
                out.as_mut_ptr(),
            )
        };
        out.result(ret)
    }

    /// The same for descriptors of scratches.
    pub fn reset_many(&self, scratches: &[BorrowedFd<'_>], mode: Mode) -> Result<Reset> {
        let fds: Vec<_> = scratches.iter().map(|fd| fd.as_raw_fd()).collect();
        let mut out = ResetOut::default();

        // SAFETY: the handle is open, and the pointers valid for the call.
        let ret = unsafe {
            sys::fastzero_reset_many(
                self.as_ptr(),
                fds.as_ptr(),
                count(fds.len()),
                mode.number(),
                out.as_mut_ptr(),
            )
        };
        out.result(ret)
    }
}

/// The length of a slice, for C.  A process cannot have 4 billion scratches.
fn count(len: usize) -> u32 {
    u32::try_from(len).expect("more than 4 billion scratches")
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: nobody else has the handle.
        unsafe { sys::fastzero_ctx_close(self.handle.as_ptr()) }
    }
}

// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
//! From dirty bitmaps to runs of pages.
//!
//! ```
//! use fastzero::bitmap::Walk;
//!
//! let log = [0b1110, 0];
//! let own = [1 << 63, 1];
//! let runs: Vec<_> = Walk::new(&log).or(&own).iter().collect();
//! assert_eq!(runs, [1..4, 63..65]);
//! ```
//!
//! A walk borrows its bitmaps, so they do not change meanwhile:
//!
//! ```compile_fail
//! # use fastzero::bitmap::Walk;
//! let mut log = [0b1110];
//! let mut runs = Walk::new(&log).iter();
//! log[0] = 0;
//! runs.next();
//! ```

use std::fmt;
use std::marker::PhantomData;
use std::ops::Range;
use std::os::raw::c_int;
use std::ptr;

use crate::error::{c_string, check, constant, Result};
use crate::sys;

/// Bits of a bitmap that one bit of its summary stands for.
pub const BLOCK: u64 = sys::FASTZERO_BITMAP_BLOCK as u64;

/// More than 64 are fast.
const RUNS: usize = 256;

fn words(bits: u64) -> usize {
    (bits / 64 + u64::from(bits % 64 != 0)) as usize
}

/// Which bitmaps are walked.
///
/// Bit n % 64 of word n / 64 stands for page n, as `KVM_GET_DIRTY_LOG` has it.
#[derive(Clone, Copy, Debug)]
pub struct Walk<'a> {
    bitmap: &'a [u64],
    other: Option<&'a [u64]>,
    summary: Option<&'a [u64]>,
    bits: u64,
}

impl<'a> Walk<'a> {
    /// All bits of a bitmap.
    pub fn new(bitmap: &'a [u64]) -> Self {
        Walk { bitmap, other: None, summary: None, bits: bitmap.len() as u64 * 64 }
    }

    /// Another one: a bit counts if it is set in either.
    pub fn or(mut self, other: &'a [u64]) -> Self {
        self.other = Some(other);
        self
    }

    /// A summary of both ([`summarize`]): blocks whose bit is not set are skipped.
    pub fn summary(mut self, summary: &'a [u64]) -> Self {
        self.summary = Some(summary);
        self
    }

    /// Only the first `bits` bits.
    pub fn bits(mut self, bits: u64) -> Self {
        self.bits = bits;
        self
    }

    /// The runs, in ascending order; each is as long as it can be.
    ///
    /// # Panics
    ///
    /// If a bitmap or the summary is too short.
    pub fn iter(&self) -> Runs<'a> {
        let of = |words: Option<&[u64]>| words.map_or(ptr::null(), |words| words.as_ptr());

        for bitmap in [Some(self.bitmap), self.other].into_iter().flatten() {
            assert!(words(self.bits) <= bitmap.len(), "a bitmap is too short");
        }
        if let Some(summary) = self.summary {
            assert!(words(blocks(self.bits)) <= summary.len(), "the summary is too short");
        }
        Runs {
            walk: sys::fastzero_bitmap_walk {
                bitmap: self.bitmap.as_ptr(),
                other: of(self.other),
                summary: of(self.summary),
                nbits: self.bits,
                ..Default::default()
            },
            runs: [sys::fastzero_bitmap_run { first: 0, end: 0 }; RUNS],
            at: 0,
            have: 0,
            bitmaps: PhantomData,
        }
    }
}

impl<'a> IntoIterator for Walk<'a> {
    type Item = Range<u64>;
    type IntoIter = Runs<'a>;

    fn into_iter(self) -> Runs<'a> {
        self.iter()
    }
}

/// The runs of a [`Walk`].
pub struct Runs<'a> {
    walk: sys::fastzero_bitmap_walk,
    runs: [sys::fastzero_bitmap_run; RUNS],
    at: usize,
    have: usize,
    bitmaps: PhantomData<&'a [u64]>,
}

impl fmt::Debug for Runs<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runs").field("walk", &self.walk).finish_non_exhaustive()
    }
}

impl Iterator for Runs<'_> {
    type Item = Range<u64>;

    fn next(&mut self) -> Option<Range<u64>> {
        if self.at == self.have {
            let runs = self.runs.as_mut_ptr();
            // SAFETY: the bitmaps are borrowed, and as long as iter() has seen.
            let have = unsafe { sys::fastzero_bitmap_runs(&mut self.walk, runs, RUNS) };

            self.at = 0;
            self.have = usize::try_from(have).expect("a walk that the library takes");
        }
        let run = *self.runs[..self.have].get(self.at)?;

        self.at += 1;
        Some(run.first..run.end)
    }
}

fn blocks(bits: u64) -> u64 {
    bits / BLOCK + u64::from(bits % BLOCK != 0)
}

/// Sets the bits of a summary for each block of `bitmap` with a bit, and clears none.
///
/// # Panics
///
/// If the summary is shorter than one bit for [`BLOCK`] bits.
pub fn summarize(bitmap: &[u64], summary: &mut [u64]) {
    let bits = bitmap.len() as u64 * 64;

    assert!(words(blocks(bits)) <= summary.len(), "the summary is too short");
    // SAFETY: both are long enough.
    unsafe { sys::fastzero_bitmap_summarize(bitmap.as_ptr(), bits, summary.as_mut_ptr()) }
}

/// Which instructions the walk uses: "avx512", "avx2", "sse2" or "c".
pub fn isa() -> &'static str {
    // SAFETY: it has no conditions, and returns a constant.
    unsafe { constant(sys::fastzero_bitmap_isa()) }.unwrap_or("")
}

/// Chooses the instructions for the whole process, for tests; `None` is the best.
pub fn use_isa(isa: Option<&str>) -> Result<()> {
    let isa = isa.map(|isa| c_string(isa.as_bytes())).transpose()?;
    let name = isa.as_ref().map_or(ptr::null(), |isa| isa.as_ptr());
    // SAFETY: the name is a string or NULL.
    let ret: c_int = unsafe { sys::fastzero_bitmap_use(name) };

    check(ret).map(drop)
}

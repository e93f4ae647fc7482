// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
//! Copies from and to memory that others change meanwhile.
//!
//! Every access is a relaxed atomic operation on an aligned word.  So the threads of this process
//! may race with each other here: a word is old or new, and nothing else happens.  The words lie
//! in whole pages, so the one around a byte is mapped as the byte is.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

const WORD: usize = std::mem::size_of::<u64>();

/// The word that a byte lies in, and the number of the byte there.
///
/// # Safety
///
/// `byte` lies in a mapping of whole pages, which lives as long as `'a`.
unsafe fn word_of<'a>(byte: *const u8) -> (&'a AtomicU64, usize) {
    let skip = byte as usize % WORD;

    // SAFETY: by the caller; it is aligned, and atomics may be changed by others.
    (unsafe { &*byte.sub(skip).cast() }, skip)
}

/// Copies bytes out of a mapping.
///
/// # Safety
///
/// The bytes lie in a mapping of whole pages, which can be read during the call.
pub(crate) unsafe fn read(mut from: *const u8, mut to: &mut [u8]) {
    while !to.is_empty() {
        // SAFETY: by the caller.
        let (word, skip) = unsafe { word_of(from) };
        let n = to.len().min(WORD - skip);
        let bytes = word.load(Relaxed).to_ne_bytes();
        let (now, later) = to.split_at_mut(n);

        now.copy_from_slice(&bytes[skip..skip + n]);
        to = later;
        from = from.wrapping_add(n);
    }
}

/// Copies bytes into a mapping.
///
/// # Safety
///
/// The bytes lie in a mapping of whole pages, which can be written during the call.
pub(crate) unsafe fn write(mut to: *mut u8, mut from: &[u8]) {
    while !from.is_empty() {
        // SAFETY: by the caller.
        let (word, skip) = unsafe { word_of(to) };
        let (now, later) = from.split_at(from.len().min(WORD - skip));

        if let Ok(whole) = now.try_into() {
            word.store(u64::from_ne_bytes(whole), Relaxed);
        } else {
            // What others write beside these bytes stays.
            let merge = |old: u64| {
                let mut bytes = old.to_ne_bytes();

                bytes[skip..skip + now.len()].copy_from_slice(now);
                Some(u64::from_ne_bytes(bytes))
            };
            word.fetch_update(Relaxed, Relaxed, merge).expect("merge always has a value");
        }
        from = later;
        to = to.wrapping_add(now.len());
    }
}

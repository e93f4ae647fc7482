// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
//! What a backend can do.

use std::ops::BitOr;

use crate::{sys, Mode};

/// A set of features; `enum fastzero_feature` in `linux/fastzero.h` says more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Features(u64);

impl Features {
    /// Chunks of 2 MiB can be backed by one folio: [`Pages::Huge`](crate::Pages::Huge).
    pub const HUGE: Self = Features(sys::FASTZERO_FEATURE_2M as u64);
    /// [`ScratchOptions::zeropage`](crate::ScratchOptions::zeropage) works.
    pub const ZEROPAGE: Self = Features(sys::FASTZERO_FEATURE_ZEROPAGE as u64);
    /// [`Scratch::reset_dirty`](crate::Scratch::reset_dirty) works.
    pub const RESET_DIRTY: Self = Features(sys::FASTZERO_FEATURE_RESET_DIRTY as u64);
    /// Working sets can be read, written and populated.
    pub const WORKSET: Self = Features(sys::FASTZERO_FEATURE_WORKSET as u64);
    /// Scratches and pools of a NUMA node.
    pub const NODE: Self = Features(sys::FASTZERO_FEATURE_NODE as u64);
    /// [`ScratchOptions::total_cpu`](crate::ScratchOptions::total_cpu) works.
    pub const TOTAL_CPU: Self = Features(sys::FASTZERO_FEATURE_TOTAL_CPU as u64);
    /// [`Context::zero`](crate::Context::zero) works.
    pub const ZERO: Self = Features(sys::FASTZERO_FEATURE_ZERO as u64);
    /// [`Context::zero_start`](crate::Context::zero_start) works.
    pub const THREAD: Self = Features(sys::FASTZERO_FEATURE_THREAD as u64);
    /// [`Context::reset_many`](crate::Context::reset_many) works.
    pub const RESET_MANY: Self = Features(sys::FASTZERO_FEATURE_RESET_MANY as u64);
    /// [`Scratch::reset_idle`](crate::Scratch::reset_idle) works.
    pub const IDLE: Self = Features(sys::FASTZERO_FEATURE_IDLE as u64);

    /// Whether all of `other` are in the set.
    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The bits, with those that this crate has no name for.
    pub fn bits(self) -> u64 {
        self.0
    }
}

impl BitOr for Features {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Features(self.0 | other.0)
    }
}

/// What [`Context::info`](crate::Context::info) reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Info {
    /// Features that there are.
    pub features: Features,
    /// Bytes of a base page; ranges are multiples of it.
    pub page_size: u32,
    /// Bytes of a chunk.
    pub chunk_size: u32,
    /// Most scratches that the context may have at once.
    pub max_scratches: u32,
    /// Largest scratch, in bytes.
    pub max_length: u64,
    /// Most base pages that the context may own; `None` without a limit of its own.
    pub max_pages: Option<u64>,
    modes: u32,
    orders: u32,
}

impl Info {
    pub(crate) fn of(info: &sys::fastzero_info) -> Self {
        Info {
            features: Features(info.out_features),
            page_size: info.out_page_size,
            chunk_size: info.out_chunk_size,
            max_scratches: info.out_max_scratches,
            max_length: info.out_max_length,
            max_pages: Some(info.out_max_pages).filter(|&pages| pages != 0),
            modes: info.out_modes,
            orders: info.out_orders,
        }
    }

    /// Whether resets take that mode.
    pub fn has_mode(&self, mode: Mode) -> bool {
        self.modes & 1 << mode.number() != 0
    }

    /// Whether [`Pool::order`](crate::Pool::order) may be that.
    pub fn has_order(&self, order: u32) -> bool {
        self.orders.checked_shr(order).map_or(false, |bits| bits & 1 != 0)
    }
}

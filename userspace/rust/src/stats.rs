// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
//! Counters.

use crate::sys;

macro_rules! stats {
    ($($(#[$doc:meta])* $name:ident: $member:ident,)*) => {
        /// Counters of a scratch or of a context; `struct fastzero_stats` in `linux/fastzero.h`
        /// says which of them belong to what.
        ///
        /// What the backend does not count is 0.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct Stats {
            $($(#[$doc])* pub $name: u64,)*
        }

        impl Stats {
            pub(crate) fn of(stats: &sys::fastzero_stats) -> Self {
                Stats { $($name: stats.$member,)* }
            }
        }
    };
}

stats! {
    /// Scratches counted: 1 on a scratch; on a context, all of its scratches that exist now.
    scratches: out_scratches,
    /// Their size in bytes.
    length: out_length,
    /// Base pages populated in them now.
    populated: out_populated,
    /// Page faults that mapped a page, also those that mapped the page of zeros.
    faults: out_faults,
    /// Base pages that faults, POPULATE and writes took ready from the pool.
    faults_ready: out_faults_ready,
    /// Base pages that these took from the pool before the zeroer had cleared them, and cleared
    /// themselves.
    faults_used: out_faults_used,
    /// Base pages that these had to allocate.
    faults_alloc: out_faults_alloc,
    /// Resets of a scratch, also those that were interrupted.
    resets: out_resets,
    /// Base pages that resets cleared in scratches, or allocated as zeroed ones.
    cleared: out_cleared,
    /// Base pages that resets replaced.
    swapped: out_swapped,
    /// Base pages that resets took out.
    dropped: out_dropped,
    /// Base pages that resets found held.
    held: out_held,
    /// The sum of the pool's targets, in base pages.
    pool_target: out_pool_target,
    /// Base pages in the pool that are zero.
    pool_ready: out_pool_ready,
    /// Base pages in the pool that wait for the zeroer.
    pool_used: out_pool_used,
    /// Base pages in the pool that wait until their holders release them.
    pool_held: out_pool_held,
    /// Base pages that the context owns, in its scratches and in its pool.
    owned: out_owned,
    /// Base pages that the zeroer has cleared, or allocated as zeroed ones. Threads lent by
    /// ZERO, and POOL calls that wait, count as the zeroer.
    zeroed: out_zeroed,
    /// CPU time in ns that the zeroer has spent on this context.
    zeroer_ns: out_zeroer_ns,
    /// Pages among `dropped` that AUTO dropped, because runs had stopped writing to them.
    aged: out_aged,
    /// Pages among `aged` that were touched again later.
    returned: out_returned,
    /// How often a 2 MiB folio was wanted, and there was none.
    huge_failed: out_huge_failed,
    /// Base pages among `populated` that are parts of 2 MiB folios.
    huge: out_huge,
    /// Chunks that lost their 2 MiB folio, because runs touched little of it, and memory was
    /// short or the zeroer late.
    broken: out_broken,
    /// Chunks that got a 2 MiB folio, because runs touch much of them.
    rebuilt: out_rebuilt,
    /// Resets with AUTO that neither of the next two members counts.  None of the three counts
    /// resets with FASTZERO_RESET_IDLE.
    auto_inplace: out_auto_inplace,
    /// Resets with AUTO that swapped pages.
    auto_swap: out_auto_swap,
    /// Resets with AUTO that dropped pages, because nobody mapped the scratch.
    auto_drop: out_auto_drop,
    /// Base pages that reclaim took from the pool.
    shrunk: out_shrunk,
    /// Bytes that the index of these scratches takes.
    index: out_index,
}

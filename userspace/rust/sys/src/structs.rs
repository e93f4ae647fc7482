// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
//! Structures that programs see.

use std::os::raw::{c_char, c_void};

structs! {
    struct fastzero_info {
        size: u32,
        flags: u32,
        out_features: u64,
        out_modes: u32,
        out_orders: u32,
        out_page_size: u32,
        out_chunk_size: u32,
        out_max_scratches: u32,
        __reserved: u32,
        out_max_length: u64,
        out_max_pages: u64,
    }

    struct fastzero_stats {
        size: u32,
        flags: u32,
        out_scratches: u64,
        out_length: u64,
        out_populated: u64,
        out_faults: u64,
        out_faults_ready: u64,
        out_faults_used: u64,
        out_faults_alloc: u64,
        out_resets: u64,
        out_cleared: u64,
        out_swapped: u64,
        out_dropped: u64,
        out_held: u64,
        out_pool_target: u64,
        out_pool_ready: u64,
        out_pool_used: u64,
        out_pool_held: u64,
        out_owned: u64,
        out_zeroed: u64,
        out_zeroer_ns: u64,
        out_aged: u64,
        out_returned: u64,
        out_huge_failed: u64,
        out_huge: u64,
        out_broken: u64,
        out_rebuilt: u64,
        out_auto_inplace: u64,
        out_auto_swap: u64,
        out_auto_drop: u64,
        out_shrunk: u64,
        out_index: u64,
    }

    struct fastzero_bitmap_run {
        first: u64,
        end: u64,
    }

    struct fastzero_bitmap_walk {
        size: u32,
        flags: u32,
        bitmap: *const u64,
        other: *const u64,
        summary: *const u64,
        nbits: u64,
        next: u64,
    }

    struct fastzero_kvm_opts {
        size: u32,
        flags: u32,
        ring_bytes: u64,
    }

    struct fastzero_kvm_slot {
        size: u32,
        slot: u32,
        gpa: u64,
        offset: u64,
        length: u64,
        addr: *mut c_void,
    }

    struct fastzero_ctx_opts {
        size: u32,
        flags: u32,
        path: *const c_char,
        backend: u32,
        __reserved: u32,
    }

    struct fastzero_pool_state {
        size: u32,
        __reserved: u32,
        ready: u64,
        used: u64,
    }

    struct fastzero_zero_result {
        size: u32,
        __reserved: u32,
        work: u64,
        ns: u64,
    }

    struct fastzero_scratch_opts {
        size: u32,
        flags: u32,
        page_policy: u32,
        node: u32,
        name: *const c_char,
    }

    struct fastzero_map_opts {
        size: u32,
        flags: u32,
        offset: u64,
        length: u64,
        addr: *mut c_void,
        guard: u64,
    }

    struct fastzero_result {
        size: u32,
        __reserved: u32,
        done: u64,
        cleared: u64,
        swapped: u64,
        dropped: u64,
        held: u64,
    }

    struct fastzero_bitmap_opts {
        size: u32,
        flags: u32,
        offset: u64,
        length: u64,
        bitmap: *const u64,
        bitmap_size: u64,
        mode: u32,
        granule_shift: u32,
    }

    struct fastzero_populated {
        size: u32,
        __reserved: u32,
        done: u64,
        added: u64,
        mapped: u64,
    }

    struct fastzero_doctor_opts {
        size: u32,
        flags: u32,
        device: *const c_char,
        root: *const c_char,
        pool_bytes: u64,
    }

    struct fastzero_doctor_finding {
        size: u32,
        status: u32,
        id: *const c_char,
        name: *const c_char,
        text: *const c_char,
        remedy: *const c_char,
    }
}

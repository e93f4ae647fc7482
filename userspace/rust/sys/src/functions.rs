// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
//! Functions.

use std::os::raw::{c_char, c_int, c_uint, c_void};

use crate::*;

functions! {
    fn fastzero_bitmap_runs(
        walk: *mut fastzero_bitmap_walk,
        runs: *mut fastzero_bitmap_run,
        nr: usize,
    ) -> i64;
    fn fastzero_bitmap_for_each(
        walk: *mut fastzero_bitmap_walk,
        each: fastzero_bitmap_fn,
        arg: *mut c_void,
    ) -> c_int;
    fn fastzero_bitmap_summarize(bitmap: *const u64, nbits: u64, summary: *mut u64);
    fn fastzero_bitmap_isa() -> *const c_char;
    fn fastzero_bitmap_use(isa: *const c_char) -> c_int;
    fn fastzero_kvm_new(
        vm_fd: c_int,
        opts: *const fastzero_kvm_opts,
        kvm: *mut *mut fastzero_kvm,
    ) -> c_int;
    fn fastzero_kvm_free(kvm: *mut fastzero_kvm);
    fn fastzero_kvm_vcpu(kvm: *mut fastzero_kvm, vcpu_fd: c_int) -> c_int;
    fn fastzero_kvm_attach(
        kvm: *mut fastzero_kvm,
        scratch: *const fastzero_scratch,
        slot: *const fastzero_kvm_slot,
    ) -> c_int;
    fn fastzero_kvm_detach(kvm: *mut fastzero_kvm, slot: u32) -> c_int;
    fn fastzero_kvm_wrote(kvm: *mut fastzero_kvm, gpa: u64, length: u64) -> c_int;
    fn fastzero_kvm_collect(kvm: *mut fastzero_kvm) -> c_int;
    fn fastzero_kvm_reset(
        kvm: *mut fastzero_kvm,
        mode: c_uint,
        result: *mut fastzero_result,
    ) -> c_int;
    fn fastzero_version() -> *const c_char;
    fn fastzero_strerror(ret: c_int) -> *const c_char;
    fn fastzero_backend_name(id: c_uint) -> *const c_char;
    fn fastzero_backend_parse(name: *const c_char) -> c_int;
    fn fastzero_mode_name(mode: c_uint) -> *const c_char;
    fn fastzero_mode_parse(name: *const c_char) -> c_int;
    fn fastzero_ctx_open(opts: *const fastzero_ctx_opts, ctx: *mut *mut fastzero_ctx) -> c_int;
    fn fastzero_backend(ctx: *const fastzero_ctx) -> c_int;
    fn fastzero_backend_why(ctx: *const fastzero_ctx) -> *const c_char;
    fn fastzero_ctx_adopt(fd: c_int, ctx: *mut *mut fastzero_ctx) -> c_int;
    fn fastzero_ctx_close(ctx: *mut fastzero_ctx);
    fn fastzero_ctx_fd(ctx: *const fastzero_ctx) -> c_int;
    fn fastzero_ctx_info(ctx: *const fastzero_ctx, info: *mut fastzero_info) -> c_int;
    fn fastzero_ctx_stats(ctx: *const fastzero_ctx, stats: *mut fastzero_stats) -> c_int;
    fn fastzero_ctx_pool(
        ctx: *const fastzero_ctx,
        order: c_uint,
        target: u64,
        flags: u32,
        state: *mut fastzero_pool_state,
    ) -> c_int;
    fn fastzero_ctx_pool_node(
        ctx: *const fastzero_ctx,
        node: u32,
        order: c_uint,
        target: u64,
        flags: u32,
        state: *mut fastzero_pool_state,
    ) -> c_int;
    fn fastzero_ctx_zero(
        ctx: *const fastzero_ctx,
        timeout_ms: u32,
        flags: u32,
        result: *mut fastzero_zero_result,
    ) -> c_int;
    fn fastzero_ctx_zero_start(ctx: *const fastzero_ctx) -> c_int;
    fn fastzero_ctx_zero_stop(ctx: *const fastzero_ctx) -> c_int;
    fn fastzero_scratch_create(
        ctx: *const fastzero_ctx,
        length: u64,
        opts: *const fastzero_scratch_opts,
        scratch: *mut *mut fastzero_scratch,
    ) -> c_int;
    fn fastzero_scratch_adopt(fd: c_int, scratch: *mut *mut fastzero_scratch) -> c_int;
    fn fastzero_scratch_send(scratch: *const fastzero_scratch, sock: c_int) -> c_int;
    fn fastzero_scratch_recv(sock: c_int, scratch: *mut *mut fastzero_scratch) -> c_int;
    fn fastzero_scratch_close(scratch: *mut fastzero_scratch);
    fn fastzero_scratch_fd(scratch: *const fastzero_scratch) -> c_int;
    fn fastzero_scratch_length(scratch: *const fastzero_scratch) -> u64;
    fn fastzero_scratch_backend(scratch: *const fastzero_scratch) -> c_int;
    fn fastzero_scratch_stats(
        scratch: *const fastzero_scratch,
        stats: *mut fastzero_stats,
    ) -> c_int;
    fn fastzero_map(
        scratch: *const fastzero_scratch,
        opts: *const fastzero_map_opts,
        addr: *mut *mut c_void,
    ) -> c_int;
    fn fastzero_unmap(addr: *mut c_void, length: usize) -> c_int;
    fn fastzero_reset_range(
        scratch: *const fastzero_scratch,
        offset: u64,
        length: u64,
        mode: c_uint,
        result: *mut fastzero_result,
    ) -> c_int;
    fn fastzero_reset_all(
        scratch: *const fastzero_scratch,
        mode: c_uint,
        result: *mut fastzero_result,
    ) -> c_int;
    fn fastzero_reset_idle(scratch: *const fastzero_scratch, result: *mut fastzero_result) -> c_int;
    fn fastzero_reset_many(
        ctx: *const fastzero_ctx,
        fds: *const c_int,
        nr: u32,
        mode: c_uint,
        result: *mut fastzero_result,
    ) -> c_int;
    fn fastzero_reset_scratches(
        ctx: *const fastzero_ctx,
        scratches: *const *const fastzero_scratch,
        nr: u32,
        mode: c_uint,
        result: *mut fastzero_result,
    ) -> c_int;
    fn fastzero_reset_bitmap(
        scratch: *const fastzero_scratch,
        opts: *const fastzero_bitmap_opts,
        result: *mut fastzero_result,
    ) -> c_int;
    fn fastzero_populate_range(
        scratch: *const fastzero_scratch,
        offset: u64,
        length: u64,
        flags: u32,
        result: *mut fastzero_populated,
    ) -> c_int;
    fn fastzero_workset_read(
        scratch: *const fastzero_scratch,
        buffer: *mut c_void,
        size: usize,
    ) -> i64;
    fn fastzero_workset_write(
        scratch: *const fastzero_scratch,
        buffer: *const c_void,
        size: usize,
    ) -> c_int;
    fn fastzero_workset_clear(scratch: *const fastzero_scratch) -> c_int;
    fn fastzero_workset_save(scratch: *const fastzero_scratch, path: *const c_char) -> c_int;
    fn fastzero_workset_load(scratch: *const fastzero_scratch, path: *const c_char) -> c_int;
    fn fastzero_doctor_status_name(status: c_uint) -> *const c_char;
    fn fastzero_doctor(
        opts: *const fastzero_doctor_opts,
        each: fastzero_doctor_fn,
        arg: *mut c_void,
    ) -> c_int;
}

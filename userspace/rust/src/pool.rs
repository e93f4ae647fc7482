// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
//! The pool of a context, and threads that clear its pages.

use std::time::Duration;

use crate::error::{check, Error, Result};
use crate::{sys, Context};

/// How many zeroed pages a context is to keep ready.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pool {
    order: u32,
    target: u64,
    node: Option<u32>,
    wait: bool,
}

impl Pool {
    /// So many base pages, of the node on which the context was opened.
    pub fn new(target: u64) -> Self {
        Pool { target, ..Self::default() }
    }

    /// Pages of another order, which [`Info::has_order`](crate::Info::has_order) knows.
    pub fn order(mut self, order: u32) -> Self {
        self.order = order;
        self
    }

    /// Pages of this NUMA node.
    pub fn node(mut self, node: u32) -> Self {
        self.node = Some(node);
        self
    }

    /// Return when the target is reached, or no page waits to be cleared.
    pub fn wait(mut self, wait: bool) -> Self {
        self.wait = wait;
        self
    }
}

/// What is in a pool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolState {
    /// Pages that are zero and ready.
    pub ready: u64,
    /// Pages that wait to be cleared.
    pub used: u64,
}

/// What a lent thread has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Zeroed {
    /// Base pages that it cleared or allocated; one that it found zero counts as 1/4.
    pub work: u64,
    /// CPU time that it took.
    pub cpu: Duration,
}

impl Context {
    /// Sets how many zeroed pages the context keeps ready.
    pub fn set_pool(&self, pool: &Pool) -> Result<PoolState> {
        let mut state = sys::fastzero_pool_state::default();
        let flags = if pool.wait { sys::FASTZERO_POOL_WAIT } else { 0 };
        let (context, order, target) = (self.as_ptr(), pool.order, pool.target);

        // SAFETY: the handle is open, and the pointer valid for the call.
        check(unsafe {
            match pool.node {
                Some(node) => {
                    sys::fastzero_ctx_pool_node(context, node, order, target, flags, &mut state)
                }
                None => sys::fastzero_ctx_pool(context, order, target, flags, &mut state),
            }
        })?;
        Ok(PoolState { ready: state.ready, used: state.used })
    }

    /// Lends the calling thread to the context, as its zeroer, for so long; `None` is for ever.
    ///
    /// A signal ends the call with `EINTR`.
    pub fn zero(&self, timeout: Option<Duration>) -> Result<Zeroed> {
        // 0 would be for ever.
        let ms = timeout.map_or(0, |t| t.as_millis().clamp(1, u128::from(u32::MAX)) as u32);

        self.lend(ms, 0)
    }

    /// Does the work that there is now for the zeroer, and returns.
    pub fn zero_once(&self) -> Result<Zeroed> {
        self.lend(0, sys::FASTZERO_ZERO_ONCE)
    }

    fn lend(&self, timeout_ms: u32, flags: u32) -> Result<Zeroed> {
        let mut result = sys::fastzero_zero_result::default();

        // SAFETY: the handle is open until the call returns, and the pointer valid.
        let ret = unsafe { sys::fastzero_ctx_zero(self.as_ptr(), timeout_ms, flags, &mut result) };
        check(ret).map_err(|error: Error| error.with_done(result.work))?;
        Ok(Zeroed { work: result.work, cpu: Duration::from_nanos(result.ns) })
    }

    /// Has the kernel make a thread in this process that is lent to the context.
    pub fn zero_start(&self) -> Result<()> {
        // SAFETY: the handle is open.
        check(unsafe { sys::fastzero_ctx_zero_start(self.as_ptr()) }).map(drop)
    }

    /// Takes that thread back.
    pub fn zero_stop(&self) -> Result<()> {
        // SAFETY: the handle is open.
        check(unsafe { sys::fastzero_ctx_zero_stop(self.as_ptr()) }).map(drop)
    }
}

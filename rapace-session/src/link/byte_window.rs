//! How many bytes of the requests of a channel may wait for their handlers: the receiver's account. That of the sender is
//! the [`RequestWindow`](crate::calls::request_window::RequestWindow).
//!
//! - BY1: a request may be sent if fewer bytes are in flight than the window has; then its whole
//!   length counts. So a request of any length can be sent, and at most the window and one request
//!   wait for their handlers.
//! - BY2: a request that fits in a frame without buffers holds no memory, and is not counted.
//! - BY3: a request is in flight from before its buffers are allocated until its bytes return, or
//!   until it is given up unsent. Its receiver gives them back when a handler has taken the request,
//!   or when it discards the request: so no handler holds bytes that a request of its own needs.
//! - BY4: bytes return when half of the window has come together, so small requests cost no frame.
//!   A sender that waits has the whole window in flight, so bytes return before handlers have taken
//!   all of it.
//! - BY5: requests may arrive in another order than that in which they took their bytes. So the
//!   receiver refuses a request if those in flight fill the window without the largest one that
//!   arrived since nothing was in flight.
//! - BY6: a window grows ([`GrowingWindow`]) by bytes that are given back beyond those that were taken.
//!   It does so if it was filled, or if further requests wait: not for short requests one at a time.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::link::growing_window::GrowingWindow;
use crate::wire::frame::INLINE_MAX;

/// The receiver's account of what the peer may still send.
#[derive(Debug)]
pub(crate) struct ByteAllowance {
    window: GrowingWindow,
    /// The bytes of requests that arrived, without those that were given back.
    in_flight: AtomicU64,
    /// The largest request since nothing was in flight.
    largest: AtomicU64,
    /// Bytes that handlers have taken, and that are not given back yet.
    taken: AtomicU64,
}

impl ByteAllowance {
    pub(crate) fn new(window: GrowingWindow) -> Self {
        Self {
            window,
            in_flight: AtomicU64::new(0),
            largest: AtomicU64::new(0),
            taken: AtomicU64::new(0),
        }
    }

    /// Counts a request that arrived; false if it was not allowed (BY5). Called by one thread at a
    /// time.
    pub(crate) fn arrived(&self, bytes: u64) -> bool {
        if bytes == 0 {
            return true;
        }
        let before = self.in_flight.load(Ordering::Acquire);
        let largest = match before {
            0 => bytes,
            _ => self.largest.load(Ordering::Relaxed).max(bytes),
        };
        let allowed = (before + bytes).saturating_sub(largest) < self.window.size().into();
        if allowed {
            self.largest.store(largest, Ordering::Relaxed);
            self.in_flight.fetch_add(bytes, Ordering::AcqRel);
        }
        allowed
    }

    /// Counts a request that a handler has taken, or that was discarded. Returns what to give back
    /// now (BY4), and by how much the window has grown. The peer may send as much then.
    pub(crate) fn taken(&self, bytes: u64) -> Option<u64> {
        let half = u64::from(self.window.size()) / 2;
        let enough = |taken: u64| taken >= half;
        if !enough(self.taken.fetch_add(bytes, Ordering::AcqRel) + bytes) {
            return None;
        }
        let all = |taken| enough(taken).then_some(0);
        let (acquires, acquire) = (Ordering::AcqRel, Ordering::Acquire);
        // Another thread may give back what this one counted.
        let all = self.taken.try_update(acquires, acquire, all).ok()?;
        let before = self.in_flight.fetch_sub(all, Ordering::AcqRel);
        let growth = match before > all || before >= 2 * half {
            true => self.window.grow(),
            false => 0,
        };
        Some(all + u64::from(growth))
    }

    /// The bytes that may be in flight now, without the largest request.
    #[cfg(test)]
    pub(crate) fn size(&self) -> u32 {
        self.window.size()
    }

    /// Records that the channel is closed.
    pub(crate) fn end(&self) {
        self.window.end();
    }
}

/// How much of a window a request of this length takes (BY2).
pub(crate) fn charge(length: u64) -> u64 {
    match length {
        0..=INLINE => 0,
        // Longer than any payload: the sums of what the peer says cannot overflow.
        _ => length.min(1 << 56),
    }
}

const INLINE: u64 = INLINE_MAX as u64;

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use crate::link::growing_window::ByteLimits;
    use crate::link::growth_budget::GrowthBudget;

    /// A window that does not grow.
    const FIXED: ByteLimits = ByteLimits {
        first: 100,
        most: 100,
    };

    /// BY6
    #[test]
    fn a_window_grows_if_requests_wait_and_not_for_short_ones_in_turn() {
        let budget = Arc::new(GrowthBudget::new(1 << 20));
        let limits = ByteLimits::new(100, 1000);
        let allowance = || ByteAllowance::new(GrowingWindow::new(limits, &budget));
        let in_turn = allowance();
        for turn in 1..=20 {
            assert!(in_turn.arrived(30));
            assert_eq!(in_turn.taken(30), (turn % 2 == 0).then_some(60));
        }
        assert!(in_turn.arrived(100));
        assert_eq!(in_turn.taken(100), Some(100 + 900), "it filled the window");
        let queued = allowance();
        assert!(queued.arrived(60) && queued.arrived(30));
        assert_eq!(queued.taken(60), Some(60 + 900), "another waits");
        assert!(queued.arrived(900) && queued.arrived(900) && !queued.arrived(900));
    }

    /// BY5
    #[test]
    fn more_than_the_window_and_one_request_is_refused() {
        let budget = Arc::new(GrowthBudget::new(0));
        let allowance = ByteAllowance::new(GrowingWindow::new(FIXED, &budget));
        assert!(allowance.arrived(99) && allowance.arrived(1 << 40));
        assert!(!allowance.arrived(1) && allowance.arrived(0));
        assert_eq!(allowance.taken(49), None);
        assert_eq!(allowance.taken(1), Some(50));
        assert!(allowance.arrived(50) && !allowance.arrived(1));
        assert_eq!(allowance.taken(99 + (1 << 40)), Some(99 + (1 << 40)));
        // What was the largest once does not count any more.
        assert!(allowance.arrived(60) && allowance.arrived(60) && !allowance.arrived(60));
    }
}

//! The window of a channel: how many calls the peer may have under way on it, and how many bytes of
//! them may wait for their handlers.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::link::Link;
use crate::link::byte_window::ByteAllowance;
use crate::link::growing_window::GrowingWindow;
use crate::wire::frame::{ChannelId, Frame, FrameType, Header};

/// A channel's window, and how much of it is used. It changes only under the lock of the
/// [table](super::table) (SV4).
pub(crate) struct ServiceWindow {
    pub(crate) channel: ChannelId,
    size: AtomicU32,
    bytes: ByteAllowance,
    /// Requests that have no reply yet, and the flag [`WITHDRAWN`], so that one load reads both.
    outstanding: AtomicU32,
    /// Why the window takes no more calls.
    withdrawn: OnceLock<Box<str>>,
}

impl ServiceWindow {
    pub(crate) fn new(channel: ChannelId, size: u32, bytes: GrowingWindow) -> Self {
        Self {
            channel,
            size: AtomicU32::new(size),
            bytes: ByteAllowance::new(bytes),
            outstanding: AtomicU32::new(0),
            withdrawn: OnceLock::new(),
        }
    }

    /// Takes a credit, and bytes; false if all are taken, or the service was withdrawn.
    pub(super) fn take(&self, charge: u64) -> bool {
        let outstanding = self.outstanding.load(Ordering::Relaxed);
        if outstanding >= self.size.load(Ordering::Relaxed) || !self.bytes.arrived(charge) {
            return false;
        }
        self.outstanding.store(outstanding + 1, Ordering::Relaxed);
        true
    }

    /// Takes a credit of a withdrawn service, for a request that crossed the `CloseChannel` frame.
    pub(super) fn take_withdrawn(&self, charge: u64) -> bool {
        let outstanding = self.outstanding.load(Ordering::Relaxed);
        let size = self.size.load(Ordering::Relaxed);
        let taken = outstanding & WITHDRAWN != 0
            && outstanding & !WITHDRAWN < size
            && self.bytes.arrived(charge);
        if taken {
            self.outstanding.store(outstanding + 1, Ordering::Relaxed);
        }
        taken
    }

    /// Counts the bytes of a request that has left the queue. The peer gets them back when enough
    /// have come together.
    pub(super) fn give_bytes_back(&self, charge: u64, link: &Link) {
        let mut bytes = self.bytes.taken(charge).unwrap_or(0);
        while bytes > 0 {
            let mut header = Header::new(FrameType::Credit, self.channel);
            header.method = u32::try_from(bytes).unwrap_or(u32::MAX);
            bytes -= u64::from(header.method);
            link.outbox.send(Frame::bare(header));
        }
    }

    /// Refuses requests from now on, with this reason; false if they are refused already.
    pub(super) fn withdraw(&self, why: &str) -> bool {
        if self.outstanding.load(Ordering::Relaxed) == CLOSED
            || self.withdrawn.set(why.into()).is_err()
        {
            return false;
        }
        self.outstanding.fetch_or(WITHDRAWN, Ordering::Relaxed);
        true
    }

    /// The reason why requests are refused, if they are.
    pub(super) fn withdrawn(&self) -> Option<&str> {
        self.withdrawn.get().map(|why| &**why)
    }

    /// Enlarges the window.
    pub(super) fn grow(&self, credits: u32) {
        self.size.fetch_add(credits, Ordering::Relaxed);
    }

    /// Returns the credit of a call whose reply is sent.
    pub(super) fn return_credit(&self) {
        self.outstanding.fetch_sub(1, Ordering::Relaxed);
    }

    /// Closes the window to requests; false if calls are under way.
    pub(super) fn close(&self) -> bool {
        if self.outstanding.load(Ordering::Relaxed) & !WITHDRAWN != 0 {
            return false;
        }
        self.outstanding.store(CLOSED, Ordering::Relaxed);
        self.bytes.end();
        true
    }
}

/// The flag of a withdrawn service.
const WITHDRAWN: u32 = 1 << 31;

/// More than any window, so that a thread that still holds the channel cannot take a credit either.
const CLOSED: u32 = u32::MAX;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::link::growing_window::ByteLimits;
    use crate::link::growth_budget::GrowthBudget;

    /// A window of so many calls, and of 100 bytes.
    fn window(calls: u32) -> ServiceWindow {
        let budget = Arc::new(GrowthBudget::new(0));
        let (first, most) = (100, 100);
        let bytes = GrowingWindow::new(ByteLimits { first, most }, &budget);
        ServiceWindow::new(ChannelId(1), calls, bytes)
    }

    #[test]
    fn a_withdrawn_window_counts_crossing_requests_and_closes_when_all_have_replies() {
        let window = window(2);
        assert!(window.take(0) && !window.take_withdrawn(0));
        assert!(window.withdraw("enough") && !window.withdraw("again"));
        assert_eq!(window.withdrawn(), Some("enough"));
        assert!(!window.take(0) && window.take_withdrawn(0) && !window.take_withdrawn(0));
        assert!(!window.close());
        window.return_credit();
        window.return_credit();
        assert!(window.close());
        assert!(!window.take(0) && !window.take_withdrawn(0) && !window.withdraw("late"));
    }

    #[test]
    fn a_window_that_grew_lets_in_more() {
        let window = window(1);
        assert!(window.take(0) && !window.take(0));
        window.grow(2);
        assert!(window.take(0) && window.take(0) && !window.take(0));
    }

    #[test]
    fn a_request_past_either_window_takes_of_neither() {
        let window = window(3);
        assert!(window.take(60) && window.take(100) && !window.take(60));
        assert!(window.take(0) && !window.take(0));
        window.return_credit();
        assert!(
            !window.take(60) && window.take(0),
            "a reply returns no bytes"
        );
    }
}

//! The calls that a peer may have under way on one channel.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::wire::frame::ChannelId;

/// A channel's window, and how much of it is used. Changes under the lock of the [table](super::table) only (I4).
pub(crate) struct ServiceWindow {
    pub(crate) channel: ChannelId,
    size: u32,
    /// Requests without a reply.
    outstanding: AtomicU32,
}

impl ServiceWindow {
    pub(crate) fn new(channel: ChannelId, size: u32) -> Self {
        Self {
            channel,
            size,
            outstanding: AtomicU32::new(0),
        }
    }

    /// Takes a credit; false if all are out.
    pub(super) fn take(&self) -> bool {
        let outstanding = self.outstanding.load(Ordering::Relaxed);
        if outstanding >= self.size {
            return false;
        }
        self.outstanding.store(outstanding + 1, Ordering::Relaxed);
        true
    }

    /// One reply was sent.
    pub(super) fn give_back(&self) {
        self.outstanding.fetch_sub(1, Ordering::Relaxed);
    }

    /// Lets no more requests in; false if some are under way.
    pub(super) fn close(&self) -> bool {
        if self.outstanding.load(Ordering::Relaxed) != 0 {
            return false;
        }
        // More than any window: who has the channel at hand takes nothing for it either.
        self.outstanding.store(u32::MAX, Ordering::Relaxed);
        true
    }
}

//! Waking the peer: when its doorbell is rung.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use crate::doorbell::notify::Notifier;
use crate::layout::{PRODUCER_ARMED, RECEIVER_ARMED};
use crate::memory::halves::{PeerHalf, PeerWord};
use crate::ring::armed_flag::Ringer;
use crate::sync::orderings;

/// The peer's armed words, and the ringing end of its doorbell.
#[derive(Debug)]
pub(crate) struct PeerWaker {
    /// For a peer that waits for descriptors.
    entries: Ringer<PeerWord>,
    /// For a peer that waits for room or slots.
    room: Ringer<PeerWord>,
    notifier: Notifier,
    rung: AtomicU64,
}

impl PeerWaker {
    pub(crate) fn new(peer: &Arc<PeerHalf>, notifier: Notifier) -> Self {
        let ringer = |offset| {
            Ringer::new(PeerWord {
                half: Arc::clone(peer),
                offset,
            })
        };
        Self {
            entries: ringer(RECEIVER_ARMED),
            room: ringer(PRODUCER_ARMED),
            notifier,
            rung: AtomicU64::new(0),
        }
    }

    /// To be called after publishing: wakes a peer that sleeps.
    pub(crate) fn published(&self) {
        if self.entries.must_ring() {
            self.ring();
        }
    }

    /// To be called after consuming: wakes a peer that waits for room.
    pub(crate) fn made_room(&self) {
        if self.must_ring_for_room() {
            self.ring();
        }
    }

    /// To be called after consuming or returning: returns whether a peer that waits for room must be woken.
    pub(crate) fn must_ring_for_room(&self) -> bool {
        self.room.must_ring()
    }

    /// Rings, with a system call.
    pub(crate) fn ring(&self) {
        self.rung.fetch_add(1, orderings::RELAXED);
        self.notifier.ring();
    }

    /// Returns how often the doorbell was rung.
    pub(crate) fn rung(&self) -> u64 {
        self.rung.load(orderings::RELAXED)
    }
}

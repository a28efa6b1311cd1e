//! Counters of a link.

use std::sync::atomic::AtomicU64;

use crate::slab::class_stats::ClassStats;
use crate::sync::orderings;

/// A snapshot of one end of a link. Taken without stopping anything, so the numbers may be a few
/// operations apart from each other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LinkStats {
    /// Descriptors published and not yet taken by the peer.
    pub ring_depth: u32,
    /// Capacity of the ring.
    pub ring_capacity: u32,
    /// Our own slots, by configured class.
    pub classes: Vec<ClassStats>,
    /// Our own fragment slots.
    pub fragments: ClassStats,
    /// How often we rang the peer's doorbell: the system calls of publishing.
    pub rings: u64,
    /// How often our own doorbell woke us.
    pub wakeups: u64,
    /// How often frames came while we polled for them before sleeping
    /// ([`set_spin`](crate::Sender::set_spin)).
    pub spin_hits: u64,
    /// How often polling found none until we slept.
    pub spin_misses: u64,
    /// Descriptors published.
    pub descriptors_sent: u64,
    /// Bytes published in payloads and attachments.
    pub bytes_sent: u64,
    /// Descriptors received.
    pub descriptors_received: u64,
    /// Bytes received in payloads and attachments.
    pub bytes_received: u64,
}

/// The counters from which a [`LinkStats`] is made. Those of publishing are kept under its lock; those of receiving are
/// written by the one receiver alone, which needs no atomic addition.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    wakeups: AtomicU64,
    spin_hits: AtomicU64,
    spin_misses: AtomicU64,
    descriptors_received: AtomicU64,
    bytes_received: AtomicU64,
}

impl Counters {
    pub(crate) fn woke(&self) {
        add(&self.wakeups, 1);
    }

    pub(crate) fn spin_hit(&self) {
        add(&self.spin_hits, 1);
    }

    pub(crate) fn spin_missed(&self) {
        add(&self.spin_misses, 1);
    }

    pub(crate) fn received(&self, descriptors: usize, bytes: usize) {
        add(&self.descriptors_received, descriptors as u64);
        add(&self.bytes_received, bytes as u64);
    }

    pub(crate) fn read_into(&self, stats: &mut LinkStats) {
        stats.wakeups = self.wakeups.load(orderings::RELAXED);
        stats.spin_hits = self.spin_hits.load(orderings::RELAXED);
        stats.spin_misses = self.spin_misses.load(orderings::RELAXED);
        stats.descriptors_received = self.descriptors_received.load(orderings::RELAXED);
        stats.bytes_received = self.bytes_received.load(orderings::RELAXED);
    }
}

/// Adds to a counter. Only for its one writer.
fn add(counter: &AtomicU64, n: u64) {
    let before = counter.load(orderings::RELAXED);
    counter.store(before.wrapping_add(n), orderings::RELAXED);
}

//! The leases on the peer's slots: which of them this side may read now.
//!
//! - J1: a slot is leased from its descriptor (or attachment entry) to its return. One that arrives
//!   while leased is a fault, so what we hold is bounded by the peer's slab.
//! - J2: a lease is released before the return is published. From then on the peer may send the slot again,
//!   and a slot that arrives again has gone through E4 and E1: so the flag, though relaxed, is seen as clear.

use crate::sync::AtomicBool;
use crate::sync::orderings;

/// One flag per slot of the peer's. Private memory.
#[derive(Debug)]
pub(crate) struct LeaseTable(Box<[AtomicBool]>);

impl LeaseTable {
    pub(crate) fn new(slots: u32) -> Self {
        Self((0..slots).map(|_| AtomicBool::new(false)).collect())
    }

    /// Takes the lease on a slot. `false` if it is leased already (J1), or there is no such slot.
    #[must_use]
    pub(crate) fn acquire(&self, index: u32) -> bool {
        let held = self.0.get(index as usize);
        held.is_some_and(|held| !held.swap(true, orderings::RELAXED))
    }

    /// Releases the lease. The caller publishes the return next (J2).
    pub(crate) fn release(&self, index: u32) {
        if let Some(held) = self.0.get(index as usize) {
            held.store(false, orderings::RELAXED);
        }
    }
}

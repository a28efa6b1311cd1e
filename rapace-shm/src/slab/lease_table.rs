//! Which of the peer's slots are ours to read at the moment.
//!
//! - J1: a slot counts as held from its descriptor (or attachment) to its return. One that arrives
//!   while held is a fault, so what we hold is bounded by the peer's slab.
//! - J2: a slot is let go before its return is published. From then on the peer may send it again, and
//!   a slot that comes again has gone through E4 and E1: so the flag, relaxed, is seen as let go.

use crate::sync::AtomicBool;
use crate::sync::orderings;

/// A flag for each slot of the peer's. Private memory.
#[derive(Debug)]
pub(crate) struct LeaseTable(Box<[AtomicBool]>);

impl LeaseTable {
    pub(crate) fn new(slots: u32) -> Self {
        Self((0..slots).map(|_| AtomicBool::new(false)).collect())
    }

    /// Takes hold of a slot. `false`: it is held already (J1), or there is no such slot.
    #[must_use]
    pub(crate) fn hold(&self, index: u32) -> bool {
        let held = self.0.get(index as usize);
        held.is_some_and(|held| !held.swap(true, orderings::RELAXED))
    }

    /// To be followed by the return (J2).
    pub(crate) fn release(&self, index: u32) {
        if let Some(held) = self.0.get(index as usize) {
            held.store(false, orderings::RELAXED);
        }
    }
}

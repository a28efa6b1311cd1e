//! The return ring's producing end: returns slots to the peer.
//!
//! | word           | written by | read by | edge                                                      |
//! |----------------|------------|---------|-----------------------------------------------------------|
//! | `returns_tail` | receiver   | sender  | E4: release store to load and acquire fence; ends our use of a slot |
//!
//! - G1: the ring has at least as many entries as the peer has slots, and a slot is returned once for
//!   each time that it was sent. So it is never overrun for an honest peer, and we never check for a
//!   full ring. A peer that sends slots again without taking returns overruns only its own input.
//! - G2: the lease on a slot is released before the return is published (J2), and after our last use
//!   of the slot (E4).

use crate::sync::Ordering;
use crate::sync::orderings;

/// The memory that the returning end accesses.
pub(crate) trait ReturnMemory {
    /// Writes the entry at a place in `0..capacity`.
    fn write(&self, place: u32, entry: u64);
    /// Stores our cursor.
    fn store_tail(&self, tail: u32, ordering: Ordering);
}

/// The returning end.
#[derive(Debug)]
pub(crate) struct Returner<M> {
    memory: M,
    capacity: u32,
    tail: u32,
}

impl<M: ReturnMemory> Returner<M> {
    /// A returner over zeroed memory. `capacity` is a power of two.
    pub(crate) fn new(memory: M, capacity: u32) -> Self {
        debug_assert!(capacity.is_power_of_two());
        Self {
            memory,
            capacity,
            tail: 0,
        }
    }

    /// Creates a returner that has already returned `cursor` slots.
    #[cfg(test)]
    pub(crate) fn resumed(memory: M, capacity: u32, cursor: u32) -> Self {
        Self {
            tail: cursor,
            ..Self::new(memory, capacity)
        }
    }

    /// Returns one slot.
    pub(crate) fn push(&mut self, entry: u64) {
        self.memory.write(self.tail & (self.capacity - 1), entry);
        self.tail = self.tail.wrapping_add(1);
        self.memory
            .store_tail(self.tail, orderings::publish_returns());
    }
}

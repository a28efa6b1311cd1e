//! Claim marks: which calls of the peer's have begun.
//!
//! | word       | written by | read by | edge                                                        |
//! |------------|------------|---------|-------------------------------------------------------------|
//! | `claim[n]` | callee     | caller  | E5: release store to load and acquire fence; tells that call `n` has begun |
//!
//! - K1: a mark is the generation of the call, stored before its handler starts.
//! - K2: marks are read after the callee is known to be dead, or to ask how a call is doing; they
//!   never decide between two living peers.

use crate::order;
use crate::sync::Ordering;

/// What the callee touches.
pub(crate) trait ClaimMemory {
    /// Stores the mark of an entry that exists.
    fn store(&self, call: u32, generation: u32, ordering: Ordering);
}

/// What the caller touches.
pub(crate) trait PeerClaimMemory {
    /// Loads the mark of an entry that exists, relaxed. Any value may come back.
    fn load(&self, call: u32) -> u32;
}

/// Marks a call as begun (K1).
pub(crate) fn mark(memory: &impl ClaimMemory, call: u32, generation: u32) {
    memory.store(call, generation, order::publish_claim());
}

/// The generation under which the peer began a call last, 0 if it never did.
pub(crate) fn marked(memory: &impl PeerClaimMemory, call: u32) -> u32 {
    let generation = memory.load(call);
    order::after_claim();
    generation
}

//! Start markers: which calls of the peer's have begun.
//!
//! | word       | written by | read by | edge                                                           |
//! |------------|------------|---------|----------------------------------------------------------------|
//! | `claim[n]` | callee     | caller  | E5: store and release fence to acquire fence and load; tells that call `n` has begun |
//!
//! - K1: a mark is the generation of the call, stored before its handler starts. Whoever sees anything
//!   that the handler stored, the reply, a slot given back, a word in memory that we know nothing of,
//!   finds the mark (E5).
//! - K2: marks are read after the callee is known to be dead, or to ask how a call is doing; they
//!   never decide between two living peers.
//! - K3: after a death, no mark means that nothing was done. A processor stops between two
//!   instructions, what was stored before stays stored, and the kernel's news comes after all of it;
//!   so the order of the machine is not in question. That of the compiler is, and the fence of K1 is
//!   what holds it.

use crate::sync::orderings;

/// What the callee touches.
pub(crate) trait StartMarkers {
    /// Stores the mark of an entry that exists, relaxed. The fence that follows orders it.
    fn store(&self, call: u32, generation: u32);
}

/// What the caller touches.
pub(crate) trait PeerStartMarkers {
    /// Loads the mark of an entry that exists, relaxed. The fence before orders it. Any value may
    /// come back.
    fn load(&self, call: u32) -> u32;
}

/// Marks a call as begun (K1).
pub(crate) fn mark(memory: &impl StartMarkers, call: u32, generation: u32) {
    memory.store(call, generation);
    orderings::after_mark();
}

/// The generation under which the peer began a call last, 0 if it never did.
pub(crate) fn marked(memory: &impl PeerStartMarkers, call: u32) -> u32 {
    orderings::before_marked();
    memory.load(call)
}

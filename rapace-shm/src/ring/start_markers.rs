//! Start markers: the words that say which of the peer's calls have begun.
//!
//! | word        | written by | read by | edge                                                                      |
//! |-------------|------------|---------|---------------------------------------------------------------------------|
//! | `marker[n]` | callee     | caller  | E5: store and release fence to acquire fence and load; call `n` has begun |
//!
//! - K1: a marker is the generation of the call, stored before its handler starts. A process that observes any
//!   later store of the handler (the reply, a returned slot, a word in memory unknown to us) also reads
//!   the marker (E5).
//! - K2: markers are read once the callee is known to be dead, or to ask how a call is doing; nothing
//!   between two living peers depends on them.
//! - K3: after a death, an absent marker means that the handler did nothing. A processor stops between
//!   two instructions, what was stored before stays stored, and the kernel reports the death after all
//!   of it; so reordering by the machine cannot matter. Reordering by the compiler could, and the fence
//!   of K1 prevents it.

use crate::sync::orderings;

/// The memory that the callee accesses.
pub(crate) trait StartMarkers {
    /// Stores the marker of an entry that exists, relaxed. The fence that follows orders it.
    fn store(&self, call: u32, generation: u32);
}

/// The memory that the caller accesses.
pub(crate) trait PeerStartMarkers {
    /// Loads the marker of an entry that exists, relaxed. The fence before orders it. Any value may
    /// come back.
    fn load(&self, call: u32) -> u32;
}

/// Marks a call as begun (K1).
pub(crate) fn mark(memory: &impl StartMarkers, call: u32, generation: u32) {
    memory.store(call, generation);
    orderings::after_mark();
}

/// Returns the generation under which the peer last began a call, or 0 if it never did.
pub(crate) fn marked(memory: &impl PeerStartMarkers, call: u32) -> u32 {
    orderings::before_marked();
    memory.load(call)
}

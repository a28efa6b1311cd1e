//! Who has which slot, and who waits for one or for ring room. All of it lies in private memory.
//!
//! Decides which slot is handed out, when it is free again, who is served first, and which of the peer's slots this side
//! holds. Knows `ring`, whose return ring brings slots back; never the bytes of a slot.

pub(crate) mod allocator;
pub(crate) mod backpressure;
pub(crate) mod class_stats;
mod free_lists;
pub(crate) mod lease_table;
pub(crate) mod slot_state;
pub(crate) mod wait_queue;

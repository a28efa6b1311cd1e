//! Which slots are in use, and which tasks wait for a slot or for ring room. All state lies in private memory.
//!
//! Decides which slot is handed out, when it is free again, which waiter is served first, and which of the peer's slots
//! this side holds. May use `ring`, whose return ring brings slots back; never accesses the bytes of a slot.

pub(crate) mod allocator;
pub(crate) mod backpressure;
pub(crate) mod class_stats;
mod free_lists;
pub(crate) mod lease_table;
pub(crate) mod slot_state;
pub(crate) mod wait_queue;

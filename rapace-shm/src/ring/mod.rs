//! The protocol words that two processes share: ring entries, returned slots, the armed flag, start markers.
//!
//! Decides which side may write which word, in which order, and which values the peer may have written. The algorithms
//! are generic over their memory: `memory` supplies mappings, the models supply loom's cells. May use `layout`, `fault`
//! and the orderings.

pub(crate) mod armed_flag;
pub(crate) mod descriptor;
pub(crate) mod return_ring;
pub(crate) mod spsc;
pub(crate) mod start_markers;

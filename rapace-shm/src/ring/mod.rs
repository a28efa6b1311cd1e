//! What travels between two processes word by word: entries in rings, slots going back, the armed flag, start marks.
//!
//! Decides who may write which word, in which order, and what the peer may have written there. The algorithms do not
//! know their memory: `memory` gives them mappings, the models give them loom's cells. Knows the geometry of a segment
//! (`layout`), the list of faults and the orderings.

pub(crate) mod armed_flag;
pub(crate) mod descriptor;
pub(crate) mod return_ring;
pub(crate) mod spsc;
pub(crate) mod start_markers;

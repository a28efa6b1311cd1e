//! The memory between two peers: objects, seals, mappings, and the words in them that rings and slabs work on.
//!
//! Decides who makes and maps which object, and that nothing outside of it is touched. [`mapping`] is the fence around the
//! unsafe code. Knows `ring` for the memory that it asks for, and `doorbell` for the ends that travel with a segment.

pub(crate) mod halves;
#[cfg(all(any(test, fuzzing), not(miri)))]
pub(crate) mod interleave;
#[expect(unsafe_code, reason = "mapped memory")]
pub(crate) mod mapping;
pub(crate) mod segment;

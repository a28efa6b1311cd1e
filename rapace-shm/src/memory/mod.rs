//! The memory between two peers: objects, seals, mappings, and the words in them that rings and slabs use.
//!
//! Decides who creates and maps which object, and guarantees that nothing outside of it is accessed. [`mapping`] has
//! the unsafe code. May use `ring` for the memory traits, and `doorbell` for the ends that travel with a segment.

pub(crate) mod halves;
#[cfg(all(any(test, fuzzing), not(miri)))]
pub(crate) mod interleave;
#[expect(unsafe_code, reason = "mapped memory")]
pub(crate) mod mapping;
pub(crate) mod segment;

//! Tests that need to see inside: models, scripted peers, seals, interleavings.
//!
//! Miri has no memory objects to map and no sequenced sockets: what needs a peer over real ones is not
//! for it. [`anonymous`] is.

#[cfg(not(loom))]
mod anonymous;
#[cfg(not(any(loom, miri)))]
mod effects;
#[cfg(not(any(loom, miri)))]
mod fuzzed;
#[cfg(not(any(loom, miri)))]
mod hostile;
#[cfg(not(any(loom, miri)))]
mod hostile_bells;
#[cfg(not(any(loom, miri)))]
mod hostile_between;
#[cfg(not(any(loom, miri)))]
mod hostile_end;
#[cfg(not(any(loom, miri)))]
mod hostile_handshake;
#[cfg(loom)]
mod loom;
#[cfg(not(loom))]
mod model;
mod orderings;
#[cfg(not(any(loom, miri)))]
mod pages;
#[cfg(not(any(loom, miri)))]
mod seals;
#[cfg(not(any(loom, miri)))]
mod seeds;
#[cfg(not(any(loom, miri)))]
mod seeds_handshake;
#[cfg(not(any(loom, miri)))]
mod seeds_link;
#[cfg(not(any(loom, miri)))]
mod seeds_moving;
#[cfg(not(any(loom, miri)))]
mod told_of_death;
#[cfg(not(loom))]
mod words;

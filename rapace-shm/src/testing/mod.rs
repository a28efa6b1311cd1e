//! For tests and the fuzzer only: the hostile peer, the models, and the tests that need access to private items.
//!
//! The highest folder: it may use all others, and none uses it.
//!
//! Miri can neither map memory objects nor open sequenced sockets, so tests over a real peer do not run there;
//! `anonymous` does.

#[cfg(fuzzing)]
pub mod fuzzing;
#[cfg(all(any(test, fuzzing), not(any(loom, miri))))]
pub(crate) mod hostile;

#[cfg(all(test, not(loom)))]
mod anonymous;
#[cfg(all(test, not(any(loom, miri))))]
mod crash_points;
#[cfg(all(test, not(any(loom, miri))))]
mod fuzzed;
#[cfg(all(test, not(any(loom, miri))))]
mod hostile_doorbells;
#[cfg(all(test, not(any(loom, miri))))]
mod hostile_end;
#[cfg(all(test, not(any(loom, miri))))]
mod hostile_handshake;
#[cfg(all(test, not(any(loom, miri))))]
mod hostile_interleave;
#[cfg(all(test, not(any(loom, miri))))]
mod hostile_link;
#[cfg(all(test, loom))]
mod loom;
#[cfg(all(test, not(loom)))]
mod model;
#[cfg(test)]
mod orderings;
#[cfg(all(test, not(any(loom, miri))))]
mod pages;
#[cfg(all(test, not(any(loom, miri))))]
mod peer_died;
#[cfg(all(test, not(loom)))]
#[cfg(all(test, not(any(loom, miri))))]
mod seals;
#[cfg(all(test, not(any(loom, miri))))]
mod seeds;
#[cfg(all(test, not(any(loom, miri))))]
mod seeds_handshake;
#[cfg(all(test, not(any(loom, miri))))]
mod seeds_link;
#[cfg(all(test, not(any(loom, miri))))]
mod seeds_moving;
#[cfg(all(test, not(loom)))]
pub(crate) mod sources;
#[cfg(all(test, not(any(loom, miri))))]
mod unflushed;
#[cfg(all(test, not(loom)))]
mod words;

//! Models of concurrent operations on calls.
//!
//! The models run the shipped types. Each party is a thread, and one thread runs at a time. Threads
//! switch before a lock is taken and around each use of the transport, as a seed decides. These are
//! all points at which one thread can observe another, so a seed determines an interleaving, and
//! reproduces it.

pub(crate) mod baton;
mod lost_messages;
mod model;
mod peer;
mod texts;

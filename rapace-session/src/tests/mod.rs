//! Models of what several threads do to one call.
//!
//! The types are the shipped ones. Each party is a thread, and one of them runs at a time: they change
//! places before a lock is taken and around each use of the transport, where a seed says so. That is
//! every moment at which one can see what another has done, so a seed is an interleaving, and gives the
//! same one again.

pub(crate) mod baton;
mod model;
mod peer;
mod texts;

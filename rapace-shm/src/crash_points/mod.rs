//! Crash points: the steps that another process can observe, by name, and dying before or after one of them.
//!
//! Decides which steps there are; the folders above say where they happen. May use `sync` alone.

#[cfg(feature = "crash-points")]
pub mod crash;
mod passage;
pub(crate) mod point;

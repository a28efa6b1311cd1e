//! The steps that another process can see, by name, and dying before or after one of them.
//!
//! Decides which steps there are; the rooms above say where they happen. Knows `sync` alone.

#[cfg(feature = "crash-points")]
pub mod crash;
mod passage;
pub(crate) mod point;

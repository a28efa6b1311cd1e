//! Code that the examples share.
#![forbid(unsafe_code)]

pub mod echo;
pub mod group;

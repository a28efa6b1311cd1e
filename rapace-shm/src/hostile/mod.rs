//! A peer that does anything, and a host that must survive it: for the tests.

// Not all of what a peer can do is done yet.
#![allow(dead_code)]

pub(crate) mod between;
pub(crate) mod peer;

//! The lock of what a call's caller, its sender, the reader and the session's end share.
//!
//! In this crate's unit tests each taking of it is a moment at which another thread may be given its turn:
//! see [`crate::tests`].

#[cfg(not(test))]
pub(crate) use std::sync::Mutex;

#[cfg(test)]
pub(crate) use crate::tests::baton::Mutex;

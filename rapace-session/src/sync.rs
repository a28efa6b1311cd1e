//! The mutex for state that a call's caller, its sender, the reader and the session's end share.
//!
//! In the unit tests of this crate, the scheduler of the models may switch threads whenever the
//! mutex is locked: see [`crate::tests`].

#[cfg(not(test))]
pub(crate) use std::sync::Mutex;

#[cfg(test)]
pub(crate) use crate::tests::baton::Mutex;

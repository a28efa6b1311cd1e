//! Synchronisation primitives: the standard types or, in the models, loom's; and every memory ordering of the crate
//! ([`orderings`]), which no other folder names.
//!
//! The lowest folder: it uses none of the others.

#[cfg(all(target_arch = "x86_64", not(any(loom, miri))))]
#[expect(unsafe_code, reason = "one instruction")]
mod fence;
#[cfg(any(test, loom))]
pub(crate) mod ordering_site;
pub(crate) mod orderings;

#[cfg(loom)]
pub(crate) use loom::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicBool, AtomicU32, Ordering, fence},
};

#[cfg(not(loom))]
pub(crate) use std::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicBool, AtomicU32, Ordering, fence},
};

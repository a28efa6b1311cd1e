//! System calls that need a helper: those that return descriptors, raise signals, or need their refusal explained.
//!
//! Contains no logic about links. May use `sync` alone; each folder above makes its own plain calls through `nix`.

pub(crate) mod address_space;
#[expect(
    unsafe_code,
    reason = "descriptors whose ownership the types cannot express"
)]
mod calls;
pub(crate) mod credentials;
pub(crate) mod needs;
#[expect(unsafe_code, reason = "signals that the kernel sends to a thread")]
pub(crate) mod signals;

pub use calls::{NoRuntime, register};
pub(crate) use calls::{accept, ask_for_senders, pidfd_open, receive};

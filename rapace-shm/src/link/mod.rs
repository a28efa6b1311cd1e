//! One end of an established link: sender, receiver, slots, and the end of the link.
//!
//! Decides what is published and delivered, in which order, which tasks are woken, and that the link ends once, for one
//! reason. May use every folder below; how the link was established is up to `handshake`.

pub(crate) mod assembly;
pub(crate) mod attachments;
pub(crate) mod endpoint;
pub(crate) mod error;
pub(crate) mod futures;
pub(crate) mod idle;
pub(crate) mod leases;
pub(crate) mod objects;
pub(crate) mod peer_waker;
#[expect(unsafe_code, reason = "lends the bytes of a slot")]
pub(crate) mod received;
pub(crate) mod receiver;
pub(crate) mod sender;
#[expect(unsafe_code, reason = "lends the bytes of a slot")]
pub(crate) mod slot;
pub(crate) mod state;
pub(crate) mod stats;
pub(crate) mod turn;

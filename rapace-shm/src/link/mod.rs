//! One end of an established link: what sends, what receives, the slots that are lent, and how it all ends.
//!
//! Decides what is published and delivered, in which order, who is woken, and that the link ends once and for one reason.
//! Knows every room below; not how two processes came to a link, which is `handshake`.

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

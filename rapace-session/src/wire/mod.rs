//! What travels: frames, the bytes of their payloads, hellos, status codes and texts, and the limits on all of them.
//!
//! Plain data and its bytes. Nothing here waits, locks or knows who sends: a frame is checked the same way whatever
//! transport carried it. This is the lowest layer of the crate and imports none of the others.

pub(crate) mod frame;
pub(crate) mod handshake_error;
pub(crate) mod hello;
pub mod limits;
pub(crate) mod message_body;
pub(crate) mod mismatch;
pub(crate) mod offer;
pub(crate) mod printable;
pub(crate) mod remote_error;
pub(crate) mod returned;
pub(crate) mod text;

//! The wire format: frames, the parts of their payloads, hellos, status codes and texts, and the
//! limits on all of them.
//!
//! Plain data and its encoding. Nothing here waits or locks, and a frame is checked the same way on
//! every transport. This is the lowest layer of the crate and imports no other.

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
pub(crate) mod transfer;

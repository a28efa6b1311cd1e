//! How two processes come to a link: the control socket, its messages, and the listener at a path.
//!
//! Decides who is talked to, what is said in which order, and which descriptors travel. Knows `memory`, whose segment it
//! sends, and `link`, which it hands out; nothing below knows it.

pub(crate) mod access;
pub(crate) mod control_socket;
pub(crate) mod listener;
pub(crate) mod listener_error;
pub(crate) mod messages;
pub(crate) mod offer;
mod path_lock;
pub(crate) mod wire_io;

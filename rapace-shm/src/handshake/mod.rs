//! How two processes establish a link: the control socket, its messages, and the listener at a path.
//!
//! Decides which peers are accepted, which message is sent when, and which descriptors travel. May use `memory`, whose
//! segment it sends, and `link`, which it creates; nothing below uses this folder.

pub(crate) mod access;
pub(crate) mod control_socket;
pub(crate) mod listener;
pub(crate) mod listener_error;
pub(crate) mod messages;
pub(crate) mod offer;
mod path_lock;
pub(crate) mod wire_io;

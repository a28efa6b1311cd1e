//! What `#[rapace::service]` makes of a trait: bytes, descriptor, server, local proxy.
//!
//! Bytes are checked through the generated traits, without a session. That they cross one is checked where
//! plugins are.

mod blocking;
mod bytes;
mod descriptor;
mod library;
mod local;
mod names;
mod streams;
mod tells;

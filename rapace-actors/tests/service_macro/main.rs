//! What `#[rapace::service]` generates from a trait: bytes, descriptor, server, local proxy.
//!
//! Bytes are checked through the generated traits, without a session. That they work over one is tested with
//! plugins.

mod blocking;
mod bytes;
mod descriptor;
#[rustfmt::skip]
#[allow(
    dead_code,
    missing_docs,
    nonstandard_style,
    unreachable_pub,
    clippy::all,
    clippy::pedantic,
    reason = "names for the compiler alone"
)]
mod every_name;
mod library;
mod local;
#[path = "../common/log_lines.rs"]
mod log_lines;
mod names;
mod streams;
mod tells;

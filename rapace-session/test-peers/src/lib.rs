//! The work that both processes of a crash test do: one calls, the other serves the calls.
//!
//! The binary is the other process. It is in a crate of its own, which is not published, so that
//! installing rapace-session installs no test binary.

#[cfg(feature = "crash-points")]
mod journal;
pub mod work;

//! Services: what `#[rapace::service]` generates from a trait, and the actor that runs an implementation.
//!
//! Decides how a request is executed: decoding, the handler, its panics, its deadline, its streams and its result.
//! Knows sessions and the codec; knows nothing of processes, plugins and proxies.

pub mod actor;
pub(crate) mod contained;
pub mod descriptor;
pub mod handle;
pub mod streaming;
mod traits;
pub(crate) mod warnings;

pub use traits::{MethodCall, RequestError, Serve, Service};

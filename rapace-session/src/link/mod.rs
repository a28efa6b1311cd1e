//! One transport in use: values become frames, frames leave in order, and what happens is counted.
//!
//! Decides how a payload gets its buffers and in which order control frames leave. Knows frames and the transport; calls,
//! streams and services are the business of the layers above.

pub(crate) mod buffers;
pub(crate) mod metrics;
pub(crate) mod outbox;
pub(crate) mod places;
pub(crate) mod prefix;
pub(crate) mod seal;

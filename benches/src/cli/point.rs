//! The point at which a case is measured: payload and depth.

/// Payload and depth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Point {
    /// Bytes of payload of one operation.
    pub(super) bytes: usize,
    /// Operations in flight.
    pub(super) inflight: usize,
}

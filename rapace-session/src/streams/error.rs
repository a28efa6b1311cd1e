//! Why a stream ended early.

use crate::link::end::EndReason;

/// Why a stream ended before its sender ended it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StreamError {
    /// The sender ended the stream with this error.
    #[error("the stream was reset: {0}")]
    Reset(String),
    /// The session ended before the stream.
    #[error("the session ended before the stream: {0}")]
    SessionEnded(EndReason),
    /// An item could not be decoded.
    #[error("an item could not be decoded: {0}")]
    BadItem(String),
    /// An item came in fragments, and this side has no memory for so many bytes of it.
    #[error("there is no memory for {bytes} bytes of an item: have its sender send them in parts")]
    NoMemory {
        /// The bytes for which there is no memory.
        bytes: u64,
    },
    /// The peer sent more items than it had credits for, or sent items after its end.
    #[error("the peer broke the stream's rules: {0}")]
    Fault(String),
}

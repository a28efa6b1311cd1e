//! The error of a call that the runtime ended, not the handler: a code and a message in a reply.

use crate::wire::text::{reason, reason_or};

/// The error of a call that the runtime ended, not the handler.
///
/// A reply carries it as a code and a message. The message arrives [escaped](crate::printable), on
/// one line.
///
/// Not `non_exhaustive`: the layer above maps each variant to an error of its own, and a new one must not be mapped by
/// accident.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RemoteError {
    /// The handler panicked with this message.
    #[error("the handler panicked: {0}")]
    Panicked(String),
    /// The deadline passed before the handler finished.
    #[error("the deadline passed")]
    DeadlineExceeded,
    /// The caller cancelled the call.
    #[error("the call was cancelled")]
    Cancelled,
    /// The service has no such method.
    #[error("no such method: {0}")]
    UnknownMethod(String),
    /// The arguments could not be decoded.
    #[error("the arguments could not be decoded: {0}")]
    BadArguments(String),
    /// The result could not be encoded or sent, or its caller's side has no memory for it. The call has run.
    #[error("the result could not be sent: {0}")]
    BadResult(String),
    /// The service takes no more calls.
    #[error("the service takes no calls: {0}")]
    Unavailable(String),
    /// The handler was dropped without a reply.
    #[error("the handler was dropped without a reply")]
    Dropped,
    /// A limit of the session is reached, such as the number of its streams, or the other side has no memory for the
    /// request. The call did not run.
    #[error("{0}")]
    LimitReached(String),
}

impl RemoteError {
    /// Returns the code and the message that a reply carries.
    #[must_use]
    pub fn parts(&self) -> (u8, &str) {
        match self {
            Self::Panicked(message) => (1, message),
            Self::DeadlineExceeded => (2, ""),
            Self::Cancelled => (3, ""),
            Self::UnknownMethod(message) => (4, message),
            Self::BadArguments(message) => (5, message),
            Self::BadResult(message) => (6, message),
            Self::Unavailable(message) => (7, message),
            Self::Dropped => (8, ""),
            Self::LimitReached(message) => (9, message),
        }
    }

    /// Reads an error from a payload. An unknown code is read as [`Dropped`](Self::Dropped). The
    /// message is truncated to 4 KiB and escaped.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let Some((code, rest)) = bytes.split_first() else {
            return Self::Dropped;
        };
        let message = || reason(rest);
        match code {
            1 => Self::Panicked(reason_or(rest, "a panic without a message")),
            2 => Self::DeadlineExceeded,
            3 => Self::Cancelled,
            4 => Self::UnknownMethod(message()),
            5 => Self::BadArguments(message()),
            6 => Self::BadResult(message()),
            7 => Self::Unavailable(message()),
            9 => Self::LimitReached(reason_or(
                rest,
                "a limit of the session is reached; the other side does not say which",
            )),
            _ => Self::Dropped,
        }
    }
}

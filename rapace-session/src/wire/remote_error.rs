//! Why the runtime, not the handler, ended a call: a code and a message in a reply.

use crate::wire::text::{reason, reason_or};

/// Why the runtime, not the handler, ended a call. It travels in a reply as a code and a message, which arrives
/// [escaped](crate::printable) on one line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RemoteError {
    /// The handler panicked with this message.
    #[error("the handler panicked: {0}")]
    Panicked(String),
    /// The deadline passed before the handler was done.
    #[error("the deadline passed")]
    DeadlineExceeded,
    /// The caller gave up.
    #[error("the call was cancelled")]
    Cancelled,
    /// The service has no such method.
    #[error("no such method: {0}")]
    UnknownMethod(String),
    /// The arguments could not be decoded.
    #[error("the arguments could not be decoded: {0}")]
    BadArguments(String),
    /// The result could not be encoded or sent.
    #[error("the result could not be sent: {0}")]
    BadResult(String),
    /// The service does not take calls any more.
    #[error("the service takes no calls: {0}")]
    Unavailable(String),
    /// The handler went away without an answer.
    #[error("the handler went away without an answer")]
    Dropped,
    /// A limit of the session is reached, such as that of its streams. Nothing was run.
    #[error("{0}")]
    LimitReached(String),
}

impl RemoteError {
    /// The code and the message as they travel.
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

    /// The failure in a payload. What cannot be read is still a failure; a text over 4 KiB is cut, and
    /// escaped.
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
                "a limit of the session is reached, and the other side does not say which",
            )),
            _ => Self::Dropped,
        }
    }
}

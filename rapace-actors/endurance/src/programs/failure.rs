//! How a part of a program ends that has no result.

use std::fmt;

use facet::Facet;
use rapace::{BufferError, CallError, StreamError};

/// Why there is no result.
#[derive(Clone, Debug, Facet)]
#[repr(u8)]
pub(crate) enum Failure {
    /// A plugin died, or a caller gave up. Only some programs have that.
    Lost(String),
    /// A rule is violated.
    Wrong(String),
}

/// What the reset of a stream begins with if it is no consequence of a death or a cancellation.
pub(crate) const WRONG: &str = "wrong: ";

impl From<String> for Failure {
    fn from(why: String) -> Self {
        Self::Wrong(why)
    }
}

impl From<BufferError> for Failure {
    fn from(error: BufferError) -> Self {
        Self::Wrong(format!("an allocation failed: {error}"))
    }
}

impl From<StreamError> for Failure {
    fn from(error: StreamError) -> Self {
        let why = format!("a stream ended by: {error}");
        match error {
            StreamError::SessionEnded(_) => Self::Lost(why),
            StreamError::Reset(text) if !text.contains(WRONG) => Self::Lost(why),
            _ => Self::Wrong(why),
        }
    }
}

/// The error of a call, `what`.
pub(crate) fn of_call<E>(
    what: &str,
    error: CallError<E>,
    of_handler: impl FnOnce(E) -> Failure,
) -> Failure
where
    CallError<E>: fmt::Display,
{
    let why = format!("{what} ended by: {error}");
    match error {
        CallError::Handler(failure) => of_handler(failure),
        CallError::PluginDied(_)
        | CallError::NotBegun(_)
        | CallError::Poisoned(_)
        | CallError::Restarting { .. }
        | CallError::DeadlineExceeded
        | CallError::SessionEnded { .. } => Failure::Lost(why),
        _ => Failure::Wrong(why),
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Lost(why) | Self::Wrong(why)) = self;
        f.write_str(why)
    }
}

impl std::error::Error for Failure {}

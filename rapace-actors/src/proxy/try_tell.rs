//! Why `try_tell` did not put a message in a mailbox.

use std::convert::Infallible;
use std::fmt;

use crate::error::CallError;

/// Why a message was not enqueued. It is returned where possible.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum TryTellError<M> {
    /// The mailbox, the window or the ring is full, no slot is free for the message, which would have to travel in fragments, or
    /// the plugin is being started or restarted. Returns the message. A `tell` waits instead.
    #[error(
        "there is no room now: the mailbox or the window is full, no slot is free for a message of this size, or the plugin is being restarted; the message is returned"
    )]
    Full(M),
    /// The call failed: see the error.
    #[error(transparent)]
    Refused(CallError<Infallible>),
}

impl<M> fmt::Debug for TryTellError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full(_) => f.write_str("Full(..)"),
            Self::Refused(error) => f.debug_tuple("Refused").field(error).finish(),
        }
    }
}

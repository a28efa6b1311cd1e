//! Why `try_tell` did not put a message in a mailbox.

use std::convert::Infallible;
use std::fmt;

use crate::error::CallError;

/// Why a message was not put in a mailbox; it comes back where it can.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum TryTellError<M> {
    /// There is no room in the mailbox, the window, the ring or the slots, or the plugin is being started or restarted:
    /// the message comes back.
    #[error(
        "there is no room now: the mailbox or the window is full, or the plugin is being restarted; the message came back"
    )]
    Full(M),
    /// It will not be taken: see the error.
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

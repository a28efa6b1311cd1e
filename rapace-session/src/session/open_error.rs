//! Why a channel could not be opened.

use crate::link::end::EndReason;
use crate::wire::limits::MAX_CHANNELS;

/// Why a channel could not be opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The peer refused, with this reason.
    #[error("the channel was refused: {0}")]
    Refused(String),
    /// This side holds as many channels as a session can have.
    #[error(
        "this side holds {MAX_CHANNELS} channels of the session, which is the limit; drop some of them first"
    )]
    TooMany,
    /// The session is over.
    #[error("{0}")]
    Ended(EndReason),
}

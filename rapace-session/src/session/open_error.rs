//! Why a channel could not be opened.

use crate::link::end::EndReason;
use crate::wire::limits::MAX_CHANNELS;

/// Why a channel could not be opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The peer does not serve the service, or not now.
    #[error("the channel was refused: {0}")]
    Refused(String),
    /// This side holds as many channels as a session may have.
    #[error(
        "this side holds {MAX_CHANNELS} channels of the session, which is the most; drop some of them first"
    )]
    TooMany,
    /// The session is over.
    #[error("{0}")]
    Ended(EndReason),
}

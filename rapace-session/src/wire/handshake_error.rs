//! Why a handshake failed.

use crate::wire::limits::HelloLimit;
use crate::wire::mismatch::SchemaMismatch;

/// Why a handshake failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HandshakeError {
    /// The first frame of the peer was no hello.
    #[error("the other side does not speak the rapace protocol")]
    NotAPeer,
    /// The peer speaks another version of the protocol.
    #[error(
        "the other side speaks protocol version {theirs}, this side version {ours}: build both with the same release of \
         rapace"
    )]
    Version {
        /// The version that this side speaks.
        ours: u32,
        /// The version that the peer speaks.
        theirs: u32,
    },
    /// The peer's hello could not be read.
    #[error("the other side's hello cannot be read: {0}")]
    BadHello(String),
    /// The peer's hello exceeds a limit.
    #[error("the other side's hello {0}")]
    Hello(HelloLimit),
    /// This side's configuration exceeds a limit of the hello. The peer was told.
    #[error("this side's hello {0}")]
    OwnHello(HelloLimit),
    /// This side's hello does not fit the largest buffer of the transport. The peer was told.
    // A small buffer holds only the start of the text.
    #[error(
        "the largest buffer has {max} bytes, and this side's hello needs {len}: give the SegmentConfig a class of at least \
         {} bytes",
        len.next_power_of_two()
    )]
    HelloTooLarge {
        /// Bytes of the hello.
        len: usize,
        /// Bytes of the largest buffer.
        max: usize,
    },
    /// The peer broke a rule of the protocol.
    #[error("the other side broke the protocol during the handshake: {0}")]
    Fault(String),
    /// A required service is missing or differs.
    #[error("{0}")]
    Schema(SchemaMismatch),
    /// The peer refused this side, with this reason.
    #[error("the other side refused: {0}")]
    RefusedByPeer(String),
    /// The session ended during the handshake.
    #[error("the session ended during the handshake: {0}")]
    Ended(String),
}

impl HandshakeError {
    /// The text that the peer gets, which reads it after "the other side refused".
    pub(crate) fn text_for_peer(&self) -> String {
        match self {
            Self::OwnHello(limit) => format!("its hello {limit}"),
            Self::HelloTooLarge { len, max } => format!(
                "the largest buffer has {max} bytes, and its hello needs {len}: give the SegmentConfig a class of at least \
                 {} bytes",
                len.next_power_of_two()
            ),
            other => other.to_string(),
        }
    }
}

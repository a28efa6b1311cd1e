//! What can go wrong with a call, a stream, a handshake, a session.
//!
//! - E1: each text is the whole story, its cause included. So no error gives that cause as its `source` again, and a
//!   chain that is printed says everything once.

use std::fmt;

use crate::wire::hello::SchemaMismatch;
use crate::wire::limits::{HelloLimit, MAX_CHANNELS};
use crate::wire::text::{reason, reason_or};

/// Why the runtime, not the handler, ended a call. It travels in a reply as a code and a message, which arrives
/// [escaped](crate::printable) on one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The handler panicked with this message.
    Panicked(String),
    /// The deadline passed before the handler was done.
    DeadlineExceeded,
    /// The caller gave up.
    Cancelled,
    /// The service has no such method.
    UnknownMethod(String),
    /// The arguments could not be decoded.
    BadArguments(String),
    /// The result could not be encoded or sent.
    BadResult(String),
    /// The service does not take calls any more.
    Unavailable(String),
    /// The handler went away without an answer.
    Dropped,
    /// A limit of the session is reached, such as that of its streams. Nothing was run.
    LimitReached(String),
}

impl Failure {
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

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Panicked(message) => write!(f, "the handler panicked: {message}"),
            Self::DeadlineExceeded => f.write_str("the deadline passed"),
            Self::Cancelled => f.write_str("the call was cancelled"),
            Self::UnknownMethod(what) => write!(f, "no such method: {what}"),
            Self::BadArguments(why) => write!(f, "the arguments could not be decoded: {why}"),
            Self::BadResult(why) => write!(f, "the result could not be sent: {why}"),
            Self::Unavailable(why) => write!(f, "the service takes no calls: {why}"),
            Self::Dropped => f.write_str("the handler went away without an answer"),
            Self::LimitReached(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for Failure {}

/// Why a session ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EndReason {
    /// This side closed it.
    Closed,
    /// The other side closed it, and said this.
    ClosedByPeer(String),
    /// The kernel says that the peer is gone.
    PeerGone,
    /// The peer broke a rule.
    PeerFault(String),
    /// The handshake did not come to an agreement.
    Refused(HandshakeError),
    /// Something on this side panicked: a bug here, or in an acceptor or a sink.
    Internal(String),
    /// The tokio runtime that this side's actors ran on was shut down.
    RuntimeGone,
}

impl fmt::Display for EndReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the session was closed"),
            Self::ClosedByPeer(why) if why.is_empty() => f.write_str("the peer closed the session"),
            Self::ClosedByPeer(why) => write!(f, "the peer closed the session: {why}"),
            Self::PeerGone => f.write_str("the peer is gone"),
            Self::PeerFault(what) => write!(f, "the peer broke the protocol: {what}"),
            Self::Refused(why) => write!(f, "no session: {why}"),
            Self::Internal(what) => write!(f, "this side failed: {what}"),
            Self::RuntimeGone => f.write_str(
                "the tokio runtime that this side ran on was shut down; keep it as long as what was started on it",
            ),
        }
    }
}

impl std::error::Error for EndReason {}

/// Why a call has no reply.
#[derive(Clone, Debug)]
pub enum CallFailure {
    /// The runtime on the other side, or our own deadline, ended it.
    Failed(Failure),
    /// The session ended first.
    Lost {
        /// Whether the peer had begun it.
        claim: crate::transport::Claim,
        /// Why the session ended.
        reason: EndReason,
    },
    /// The arguments or the metadata could not be encoded.
    Encode(String),
    /// A payload is larger than the transport's largest buffer.
    TooLarge {
        /// Its bytes.
        len: usize,
        /// The most that fits.
        max: usize,
    },
    /// Whoever took the call over after its session's end settled it in another way.
    Settled(std::sync::Arc<dyn std::any::Any + Send + Sync>),
}

impl fmt::Display for CallFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(failure) => failure.fmt(f),
            Self::Lost { claim, reason } => {
                let begun = match claim {
                    crate::transport::Claim::NotBegun => "had not begun",
                    crate::transport::Claim::Begun => "had begun",
                    crate::transport::Claim::Unknown => "may have begun",
                };
                write!(f, "{reason}; the call {begun}")
            }
            Self::Encode(why) => write!(f, "the request could not be encoded: {why}"),
            Self::TooLarge { len, max } => f.write_str(&too_large(*len, *max)),
            Self::Settled(_) => f.write_str("settled after its session's end"),
        }
    }
}

impl std::error::Error for CallFailure {}

/// What does not fit any buffer, and the way out.
pub(crate) fn too_large(len: usize, max: usize) -> String {
    format!(
        "a payload of {len} bytes is over the limit of {max}, the largest slot of this side; send it in pieces, or give \
         the segment a class of larger slots (`SegmentConfig::with_classes`)"
    )
}

/// Why a stream ended before its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StreamError {
    /// The other side failed to send its items, and said this.
    Reset(String),
    /// The session ended first.
    Lost(EndReason),
    /// An item could not be decoded.
    BadItem(String),
    /// The other side sent more items than it had credits for, or after its end.
    Fault(String),
}

impl fmt::Display for StreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reset(why) => write!(f, "the stream was reset: {why}"),
            Self::Lost(reason) => write!(f, "the stream is lost: {reason}"),
            Self::BadItem(why) => write!(f, "an item could not be decoded: {why}"),
            Self::Fault(what) => write!(f, "the peer broke the stream's rules: {what}"),
        }
    }
}

impl std::error::Error for StreamError {}

/// Why two peers did not come to a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HandshakeError {
    /// The first frame was no hello.
    NotAPeer,
    /// The peer speaks another version of the protocol.
    Version {
        /// What we speak.
        ours: u32,
        /// What it speaks.
        theirs: u32,
    },
    /// The peer's hello could not be read.
    BadHello(String),
    /// The peer's hello says more than a hello may.
    Hello(HelloLimit),
    /// Ours would: the session's configuration is over a limit. The peer was told.
    OwnHello(HelloLimit),
    /// Ours does not fit the largest buffer of the transport. The peer was told.
    HelloTooLarge {
        /// Bytes of the hello.
        len: usize,
        /// Bytes of the largest buffer.
        max: usize,
    },
    /// The peer broke a rule of the protocol.
    Fault(String),
    /// A service that we expect is missing or differs.
    Schema(SchemaMismatch),
    /// The peer refused us, and said this.
    RefusedByPeer(String),
    /// The session ended during the handshake.
    Ended(String),
}

impl fmt::Display for HandshakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAPeer => f.write_str("the other side does not speak the rapace protocol"),
            Self::Version { ours, theirs } => write!(
                f,
                "the other side speaks protocol version {theirs}, this side version {ours}: \
                 build both with the same release of rapace"
            ),
            Self::BadHello(why) => write!(f, "the other side's hello cannot be read: {why}"),
            Self::Hello(limit) => write!(f, "the other side's hello {limit}"),
            Self::OwnHello(limit) => write!(f, "this side's hello {limit}"),
            // A small buffer holds only the beginning.
            Self::HelloTooLarge { len, max } => write!(
                f,
                "the largest buffer has to hold {len} bytes, this side's hello, and holds {max}: give the SegmentConfig \
                 a class of at least {} bytes",
                len.next_power_of_two()
            ),
            Self::Fault(what) => write!(
                f,
                "the other side broke the protocol during the handshake: {what}"
            ),
            Self::Schema(mismatch) => mismatch.fmt(f),
            Self::RefusedByPeer(why) => write!(f, "the other side refused: {why}"),
            Self::Ended(why) => write!(f, "the session ended during the handshake: {why}"),
        }
    }
}

impl std::error::Error for HandshakeError {}

/// Why a channel could not be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OpenError {
    /// The peer does not serve it, or not now.
    Refused(String),
    /// This side holds as many channels as a session may have.
    TooMany,
    /// The session is over or drains.
    Ended(EndReason),
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(why) => write!(f, "the channel was refused: {why}"),
            Self::TooMany => write!(
                f,
                "this side holds {MAX_CHANNELS} channels of the session, which is the most; drop some of them first"
            ),
            Self::Ended(reason) => reason.fmt(f),
        }
    }
}

impl std::error::Error for OpenError {}

/// Why there is no buffer of a length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BufferError {
    /// It could not be sent: no slot of the session is so large.
    TooLarge {
        /// The bytes that were asked for.
        len: usize,
        /// The most that a buffer of the session can have.
        max: usize,
    },
    /// This process has no memory for it.
    OutOfMemory {
        /// The bytes that were asked for.
        len: usize,
    },
}

impl fmt::Display for BufferError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge { len, max } => write!(
                f,
                "a buffer of {len} bytes is over the session's limit of {max}, its largest slot: send the bytes in \
                 parts, as a stream, or configure a larger size class"
            ),
            Self::OutOfMemory { len } => write!(
                f,
                "there is no memory for a buffer of {len} bytes: send the bytes in parts, as a stream"
            ),
        }
    }
}

impl std::error::Error for BufferError {}

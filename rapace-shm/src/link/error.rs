//! What can go wrong on an established link. Establishing one has its own errors.

use std::fmt;

use crate::doorbell::liveness::PeerGone;
use crate::fault::PeerFault;
use crate::ring::descriptor::INLINE_MAX;

/// Why nothing can be sent any more. Final.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Closed {
    /// This side closed the link, or dropped its receiving end.
    ByUs,
    /// The peer is gone; see [`PeerGone`].
    PeerGone(PeerGone),
    /// The peer broke a rule.
    PeerFault(PeerFault),
}

/// Why no slot was handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AllocateError {
    /// No class holds that much: send it in pieces, or configure a larger class.
    TooLarge {
        /// Bytes asked for.
        len: usize,
        /// Bytes in the largest slot.
        max: usize,
    },
    /// All slots that this lane may use are taken: [`allocate`](crate::Outbound::allocate) waits.
    Exhausted,
    /// The link has ended.
    Closed(Closed),
}

/// Why a descriptor was not published. Nothing was sent, and no slot changed hands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PublishError {
    /// The ring has no room for this lane: wait for [`writable`](crate::Outbound::writable).
    Full,
    /// One of the slots is with the peer already, or was named twice. A slot is sent again only after
    /// it was returned.
    AlreadyInFlight,
    /// One of the slots belongs to another link.
    ForeignSlot,
    /// The payload does not begin with the [table](crate::attachment_table) of its attachments.
    NotNamed,
    /// The inline payload is longer than [`INLINE_MAX`]: use a slot.
    InlineTooLong {
        /// Its length in bytes.
        len: usize,
    },
    /// The link has ended.
    Closed(Closed),
}

/// Why nothing was received. Final.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RecvError {
    /// The peer broke a rule. What it had published before was delivered.
    PeerFault(PeerFault),
    /// The peer is gone, and everything that it had published was delivered.
    PeerGone(PeerGone),
    /// The runtime that the link was established in is shutting down, so no doorbell can be heard.
    RuntimeGone,
}

/// An entry of the call table that does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OutOfRange {
    /// The entry asked for.
    pub call: u32,
    /// Entries there are.
    pub entries: u32,
}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ByUs => f.write_str("this side closed the link"),
            Self::PeerGone(gone) => gone.fmt(f),
            Self::PeerFault(fault) => fault.fmt(f),
        }
    }
}

impl fmt::Display for AllocateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge { len, max } => write!(
                f,
                "{len} bytes do not fit the largest slot of {max}: send them in pieces, or configure a larger size class"
            ),
            Self::Exhausted => f.write_str(
                "all slots of this size are in use: wait for one, or configure more of them",
            ),
            Self::Closed(closed) => write!(f, "no slot can be had any more: {closed}"),
        }
    }
}

impl fmt::Display for PublishError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => f.write_str("the ring is full: wait until it is writable"),
            Self::AlreadyInFlight => {
                f.write_str("a slot is with the peer already: it can be sent again once returned")
            }
            Self::ForeignSlot => f.write_str("a slot belongs to another link: copy its bytes"),
            Self::NotNamed => f.write_str(
                "the payload does not begin with the table of its attachments: see `attachment_table`",
            ),
            Self::InlineTooLong { len } => write!(
                f,
                "{len} bytes do not fit a descriptor, which holds {}: use a slot",
                INLINE_MAX
            ),
            Self::Closed(closed) => write!(f, "nothing can be sent any more: {closed}"),
        }
    }
}

impl fmt::Display for RecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PeerFault(fault) => fault.fmt(f),
            Self::PeerGone(gone) => gone.fmt(f),
            Self::RuntimeGone => {
                f.write_str("the tokio runtime that the link was established in has shut down")
            }
        }
    }
}

impl fmt::Display for OutOfRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { call, entries } = self;
        write!(
            f,
            "call {call} is not in the call table of {entries} entries"
        )
    }
}

impl std::error::Error for Closed {}
impl std::error::Error for AllocateError {}
impl std::error::Error for PublishError {}
impl std::error::Error for RecvError {}
impl std::error::Error for OutOfRange {}

impl From<Closed> for AllocateError {
    fn from(closed: Closed) -> Self {
        Self::Closed(closed)
    }
}

impl From<Closed> for PublishError {
    fn from(closed: Closed) -> Self {
        Self::Closed(closed)
    }
}

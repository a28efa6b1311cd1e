//! What can go wrong on an established link. Establishing one has its own errors.
//!
//! These lists are not `non_exhaustive`: each kind asks the layer above for another reaction, and a new one must be decided
//! there.

use crate::doorbell::liveness::PeerGone;
use crate::fault::PeerFault;
use crate::ring::descriptor::INLINE_MAX;

/// Why nothing can be sent any more. Final.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Closed {
    /// This side closed the link, or dropped its receiving end.
    #[error("this side closed the link")]
    ByUs,
    /// The peer is gone; see [`PeerGone`].
    #[error(transparent)]
    PeerGone(PeerGone),
    /// The peer broke a rule.
    #[error(transparent)]
    PeerFault(PeerFault),
}

/// Why no slot was handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum AllocateError {
    /// No class holds that much: send it in pieces, or configure a larger class.
    #[error(
        "{len} bytes do not fit the largest slot of {max}: send them in pieces, or configure a larger size class"
    )]
    TooLarge {
        /// Bytes asked for.
        len: usize,
        /// Bytes in the largest slot.
        max: usize,
    },
    /// All slots that this lane may use are taken: [`allocate`](crate::Sender::allocate) waits.
    #[error("all slots of this size are in use: wait for one, or configure more of them")]
    Exhausted,
    /// The link has ended.
    #[error("no slot can be had any more: {0}")]
    Closed(#[from] Closed),
}

/// Why a descriptor was not published. Nothing was sent, and no slot changed hands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum PublishError {
    /// The ring has no room for this lane: wait for [`writable`](crate::Sender::writable).
    #[error("the ring is full: wait until it is writable")]
    Full,
    /// One of the slots is with the peer already, or was named twice. A slot is sent again only after
    /// it was returned.
    #[error("a slot is with the peer already: it can be sent again once returned")]
    AlreadyInFlight,
    /// One of the slots belongs to another link.
    #[error("a slot belongs to another link: copy its bytes")]
    ForeignSlot,
    /// The payload does not begin with the [table](crate::attachment_table) of its attachments.
    #[error("the payload does not begin with the table of its attachments: see `attachment_table`")]
    NotNamed,
    /// The inline payload is longer than [`INLINE_MAX`]: use a slot.
    #[error("{len} bytes do not fit a descriptor, which holds {INLINE_MAX}: use a slot")]
    InlineTooLong {
        /// Its length in bytes.
        len: usize,
    },
    /// The link has ended.
    #[error("nothing can be sent any more: {0}")]
    Closed(#[from] Closed),
}

/// Why nothing was received. Final.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum RecvError {
    /// The peer broke a rule. What it had published before was delivered.
    #[error(transparent)]
    PeerFault(PeerFault),
    /// The peer is gone, and everything that it had published was delivered.
    #[error(transparent)]
    PeerGone(PeerGone),
    /// The runtime that the link was established in is shutting down, so no doorbell can be heard.
    #[error("the tokio runtime that the link was established in has shut down")]
    RuntimeGone,
}

/// An entry of the call table that does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("call {call} is not in the call table of {entries} entries")]
pub struct OutOfRange {
    /// The entry asked for.
    pub call: u32,
    /// Entries there are.
    pub entries: u32,
}

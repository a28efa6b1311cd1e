//! The errors of an established link. Establishing one has its own errors.
//!
//! These enums are not `non_exhaustive`: each variant asks the layer above for a different reaction, and a new one must
//! be handled there.

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

/// Why no slot was allocated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum AllocateError {
    /// No class has slots of that size: send it in pieces, or configure a larger class. Or it was to be a fragment,
    /// and is longer than [`max_fragment`](crate::Sender::max_fragment).
    #[error(
        "{len} bytes do not fit the largest slot of {max}: send them in pieces, or configure a larger size class"
    )]
    TooLarge {
        /// The length asked for, in bytes.
        len: usize,
        /// Size of the largest slot in bytes.
        max: usize,
    },
    /// All slots that this lane may use are taken: [`allocate`](crate::Sender::allocate) and
    /// [`allocate_fragment`](crate::Sender::allocate_fragment) wait.
    #[error("all slots of this size are in use: wait for one, or configure more of them")]
    Exhausted,
    /// The link has ended.
    #[error("no slot can be allocated any more: {0}")]
    Closed(#[from] Closed),
}

/// Why a descriptor was not published. Nothing was sent, and no slot changed hands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum PublishError {
    /// The ring has no room for this lane: wait for [`writable`](crate::Sender::writable).
    #[error("the ring is full: wait until it is writable")]
    Full,
    /// One of the slots is in flight already, or was named twice. A slot can be sent again only after
    /// it was returned.
    #[error("a slot is in flight already: it can be sent again once the peer has returned it")]
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
    /// The peer broke a rule. Everything that it had published before was delivered.
    #[error(transparent)]
    PeerFault(PeerFault),
    /// The peer is gone, and everything that it had published was delivered.
    #[error(transparent)]
    PeerGone(PeerGone),
    /// The runtime that the link was established in is shutting down, so doorbells can no longer be polled.
    #[error("the tokio runtime that the link was established in has shut down")]
    RuntimeGone,
}

/// An entry of the call table that does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("call {call} is not in the call table of {entries} entries")]
pub struct OutOfRange {
    /// The entry asked for.
    pub call: u32,
    /// Number of entries of the table.
    pub entries: u32,
}

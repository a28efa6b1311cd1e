//! The rules that a peer can break, as a closed list.
//!
//! A fault is final for its link: nothing that the peer wrote afterwards is read.

/// A rule of the segment that the other process broke. Each variant names one rule and carries the
/// numbers that prove it. After a fault the link is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum PeerFault {
    /// Its producer cursor is further ahead than the ring's capacity, or has moved back.
    #[error(
        "the peer broke a rule of the shared segment: its producer cursor claims {ahead} entries in a ring of {capacity}"
    )]
    TailRanAhead {
        /// Entries claimed to be published, counted from our position.
        ahead: u32,
        /// Capacity of the ring.
        capacity: u32,
    },
    /// Its consumer cursor is ahead of what we published, or has moved back.
    #[error(
        "the peer broke a rule of the shared segment: its consumer cursor {head} lies outside what was published up to {tail}"
    )]
    HeadOutsidePublished {
        /// Its cursor.
        head: u32,
        /// Our producer cursor.
        tail: u32,
    },
    /// It claims to have returned more slots than exist, or its return cursor has moved back.
    #[error(
        "the peer broke a rule of the shared segment: it claims {ahead} returned slots in a return ring of {capacity}"
    )]
    ReturnsRanAhead {
        /// Returns claimed, counted from our position.
        ahead: u32,
        /// Capacity of the return ring.
        capacity: u32,
    },
    /// A descriptor names a payload kind that does not exist.
    #[error(
        "the peer broke a rule of the shared segment: a descriptor has the unknown payload kind {kind}"
    )]
    UnknownPayloadKind {
        /// The byte found.
        kind: u8,
    },
    /// A descriptor claims more inline bytes than fit.
    #[error("the peer broke a rule of the shared segment: a descriptor claims {len} inline bytes")]
    InlineTooLong {
        /// The length claimed, in bytes.
        len: u8,
    },
    /// A slot index is past the end of the slab.
    #[error(
        "the peer broke a rule of the shared segment: it sent slot {index} of a slab of {slots}"
    )]
    SlotOutOfRange {
        /// The index found.
        index: u32,
        /// Slots in the slab.
        slots: u32,
    },
    /// A payload runs past the end of its slot.
    #[error(
        "the peer broke a rule of the shared segment: a payload of {len} bytes at offset {offset} runs past the end of its slot of {slot_size} bytes"
    )]
    PayloadOutsideSlot {
        /// Offset of the first byte in the slot.
        offset: u32,
        /// Length in bytes.
        len: u32,
        /// Size of that slot in bytes.
        slot_size: u32,
    },
    /// The table of a message's attachments runs past the end of its payload.
    #[error(
        "the peer broke a rule of the shared segment: a table of {entries} attachments runs past the end of its payload of {len} bytes"
    )]
    TableOutsidePayload {
        /// Entries that it claims to have.
        entries: u16,
        /// Length of the payload in bytes.
        len: u32,
    },
    /// A slot was sent again before we returned it.
    #[error(
        "the peer broke a rule of the shared segment: it sent slot {index} again before it was returned"
    )]
    SlotSentTwice {
        /// The slot.
        index: u32,
    },
    /// A returned slot index is past the end of our slab.
    #[error(
        "the peer broke a rule of the shared segment: it returned slot {index} of a slab of {slots}"
    )]
    ReturnedUnknownSlot {
        /// The index found.
        index: u32,
        /// Slots in our slab.
        slots: u32,
    },
    /// A slot was returned that the peer does not hold: it is free, still being written, was never
    /// sent, or was returned already.
    #[error(
        "the peer broke a rule of the shared segment: it returned slot {index}, which it does not hold"
    )]
    ReturnedNotHeld {
        /// The slot.
        index: u32,
    },
    /// A slot was returned under another generation than it was sent with.
    #[error(
        "the peer broke a rule of the shared segment: it returned slot {index} with generation {returned} where {sent} was sent"
    )]
    ReturnedWrongGeneration {
        /// The slot.
        index: u32,
        /// The generation it was sent with.
        sent: u32,
        /// The generation it came back with.
        returned: u32,
    },
}

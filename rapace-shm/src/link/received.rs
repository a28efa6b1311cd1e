//! Received frames: headers with payloads and attachments that lie in the peer's slots, or were copied out of
//! them.
//!
//! - V1: a payload's place was checked against our own geometry before anything reads it.
//! - V2: a slot is returned when its last reader is dropped, on whatever thread, and no earlier,
//!   even if it was copied. So what a peer can make us hold is bounded by its slab.
//! - V3: bytes of an untrusted peer are copied once, and only the complete copy is handed out.
//! - V4: bytes are lent in place only if the peer is trusted not to write a slot between sending it
//!   and getting it back, which by V2 is not before the last reader is dropped. And only if the peer
//!   sent them: no code on this side can name a slot (AT3).

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use crate::fault::PeerFault;
use crate::link::leases::Leases;
use crate::link::objects::PeerObject;
use crate::link::state::LinkState;
use crate::link::turn::Turn;
use crate::memory::halves::PeerHalf;
use crate::ring::descriptor::{CheckedSlot, Header, INLINE_MAX, Parsed, SlotRef};

/// One frame.
#[derive(Debug)]
pub struct Received {
    /// The header as the peer published it.
    pub header: Header,
    /// Its payload.
    pub payload: ReceivedPayload,
    /// The further slots that came with it, in the order of the payload's
    /// [table](crate::attachment_table). Dropping one returns it.
    pub attachments: Vec<ReceivedSlot>,
}

/// The payload of a frame.
#[derive(Debug)]
pub enum ReceivedPayload {
    /// No payload.
    Empty,
    /// Carried inside the descriptor.
    Inline {
        /// Number of bytes that are valid: at most [`INLINE_MAX`].
        len: u8,
        /// The bytes, zero past `len` if the peer is honest.
        bytes: [u8; INLINE_MAX],
    },
    /// In a slot.
    Slot(ReceivedSlot),
}

impl AsRef<[u8]> for ReceivedPayload {
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::Empty => &[],
            Self::Inline { len, bytes } => bytes.get(..usize::from(*len)).unwrap_or(bytes),
            Self::Slot(slot) => slot,
        }
    }
}

/// Bytes in a slot of the peer's: borrowed in place from a [`Trusted`](crate::Trust::Trusted) peer,
/// a copy of an [`Untrusted`](crate::Trust::Untrusted) one's. Dropping it returns the slot. The bytes
/// stay readable as long as it lives, even after the peer and the link are gone. Borrowed bytes then keep
/// one mapping alive, of the memory object that they lie in; a copy keeps none.
pub struct ReceivedSlot {
    slot: SlotRef,
    bytes: Bytes,
}

enum Bytes {
    InPlace {
        object: Arc<PeerObject>,
        start: usize,
    },
    /// The bytes copied so far.
    Copied { copy: Vec<u8>, leases: Arc<Leases> },
}

impl ReceivedSlot {
    /// Leases a checked slot. Bytes that must be copied are not copied yet: see
    /// [`copy_more`](Self::copy_more).
    pub(crate) fn hold(link_state: &LinkState, checked: CheckedSlot) -> Result<Self, PeerFault> {
        let slot = checked.slot_ref();
        let Some(place) = link_state.layout.slot(slot.index) else {
            return Err(PeerFault::SlotOutOfRange {
                index: slot.index,
                slots: link_state.layout.slots,
            });
        };
        link_state.leases.hold(checked)?;
        let bytes = if link_state.copy_out {
            Bytes::Copied {
                copy: Vec::with_capacity(slot.len as usize),
                leases: Arc::clone(&link_state.leases),
            }
        } else {
            Bytes::InPlace {
                object: Arc::clone(link_state.peer_object(place.object)),
                start: place.offset + slot.offset as usize,
            }
        };
        Ok(Self { slot, bytes })
    }

    /// Copies missing bytes, but no more than the turn allows (V3). Returns whether all are copied.
    pub(crate) fn copy_more(&mut self, peer: &PeerHalf, turn: &mut Turn) -> bool {
        let Bytes::Copied { copy, .. } = &mut self.bytes else {
            return true;
        };
        let missing = self.slot.len as usize - copy.len();
        let now = missing.min(turn.bytes_left());
        if now > 0 {
            let from = self.slot.offset as usize + copy.len();
            peer.copy_out(self.slot.index, from, now, copy);
            turn.copied(now);
        }
        now == missing
    }

    /// Returns the reference to these bytes in the peer's slab.
    #[must_use]
    pub fn slot_ref(&self) -> SlotRef {
        self.slot
    }

    /// Returns whether the bytes are a copy: because the peer is not trusted, or because of
    /// [`into_copy`](Self::into_copy).
    #[must_use]
    pub fn is_copy(&self) -> bool {
        matches!(self.bytes, Bytes::Copied { .. })
    }

    /// Copies the bytes, unless they are a copy. A copy keeps no mapping when the link is gone; until then
    /// the slot still counts as ours, so that a peer cannot make us hold more than its slab.
    #[must_use]
    pub fn into_copy(mut self) -> Self {
        if let Bytes::InPlace { object, .. } = &self.bytes {
            let leases = Arc::clone(&object.leases);
            let copy = self.to_vec();
            self.bytes = Bytes::Copied { copy, leases };
        }
        self
    }
}

impl ReceivedPayload {
    pub(crate) fn of(link_state: &LinkState, parsed: Parsed) -> Result<Self, PeerFault> {
        Ok(match parsed {
            Parsed::Empty => Self::Empty,
            Parsed::Inline { len, bytes } => Self::Inline { len, bytes },
            Parsed::Slot(slot) => Self::Slot(ReceivedSlot::hold(link_state, slot)?),
        })
    }

    /// Returns whether its bytes are still to be copied.
    pub(crate) fn is_to_be_copied(&self) -> bool {
        matches!(self, Self::Slot(slot) if slot.is_copy())
    }
}

impl Received {
    /// Returns the number of bytes of payload and attachments.
    pub(crate) fn bytes(&self) -> usize {
        let attached = self.attachments.iter().map(|slot| slot.len());
        self.payload.as_ref().len() + attached.sum::<usize>()
    }
}

impl Deref for ReceivedSlot {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.bytes {
            Bytes::Copied { copy, .. } => copy,
            Bytes::InPlace { object, start } => {
                // SAFETY: V4; the borrow ends before we are dropped.
                unsafe { object.map.bytes(*start, self.slot.len as usize) }
            }
        }
    }
}

impl AsRef<[u8]> for ReceivedSlot {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl Drop for ReceivedSlot {
    fn drop(&mut self) {
        let leases = match &self.bytes {
            Bytes::InPlace { object, .. } => &object.leases,
            Bytes::Copied { leases, .. } => leases,
        };
        leases.return_slot(self.slot.index, self.slot.generation);
    }
}

impl fmt::Debug for ReceivedSlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReceivedSlot")
            .field("slot", &self.slot)
            .field("is_copy", &self.is_copy())
            .finish()
    }
}

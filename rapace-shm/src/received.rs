//! What arrives: headers with payloads that lie in the peer's slots, or were copied out of them.
//!
//! - V1: a payload's place was checked against our own geometry before anything reads it.
//! - V2: a slot is returned when its last reader is dropped, from whatever thread, and no earlier:
//!   also when it was copied. So what a peer can make us hold is bounded by its slab.
//! - V3: bytes of an untrusted peer are copied once, and only the copy is handed out.
//! - V4: bytes are lent in place only if the peer is trusted: not to write a slot between sending it
//!   and getting it back, which V2 says is not before the last reader is dropped.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use crate::descriptor::{CheckedSlot, Header, INLINE_MAX, Parsed, SlotRef};
use crate::fault::PeerFault;
use crate::layout::Object;
use crate::shared::Shared;

/// One frame.
#[derive(Debug)]
pub struct Received {
    /// As the peer published it.
    pub header: Header,
    /// Its payload.
    pub payload: ReceivedPayload,
}

/// The payload of a frame.
#[derive(Debug)]
pub enum ReceivedPayload {
    /// None.
    Empty,
    /// Carried inside the descriptor.
    Inline {
        /// How many of the bytes count: at most [`INLINE_MAX`].
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
/// stay readable as long as it lives, also after the peer and the link are gone.
pub struct ReceivedSlot {
    shared: Arc<Shared>,
    slot: SlotRef,
    bytes: Bytes,
}

enum Bytes {
    InPlace { object: Object, start: usize },
    Copied(Box<[u8]>),
}

/// Takes over slots that are named in payload bytes. Cheap to clone, and usable from any thread.
#[derive(Clone)]
pub struct Adopter {
    shared: Arc<Shared>,
}

impl Adopter {
    pub(crate) fn new(shared: &Arc<Shared>) -> Self {
        Self {
            shared: Arc::clone(shared),
        }
    }

    /// Takes over a slot that the peer sent as an attachment. It is checked like the payload of a
    /// descriptor, and returned when dropped. The peer regards an attachment as in flight until then,
    /// so a receiver that understands a payload adopts all of its attachments, wanted or not.
    ///
    /// # Errors
    /// The fault, if there are no such bytes or we hold that slot already. The link has then ended.
    pub fn adopt(&self, slot: SlotRef) -> Result<ReceivedSlot, PeerFault> {
        let adopted = slot
            .check(&self.shared.layout)
            .and_then(|slot| ReceivedSlot::hold(&self.shared, slot));
        if let Err(fault) = adopted {
            self.shared.fail(fault);
        }
        adopted
    }
}

impl ReceivedSlot {
    /// Takes hold of a checked slot.
    fn hold(shared: &Arc<Shared>, checked: CheckedSlot) -> Result<Self, PeerFault> {
        let slot = checked.slot_ref();
        let Some(place) = shared.layout.slot(slot.index) else {
            return Err(PeerFault::SlotOutOfRange {
                index: slot.index,
                slots: shared.layout.slots,
            });
        };
        shared.hold(checked)?;
        let start = place.offset + slot.offset as usize;
        let bytes = if shared.copy_out {
            let object = shared.peer.object(place.object);
            Bytes::Copied(object.copy_out(start, slot.len as usize)) // V3
        } else {
            Bytes::InPlace {
                object: place.object,
                start,
            }
        };
        Ok(Self {
            shared: Arc::clone(shared),
            slot,
            bytes,
        })
    }

    /// What names these bytes in the peer's slab.
    #[must_use]
    pub fn slot_ref(&self) -> SlotRef {
        self.slot
    }

    /// Whether the bytes are a copy, as they are if the peer is not trusted.
    #[must_use]
    pub fn is_copy(&self) -> bool {
        matches!(self.bytes, Bytes::Copied(_))
    }
}

impl ReceivedPayload {
    pub(crate) fn of(shared: &Arc<Shared>, parsed: Parsed) -> Result<Self, PeerFault> {
        Ok(match parsed {
            Parsed::Empty => Self::Empty,
            Parsed::Inline { len, bytes } => Self::Inline { len, bytes },
            Parsed::Slot(slot) => Self::Slot(ReceivedSlot::hold(shared, slot)?),
        })
    }
}

impl Deref for ReceivedSlot {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.bytes {
            Bytes::Copied(copy) => copy,
            &Bytes::InPlace { object, start } => {
                let object = self.shared.peer.object(object);
                // SAFETY: V4; the borrow ends before we are dropped.
                unsafe { object.bytes(start, self.slot.len as usize) }
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
        self.shared.give_back(self.slot.index, self.slot.generation);
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

impl fmt::Debug for Adopter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Adopter").finish_non_exhaustive()
    }
}

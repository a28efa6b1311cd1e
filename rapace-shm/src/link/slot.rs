//! Slots of our own slab: being written, then frozen and shared.
//!
//! - O1: a [`SlotMut`] is the only user of its slot (S2), which was not sent to any peer since it was allocated.
//! - O2: no code of this process writes a slot from [`SlotMut::freeze`] until it is free again (S4). An
//!   untrusted peer can write no slot of ours, at any time (M2, M4). A trusted one could: the joining
//!   side our large-slot region, the creating side all of the joining side's half, both by mapping again an
//!   object that they have or had. They are trusted not to, for O1 too.
//! - O3: a handle keeps the mapping that its bytes lie in, even after the link is gone, and nothing else of the
//!   link (OB1).

use std::fmt;
use std::ops::{Deref, DerefMut, Range};
use std::sync::Arc;

use crate::config::Lane;
use crate::crash_points::point::CrashPoint;
use crate::layout::SlotPlace;
use crate::link::error::AllocateError;
use crate::link::objects::OwnObject;
use crate::link::state::LinkState;
use crate::ring::descriptor::SlotRef;
use crate::slab::allocator::Taken;
use crate::slab::slot_state::{AlreadyInFlight, SlotState};
use crate::slab::wait_queue::Ticket;

/// A slot being written: the bytes asked for, with one owner. A fresh slot may contain bytes of an earlier
/// payload of this side. Dropping it frees the slot.
pub struct SlotMut {
    slot: Slot,
}

/// A frozen slot: immutable bytes, cheap to clone, readable also while in flight and after the peer
/// died. The slot becomes free when the last clone is dropped *and*, if it was sent, the receiver has
/// returned it or the link is over.
pub struct Slot {
    object: Arc<OwnObject>,
    /// Offset of the first byte in the object.
    start: usize,
    slot: SlotRef,
}

impl SlotMut {
    /// Takes a slot of a class, for a newcomer or the holder of a ticket.
    pub(crate) fn take(
        link_state: &LinkState,
        class: usize,
        len: usize,
        lane: Lane,
        ticket: Option<Ticket>,
    ) -> Result<Option<Self>, AllocateError> {
        link_state.check_open()?;
        let too_large = |_| AllocateError::TooLarge {
            len,
            max: link_state.config.max_payload(),
        };
        let len = u32::try_from(len).map_err(too_large)?;
        let taken = link_state.slab.take(class, lane, len, ticket);
        let taken = taken.map_err(|fault| link_state.fail(fault))?;
        Ok(taken.and_then(|taken| {
            let place = link_state.layout.slot(taken.index)?;
            Some(Self::new(link_state, taken, place, len))
        }))
    }

    fn new(link_state: &LinkState, taken: Taken, place: SlotPlace, len: u32) -> Self {
        Self {
            slot: Slot {
                object: Arc::clone(link_state.own_object(place.object)),
                start: place.offset,
                slot: SlotRef {
                    index: taken.index,
                    generation: taken.generation,
                    offset: 0,
                    len,
                },
            },
        }
    }

    /// Ends writing. The bytes are immutable from here on.
    #[must_use]
    pub fn freeze(self) -> Slot {
        CrashPoint::Payload.ended();
        self.slot.state().freeze();
        self.slot
    }

    /// Returns the reference to the slot being written.
    #[cfg(all(any(test, fuzzing), not(miri)))]
    pub(crate) fn slot_ref(&self) -> SlotRef {
        self.slot.slot
    }

    /// Shortens the payload to `len` bytes; does nothing if it is not longer.
    pub fn truncate(&mut self, len: usize) {
        if let Ok(len) = u32::try_from(len) {
            self.slot.slot.len = self.slot.slot.len.min(len);
        }
    }
}

impl Deref for SlotMut {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.slot
    }
}

impl DerefMut for SlotMut {
    fn deref_mut(&mut self) -> &mut [u8] {
        let slot = &self.slot;
        let map = &slot.object.map;
        // SAFETY: O1, O2, and `&mut self` excludes the readers that a `SlotMut` lends to.
        unsafe { map.bytes_mut(CrashPoint::Payload, slot.start, slot.slot.len as usize) }
    }
}

impl Slot {
    /// Returns the reference that names these bytes on the wire.
    #[must_use]
    pub fn slot_ref(&self) -> SlotRef {
        self.slot
    }

    /// Returns whether the slot is in flight: sent and not returned. Returns are collected when the link's receiver
    /// runs or a slot is allocated. Once the receiver has reported the end of the link, or is dropped,
    /// nothing is in flight any more.
    #[must_use]
    pub fn is_in_flight(&self) -> bool {
        self.state().is_in_flight()
    }

    /// Returns a handle on a part of the same slot; `None` if the range lies outside of it.
    #[must_use]
    pub fn slice(&self, range: Range<usize>) -> Option<Self> {
        self.get(range.clone())?;
        let mut part = self.clone();
        part.start += range.start;
        part.slot.offset += u32::try_from(range.start).ok()?;
        part.slot.len = u32::try_from(range.len()).ok()?;
        Some(part)
    }

    pub(crate) fn is_of(&self, link_state: &LinkState) -> bool {
        Arc::ptr_eq(&self.object.slab, &link_state.slab)
    }

    pub(crate) fn mark_sent(&self) -> Result<(), AlreadyInFlight> {
        self.state().send()
    }

    pub(crate) fn cancel_send(&self) {
        self.state().cancel_send();
    }

    fn state(&self) -> &SlotState {
        self.object.slab.state(self.slot.index)
    }
}

impl Deref for Slot {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        let map = &self.object.map;
        // SAFETY: O1 for a slot being written, whose writer is borrowed; O2 for a frozen one.
        unsafe { map.bytes(self.start, self.slot.len as usize) }
    }
}

impl AsRef<[u8]> for Slot {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl Clone for Slot {
    fn clone(&self) -> Self {
        self.state().retain();
        Self {
            object: Arc::clone(&self.object),
            start: self.start,
            slot: self.slot,
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if self.state().release() {
            self.object.slab.free(self.slot.index);
        }
    }
}

impl fmt::Debug for SlotMut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SlotMut").field(&self.slot.slot).finish()
    }
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Slot").field(&self.slot).finish()
    }
}

//! The host's own slots: what it writes and sends, and that it does not change.

use std::collections::BTreeMap;

use crate::link::attachments::attachment_table;
use crate::link::sender::Sender;
use crate::memory::halves::PeerHalf;
use crate::ring::descriptor::{Entry, SlotRef};
use crate::{Header, Lane, Payload, PublishError, Slot, SlotMut};

/// The host's slots of its own slab.
#[derive(Default)]
pub(crate) struct SentLog {
    writing: Vec<SlotMut>,
    frozen: Vec<Slot>,
    /// The generation under which each slot was last allocated.
    generations: BTreeMap<u32, u32>,
}

/// Marks a header that names an attachment.
const NAMES_ATTACHMENT: u8 = 2;

impl SentLog {
    /// Records an allocation: the slot has no other user, and a new generation.
    pub(crate) fn allocated(&mut self, mut slot: SlotMut, len: usize) {
        assert_eq!(slot.len(), len);
        let all = self.frozen.iter().map(Slot::slot_ref);
        let mut all = all.chain(self.writing.iter().map(SlotMut::slot_ref));
        let new = slot.slot_ref();
        assert!(all.all(|slot| slot.index != new.index), "{new:?} twice");
        let last = self.generations.insert(new.index, new.generation);
        assert_eq!(last.map_or(0, |last| last + 1), new.generation);
        for (nth, line) in slot.chunks_mut(LINE).enumerate() {
            line.fill(pattern(new, nth));
        }
        self.writing.push(slot);
    }

    pub(crate) fn truncate(&mut self, nth: u8, len: u32) {
        if let Some(slot) = pick_mut(&mut self.writing, nth) {
            slot.truncate(len as usize);
        }
    }

    pub(crate) fn freeze(&mut self, nth: u8) {
        if let Some(slot) = remove(&mut self.writing, nth) {
            self.frozen.push(slot.freeze());
        }
    }

    /// Takes out a slot being written, to be dropped by the caller.
    pub(crate) fn abandon(&mut self, nth: u8) -> Option<SlotMut> {
        remove(&mut self.writing, nth)
    }

    pub(crate) fn copy(&mut self, nth: u8) {
        if self.frozen.len() < 32
            && let Some(slot) = pick(&self.frozen, nth)
        {
            self.frozen.push(slot.clone());
        }
    }

    pub(crate) fn slice(&mut self, nth: u8, start: u32, end: u32) {
        let Some(slot) = pick(&self.frozen, nth) else {
            return;
        };
        let (start, end) = (start as usize, end as usize);
        let inside = start <= end && end <= slot.len();
        let part = slot.slice(start..end);
        assert_eq!(part.is_some(), inside, "{start}..{end} of {}", slot.len());
        if self.frozen.len() < 32 {
            self.frozen.extend(part);
        }
    }

    pub(crate) fn drop_one(&mut self, nth: u8) -> Option<Slot> {
        remove(&mut self.frozen, nth)
    }

    /// Sends a slot, with another as an attachment or without.
    pub(crate) fn publish(
        &self,
        out: &Sender,
        nth: u8,
        attachment: Option<u8>,
        lane: Lane,
    ) -> Option<Result<(), PublishError>> {
        let slot = pick(&self.frozen, nth)?;
        let mut header = Header::default();
        let mut attachments = Vec::new();
        if let Some(other) = attachment.and_then(|nth| pick(&self.frozen, nth)) {
            let named = other.slot_ref();
            header = Header {
                frame_type: NAMES_ATTACHMENT,
                call: named.index,
                generation: named.generation,
                method: named.offset,
                credits: named.len,
                ..header
            };
            attachments.push(other.clone());
        }
        // The table of an attachment is the payload.
        let (goes, table) = match attachments.first() {
            Some(other) => (other, attachment_table(&[other.slot_ref()])),
            None => (slot, Vec::new()),
        };
        let busy = goes.is_in_flight();
        let payload = match attachments.is_empty() {
            true => Payload::Slot(slot),
            false => Payload::Inline(&table),
        };
        let published = out.try_publish(&header, payload, &attachments, lane);
        if busy {
            assert_ne!(published, Ok(()), "a slot was sent twice");
        }
        Some(published)
    }

    /// Returns how many slots are being written.
    pub(crate) fn writers(&self) -> u32 {
        self.writing.len() as u32
    }

    /// Returns how many slots are frozen here.
    pub(crate) fn frozen(&self) -> u32 {
        let mut indices: Vec<u32> = self.frozen.iter().map(|s| s.slot_ref().index).collect();
        indices.sort_unstable();
        indices.dedup();
        indices.len() as u32
    }

    /// Asserts that every byte is what was written; of large slots, every byte of both ends, unless `all`.
    pub(crate) fn check(&self, all: bool) {
        let written = self.writing.iter().map(|slot| (&**slot, slot.slot_ref()));
        let frozen = self.frozen.iter().map(|slot| (&**slot, slot.slot_ref()));
        for (bytes, slot) in written.chain(frozen) {
            match bytes.len().checked_sub(ENDS) {
                Some(last) if !all => {
                    holds(&bytes[..ENDS], slot);
                    let offset = slot.offset + last as u32;
                    holds(&bytes[last..], SlotRef { offset, ..slot });
                }
                _ => holds(bytes, slot),
            }
        }
    }
}

/// Returns the slots that a descriptor of the host's names, without the code under test.
pub(crate) fn named_by(entry: &Entry) -> Vec<SlotRef> {
    let half = |word: u64| (word as u32, (word >> 32) as u32);
    let [w0, w1, w2, w3, w4, ..] = entry.map(u64::from_le);
    let [frame_type, _, _, kind, ..] = w0.to_le_bytes();
    let slot = |(index, generation), (offset, len)| SlotRef {
        index,
        generation,
        offset,
        len,
    };
    let payload = (kind & 127 == 2).then(|| slot(half(w3), half(w4)));
    let attachment = (frame_type == NAMES_ATTACHMENT).then(|| slot(half(w1), half(w2)));
    payload.into_iter().chain(attachment).collect()
}

/// Asserts that the peer reads what the host wrote.
pub(crate) fn check(half: &PeerHalf, slot: SlotRef) {
    let place = half.layout.slot(slot.index).expect("the host sent it");
    let (offset, len) = (slot.offset as usize, slot.len as usize);
    assert!(offset + len <= place.size as usize, "{slot:?}");
    let object = half.object(place.object);
    // Of large slots a part is enough: the host itself checks all of it.
    let mut seen = Vec::new();
    object.copy_out(place.offset + offset, len.min(ENDS), &mut seen);
    holds(&seen, slot);
}

fn holds(bytes: &[u8], slot: SlotRef) {
    let start = slot.offset as usize;
    for (nth, byte) in bytes.iter().enumerate() {
        let expected = pattern(slot, (start + nth) / LINE);
        assert_eq!(*byte, expected, "byte {nth} of {slot:?}");
    }
}

/// The byte that fills a line of a slot, in this generation.
fn pattern(slot: SlotRef, line: usize) -> u8 {
    (slot.index as usize * 31 + slot.generation as usize * 7 + line * 3 + 1) as u8
}

fn pick<T>(of: &[T], nth: u8) -> Option<&T> {
    of.get(usize::from(nth) % of.len().max(1))
}

fn pick_mut<T>(of: &mut [T], nth: u8) -> Option<&mut T> {
    let nth = usize::from(nth) % of.len().max(1);
    of.get_mut(nth)
}

pub(crate) fn remove<T>(of: &mut Vec<T>, nth: u8) -> Option<T> {
    let nth = usize::from(nth) % of.len().max(1);
    (nth < of.len()).then(|| of.swap_remove(nth))
}

/// Bytes at either end of a large slot that are checked after each step.
const ENDS: usize = 4096;
const LINE: usize = 64;

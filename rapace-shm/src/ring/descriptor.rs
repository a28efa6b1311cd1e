//! A ring entry: the descriptor of a message, 64 bytes, parsed from a private copy.
//!
//! | bytes | field | bytes | field |
//! |---|---|---|---|
//! | 0 | frame type | 20–23 | credits |
//! | 1 | flags | 24–27 | slot: index |
//! | 2 | inline length, 0 to 24 | 28–31 | slot: generation |
//! | 3 | payload: 0 none, 1 inline, 2 slot; 128 more if it has attachments | 32–35 | slot: offset of the first byte |
//! | 4–7 | channel | 36–39 | slot: length |
//! | 8–11 | call: index | 40–63 | inline payload |
//! | 12–15 | call: generation | | |
//! | 16–19 | method | | |
//!
//! Numbers are little-endian. The attachments are a [table](crate::link::attachments) at the start of the payload. The
//! handbook's page `docs/memory.md` takes this table from here.
//!
//! - D1: a descriptor is parsed from a copy that the peer cannot reach.
//! - D2: this crate does not interpret header fields. Every value is allowed.
//! - D3: each payload field that is used is checked; the others are ignored.

use crate::fault::PeerFault;
use crate::layout::Layout;

/// Length in bytes of the longest payload that travels inside its descriptor, without a slot.
pub const INLINE_MAX: usize = 24;

/// The part of a descriptor that this crate carries without interpreting it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Header {
    /// The kind of frame.
    pub frame_type: u8,
    /// Bits whose meaning depends on the frame type.
    pub flags: u8,
    /// The channel that the frame belongs to.
    pub channel: u32,
    /// Index of the entry in the caller's call table.
    pub call: u32,
    /// Generation of that entry.
    pub generation: u32,
    /// The method, or another number that the frame type needs.
    pub method: u32,
    /// Credits granted.
    pub credits: u32,
}

/// A reference to bytes in a slot. It travels in descriptors, and in tables of attachments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SlotRef {
    /// Index in the sender's slab.
    pub index: u32,
    /// Generation of the slot.
    pub generation: u32,
    /// Offset of the first byte from the start of the slot.
    pub offset: u32,
    /// Length in bytes.
    pub len: u32,
}

impl SlotRef {
    /// Bytes in an encoded reference.
    pub const ENCODED_LEN: usize = 16;

    /// Encodes index, generation, offset and length, little-endian, in this order.
    #[must_use]
    pub fn to_bytes(self) -> [u8; Self::ENCODED_LEN] {
        let mut bytes = [0; Self::ENCODED_LEN];
        let fields = [self.index, self.generation, self.offset, self.len];
        for (place, field) in bytes.chunks_exact_mut(4).zip(fields) {
            place.copy_from_slice(&field.to_le_bytes());
        }
        bytes
    }

    /// Decodes the output of [`to_bytes`](Self::to_bytes). Any bytes decode. The result gives access to nothing:
    /// the slots of a message are in [`Received::attachments`](crate::Received::attachments).
    #[must_use]
    pub fn from_bytes(bytes: [u8; Self::ENCODED_LEN]) -> Self {
        let [
            a0,
            a1,
            a2,
            a3,
            b0,
            b1,
            b2,
            b3,
            c0,
            c1,
            c2,
            c3,
            d0,
            d1,
            d2,
            d3,
        ] = bytes;
        Self {
            index: u32::from_le_bytes([a0, a1, a2, a3]),
            generation: u32::from_le_bytes([b0, b1, b2, b3]),
            offset: u32::from_le_bytes([c0, c1, c2, c3]),
            len: u32::from_le_bytes([d0, d1, d2, d3]),
        }
    }

    /// Checks this reference against the geometry of the slab that it should point into.
    pub(crate) fn check(self, layout: &Layout) -> Result<CheckedSlot, PeerFault> {
        let place = layout.slot(self.index).ok_or(PeerFault::SlotOutOfRange {
            index: self.index,
            slots: layout.slots,
        })?;
        let end = self.offset.checked_add(self.len);
        if end.is_none_or(|end| end > place.size) {
            return Err(PeerFault::PayloadOutsideSlot {
                offset: self.offset,
                len: self.len,
                slot_size: place.size,
            });
        }
        Ok(CheckedSlot(self))
    }
}

/// A reference that lies inside an existing slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CheckedSlot(SlotRef);

impl CheckedSlot {
    pub(crate) fn slot_ref(self) -> SlotRef {
        self.0
    }
}

/// Where the payload of a descriptor lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Location {
    Empty,
    Inline { len: u8, bytes: [u8; INLINE_MAX] },
    Slot(SlotRef),
}

/// A descriptor as the ring stores it: eight words of eight bytes.
pub(crate) type Entry = [u64; 8];

/// Encodes a descriptor.
pub(crate) fn encode(header: &Header, location: Location) -> Entry {
    let (kind, inline_len, slot, inline) = match location {
        Location::Empty => (EMPTY, 0, NO_SLOT, [0; INLINE_MAX]),
        Location::Inline { len, bytes } => (INLINE, len, NO_SLOT, bytes),
        Location::Slot(slot) => (SLOT, 0, slot, [0; INLINE_MAX]),
    };
    let bytes = u32::from_le_bytes([header.frame_type, header.flags, inline_len, kind]);
    let (inline, _) = inline.as_chunks::<8>();
    let [first, second, third] = [0, 1, 2].map(|nth: usize| {
        inline
            .get(nth)
            .map_or(0, |chunk| u64::from_le_bytes(*chunk))
    });
    [
        join(bytes, header.channel),
        join(header.call, header.generation),
        join(header.method, header.credits),
        join(slot.index, slot.generation),
        join(slot.offset, slot.len),
        first,
        second,
        third,
    ]
    .map(u64::to_le)
}

/// Marks a descriptor: its payload begins with a table of attachments.
pub(crate) fn with_table(mut entry: Entry) -> Entry {
    if let Some(first) = entry.first_mut() {
        *first |= (u64::from(TABLE) << 24).to_le();
    }
    entry
}

/// Parses a private copy of a descriptor (D1) against the geometry of the sender's slab. Also returns whether
/// the payload begins with a table of attachments.
pub(crate) fn parse(entry: &Entry, layout: &Layout) -> Result<(Header, Parsed, bool), PeerFault> {
    let [w0, w1, w2, w3, w4, w5, w6, w7] = entry.map(u64::from_le);
    let (bytes, channel) = split(w0);
    let (call, generation) = split(w1);
    let (method, credits) = split(w2);
    let [frame_type, flags, inline_len, kind] = bytes.to_le_bytes();
    let header = Header {
        frame_type,
        flags,
        channel,
        call,
        generation,
        method,
        credits,
    };
    let has_table = kind & TABLE != 0;
    let parsed = match kind & !TABLE {
        EMPTY if !has_table => Parsed::Empty,
        INLINE => {
            if usize::from(inline_len) > INLINE_MAX {
                return Err(PeerFault::InlineTooLong { len: inline_len });
            }
            let mut inline = [0; INLINE_MAX];
            for (place, word) in inline.chunks_exact_mut(8).zip([w5, w6, w7]) {
                place.copy_from_slice(&word.to_le_bytes());
            }
            Parsed::Inline {
                len: inline_len,
                bytes: inline,
            }
        }
        SLOT => {
            let (index, generation) = split(w3);
            let (offset, len) = split(w4);
            let slot = SlotRef {
                index,
                generation,
                offset,
                len,
            };
            Parsed::Slot(slot.check(layout)?)
        }
        _ => return Err(PeerFault::UnknownPayloadKind { kind }),
    };
    Ok((header, parsed, has_table))
}

/// The payload of a descriptor, with every field that is used checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parsed {
    Empty,
    Inline { len: u8, bytes: [u8; INLINE_MAX] },
    Slot(CheckedSlot),
}

/// An entry of the return ring.
pub(crate) fn encode_return(index: u32, generation: u32) -> u64 {
    join(index, generation).to_le()
}

/// Decodes slot index and generation of a return.
pub(crate) fn parse_return(entry: u64) -> (u32, u32) {
    split(u64::from_le(entry))
}

fn join(low: u32, high: u32) -> u64 {
    u64::from(high) << 32 | u64::from(low)
}

fn split(word: u64) -> (u32, u32) {
    (word as u32, (word >> 32) as u32)
}

const EMPTY: u8 = 0;
const INLINE: u8 = 1;
const SLOT: u8 = 2;
/// Added to the kind of a payload with attachments.
const TABLE: u8 = 128;

const NO_SLOT: SlotRef = SlotRef {
    index: 0,
    generation: 0,
    offset: 0,
    len: 0,
};

const _: () = assert!(size_of::<Entry>() == crate::layout::DESCRIPTOR);

#[cfg(test)]
mod tests {
    use rapace_layering::{assert_table, module_tables};

    #[test]
    #[cfg_attr(miri, ignore = "reads files")]
    fn the_page_has_the_fields_of_a_descriptor() {
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/src/ring/descriptor.rs");
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/memory.md");
        assert_table(page, &module_tables(source).unwrap()[0]);
    }
}

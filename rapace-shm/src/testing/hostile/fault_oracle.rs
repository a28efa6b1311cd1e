//! Checks that a fault is justified, by reading the peer's memory without the code that found the fault.

use super::peer::Scripted;
use super::received_log::ReceivedLog;
use crate::PeerFault;
use crate::layout::{HEAD, RETURN, TAIL};

/// Asserts that the peer has broken the rule that the fault names. The host has received `received` frames,
/// and nothing has changed since it found the fault.
pub(crate) fn check(fault: PeerFault, peer: &Scripted, received: u32, received_log: &ReceivedLog) {
    let word = |offset| peer.mirror.control.load(offset);
    let entry = peer.entry(received).map(u64::from_le);
    let [head, _, _, slot, bytes, ..] = entry;
    let [_, _, inline_len, kind, ..] = head.to_le_bytes();
    let has_table = kind & 128 != 0;
    let payload = payload_of(peer, &entry);
    let attached = if has_table {
        table(&payload)
    } else {
        Vec::new()
    };
    let kind = kind & 127;
    let (low, high) = (|word: u64| word as u32, |word: u64| (word >> 32) as u32);
    let (slots, capacity) = (peer.layout.slots, peer.layout.ring_capacity);
    let size = |index| peer.layout.slot(index).map(|place| place.size);
    let returned = |index: u32, generation: Option<u32>| {
        (0..peer.layout.returns_capacity).any(|place| {
            let offset = peer.layout.returns + place as usize * RETURN;
            let [entry] = peer.mirror.control.load_wide(offset);
            low(entry) == index && generation.is_none_or(|known| high(entry) == known)
        })
    };
    let names = |index| {
        let mut attached = attached.iter();
        kind == 2 && low(slot) == index || attached.any(|[named, ..]| *named == index)
    };
    let twice = |index| {
        let here = attached.iter().filter(|[named, ..]| *named == index);
        here.count() + usize::from(kind == 2 && low(slot) == index) > 1
    };
    let true_so_far = match fault {
        PeerFault::TailRanAhead { ahead, capacity: c } => {
            // A message that is still being copied was taken from the ring.
            let behind = word(TAIL).wrapping_sub(received);
            c == capacity && ahead > c && (ahead == behind || ahead == behind.wrapping_sub(1))
        }
        PeerFault::HeadOutsidePublished { head, tail } => {
            head == word(HEAD) && tail == peer.theirs.control.load(TAIL)
        }
        PeerFault::ReturnsRanAhead { ahead, capacity: c } => {
            // The oracle does not know how many the host has taken.
            c == peer.layout.returns_capacity && ahead > c
        }
        PeerFault::UnknownPayloadKind { kind: named } => {
            named & 127 == kind && (kind > 2 || has_table && kind == 0)
        }
        PeerFault::InlineTooLong { len } => kind == 1 && len == inline_len && len > 24,
        PeerFault::SlotOutOfRange { index, slots: s } => {
            s == slots && index >= slots && names(index)
        }
        PeerFault::PayloadOutsideSlot {
            offset,
            len,
            slot_size,
        } => {
            let end = u64::from(offset) + u64::from(len);
            let named = kind == 2
                && (low(bytes), high(bytes)) == (offset, len)
                && size(low(slot)) == Some(slot_size);
            let named = named
                || attached.iter().any(|&[index, _, from, bytes]| {
                    (from, bytes) == (offset, len) && size(index) == Some(slot_size)
                });
            end > u64::from(slot_size) && named
        }
        PeerFault::TableOutsidePayload { entries, len } => {
            let room = (payload.len().saturating_sub(2) / 16) as u16;
            let claims = payload.first_chunk().map_or(0, |n| u16::from_le_bytes(*n));
            has_table
                && payload.len() == len as usize
                && claims == entries
                && (len < 2 || entries > room)
        }
        PeerFault::SlotSentTwice { index } => {
            names(index) && (received_log.holds(index) || twice(index))
        }
        PeerFault::ReturnedUnknownSlot { index, slots: s } => {
            s == slots && index >= slots && returned(index, None)
        }
        PeerFault::ReturnedNotHeld { index } => index < slots && returned(index, None),
        PeerFault::ReturnedWrongGeneration {
            index,
            sent,
            returned: generation,
        } => sent != generation && returned(index, Some(generation)),
    };
    assert!(true_so_far, "{fault:?} is not what the peer did");
}

/// Returns the payload that a descriptor names, if there is one.
fn payload_of(peer: &Scripted, entry: &[u64; 8]) -> Vec<u8> {
    let [head, _, _, slot, bytes, inline @ ..] = entry;
    let [_, _, inline_len, kind, ..] = head.to_le_bytes();
    let mut payload = Vec::new();
    match kind & 127 {
        1 => payload.extend(inline.iter().flat_map(|word| word.to_le_bytes())),
        2 => {
            let (offset, len) = (*bytes as u32 as usize, (bytes >> 32) as usize);
            let place = peer.layout.slot(*slot as u32);
            let place = place.filter(|place| offset + len <= place.size as usize);
            if let Some(place) = place {
                let object = peer.mirror.object(place.object);
                object.copy_out(place.offset + offset, len, &mut payload);
            }
            return payload;
        }
        _ => {}
    }
    payload.truncate(usize::from(inline_len));
    payload
}

/// Returns the words of a table's entries, without the entries that name nothing.
fn table(payload: &[u8]) -> Vec<[u32; 4]> {
    let Some((count, rest)) = payload.split_first_chunk::<2>() else {
        return Vec::new();
    };
    let entries = rest.as_chunks::<16>().0.iter();
    let entries = entries.take(usize::from(u16::from_le_bytes(*count)));
    let entries = entries.map(|entry| {
        let word = |nth: usize| {
            entry[nth * 4..]
                .first_chunk()
                .map_or(0, |w| u32::from_le_bytes(*w))
        };
        [0, 1, 2, 3].map(word)
    });
    entries.filter(|[index, ..]| *index != u32::MAX).collect()
}

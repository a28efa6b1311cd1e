//! Whether a fault tells the truth: read from the peer's memory, without the code that found it.

use super::kept::Kept;
use super::peer::Scripted;
use crate::PeerFault;
use crate::layout::{HEAD, RETURN, TAIL};

/// Asserts that the peer has done what it is accused of. The host has received `received` frames,
/// and nothing has changed since it found the fault. What was not found in the ring, but in an
/// attachment's name, is `adopted`.
pub(crate) fn check(fault: PeerFault, peer: &Scripted, received: u32, kept: &Kept, adopted: bool) {
    let word = |offset| peer.mirror.words.load(offset);
    let entry = peer.entry(received).map(u64::from_le);
    let [head, _, _, slot, bytes, ..] = entry;
    let [_, _, inline_len, kind, ..] = head.to_le_bytes();
    let (low, high) = (|word: u64| word as u32, |word: u64| (word >> 32) as u32);
    let (slots, capacity) = (peer.layout.slots, peer.layout.ring_capacity);
    let size = |index| peer.layout.slot(index).map(|place| place.size);
    let returned = |index: u32, generation: Option<u32>| {
        (0..peer.layout.returns_capacity).any(|place| {
            let offset = peer.layout.returns + place as usize * RETURN;
            let [entry] = peer.mirror.words.load_wide(offset);
            low(entry) == index && generation.is_none_or(|known| high(entry) == known)
        })
    };
    let names = |index| adopted || kind == 2 && low(slot) == index;
    let true_so_far = match fault {
        PeerFault::TailRanAhead { ahead, capacity: c } => {
            c == capacity && ahead > c && word(TAIL).wrapping_sub(received) == ahead
        }
        PeerFault::HeadOutsidePublished { head, tail } => {
            head == word(HEAD) && tail == peer.theirs.words.load(TAIL)
        }
        PeerFault::ReturnsRanAhead { ahead, capacity: c } => {
            // How many the host has taken is its secret.
            c == peer.layout.returns_capacity && ahead > c
        }
        PeerFault::UnknownPayloadKind { kind: named } => named == kind && kind > 2,
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
            end > u64::from(slot_size) && (adopted || named)
        }
        PeerFault::SlotSentTwice { index } => names(index) && kept.holds(index),
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

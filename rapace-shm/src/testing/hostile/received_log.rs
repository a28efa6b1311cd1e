//! The frames that the host has received and holds.

use super::peer::Host;
use super::sent_log::remove;
use crate::{Received, ReceivedPayload, ReceivedSlot, Trust};

/// A received payload, and its bytes on arrival.
struct Item {
    payload: ReceivedPayload,
    then: Box<[u8]>,
}

/// All received payloads that are held.
#[derive(Default)]
pub(crate) struct ReceivedLog {
    items: Vec<Item>,
}

impl ReceivedLog {
    /// Records a frame.
    pub(crate) fn received(&mut self, host: &Host, trust: Trust, frame: Received) {
        self.keep(host, trust, frame.payload);
        for slot in frame.attachments {
            self.keep(host, trust, ReceivedPayload::Slot(slot));
        }
    }

    fn keep(&mut self, host: &Host, trust: Trust, payload: ReceivedPayload) {
        if let ReceivedPayload::Slot(slot) = &payload {
            let index = slot.slot_ref().index;
            assert!(!self.holds(index), "slot {index} is held twice");
            lies_in_its_slot(host, trust, slot);
        }
        let then = match trust {
            Trust::Untrusted => payload.as_ref().into(),
            // A trusted peer must not write what it sent; this one does.
            Trust::Trusted => Box::default(),
        };
        self.items.push(Item { payload, then });
    }

    pub(crate) fn holds(&self, index: u32) -> bool {
        let mut slots = self.items.iter().filter_map(|item| match &item.payload {
            ReceivedPayload::Slot(slot) => Some(slot.slot_ref().index),
            _ => None,
        });
        slots.any(|held| held == index)
    }

    /// Takes one out, to be dropped by the caller.
    pub(crate) fn take(&mut self, nth: u8) -> Option<ReceivedPayload> {
        let item = remove(&mut self.items, nth)?;
        item.check();
        Some(item.payload)
    }

    /// Asserts that no action of an untrusted peer has changed what was received from it.
    pub(crate) fn check(&self) {
        self.items.iter().for_each(Item::check);
    }
}

impl Item {
    fn check(&self) {
        let now = self.payload.as_ref();
        if !self.then.is_empty() {
            assert!(*now == *self.then, "a received payload has changed");
        } else if let (Some(first), Some(last)) = (now.first(), now.last()) {
            // The ends are readable. A trusted peer may have changed them.
            std::hint::black_box((*first, *last));
        }
    }
}

fn lies_in_its_slot(host: &Host, trust: Trust, slot: &ReceivedSlot) {
    let link_state = host.out.link_state();
    let named = slot.slot_ref();
    let place = link_state
        .layout
        .slot(named.index)
        .expect("there is no such slot");
    assert_eq!(slot.len(), named.len as usize);
    assert!(u64::from(named.offset) + u64::from(named.len) <= u64::from(place.size));
    let mapped = link_state.peer.object(place.object).address_range();
    let start = slot.as_ptr().addr();
    match trust {
        Trust::Untrusted => {
            assert!(slot.is_copy());
            assert!(slot.is_empty() || !mapped.contains(&start));
        }
        Trust::Trusted => {
            assert_eq!(start, mapped.start + place.offset + named.offset as usize);
            assert!(start + slot.len() <= mapped.end);
        }
    }
}

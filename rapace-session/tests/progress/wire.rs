//! What a side has read from the ring: its own account of transfers and requests, beside the session's.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use rapace_session::{Flags, Frame, FrameType};

use super::payload::charge;

/// The frames of one direction, as their receiver has read them.
#[derive(Clone, Default)]
pub(super) struct Wire(Arc<Mutex<Counts>>);

#[derive(Default)]
struct Counts {
    /// The lengths of the open transfers.
    transfers: HashMap<u32, u64>,
    /// The most that they were together, and the windows that they were granted.
    most_in_transfers: u64,
    /// The lengths of the requests without a reply, by channel and call.
    requests: HashMap<u32, BTreeMap<(u32, u32), u64>>,
    /// The channel of the last frame that opened one.
    opened: u32,
    fragments: u64,
}

/// What a transfer takes of its window at least.
const OVERHEAD: u64 = 256;

impl Wire {
    /// Counts a frame. `back` is the other direction.
    pub(super) fn count(&self, frame: &Frame, back: &Self) {
        let header = frame.header;
        let call = (header.call.index, header.call.generation);
        let mut counts = self.0.lock().unwrap();
        let len = match header.flags.has(Flags::FRAGMENTED) {
            true => counts.take_transfers(frame),
            false => frame.carried(),
        };
        match header.frame_type {
            FrameType::Open => counts.opened = header.channel.0,
            FrameType::Fragment => {
                counts.fragments += 1;
                let length = header.credits.into();
                counts.transfers.insert(header.method, length);
                counts.most_in_transfers = counts.most_in_transfers.max(counts.in_transfers());
            }
            FrameType::DropFragments => drop(counts.transfers.remove(&header.method)),
            FrameType::Request => {
                let requests = counts.requests.entry(header.channel.0).or_default();
                assert_eq!(requests.insert(call, len), None, "a call twice");
            }
            FrameType::Reply => {
                drop(counts);
                let mut back = back.0.lock().unwrap();
                back.requests.values_mut().for_each(|requests| {
                    requests.remove(&call);
                });
            }
            _ => {}
        }
    }

    pub(super) fn opened(&self) -> u32 {
        self.0.lock().unwrap().opened
    }

    /// How many fragments were read.
    pub(super) fn fragments(&self) -> u64 {
        self.0.lock().unwrap().fragments
    }

    pub(super) fn open_transfers(&self) -> usize {
        self.0.lock().unwrap().transfers.len()
    }

    pub(super) fn most_in_transfers(&self) -> u64 {
        self.0.lock().unwrap().most_in_transfers
    }

    /// How many requests of a channel have no reply, and what they take of a window.
    pub(super) fn without_reply(&self, channel: u32, window: u64) -> (usize, u64) {
        let counts = self.0.lock().unwrap();
        let requests = counts.requests.get(&channel);
        let lengths = requests.into_iter().flat_map(BTreeMap::values);
        let count = lengths.clone().count();
        (count, lengths.map(|len| charge(*len, window)).sum())
    }
}

impl Counts {
    fn in_transfers(&self) -> u64 {
        self.transfers.values().map(|len| OVERHEAD.max(*len)).sum()
    }

    /// Removes the transfers that a frame takes. Returns what the frame carries with them.
    fn take_transfers(&mut self, frame: &Frame) -> u64 {
        let bytes = frame.payload.bytes();
        if !frame.header.flags.has(Flags::BLOBS) {
            // A whole payload. If it has a table, which of its buffers are transfers is inside of it: they are the
            // numbers that follow, since a payload takes its numbers together.
            let first = u32::from_le_bytes(bytes[..4].try_into().expect("a number"));
            let mut carried = self.take(first);
            if bytes[4] == 1 {
                carried += self.take(first + 1);
            }
            return carried;
        }
        let entries = u16::from_le_bytes([bytes[0], bytes[1]]);
        let mut carried = frame.carried();
        for entry in bytes[2..].chunks(16).take(entries.into()) {
            if entry.starts_with(&[255; 4]) && entry[7] == 128 {
                carried += self.take(u32::from_le_bytes(entry[8..12].try_into().expect("four")));
            }
        }
        carried
    }

    fn take(&mut self, id: u32) -> u64 {
        self.transfers.remove(&id).expect("an open transfer")
    }
}

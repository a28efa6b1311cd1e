//! What a side has read from the ring: its own account of transfers and requests, beside the session's.

use std::collections::{HashMap, HashSet, VecDeque};
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
    /// The requests without a reply, and those that no handler has taken, by channel.
    unanswered: HashMap<u32, HashSet<Call>>,
    queued: HashMap<u32, VecDeque<Queued>>,
    /// The channel of the last frame that opened one.
    opened: u32,
    fragments: u64,
}

/// An entry of the call table, and its generation.
type Call = (u32, u32);

struct Queued {
    call: Call,
    /// What it takes of the window, unless it was cancelled.
    bytes: u64,
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
                let unanswered = counts.unanswered.entry(header.channel.0).or_default();
                assert!(unanswered.insert(call), "a call twice");
                let queued = counts.queued.entry(header.channel.0).or_default();
                let bytes = charge(len);
                queued.push_back(Queued { call, bytes });
            }
            FrameType::Cancel => {
                let queued = counts.queued.values_mut().flatten();
                for request in queued.filter(|request| request.call == call) {
                    request.bytes = 0;
                }
            }
            FrameType::Reply => {
                drop(counts);
                let mut back = back.0.lock().unwrap();
                back.unanswered.values_mut().for_each(|calls| {
                    calls.remove(&call);
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

    /// How many requests of a channel have no reply.
    pub(super) fn unanswered(&self, channel: u32) -> usize {
        let counts = self.0.lock().unwrap();
        counts.unanswered.get(&channel).map_or(0, HashSet::len)
    }

    /// Records that the oldest request of a channel was taken from its queue.
    pub(super) fn dequeue(&self, channel: u32) {
        let mut counts = self.0.lock().unwrap();
        let queued = counts.queued.get_mut(&channel);
        let taken = queued.and_then(VecDeque::pop_front);
        assert!(taken.is_some(), "a request that was not read");
    }

    /// What the requests in the queue of a channel take of its window, and the largest of them.
    pub(super) fn queued(&self, channel: u32) -> (u64, u64) {
        let counts = self.0.lock().unwrap();
        let bytes = counts.queued.get(&channel).into_iter().flatten();
        let bytes = bytes.map(|request| request.bytes);
        (bytes.clone().sum(), bytes.max().unwrap_or(0))
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

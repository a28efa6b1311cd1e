//! What the peer has sent and read, and what it may rely on whatever it does itself.
//!
//! - AC1: the first frame of this side is a hello or a refusal, and until its welcome it sends nothing else but the end.
//! - AC2: nothing follows the frame that ends the session, so there is one at most.
//! - AC3: this side sends no request and no item without a credit, and no fragments past the peer's window.
//! - AC4: a reply answers a request that has none.

use std::collections::{HashMap, VecDeque};

use rapace_session::{CallId, ChannelId, Flags, Frame, FrameType, Header, Hello};

/// The account of one peer.
#[derive(Debug, Default)]
pub(crate) struct Account {
    greeted: bool,
    welcomed: bool,
    over: bool,
    /// By channel: credits for requests, and for items beyond the window of a stream.
    requests: HashMap<ChannelId, Credits>,
    items: HashMap<ChannelId, Credits>,
    /// The largest windows that a hello of the peer has granted.
    stream_window: u64,
    fragment_window: u64,
    /// What each open transfer takes of the window.
    transfers: HashMap<u32, u64>,
    /// How many requests of the peer have streams.
    pub(crate) streams: usize,
    /// Requests of the peer that have no reply.
    asked: HashMap<CallId, u32>,
    /// What this side waits for.
    pub(crate) unanswered: VecDeque<Header>,
    pub(crate) openings: VecDeque<ChannelId>,
    pub(crate) items_read: VecDeque<ChannelId>,
    pub(crate) stopped: VecDeque<ChannelId>,
    pub(crate) closing: VecDeque<ChannelId>,
}

#[derive(Debug, Default)]
struct Credits {
    granted: u64,
    used: u64,
}

impl Account {
    /// Records a frame that the peer sends.
    pub(crate) fn sent(&mut self, frame: &Frame) {
        let header = frame.header;
        let credits = u64::from(header.credits);
        match header.frame_type {
            FrameType::Hello => self.granted_by_hello(frame.payload.bytes()),
            FrameType::Opened | FrameType::Reply => {
                self.requests.entry(header.channel).or_default().granted += credits;
            }
            FrameType::Credit => {
                self.requests.entry(header.channel).or_default().granted += credits;
                self.items.entry(header.channel).or_default().granted += credits;
            }
            FrameType::Request => {
                self.streams += usize::from(header.flags.streams());
                *self.asked.entry(header.call).or_default() += 1;
            }
            _ => {}
        }
    }

    fn granted_by_hello(&mut self, payload: &[u8]) {
        let body = payload.get(8..).unwrap_or_default();
        if let Ok(hello) = rapace_codec::from_slice::<Hello>(body, &[]) {
            self.stream_window = self.stream_window.max(hello.stream_window.into());
            let fragments = hello.fragment_window_bytes.into();
            self.fragment_window = self.fragment_window.max(fragments);
        }
    }

    /// Records a frame that the peer reads.
    pub(crate) fn read(&mut self, frame: &Frame) {
        let header = frame.header;
        assert!(!self.over, "{frame:?} after the end"); // AC2
        self.is_in_order(header.frame_type);
        if header.flags.has(Flags::FRAGMENTED) {
            self.take_transfers(frame);
        }
        match header.frame_type {
            FrameType::Open => self.openings.push_back(header.channel),
            FrameType::Request => {
                let credits = self.requests.entry(header.channel).or_default();
                credits.used += 1;
                assert!(credits.used <= credits.granted, "{header:?}: no credit"); // AC3
                self.unanswered.push_back(header);
            }
            FrameType::Item => {
                let openings = match header.channel.0 % 2 {
                    // This side uses each of its numbers once.
                    1 => 1,
                    _ => self.streams as u64,
                };
                let credits = self.items.entry(header.channel).or_default();
                credits.used += 1;
                let granted = credits.granted + openings * self.stream_window;
                assert!(credits.used <= granted, "{header:?}: no credit"); // AC3
                self.items_read.push_back(header.channel);
            }
            FrameType::Reply => {
                let asked = self.asked.get_mut(&header.call);
                let asked = asked.filter(|asked| **asked > 0);
                *asked.unwrap_or_else(|| panic!("{header:?} answers no request")) -= 1; // AC4
            }
            FrameType::Fragment => {
                let takes = u64::from(header.credits).max(LEAST);
                self.transfers.insert(header.method, takes);
                let all = self.transfers.values().sum::<u64>();
                assert!(all <= self.fragment_window, "{all} bytes in fragments"); // AC3
            }
            FrameType::DropFragments => drop(self.transfers.remove(&header.method)),
            FrameType::Stop => self.stopped.push_back(header.channel),
            FrameType::CloseChannel => self.closing.push_back(header.channel),
            _ => {}
        }
    }

    /// AC1
    fn is_in_order(&mut self, frame_type: FrameType) {
        match frame_type {
            FrameType::Refuse | FrameType::Close => self.over = true,
            FrameType::Hello => assert!(!std::mem::replace(&mut self.greeted, true)),
            FrameType::Welcome => {
                assert!(self.greeted && !std::mem::replace(&mut self.welcomed, true));
            }
            _ => assert!(self.welcomed, "{frame_type:?} before the welcome"),
        }
    }

    /// Removes the transfers that a frame takes.
    fn take_transfers(&mut self, frame: &Frame) {
        let bytes = frame.payload.bytes();
        let number = |bytes: &[u8]| Some(u32::from_le_bytes(*bytes.first_chunk()?));
        if !frame.header.flags.has(Flags::BLOBS) {
            let id = number(bytes).expect("the number of a transfer");
            self.transfers.remove(&id).expect("an open transfer");
            // A message of this side has one buffer at most. It has the next number, if it travels in fragments too.
            if bytes[4] == 1 {
                self.transfers.remove(&id.wrapping_add(1));
            }
            return;
        }
        let count = u16::from_le_bytes([bytes[0], bytes[1]]);
        let (entries, _) = bytes[2..].as_chunks::<16>();
        for entry in entries.iter().take(count.into()) {
            if entry.starts_with(&[255; 4]) && entry[7] == 128 {
                let id = number(&entry[8..]).expect("four bytes");
                self.transfers.remove(&id).expect("an open transfer");
            }
        }
    }
}

/// The least that a transfer takes of its window.
const LEAST: u64 = 256;

//! The sizes of the sessions, and how much memory a peer may make this side hold.
//!
//! What it may hold is what was granted to it: the first windows of its streams and channels, the budget by which they
//! grow, the fragment window, one message more in each flow, and a bounded amount beside each stream, channel and call.
//! The sizes are small, and items and calls many, so that a window in bytes that nobody checks is noticed.

use std::time::Duration;

use rapace_session::SessionConfig;
use rapace_session::transport::memory::MemoryConfig;

pub(crate) const MAX_PAYLOAD: usize = 8 << 10;
/// Buffers of a frame, at most.
pub(crate) const MOST_BUFFERS: u8 = 2;
pub(crate) const CALL_TABLE: u32 = 128;
/// The calls that a service takes on a channel.
pub(crate) const SERVICE_WINDOW: u32 = 64;
/// The windows of a peer that never uses them up.
pub(crate) const WIDE: u32 = 1 << 16;

const STREAM_ITEMS: u32 = 64;
const FIRST: u32 = 4 << 10;
const MOST: u32 = 16 << 10;
const BUDGET: u32 = 16 << 10;
pub(crate) const FRAGMENTS: u32 = 32 << 10;

pub(crate) fn transport() -> MemoryConfig {
    MemoryConfig {
        capacity: 64,
        call_table: CALL_TABLE,
        max_payload: MAX_PAYLOAD,
    }
}

pub(crate) fn config() -> SessionConfig {
    let mut config = SessionConfig::new("here");
    config.stream_window = STREAM_ITEMS;
    config.stream_initial_bytes = FIRST;
    config.stream_window_bytes = MOST;
    config.request_initial_bytes = FIRST;
    config.request_window_bytes = MOST;
    config.window_budget_bytes = BUDGET.into();
    config.fragment_window_bytes = FRAGMENTS;
    config.heartbeat = Duration::from_secs(1);
    config
}

/// What takes memory in a run.
#[derive(Debug, Default)]
pub(crate) struct Held {
    /// Bytes of the frames that the peer has put on the ring since this side ran last, and their number.
    pub(crate) on_ring: usize,
    pub(crate) frames_on_ring: usize,
    /// The largest message of the peer.
    pub(crate) largest: usize,
    /// Channels that the peer has tried to open, and requests with streams that it has sent.
    pub(crate) channels: usize,
    pub(crate) streams: usize,
    /// Requests of the peer, and those whose reply holds their buffers until it is sent.
    pub(crate) requests: usize,
    pub(crate) returns: usize,
    /// Frames of the peer that may each cause an answer, which waits if the peer does not read.
    pub(crate) asked: usize,
    /// Calls, streams and openings of this side, and the bytes that they send.
    pub(crate) own: usize,
    pub(crate) own_bytes: usize,
    /// Bytes that this side keeps on purpose.
    pub(crate) kept: usize,
}

impl Held {
    /// Records that this side has read everything.
    pub(crate) fn ring_is_empty(&mut self) {
        self.on_ring = 0;
        self.frames_on_ring = 0;
    }

    /// The most bytes that may be in use.
    pub(crate) fn bound(&self) -> usize {
        let flow = FIRST as usize + self.largest;
        let at_once = |calls: usize| calls.min(CALL_TABLE as usize);
        // A handler takes what it needs from its arguments before it waits: one of them at a time has some.
        let calls =
            at_once(self.requests) * CALL + (at_once(self.returns) + HANDLED) * self.largest;
        FIXED
            + 2 * (self.on_ring + self.frames_on_ring * FRAME)
            + FRAGMENTS as usize
            + BUDGET as usize
            + calls
            + self.channels * (flow + CHANNEL)
            + self.streams * (flow + STREAM)
            + self.asked * ANSWER
            + self.own * (OWN + self.largest)
            + 2 * self.own_bytes
            + self.kept
    }
}

/// The actors of a session, their mailboxes, the ring, maps.
const FIXED: usize = 96 << 10;
/// A frame that waits, without its payload.
const FRAME: usize = 512;
/// A call of the peer, and the task that handles it.
const CALL: usize = 4 << 10;
/// The arguments of a handler, the value that it reads from them, and the reply.
const HANDLED: usize = 3;
const CHANNEL: usize = 2 << 10;
/// A stream, its actor, and the items in its window.
const STREAM: usize = (12 << 10) + STREAM_ITEMS as usize * FRAME;
/// A frame of this side with a text.
const ANSWER: usize = 512;
/// A call of this side with a stream and a task.
const OWN: usize = 24 << 10;

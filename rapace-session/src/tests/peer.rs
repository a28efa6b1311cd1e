//! The other side of a modelled session: a small ring, and a peer that checks what it reads.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use futures_util::future::BoxFuture;
use rapace_codec::{Blob, BlobMut};

use super::baton::{Dice, turn};
use crate::transport::{AllocateError, BLOB_REF, Closed, Lane, SendError, StartState, Transport};
use crate::wire::frame::{CallId, Frame, FrameType, Header, Payload, Status};

/// Frames that the ring holds; one entry is reserved for the priority lane.
pub(super) const RING: usize = 3;
/// Calls that may be under way at once, and those that a channel's window allows.
pub(super) const TABLE: u32 = 3;
pub(super) const WINDOW: u32 = 2;

/// What is known of one call, whatever sessions it was in.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Times that it ran.
    pub(super) begun: u32,
    /// Its caller's future is gone, without an outcome of the call's.
    pub(super) left: bool,
}

/// What is known of all calls, by number.
pub(super) type Calls = Arc<Mutex<HashMap<u32, Known>>>;

pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One session's ring, and the peer behind it.
pub(super) struct Ring {
    state: Mutex<State>,
    calls: Calls,
}

struct State {
    frames: VecDeque<Frame>,
    closed: bool,
    /// The peer runs nothing any more.
    dead: bool,
    /// The peer has read that the channel is closed.
    channel_closed: bool,
    start_markers: HashMap<u32, u32>,
    /// Requests without a reply, by entry.
    open: HashMap<u32, Request>,
    /// The last use of each entry.
    used: HashMap<u32, u32>,
    /// Requests whose caller left while they were put on the ring: a cancel has to follow.
    owed: Vec<CallId>,
    dice: Dice,
}

struct Request {
    header: Header,
    begun: bool,
    cancelled: bool,
}

/// What the peer does next.
pub(super) enum Act {
    Nothing,
    Reply(Frame),
}

impl Ring {
    pub(super) fn new(seed: u64, calls: &Calls) -> Self {
        Self {
            state: Mutex::new(State {
                frames: VecDeque::new(),
                closed: false,
                dead: false,
                channel_closed: false,
                start_markers: HashMap::new(),
                open: HashMap::new(),
                used: HashMap::new(),
                owed: Vec::new(),
                dice: Dice::new(seed),
            }),
            calls: Arc::clone(calls),
        }
    }

    pub(super) fn die(&self) {
        locked(&self.state).dead = true;
    }

    pub(super) fn is_dead(&self) -> bool {
        locked(&self.state).dead
    }

    /// Whether all that was sent was read and answered.
    pub(super) fn is_done(&self) -> bool {
        let state = locked(&self.state);
        state.frames.is_empty() && state.open.is_empty()
    }

    /// Whether the peer was told of each caller that left before its answer.
    pub(super) fn is_told(&self) -> bool {
        locked(&self.state).owed.is_empty()
    }

    /// A step of the peer's: it reads a frame, begins a call, or answers one.
    pub(super) fn act(&self) -> Act {
        let mut state = locked(&self.state);
        if state.dead {
            return Act::Nothing;
        }
        if state.dice.one_in(2)
            && let Some(frame) = state.frames.pop_front()
        {
            state.read(&frame.header);
            return Act::Nothing;
        }
        if state.open.is_empty() {
            return Act::Nothing;
        }
        let mut entries = state.open.keys().copied().collect::<Vec<_>>();
        entries.sort_unstable();
        let entry = entries[state.dice.below(entries.len())];
        let begins = !state.open[&entry].begun && !state.open[&entry].cancelled;
        if begins {
            let header = state.open[&entry].header;
            state.start_markers.insert(entry, header.call.generation);
            state.open.entry(entry).and_modify(|it| it.begun = true);
            let mut calls = locked(&self.calls);
            let known = calls.entry(header.method).or_default();
            known.begun += 1;
            assert_eq!(known.begun, 1, "call {} runs again", header.method);
            return Act::Nothing;
        }
        let request = state.open.remove(&entry).expect("it was just seen");
        state.owed.retain(|call| *call != request.header.call);
        let mut header = Header::new(FrameType::Reply, request.header.channel);
        header.call = request.header.call;
        header.credits = 1;
        let mut reply = Frame::bare(header);
        if !request.begun {
            reply.header.method = Status::Failed as u32;
            // It was cancelled.
            reply.payload = Payload::inline(&[3]).expect("one byte");
        }
        Act::Reply(reply)
    }
}

impl State {
    fn read(&mut self, header: &Header) {
        let call = header.call;
        match header.frame_type {
            FrameType::Request => {
                assert!(!self.channel_closed, "a request after the channel's close");
                let before = self.used.insert(call.index, call.generation);
                assert_ne!(before, Some(call.generation), "an entry's use came twice");
                let request = Request {
                    header: *header,
                    begun: false,
                    cancelled: false,
                };
                let before = self.open.insert(call.index, request);
                assert!(before.is_none(), "an entry used again before its reply");
                assert!(
                    self.open.len() <= WINDOW as usize,
                    "a request without credit"
                );
            }
            FrameType::Cancel => {
                let used = self.used.get(&call.index);
                assert!(
                    used.is_some_and(|generation| *generation >= call.generation),
                    "a cancel before its request"
                );
                if let Some(request) = self.open.get_mut(&call.index)
                    && request.header.call == call
                {
                    request.cancelled = true;
                }
            }
            FrameType::CloseChannel => {
                assert!(!self.channel_closed, "a channel is closed twice");
                assert!(self.open.is_empty(), "a channel is closed with calls on it");
                self.channel_closed = true;
            }
            _ => {}
        }
    }
}

impl Transport for Ring {
    fn send(&self, frame: &Frame, lane: Lane) -> Result<(), SendError> {
        let header = &frame.header;
        if header.frame_type == FrameType::Request {
            // Who sends has just seen that it is wanted.
            let left = self.is_left(header.method);
            assert!(!left, "{} is sent although its caller left", header.method);
        }
        turn();
        let sent = self.push(frame, lane);
        turn();
        sent
    }

    fn ready(&self, lane: Lane) -> BoxFuture<'_, Result<(), Closed>> {
        Box::pin(std::future::poll_fn(move |_| {
            let state = locked(&self.state);
            match (state.closed, state.frames.len() < limit(lane)) {
                (true, _) => Poll::Ready(Err(Closed)),
                (false, true) => Poll::Ready(Ok(())),
                // Whoever waits is polled again and again.
                (false, false) => Poll::Pending,
            }
        }))
    }

    fn try_allocate(&self, len: usize, _: Lane) -> Result<BlobMut, AllocateError> {
        Ok(BlobMut::zeroed(len))
    }

    fn allocate(&self, len: usize, lane: Lane) -> BoxFuture<'_, Result<BlobMut, AllocateError>> {
        Box::pin(async move { self.try_allocate(len, lane) })
    }

    fn reference(&self, _: &Blob, _: &[Blob]) -> Option<[u8; BLOB_REF]> {
        Some([0; BLOB_REF])
    }

    fn holds_at_once(&self, _: &[usize], _: Lane) -> bool {
        true
    }

    fn mark_started(&self, _: CallId) {}

    fn start_state(&self, call: CallId) -> StartState {
        match locked(&self.state).start_markers.get(&call.index) {
            Some(generation) if *generation == call.generation => StartState::Begun,
            _ => StartState::NotBegun,
        }
    }

    fn send_heartbeat(&self) {}

    fn peer_heartbeats(&self) -> Option<u32> {
        None
    }

    fn close(&self) {
        turn();
        locked(&self.state).closed = true;
    }

    fn max_payload(&self) -> usize {
        1 << 16
    }

    fn call_table(&self) -> u32 {
        TABLE
    }
}

impl Ring {
    fn is_left(&self, call: u32) -> bool {
        locked(&self.calls).entry(call).or_default().left
    }

    fn push(&self, frame: &Frame, lane: Lane) -> Result<(), SendError> {
        let mut state = locked(&self.state);
        let header = &frame.header;
        if state.closed {
            return Err(SendError::Closed);
        }
        if state.frames.len() >= limit(lane) {
            return Err(SendError::Full);
        }
        if header.frame_type == FrameType::Request {
            if state.dice.one_in(12) {
                return Err(SendError::InFlight);
            }
            if self.is_left(header.method) {
                state.owed.push(header.call);
            }
        }
        if header.frame_type == FrameType::Cancel {
            state.owed.retain(|call| *call != header.call);
        }
        state.frames.push_back(frame.clone());
        Ok(())
    }
}

fn limit(lane: Lane) -> usize {
    match lane {
        Lane::Data => RING - 1,
        Lane::Priority => RING,
    }
}

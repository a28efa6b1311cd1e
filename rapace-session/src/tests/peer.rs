//! The other side of a modelled session: a small ring, and a peer that checks the frames that it
//! reads.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use futures_util::future::BoxFuture;
use rapace_codec::{Blob, BlobMut};

use super::baton::{Rng, turn};
use crate::transport::{AllocateError, BLOB_REF, Closed, Lane, SendError, StartState, Transport};
use crate::wire::frame::{CallId, Frame, FrameType, Header, Payload, Status};

/// Capacity of the ring in frames. One entry is reserved for the priority lane.
pub(super) const RING: usize = 3;
/// The size of the call table, and the window of a channel.
pub(super) const TABLE: u32 = 3;
pub(super) const WINDOW: u32 = 2;

/// The history of a call, across sessions.
#[derive(Debug, Default)]
pub(super) struct CallHistory {
    /// How often it ran.
    pub(super) begun: u32,
    /// Whether its caller cancelled.
    pub(super) left: bool,
}

/// The history of all calls, by number.
pub(super) type Calls = Arc<Mutex<HashMap<u32, CallHistory>>>;

pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The ring of a session, and its peer.
pub(super) struct Ring {
    state: Mutex<State>,
    calls: Calls,
}

struct State {
    frames: VecDeque<Frame>,
    closed: bool,
    /// The peer begins no more calls.
    dead: bool,
    /// The peer has read that the channel is closed.
    channel_closed: bool,
    start_markers: HashMap<u32, u32>,
    /// Requests that have no reply yet, by entry.
    open: HashMap<u32, Request>,
    /// The last use of each entry.
    used: HashMap<u32, u32>,
    /// Requests that were cancelled while they were put on the ring: a cancellation must follow.
    owed: Vec<CallId>,
    rng: Rng,
}

struct Request {
    header: Header,
    begun: bool,
    cancelled: bool,
}

/// The next step of the peer.
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
                rng: Rng::new(seed),
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

    /// Whether all frames were read and all requests have a reply.
    pub(super) fn is_done(&self) -> bool {
        let state = locked(&self.state);
        state.frames.is_empty() && state.open.is_empty()
    }

    /// Whether a cancellation was sent for each call that was cancelled before its reply.
    pub(super) fn has_sent_cancellations(&self) -> bool {
        locked(&self.state).owed.is_empty()
    }

    /// Runs a step of the peer: it reads a frame, begins a call, or replies.
    pub(super) fn act(&self) -> Act {
        let mut state = locked(&self.state);
        if state.dead {
            return Act::Nothing;
        }
        if state.rng.one_in(2)
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
        let entry = entries[state.rng.below(entries.len())];
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
            // The call was cancelled.
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
            // The sender has just checked that the call is wanted.
            let left = self.is_left(header.method);
            assert!(!left, "{} is sent although it was cancelled", header.method);
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
                // Waiters are polled repeatedly.
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

    fn max_fragment(&self) -> usize {
        64
    }

    fn try_allocate_fragment(&self, len: usize, lane: Lane) -> Result<BlobMut, AllocateError> {
        self.try_allocate(len, lane)
    }

    fn allocate_fragment(
        &self,
        len: usize,
        lane: Lane,
    ) -> BoxFuture<'_, Result<BlobMut, AllocateError>> {
        self.allocate(len, lane)
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
            if state.rng.one_in(12) {
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

//! The in-process transport: two queues of frames, with buffers that are passed by reference count.
//!
//! It keeps the same guarantees of [`Transport`] as shared memory, capacity reserved for replies
//! and start markers included, so that tests on it are meaningful for shared memory too.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use futures_util::future::BoxFuture;
use rapace_codec::{Blob, BlobMut};
use tokio::sync::Notify;
use tokio::task::coop;

use crate::transport::{
    AllocateError, BLOB_REF, Closed, Disconnected, Endpoint, Incoming, Lane, SendError, Side,
    StartState, Transport,
};
use crate::wire::frame::{CallId, Frame, Payload};

/// Sizes of an in-process transport.
#[derive(Clone, Copy, Debug)]
pub struct MemoryConfig {
    /// Capacity of each direction in frames. Default 1024, as in a ring.
    pub capacity: usize,
    /// Entries in each side's call table. Default 1024.
    pub call_table: u32,
    /// Most bytes of a payload or buffer. Default 64 MiB, as in a slab.
    pub max_payload: usize,
}

impl Default for MemoryConfig {
    fn default() -> Self {
        Self {
            capacity: 1024,
            call_table: 1024,
            max_payload: 64 << 20,
        }
    }
}

/// Makes two connected ends.
#[must_use]
pub fn pair(config: MemoryConfig) -> (Endpoint, Endpoint) {
    let there = Arc::new(Queue::new(config));
    let back = Arc::new(Queue::new(config));
    (
        endpoint(&there, &back, config, Side::Creator),
        endpoint(&back, &there, config, Side::Joiner),
    )
}

fn endpoint(out: &Arc<Queue>, back: &Arc<Queue>, config: MemoryConfig, side: Side) -> Endpoint {
    Endpoint {
        transport: Arc::new(Memory {
            out: Arc::clone(out),
            back: Arc::clone(back),
            config,
            heartbeats: AtomicU32::new(0),
        }),
        incoming: Box::new(MemoryIncoming {
            queue: Arc::clone(back),
        }),
        side,
    }
}

/// One direction: frames, and the receiver's start markers for the sender's calls.
struct Queue {
    frames: Mutex<Frames>,
    room: Notify,
    closed: AtomicBool,
    start_markers: Vec<AtomicU32>,
    capacity: usize,
}

#[derive(Default)]
struct Frames {
    waiting: VecDeque<Frame>,
    reader: Option<Waker>,
    /// The sending end is closed: no frame will follow.
    sender_gone: bool,
    /// The receiving end is closed: no frame will be read.
    receiver_gone: bool,
}

impl Queue {
    fn new(config: MemoryConfig) -> Self {
        Self {
            frames: Mutex::default(),
            room: Notify::new(),
            closed: AtomicBool::new(false),
            start_markers: (0..config.call_table).map(|_| AtomicU32::new(0)).collect(),
            capacity: config.capacity.max(8),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Frames> {
        self.frames.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn limit(&self, lane: Lane) -> usize {
        match lane {
            Lane::Data => self.capacity - self.capacity / 8,
            Lane::Priority => self.capacity,
        }
    }

    fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    fn close(&self, by_sender: bool) {
        let mut frames = self.lock();
        if by_sender {
            frames.sender_gone = true;
        } else {
            frames.receiver_gone = true;
        }
        let reader = frames.reader.take();
        drop(frames);
        self.closed.store(true, Ordering::Release);
        self.room.notify_waiters();
        if let Some(reader) = reader {
            reader.wake();
        }
    }
}

struct Memory {
    out: Arc<Queue>,
    back: Arc<Queue>,
    config: MemoryConfig,
    heartbeats: AtomicU32,
}

impl Transport for Memory {
    fn send(&self, frame: &Frame, lane: Lane) -> Result<(), SendError> {
        if let Payload::Fragmented(parts) = &frame.payload {
            let sent = frame.send_after_fragments(parts, |frame| self.send(frame, lane));
            return sent.unwrap_or(Err(SendError::InFlight));
        }
        let mut frames = self.out.lock();
        if self.out.is_closed() {
            return Err(SendError::Closed);
        }
        if frames.waiting.len() >= self.out.limit(lane) {
            return Err(SendError::Full);
        }
        frames.waiting.push_back(frame.clone());
        let reader = frames.reader.take();
        drop(frames);
        if let Some(reader) = reader {
            reader.wake();
        }
        Ok(())
    }

    fn ready(&self, lane: Lane) -> BoxFuture<'_, Result<(), Closed>> {
        Box::pin(coop::cooperative(async move {
            loop {
                let room = self.out.room.notified();
                tokio::pin!(room);
                room.as_mut().enable();
                if self.out.is_closed() {
                    return Err(Closed);
                }
                if self.out.lock().waiting.len() < self.out.limit(lane) {
                    return Ok(());
                }
                room.await;
            }
        }))
    }

    fn try_allocate(&self, len: usize, _: Lane) -> Result<BlobMut, AllocateError> {
        if self.out.is_closed() {
            return Err(AllocateError::Closed);
        }
        if len > self.config.max_payload {
            return Err(AllocateError::TooLarge {
                len,
                max: self.config.max_payload,
            });
        }
        BlobMut::try_zeroed(len).map_err(|_| AllocateError::TooLarge {
            len,
            max: self.config.max_payload,
        })
    }

    fn allocate(&self, len: usize, lane: Lane) -> BoxFuture<'_, Result<BlobMut, AllocateError>> {
        Box::pin(async move { self.try_allocate(len, lane) })
    }

    fn reference(&self, blob: &Blob, _: &[Blob]) -> Option<[u8; BLOB_REF]> {
        // The frame carries the buffer itself; the table only has the number of buffers. A buffer
        // that is too large is refused when the caller tries to copy it.
        (blob.len() <= self.config.max_payload).then_some([0; BLOB_REF])
    }

    fn max_fragment(&self) -> usize {
        FRAGMENT.min(self.config.max_payload)
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

    fn mark_started(&self, call: CallId) {
        if let Some(mark) = self.back.start_markers.get(call.index as usize) {
            mark.store(call.generation, Ordering::Release);
        }
    }

    fn start_state(&self, call: CallId) -> StartState {
        match self.out.start_markers.get(call.index as usize) {
            Some(mark) if mark.load(Ordering::Acquire) == call.generation => StartState::Begun,
            Some(_) => StartState::NotBegun,
            None => StartState::Unknown,
        }
    }

    fn send_heartbeat(&self) {
        self.heartbeats.fetch_add(1, Ordering::Relaxed);
    }

    fn peer_heartbeats(&self) -> Option<u32> {
        None
    }

    fn close(&self) {
        self.out.close(true);
        self.back.close(false);
    }

    fn max_payload(&self) -> usize {
        self.config.max_payload
    }

    fn call_table(&self) -> u32 {
        self.config.call_table
    }
}

/// Most bytes of a fragment, as over shared memory.
const FRAGMENT: usize = rapace_shm::FRAGMENT_SIZE as usize;

impl Drop for Memory {
    fn drop(&mut self) {
        self.close();
    }
}

struct MemoryIncoming {
    queue: Arc<Queue>,
}

impl Incoming for MemoryIncoming {
    fn poll_recv(
        &mut self,
        cx: &mut Context<'_>,
        batch: &mut Vec<Frame>,
        max: usize,
    ) -> Poll<Result<usize, Disconnected>> {
        let mut frames = self.queue.lock();
        if frames.receiver_gone {
            return Poll::Ready(Err(Disconnected::Closed));
        }
        let taken = frames.waiting.len().min(max);
        if taken == 0 {
            if frames.sender_gone {
                return Poll::Ready(Err(Disconnected::PeerGone));
            }
            let before = frames.reader.replace(cx.waker().clone());
            drop(frames);
            drop(before); // After the lock: dropping a waker may run any code.
            return Poll::Pending;
        }
        batch.extend(frames.waiting.drain(..taken));
        drop(frames);
        self.queue.room.notify_waiters();
        Poll::Ready(Ok(taken))
    }
}

//! Sending of buffers in fragments.
//!
//! - FM1: each lane has a task that sends its fragments. Payloads take turns, a fragment each, so a
//!   short one does not wait for a long one. The task ends when nothing is left to send.
//!   It runs on the session's runtime, since that of a caller may end before other callers do.
//! - FM2: sending a fragment waits for a slot that no user can keep, and for room on the ring. Both
//!   come back with the next turn of the peer's reader, so a fragment waits for nothing that a user
//!   holds.
//! - FM3: a payload takes its part of the peer's window before its first fragment, and gives it back
//!   when its frame is on the ring. If it is given up before, the peer is told first. So the
//!   peer never sees more than its window.
//! - FM4: reading a buffer may run user code. A panic there fails the payload, and no other.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use rapace_codec::{Blob, guarded};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::link::byte_window::{ByteWindow, Charge};
use crate::link::payload_error::{PayloadError, panicked};
use crate::link::reassembly::cost;
use crate::transport::{AllocateError, Lane, SendError, Transport};
use crate::wire::frame::{ChannelId, Frame, FrameType, Header, OpenTransfers, Payload};
use crate::wire::transfer::TransferId;

/// Sends buffers in fragments, over one transport.
pub(crate) struct Fragmenter {
    sending: Arc<Sending>,
}

struct Sending {
    transport: Arc<dyn Transport>,
    peer: OnceLock<Peer>,
    next: AtomicU32,
    data: Mutex<Queue>,
    priority: Mutex<Queue>,
}

/// What is known from the handshake.
struct Peer {
    name: Box<str>,
    /// What the peer allows, from its hello.
    window: Arc<ByteWindow>,
    size: u32,
    /// The session's runtime.
    runtime: Handle,
}

/// The payloads of a lane that are being sent.
#[derive(Default)]
struct Queue {
    work: VecDeque<Work>,
    /// Whether there is a task (FM1).
    runs: bool,
    /// Whether the session is over.
    closed: bool,
}

enum Work {
    Send(Outgoing),
    /// Tells the peer that no frame will take these transfers, then frees their window (FM3).
    Drop(Vec<TransferId>, Charge),
}

/// Buffers of one payload.
struct Outgoing {
    transfers: VecDeque<(TransferId, Blob)>,
    /// The bytes of the first buffer that are sent.
    sent: usize,
    given_up: Arc<AtomicBool>,
    done: oneshot::Sender<Result<(), PayloadError>>,
}

/// The numbers of a payload's transfers, and its part of the window.
pub(crate) struct Numbers {
    sending: Arc<Sending>,
    lane: Lane,
    ids: Vec<TransferId>,
    given_up: Arc<AtomicBool>,
    /// Until a frame took the transfers.
    charge: Mutex<Option<Charge>>,
}

impl Fragmenter {
    pub(crate) fn new(transport: Arc<dyn Transport>) -> Self {
        Self {
            sending: Arc::new(Sending {
                transport,
                peer: OnceLock::new(),
                next: AtomicU32::new(0),
                data: Mutex::default(),
                priority: Mutex::default(),
            }),
        }
    }

    /// Records the peer's name, the window that its hello grants, and the session's runtime, which is the current one.
    pub(crate) fn set_peer(&self, name: &str, window: u32) {
        // The handshake accepts one hello.
        let _ = self.sending.peer.set(Peer {
            name: name.into(),
            window: Arc::new(ByteWindow::new(window)),
            size: window,
            runtime: Handle::current(),
        });
    }

    /// The peer's name.
    pub(crate) fn peer(&self) -> &str {
        self.sending.peer.get().map_or("", |peer| &peer.name)
    }

    /// Ends all waits: the session is over.
    pub(crate) fn close(&self) {
        if let Some(peer) = self.sending.peer.get() {
            peer.window.close();
        }
        for lane in [Lane::Data, Lane::Priority] {
            self.sending.close(lane);
        }
    }

    /// Takes numbers and a part of the window for buffers of these lengths.
    ///
    /// # Cancel safety
    /// Dropping the future takes nothing.
    pub(crate) async fn open(
        &self,
        lengths: impl Iterator<Item = usize>,
        lane: Lane,
    ) -> Result<Numbers, PayloadError> {
        let mut count = 0;
        let bytes = lengths.inspect(|_| count += 1).map(cost).sum::<u64>();
        let peer = self.sending.peer.get().ok_or(PayloadError::Closed)?;
        if bytes > u64::from(peer.size) {
            return Err(PayloadError::Encode(format!(
                "no slot is free for {bytes} bytes of it, and a message may have at most {} in fragments: split it, or \
                 give the segment more slots (`SegmentConfig::with_classes`)",
                peer.size
            )));
        }
        let charge = Arc::clone(&peer.window).take(bytes).await;
        let charge = charge.ok_or(PayloadError::Closed)?;
        let next = || TransferId(self.sending.next.fetch_add(1, Ordering::Relaxed));
        Ok(Numbers {
            sending: Arc::clone(&self.sending),
            lane,
            ids: (0..count).map(|_| next()).collect(),
            given_up: Arc::default(),
            charge: Mutex::new(Some(charge)),
        })
    }
}

impl Numbers {
    pub(crate) fn ids(&self) -> &[TransferId] {
        &self.ids
    }

    /// Sends the buffers, in the order of their numbers, and waits until all fragments are on the
    /// ring.
    ///
    /// # Cancel safety
    /// Dropping the future and the numbers gives up the payload.
    pub(crate) async fn send(&self, buffers: Vec<Blob>) -> Result<(), PayloadError> {
        let (done, all_sent) = oneshot::channel();
        self.push(Work::Send(Outgoing {
            transfers: self.ids.iter().copied().zip(buffers).collect(),
            sent: 0,
            given_up: Arc::clone(&self.given_up),
            done,
        }));
        all_sent.await.map_err(|_| PayloadError::Closed)?
    }

    fn push(&self, work: Work) {
        let mut queue = lock(self.sending.queue(self.lane));
        if queue.closed {
            // Dropped after the lock: a buffer may run user code.
            drop(queue);
            return;
        }
        queue.work.push_back(work);
        if !std::mem::replace(&mut queue.runs, true)
            && let Some(peer) = self.sending.peer.get()
        {
            let (sending, lane) = (Arc::clone(&self.sending), self.lane);
            drop(queue);
            peer.runtime.spawn(async move { sending.run(lane).await });
        }
    }
}

impl OpenTransfers for Numbers {
    fn taken(&self) {
        drop(lock(&self.charge).take());
    }
}

impl Drop for Numbers {
    fn drop(&mut self) {
        if let Some(charge) = lock(&self.charge).take() {
            self.given_up.store(true, Ordering::Release);
            let ids = std::mem::take(&mut self.ids);
            self.push(Work::Drop(ids, charge)); // FM3
        }
    }
}

impl Sending {
    fn queue(&self, lane: Lane) -> &Mutex<Queue> {
        match lane {
            Lane::Data => &self.data,
            Lane::Priority => &self.priority,
        }
    }

    /// Drops everything that a lane has, since the session is over. Who waits for it is told.
    fn close(&self, lane: Lane) {
        let mut queue = lock(self.queue(lane));
        queue.closed = true;
        let work = std::mem::take(&mut queue.work);
        // After the lock: dropping a buffer may run user code.
        drop(queue);
        drop(work);
    }

    /// Sends everything that a lane has (FM1).
    async fn run(&self, lane: Lane) {
        while let Some(work) = self.next(lane) {
            let sent = match work {
                Work::Send(payload) => self.turn(payload, lane).await,
                Work::Drop(ids, charge) => {
                    let told = self.drop_all(&ids, lane).await;
                    drop(charge);
                    told
                }
            };
            if sent.is_break() {
                self.close(lane);
            }
            tokio::task::coop::consume_budget().await;
        }
    }

    fn next(&self, lane: Lane) -> Option<Work> {
        let mut queue = lock(self.queue(lane));
        let work = queue.work.pop_front();
        queue.runs = work.is_some();
        work
    }

    /// Sends the next fragment of a payload, and puts the rest back.
    async fn turn(&self, mut payload: Outgoing, lane: Lane) -> ControlFlow<()> {
        // `Work::Drop` follows.
        if payload.given_up.load(Ordering::Acquire) {
            return ControlFlow::Continue(());
        }
        let Some((id, blob)) = payload.transfers.front() else {
            let _ = payload.done.send(Ok(()));
            return ControlFlow::Continue(());
        };
        let piece = guarded(|| {
            let rest = &blob[payload.sent..];
            &rest[..rest.len().min(self.transport.max_fragment())]
        });
        let piece = match piece {
            Ok(piece) => piece,
            Err(panic) => {
                // FM4: the payload is given up, and its numbers with it.
                let _ = payload.done.send(Err(panicked(&panic)));
                return ControlFlow::Continue(());
            }
        };
        self.send_fragment(*id, blob.len(), piece, lane).await?;
        payload.sent += piece.len();
        if payload.sent == blob.len() {
            payload.transfers.pop_front();
            payload.sent = 0;
        }
        lock(self.queue(lane)).work.push_back(Work::Send(payload));
        ControlFlow::Continue(())
    }

    async fn send_fragment(
        &self,
        id: TransferId,
        length: usize,
        piece: &[u8],
        lane: Lane,
    ) -> ControlFlow<()> {
        let mut header = Header::new(FrameType::Fragment, ChannelId::SESSION);
        header.method = id.0;
        header.credits = length as u32;
        let mut frame = Frame::bare(header);
        match Payload::inline(piece) {
            Some(payload) => frame.payload = payload,
            None => match self.transport.allocate_fragment(piece.len(), lane).await {
                Ok(mut buffer) => {
                    buffer.copy_from_slice(piece);
                    frame.payload = Payload::Buffer(buffer.freeze());
                }
                Err(
                    AllocateError::Closed
                    | AllocateError::Exhausted
                    | AllocateError::TooLarge { .. },
                ) => return ControlFlow::Break(()),
            },
        }
        self.publish(&frame, lane).await
    }

    async fn drop_all(&self, ids: &[TransferId], lane: Lane) -> ControlFlow<()> {
        for id in ids {
            let mut header = Header::new(FrameType::DropFragments, ChannelId::SESSION);
            header.method = id.0;
            self.publish(&Frame::bare(header), lane).await?;
        }
        ControlFlow::Continue(())
    }

    async fn publish(&self, frame: &Frame, lane: Lane) -> ControlFlow<()> {
        loop {
            match self.transport.send(frame, lane) {
                Ok(()) => return ControlFlow::Continue(()),
                Err(SendError::Full) => {
                    if self.transport.ready(lane).await.is_err() {
                        return ControlFlow::Break(());
                    }
                }
                Err(SendError::Closed | SendError::InFlight) => return ControlFlow::Break(()),
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

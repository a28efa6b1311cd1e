//! The state that the reader, the actor and both halves of a stream share: credits, frames
//! received, the end of sending.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use tokio::sync::{Notify, Semaphore, SemaphorePermit};

use crate::link::places::Place;
use crate::streams::error::StreamError;
use crate::wire::frame::FrameType;

/// The shared state of a stream, without clock, frames or actor.
#[derive(Debug)]
pub(crate) struct StreamState {
    /// Items that this side may send.
    credits: Semaphore,
    /// The most credits that there can be at once.
    window: u32,
    /// Whether this side has sent an item, or is sending one.
    sent: AtomicBool,
    /// Items that the peer may still send (ST2).
    allowance: AtomicU32,
    /// The types of frames that the peer has sent once (ST5).
    said: AtomicU8,
    /// The number of halves held on this side, and the place of a stream that this side opened. The
    /// place is leaving once no half is held, and free once the stream is over.
    held: Mutex<(u8, Option<Place>)>,
    /// Why sending is over.
    over: Mutex<Option<StreamError>>,
    closed: Notify,
}

impl StreamState {
    /// Makes a state with the credits that the peer granted, and the items that it may send, if it
    /// sends any.
    pub(crate) fn new(granted: u32, allowance: Option<u32>) -> Self {
        Self {
            credits: Semaphore::new(granted as usize),
            window: granted,
            sent: AtomicBool::new(false),
            allowance: AtomicU32::new(allowance.unwrap_or(0)),
            said: AtomicU8::new(0),
            held: Mutex::default(),
            over: Mutex::new(None),
            closed: Notify::new(),
        }
    }

    pub(crate) fn has_sent(&self) -> bool {
        self.sent.load(Ordering::Acquire)
    }

    /// Runs `send`, which sends an item unless it fails. [`has_sent`](Self::has_sent) never returns
    /// false for an item that was sent.
    pub(crate) fn sending<E>(&self, send: impl FnOnce() -> Result<(), E>) -> Result<(), E> {
        if self.has_sent() {
            return send();
        }
        self.sent.store(true, Ordering::Release);
        let sent = send();
        self.sent.store(sent.is_ok(), Ordering::Release);
        sent
    }

    /// Sets the number of halves, and the place.
    pub(crate) fn holding(self, halves: u8, place: Option<Place>) -> Self {
        let held = Mutex::new((halves, place));
        Self { held, ..self }
    }

    /// Records that a half was dropped.
    pub(crate) fn release_half(&self) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let (halves, place) = &mut *held;
        *halves = halves.saturating_sub(1);
        if *halves == 0
            && let Some(place) = place
        {
            place.set_leaving(true);
        }
    }

    /// Frees the place, since the stream is over.
    pub(crate) fn leave_place(&self) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.1 = None;
    }

    /// Counts an item that arrived; false if the peer had no credit for it.
    pub(crate) fn take_allowance(&self) -> bool {
        self.allowance
            .try_update(Ordering::AcqRel, Ordering::Acquire, |left| {
                left.checked_sub(1)
            })
            .is_ok()
    }

    /// Lets the peer send more items.
    pub(crate) fn allow(&self, items: u32) {
        self.allowance.fetch_add(items, Ordering::AcqRel);
    }

    /// Adds credits that the peer granted; false if that exceeds the window.
    pub(crate) fn granted(&self, credits: u32) -> bool {
        let sum = self
            .credits
            .available_permits()
            .saturating_add(credits as usize);
        if sum > self.window as usize {
            return false;
        }
        self.credits.add_permits(credits as usize);
        true
    }

    /// Whether this is the first frame of its type from the peer. An item without credit counts as
    /// a type.
    pub(crate) fn is_first(&self, frame_type: FrameType) -> bool {
        let bit = match frame_type {
            FrameType::End => 1,
            FrameType::Stop => 2,
            FrameType::Reset => 4,
            _ => 8,
        };
        self.said.fetch_or(bit, Ordering::AcqRel) & bit == 0
    }

    /// Waits for a credit. `None` once sending is over.
    pub(crate) async fn credit(&self) -> Option<SemaphorePermit<'_>> {
        self.credits.acquire().await.ok()
    }

    /// Ends sending. The first reason is kept.
    pub(crate) fn end_sending(&self, why: Option<StreamError>) {
        {
            let mut over = self.over.lock().unwrap_or_else(PoisonError::into_inner);
            if !self.credits.is_closed() {
                *over = why;
            }
            self.credits.close();
        }
        self.closed.notify_waiters();
    }

    pub(crate) fn is_over(&self) -> bool {
        self.credits.is_closed()
    }

    pub(crate) fn why_over(&self) -> Option<StreamError> {
        self.over
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Waits until sending is over.
    pub(crate) async fn over(&self) {
        let closed = self.closed.notified();
        tokio::pin!(closed);
        // Registered before the check, so that no wake-up is lost.
        closed.as_mut().enable();
        if !self.is_over() {
            closed.await;
        }
    }
}

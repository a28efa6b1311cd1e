//! What the reader, the actor and both halves of a stream share: credits, what the peer has said, and the end of sending.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use tokio::sync::{Notify, Semaphore, SemaphorePermit};

use crate::link::places::Place;
use crate::streams::error::StreamError;
use crate::wire::frame::FrameType;

/// A stream's credits and its end, without a clock, a frame or an actor.
#[derive(Debug)]
pub(crate) struct StreamState {
    /// Items that we may send.
    credits: Semaphore,
    /// The most that there can be at once.
    window: u32,
    /// Whether an item of ours was sent, or is being sent at this moment.
    sent: AtomicBool,
    /// Items that the peer may still send (S2).
    allowance: AtomicU32,
    /// What the peer has said once (S5).
    said: AtomicU8,
    /// Halves that somebody on this side holds, and the place of a stream that this side opened: it leaves when nobody
    /// holds a half, and is free when the stream is over.
    held: Mutex<(u8, Option<Place>)>,
    /// Why our sending is over.
    over: Mutex<Option<StreamError>>,
    closed: Notify,
}

impl StreamState {
    /// The peer granted so many items; it may itself send `allowance`, if it sends any.
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

    /// Runs `send`, which sends an item unless it fails. Who asks [`has_sent`](Self::has_sent) never hears
    /// "no" of an item that is sent.
    pub(crate) fn sending<E>(&self, send: impl FnOnce() -> Result<(), E>) -> Result<(), E> {
        if self.has_sent() {
            return send();
        }
        self.sent.store(true, Ordering::Release);
        let sent = send();
        self.sent.store(sent.is_ok(), Ordering::Release);
        sent
    }

    /// The same, with so many halves and this place.
    pub(crate) fn holding(self, halves: u8, place: Option<Place>) -> Self {
        let held = Mutex::new((halves, place));
        Self { held, ..self }
    }

    /// Somebody let go of a half.
    pub(crate) fn let_go(&self) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let (halves, place) = &mut *held;
        *halves = halves.saturating_sub(1);
        if *halves == 0
            && let Some(place) = place
        {
            place.set_leaving(true);
        }
    }

    /// The stream is over.
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

    /// Lets the peer send more.
    pub(crate) fn allow(&self, items: u32) {
        self.allowance.fetch_add(items, Ordering::AcqRel);
    }

    /// Adds what the peer granted; false if that is more than its window.
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

    /// Whether the peer says this for the first time; an item without credit counts as one word.
    pub(crate) fn says_first(&self, frame_type: FrameType) -> bool {
        let bit = match frame_type {
            FrameType::End => 1,
            FrameType::Stop => 2,
            FrameType::Reset => 4,
            _ => 8,
        };
        self.said.fetch_or(bit, Ordering::AcqRel) & bit == 0
    }

    /// Waits for a credit. `None` once our sending is over.
    pub(crate) async fn credit(&self) -> Option<SemaphorePermit<'_>> {
        self.credits.acquire().await.ok()
    }

    /// Ends our sending; the first reason stays.
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

    /// Waits until our sending is over.
    pub(crate) async fn over(&self) {
        let closed = self.closed.notified();
        tokio::pin!(closed);
        // Listening starts before the look, so that an end between the two is not missed.
        closed.as_mut().enable();
        if !self.is_over() {
            closed.await;
        }
    }
}

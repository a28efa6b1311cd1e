//! The state that the reader, the actor and both halves of a stream share: credits, frames
//! received, the end of sending.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;

use tokio::sync::{Notify, Semaphore, SemaphorePermit};

use crate::link::growth_budget::GrowthBudget;
use crate::link::places::Place;
use crate::link::waits::{Flow, Need, Waits};
use crate::streams::error::StreamError;
use crate::streams::window::{Allowance, InFlight, Window};
use crate::wire::frame::{ChannelId, FrameType};

/// The shared state of a stream, without clock, frames or actor.
#[derive(Debug)]
pub(crate) struct StreamState {
    /// Items that this side may send.
    credits: Semaphore,
    /// The most that this side may have in flight.
    granted: Window,
    /// The size of its window in bytes now.
    bytes: AtomicU32,
    /// How many items the peer has returned, modulo 2³².
    returned: AtomicU32,
    credited: Notify,
    /// Whether this side has sent an item, or is sending one.
    sent: AtomicBool,
    /// What the peer may still send (ST2).
    pub(crate) allowance: Allowance,
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
    /// Makes a state with the window that the peer granted, and the peer's own, if it sends items.
    pub(crate) fn new(
        granted: Window,
        allowance: Option<Window>,
        budget: &Arc<GrowthBudget>,
    ) -> Self {
        Self {
            credits: Semaphore::new(granted.items as usize),
            bytes: AtomicU32::new(granted.bytes.first),
            granted,
            returned: AtomicU32::new(0),
            credited: Notify::new(),
            sent: AtomicBool::new(false),
            allowance: Allowance::new(allowance, budget),
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

    /// Adds credits that the peer granted, and bytes by which the window grows; false if that is more
    /// than the window may have.
    pub(crate) fn granted(&self, credits: u32, growth: u32) -> bool {
        let sum = self
            .credits
            .available_permits()
            .saturating_add(credits as usize);
        let size = self.bytes.load(Ordering::Relaxed).checked_add(growth);
        let size = size.filter(|size| growth == 0 || *size <= self.granted.bytes.most);
        let Some(size) = size.filter(|_| sum <= self.granted.items as usize) else {
            return false;
        };
        // Only the reader stores it.
        self.bytes.store(size, Ordering::Release);
        self.returned.fetch_add(credits, Ordering::Release);
        self.credits.add_permits(credits as usize);
        self.credited.notify_waiters();
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

    /// The window in bytes that the peer grants now, and the most that it may become.
    pub(crate) fn bytes_granted(&self) -> (u32, u32) {
        (self.bytes.load(Ordering::Acquire), self.granted.bytes.most)
    }

    /// Waits for a credit for an item of `flow`, in this stream, and until the window has room. `None` once sending is
    /// over.
    pub(crate) async fn credit<'a>(
        &'a self,
        in_flight: &mut InFlight,
        (flow, stream): (Flow, ChannelId),
        waits: &Waits,
    ) -> Option<SemaphorePermit<'a>> {
        let credit = {
            let mut credit = pin!(self.credits.acquire());
            match futures_util::poll!(credit.as_mut()) {
                Poll::Ready(credit) => credit,
                Poll::Pending => {
                    let _waits = waits.register(flow, Need::StreamItems);
                    credit.await
                }
            }
        };
        let credit = credit.ok()?;
        if !self.has_room(in_flight) {
            let room = self.room(in_flight);
            let need = Need::StreamBytes { stream };
            waits.during(flow, need, room).await;
            if self.is_over() {
                return None;
            }
        }
        Some(credit)
    }

    fn has_room(&self, in_flight: &mut InFlight) -> bool {
        let returned = self.returned.load(Ordering::Acquire);
        if in_flight.has_room(returned) {
            return true;
        }
        in_flight.set_window(self.bytes.load(Ordering::Acquire));
        in_flight.has_room(returned)
    }

    /// Waits until the window has room, or sending is over.
    async fn room(&self, in_flight: &mut InFlight) {
        loop {
            let credited = self.credited.notified();
            tokio::pin!(credited);
            // Registered before the check, so that no wake-up is lost.
            credited.as_mut().enable();
            if self.has_room(in_flight) {
                return;
            }
            tokio::select! {
                () = credited => {}
                () = self.over() => return,
            }
        }
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

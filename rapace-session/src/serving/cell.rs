//! The state of an incoming call that the table, the reader and the handler share.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::link::Link;
use crate::link::byte_window::charge;
use crate::serving::call_end::CallEnd;
use crate::serving::window::ServiceWindow;
use crate::streams::halves::StreamParts;
use crate::wire::frame::{CallId, Flags, FrameType, Header, Status};
use crate::wire::message_body::MessageBody;

/// The stage of an incoming call.
pub(super) enum CellState {
    Queued(MessageBody, Option<Box<StreamParts>>),
    Running,
    Cancelled,
}

/// An incoming call.
pub(crate) struct CallCell {
    pub(super) window: Arc<ServiceWindow>,
    pub(super) id: CallId,
    pub(super) method: u32,
    /// What the request takes of the window in bytes, until it leaves the queue (SV5).
    charge: u64,
    flags: Flags,
    pub(super) deadline: Option<Instant>,
    state: Mutex<CellState>,
    /// Set when the caller no longer waits for the handler.
    pub(super) end: CallEnd,
}

impl CallCell {
    #[inline]
    pub(super) fn new(
        window: Arc<ServiceWindow>,
        header: Header,
        deadline: Option<Instant>,
        body: MessageBody,
        parts: Option<Box<StreamParts>>,
    ) -> Self {
        let charge = match body.lies_in_frame() {
            true => 0,
            false => charge(body.carried()),
        };
        Self {
            window,
            id: header.call,
            method: header.method,
            charge,
            flags: header.flags,
            deadline,
            state: Mutex::new(CellState::Queued(body, parts)),
            end: CallEnd::default(),
        }
    }

    /// Sets how many bytes the request carries, if it lacks some of them.
    pub(super) fn carrying(self, bytes: u64) -> Self {
        let charge = charge(bytes);
        Self { charge, ..self }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, CellState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_tell(&self) -> bool {
        self.flags.has(Flags::ONEWAY)
    }

    /// Takes a credit of the window, and bytes; false if all are taken, or the service was withdrawn.
    pub(super) fn take_window(&self) -> bool {
        self.window.take(self.charge)
    }

    /// Takes the same of a withdrawn service.
    pub(super) fn take_withdrawn_window(&self) -> bool {
        self.window.take_withdrawn(self.charge)
    }

    /// Cancels the call: a queued request releases its buffers now, and a running handler is
    /// notified. Returns whether the request was queued.
    pub(super) fn cancel(&self) -> bool {
        let before = std::mem::replace(&mut *self.lock(), CellState::Cancelled);
        self.end.set();
        matches!(before, CellState::Queued(..))
    }

    /// Cancels the call, and gives the bytes of a queued request back.
    pub(super) fn discard(&self, link: &Link) {
        if self.cancel() {
            self.give_bytes_back(link);
        }
    }

    /// Gives the bytes of the request back, since it has left the queue (SV5).
    #[inline]
    pub(super) fn give_bytes_back(&self, link: &Link) {
        if self.charge > 0 {
            self.window.give_bytes_back(self.charge, link);
        }
    }

    pub(super) fn reply_header(&self, status: Status) -> Header {
        let mut header = Header::new(FrameType::Reply, self.window.channel);
        header.call = self.id;
        header.method = status as u32;
        header.credits = 1;
        header
    }
}

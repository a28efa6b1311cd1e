//! The state of an incoming call that the table, the reader and the handler share.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

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
    /// What the request takes of the window in bytes.
    pub(super) charge: u32,
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
            false => window.charge(body.carried()),
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

    pub(super) fn lock(&self) -> MutexGuard<'_, CellState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_tell(&self) -> bool {
        self.flags.has(Flags::ONEWAY)
    }

    /// Cancels the call: a queued request releases its buffers now, and a running handler is
    /// notified.
    pub(super) fn cancel(&self) {
        let before = std::mem::replace(&mut *self.lock(), CellState::Cancelled);
        self.end.set();
        drop(before);
    }

    pub(super) fn reply_header(&self, status: Status) -> Header {
        let mut header = Header::new(FrameType::Reply, self.window.channel);
        header.call = self.id;
        header.method = status as u32;
        header.credits = 1;
        header
    }
}

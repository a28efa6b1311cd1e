//! One of the peer's calls, in its service's mailbox.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::calls::settlement::now;
use crate::serving::call_end::CallEnd;
use crate::serving::{RunningCall, ServiceRoute};
use crate::session::shared::Shared;
use crate::streams::StreamParts;
use crate::wire::envelope::Envelope;
use crate::wire::error::Failure;
use crate::wire::frame::{CallId, Flags, Frame, Header, Status, Verb};

enum CellState {
    Queued(Envelope, Option<Box<StreamParts>>),
    Running,
    Cancelled,
}

/// One of the peer's calls, as the table, the reader and the handler share it.
pub(crate) struct CallCell {
    shared: Arc<Shared>,
    route: Arc<ServiceRoute>,
    id: CallId,
    method: u32,
    flags: Flags,
    deadline: Option<Instant>,
    state: Mutex<CellState>,
    end: CallEnd,
}

impl CallCell {
    fn lock(&self) -> MutexGuard<'_, CellState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn id(&self) -> CallId {
        self.id
    }

    pub(crate) fn route(&self) -> &ServiceRoute {
        &self.route
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    pub(crate) fn method(&self) -> u32 {
        self.method
    }

    pub(crate) fn is_tell(&self) -> bool {
        self.flags.has(Flags::ONEWAY)
    }

    /// Set when nobody waits for what the handler does any more.
    pub(crate) fn end(&self) -> &CallEnd {
        &self.end
    }

    /// The caller gave up: a queued request gives its buffers back now, a running handler is told.
    pub(crate) fn cancel(&self) {
        let before = std::mem::replace(&mut *self.lock(), CellState::Cancelled);
        self.end.set();
        drop(before);
    }

    pub(crate) fn reply_header(&self, status: Status) -> Header {
        let mut header = Header::new(Verb::Reply, self.route.id);
        header.call = self.id;
        header.method = status as u32;
        header.credits = 1;
        header
    }

    /// Answers without waiting: a message that finds no buffer is cut to what the frame holds.
    pub(crate) fn fail(self: &Arc<Self>, failure: &Failure) {
        let shared = &self.shared;
        let (code, message) = failure.parts();
        let mut bytes = vec![code];
        bytes.extend_from_slice(message.as_bytes());
        let frame = Frame {
            header: self.reply_header(Status::Failed),
            payload: shared.short_payload(&bytes),
            blobs: Vec::new(),
        };
        shared.metrics.failed();
        shared.incoming.reply_now(self, &shared.outbox, frame);
    }
}

/// A call in the hands of this side, which is over for it when this is dropped. Contexts may hold the cell for longer.
pub(crate) struct HeldCall(Arc<CallCell>);

impl HeldCall {
    fn new(cell: CallCell) -> Self {
        cell.shared.incoming.one_more();
        Self(Arc::new(cell))
    }
}

impl std::ops::Deref for HeldCall {
    type Target = Arc<CallCell>;

    fn deref(&self) -> &Arc<CallCell> {
        &self.0
    }
}

impl Drop for HeldCall {
    fn drop(&mut self) {
        self.0.end.set();
        self.0.shared.incoming.one_less();
    }
}

/// A call in its service's mailbox. Dropping it answers that the service takes no calls.
pub struct IncomingCall {
    cell: Option<HeldCall>,
}

impl IncomingCall {
    /// Enters a request that was just read. An error is a rule that the peer broke; `None` if the
    /// session is over.
    pub(crate) fn enter(
        shared: &Arc<Shared>,
        route: &Arc<ServiceRoute>,
        header: Header,
        envelope: Envelope,
        parts: Option<Box<StreamParts>>,
    ) -> Result<Option<Self>, &'static str> {
        let deadline = match header.credits {
            0 => None,
            left => now().checked_add(Duration::from_millis(left.into())),
        };
        let cell = HeldCall::new(CallCell {
            shared: Arc::clone(shared),
            route: Arc::clone(route),
            id: header.call,
            method: header.method,
            flags: header.flags,
            deadline,
            state: Mutex::new(CellState::Queued(envelope, parts)),
            end: CallEnd::default(),
        });
        let entered = shared.incoming.enter(&cell, route)?;
        Ok(entered.then_some(Self { cell: Some(cell) }))
    }

    /// The method's number.
    #[must_use]
    pub fn method(&self) -> u32 {
        self.cell.as_ref().map_or(0, |cell| cell.method())
    }

    /// Whether nobody waits for the result.
    #[must_use]
    pub fn is_tell(&self) -> bool {
        self.cell.as_ref().is_some_and(|cell| cell.is_tell())
    }

    /// When the answer is of no use to the caller any more.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.cell.as_ref().and_then(|cell| cell.deadline())
    }

    /// Takes the call up: from here on it counts as begun. `None` if it was cancelled or its
    /// deadline has passed; it is answered then.
    #[must_use]
    pub fn begin(mut self) -> Option<RunningCall> {
        let cell = self.cell.take()?;
        let expired = cell.deadline.is_some_and(|at| at <= now());
        let taken = {
            let mut state = cell.lock();
            match std::mem::replace(&mut *state, CellState::Running) {
                CellState::Queued(envelope, parts) if !expired => {
                    // Under the lock, so that a cancellation either is seen or sees the mark (I2).
                    cell.shared.transport.claim(cell.id);
                    Ok((envelope, parts))
                }
                other => Err(other),
            }
        };
        match taken {
            Ok((envelope, parts)) => Some(RunningCall::new(cell, envelope, parts)),
            Err(refused) => {
                // Its buffers and streams go before its reply does.
                drop(refused);
                cell.fail(match expired {
                    true => &Failure::DeadlineExceeded,
                    false => &Failure::Cancelled,
                });
                None
            }
        }
    }

    /// Answers without having begun.
    pub fn refuse(mut self, failure: &Failure) {
        if let Some(cell) = self.cell.take() {
            cell.cancel();
            cell.fail(failure);
        }
    }
}

impl Drop for IncomingCall {
    fn drop(&mut self) {
        if let Some(cell) = self.cell.take() {
            cell.cancel();
            cell.fail(&Failure::Unavailable("the service has stopped".into()));
        }
    }
}

impl fmt::Debug for IncomingCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IncomingCall")
            .field("call", &self.cell.as_ref().map(|cell| cell.id))
            .field("method", &self.method())
            .finish_non_exhaustive()
    }
}

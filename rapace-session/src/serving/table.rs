//! The table of incoming calls, indexed by their entries in the peer's call table.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::link::Link;
use crate::serving::cell::CallCell;
use crate::serving::window::ServiceWindow;
use crate::transport::{Lane, SendError, Transport};
use crate::wire::frame::{CallId, Frame};

/// The table of incoming calls.
pub(crate) struct IncomingTable {
    capacity: u32,
    inner: Mutex<Inner>,
    /// Calls that this side has not dropped, with or without a reply.
    live: AtomicUsize,
    /// Notified when the last call is dropped.
    pub(crate) idle: Notify,
}

#[derive(Default)]
struct Inner {
    /// As many as the peer has used of its table.
    cells: Vec<Option<Arc<CallCell>>>,
    closed: bool,
}

/// The result of entering a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entered {
    Taken,
    /// The service was withdrawn, so the request must be refused.
    Withdrawn,
    /// The session is over.
    Over,
}

/// The result of an attempt to reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Replied {
    Sent,
    /// The ring has no room, or a buffer is in flight. Nothing has changed.
    NotNow(SendError),
    /// The session is over, so no reply is needed.
    Over,
}

impl IncomingTable {
    pub(crate) fn new(capacity: u32) -> Self {
        Self {
            capacity,
            inner: Mutex::default(),
            live: AtomicUsize::new(0),
            idle: Notify::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether no call of the peer is under way.
    pub(crate) fn is_idle(&self) -> bool {
        self.live.load(Ordering::Acquire) == 0
    }

    pub(crate) fn one_more(&self) {
        self.live.fetch_add(1, Ordering::AcqRel);
    }

    pub(crate) fn one_less(&self) {
        if self.live.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.idle.notify_one();
        }
    }

    /// Enters a call.
    ///
    /// # Errors
    /// The rule that the peer broke.
    pub(crate) fn enter(&self, cell: &Arc<CallCell>) -> Result<Entered, &'static str> {
        let id = cell.id;
        if id.generation == 0 {
            return Err("a call of generation 0");
        }
        let mut inner = self.lock();
        if inner.closed {
            return Ok(Entered::Over);
        }
        if id.index >= self.capacity {
            return Err("a call entry past the table");
        }
        let place = id.index as usize;
        if place >= inner.cells.len() {
            inner.cells.resize_with(place + 1, || None);
        }
        let slot = &mut inner.cells[place];
        if slot.is_some() {
            return Err("a call entry used again before its reply");
        }
        let entered = if cell.take_window() {
            Entered::Taken
        } else if cell.take_withdrawn_window() {
            Entered::Withdrawn
        } else {
            return Err("a request without credit, or past the window in bytes");
        };
        *slot = Some(Arc::clone(cell));
        Ok(entered)
    }

    /// Closes the window of a channel; false if calls are under way.
    pub(crate) fn close_window(&self, window: &ServiceWindow) -> bool {
        let _inner = self.lock();
        window.close()
    }

    /// Refuses requests for a channel from now on; false if they are refused already.
    pub(crate) fn withdraw_window(&self, window: &ServiceWindow, why: &str) -> bool {
        let _inner = self.lock();
        window.withdraw(why)
    }

    /// Enlarges the window of a channel.
    pub(crate) fn grow_window(&self, window: &ServiceWindow, credits: u32) {
        let _inner = self.lock();
        window.grow(credits);
    }

    /// Sends a reply without waiting, or returns why it cannot (SV4).
    pub(crate) fn reply(
        &self,
        cell: &Arc<CallCell>,
        transport: &dyn Transport,
        frame: &Frame,
    ) -> Replied {
        let mut inner = self.lock();
        let Some(slot) = slot_of(&mut inner, cell) else {
            return Replied::Over;
        };
        match transport.send(frame, Lane::Priority) {
            Ok(()) => {
                let left = slot.take();
                cell.window.return_credit();
                drop(inner);
                drop(left);
                Replied::Sent
            }
            Err(SendError::Closed) => Replied::Over,
            Err(other) => Replied::NotNow(other),
        }
    }

    /// Sends a reply through the outbox, which never refuses it (SV4).
    pub(crate) fn reply_now(&self, cell: &Arc<CallCell>, link: &Link, frame: Frame) {
        let mut inner = self.lock();
        if let Some(slot) = slot_of(&mut inner, cell) {
            let left = slot.take();
            cell.window.return_credit();
            link.outbox.send(frame);
            drop(inner);
            drop(left);
        }
    }

    /// Cancels a call of the peer; false if the call is over.
    pub(crate) fn cancel(&self, id: CallId, link: &Link) -> bool {
        let cell = match self.lock().cells.get(id.index as usize) {
            Some(Some(cell)) if cell.id == id => Arc::clone(cell),
            _ => return false,
        };
        cell.discard(link);
        true
    }

    /// Closes the table: no call enters, begins or gets a reply any more, and running handlers are
    /// cancelled (SV2).
    pub(crate) fn close(&self) {
        let cells = {
            let mut inner = self.lock();
            inner.closed = true;
            std::mem::take(&mut inner.cells)
        };
        for cell in cells.iter().flatten() {
            cell.cancel();
        }
    }
}

fn slot_of<'a>(
    inner: &'a mut Inner,
    cell: &Arc<CallCell>,
) -> Option<&'a mut Option<Arc<CallCell>>> {
    let slot = inner.cells.get_mut(cell.id.index as usize)?;
    slot.as_ref()
        .is_some_and(|held| Arc::ptr_eq(held, cell))
        .then_some(slot)
}

//! The calls that the peer makes over one link: the table of them, and what their handlers need of the session.

use std::any::Any;
use std::sync::{Arc, OnceLock, Weak};

use crate::link::Link;
use crate::serving::cell::CallCell;
use crate::serving::table::IncomingTable;
use crate::serving::window::ServiceWindow;
use crate::wire::frame::{CallId, Frame, Status};
use crate::wire::remote_error::RemoteError;

/// The calls that the peer makes over one link.
pub(crate) struct IncomingCalls {
    pub(crate) link: Arc<Link>,
    pub(super) table: IncomingTable,
    /// The session, for contexts to lead to. Its type belongs to a layer above.
    session: OnceLock<Weak<dyn Any + Send + Sync>>,
}

impl IncomingCalls {
    pub(crate) fn new(link: Arc<Link>) -> Self {
        Self {
            table: IncomingTable::new(link.transport.call_table()),
            session: OnceLock::new(),
            link,
        }
    }

    /// Notes the session that contexts lead to.
    pub(crate) fn belong_to(&self, session: Weak<dyn Any + Send + Sync>) {
        // A session is noted once, when it is established.
        let _ = self.session.set(session);
    }

    /// The session that the calls come over, unless it is gone.
    pub(crate) fn session(&self) -> Option<Arc<dyn Any + Send + Sync>> {
        self.session.get().and_then(Weak::upgrade)
    }

    /// Whether no call of the peer's is under way.
    pub(crate) fn is_idle(&self) -> bool {
        self.table.is_idle()
    }

    /// Waits until the last call of the peer's is over.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub(crate) async fn idle(&self) {
        self.table.idle.notified().await;
    }

    /// The peer gave a call up; false if the call is over.
    pub(crate) fn cancel(&self, id: CallId) -> bool {
        self.table.cancel(id)
    }

    /// Takes no more requests for a channel; false if some are under way.
    pub(crate) fn close_window(&self, window: &ServiceWindow) -> bool {
        self.table.close_window(window)
    }

    /// Has requests for a channel that arrive from now on be refused; false if they are already. Those that have arrived
    /// are handled.
    pub(crate) fn withdraw_window(&self, window: &ServiceWindow, why: &str) -> bool {
        self.table.withdraw_window(window, why)
    }

    /// Lets in so many more requests for a channel at once.
    pub(crate) fn grow_window(&self, window: &ServiceWindow, credits: u32) {
        self.table.grow_window(window, credits);
    }

    /// Nothing enters, begins or is replied to any more; what runs is told (I2).
    pub(crate) fn close(&self) {
        self.table.close();
    }

    /// Answers without waiting: a message that finds no buffer is cut to what the frame holds.
    pub(super) fn fail(&self, cell: &Arc<CallCell>, failure: &RemoteError) {
        let (code, message) = failure.parts();
        let mut bytes = vec![code];
        bytes.extend_from_slice(message.as_bytes());
        let frame = Frame {
            header: cell.reply_header(Status::Failed),
            payload: self.link.short_payload(&bytes),
            blobs: Vec::new(),
        };
        self.link.metrics.failed();
        self.table.reply_now(cell, &self.link, frame);
    }
}

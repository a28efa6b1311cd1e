//! The calls that the peer makes over one link: their table, and what their handlers need from the
//! session.

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
    /// The session, for the contexts of calls. Its type belongs to a layer above.
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

    /// Sets the session that contexts refer to.
    pub(crate) fn belong_to(&self, session: Weak<dyn Any + Send + Sync>) {
        // Set once, when the session is established.
        let _ = self.session.set(session);
    }

    /// Returns the session, unless it was dropped.
    pub(crate) fn session(&self) -> Option<Arc<dyn Any + Send + Sync>> {
        self.session.get().and_then(Weak::upgrade)
    }

    /// Whether no call of the peer is under way.
    pub(crate) fn is_idle(&self) -> bool {
        self.table.is_idle()
    }

    /// Waits until the last call of the peer is over.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub(crate) async fn idle(&self) {
        self.table.idle.notified().await;
    }

    /// Cancels a call of the peer; false if the call is over.
    pub(crate) fn cancel(&self, id: CallId) -> bool {
        self.table.cancel(id, &self.link)
    }

    /// Closes the window of a channel; false if calls are under way.
    pub(crate) fn close_window(&self, window: &ServiceWindow) -> bool {
        self.table.close_window(window)
    }

    /// Refuses requests for a channel from now on; false if they are refused already. Requests that
    /// have arrived are handled.
    pub(crate) fn withdraw_window(&self, window: &ServiceWindow, why: &str) -> bool {
        self.table.withdraw_window(window, why)
    }

    /// Enlarges the window of a channel.
    pub(crate) fn grow_window(&self, window: &ServiceWindow, credits: u32) {
        self.table.grow_window(window, credits);
    }

    /// Closes the table: no call enters, begins or gets a reply any more, and running handlers are
    /// cancelled (SV2).
    pub(crate) fn close(&self) {
        self.table.close();
    }

    /// Replies with an error, without waiting. If neither a buffer nor a fragment slot is free, the
    /// message is truncated to the inline size of a frame.
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

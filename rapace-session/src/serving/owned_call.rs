//! Ownership of an incoming call.

use std::ops::Deref;
use std::sync::Arc;

use crate::link::Link;
use crate::link::waits::Flow;
use crate::serving::cell::CallCell;
use crate::serving::incoming::IncomingCalls;
use crate::wire::remote_error::RemoteError;

/// Owns an incoming call. Dropping it ends the call for this side. Contexts may hold the cell for
/// longer.
pub(super) struct OwnedCall {
    pub(super) cell: Arc<CallCell>,
    pub(super) calls: Arc<IncomingCalls>,
}

impl OwnedCall {
    /// Takes ownership of a call that was just read. Inlined, so that the cell is built in place.
    #[inline]
    pub(super) fn new(calls: &Arc<IncomingCalls>, cell: CallCell) -> Self {
        calls.table.one_more();
        Self {
            cell: Arc::new(cell),
            calls: Arc::clone(calls),
        }
    }

    pub(super) fn link(&self) -> &Link {
        &self.calls.link
    }

    /// Cancels the call before it begins.
    pub(super) fn discard(&self) {
        self.cell.discard(self.link());
    }

    /// Who waits when the reply does.
    pub(super) fn flow(&self) -> Flow {
        Flow::Replies {
            channel: self.cell.window.channel,
            method: self.cell.method,
        }
    }

    /// Waits until the call is cancelled, its deadline passes, or the session ends.
    pub(super) async fn cancelled(&self) -> RemoteError {
        match self.deadline {
            None => {
                self.end.wait().await;
                RemoteError::Cancelled
            }
            // Boxed, since a timer would make the future of every handler larger.
            Some(at) => Box::pin(tokio::time::timeout_at(at.into(), self.end.wait()))
                .await
                .map_or(RemoteError::DeadlineExceeded, |()| RemoteError::Cancelled),
        }
    }

    /// Replies with an error of the runtime.
    pub(super) fn fail(&self, failure: &RemoteError) {
        self.calls.fail(&self.cell, failure);
    }
}

impl Deref for OwnedCall {
    type Target = CallCell;

    fn deref(&self) -> &CallCell {
        &self.cell
    }
}

impl Drop for OwnedCall {
    fn drop(&mut self) {
        self.cell.end.set();
        self.calls.table.one_less();
    }
}

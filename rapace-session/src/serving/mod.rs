//! The calls that the peer has under way here.
//!
//! - I1: every request is answered by one reply, also when its handler is dropped, panics, or is
//!   never reached.
//! - I2: the claim mark is set after the call is taken from its mailbox and before anything of it
//!   is looked at; a call that was cancelled or is past its deadline is never marked. Once the
//!   session's end is told to the peer, nothing is marked any more.
//! - I3: a cancelled call keeps its place in the mailbox, and so its credit, until it is taken
//!   from there: a peer that sends and cancels cannot fill a mailbox past its window.
//! - I4: an entry and its credit are the peer's again in the same moment as the reply is sent, under
//!   the lock that the reader takes for a request: no sooner, or a peer that does not read could
//!   have any number of calls under way; no later, or its next request would be a fault.

use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use crate::wire::frame::ChannelId;

mod blocking;
mod call;
mod call_end;
pub(crate) mod context;
mod running;
mod table;

pub use blocking::{BlockingWork, blocking};
pub use call::IncomingCall;
pub(crate) use call::{CallCell, HeldCall};
pub use running::{Answer, RunningCall};
pub(crate) use table::IncomingTable;

/// Where a service's calls go: the mailbox of its actor.
pub trait Sink: Send + Sync + 'static {
    /// Takes a call without waiting.
    ///
    /// # Errors
    /// Gives it back when the service takes none any more.
    fn deliver(&self, call: IncomingCall) -> Result<(), IncomingCall>;
}

/// Says who serves what.
pub trait Acceptor: Send + Sync + 'static {
    /// The service of that name, and the capacity of its mailbox, which becomes the window.
    ///
    /// # Errors
    /// Why there is none, for the peer to read.
    fn open(&self, service: &str) -> Result<(Arc<dyn Sink>, u32), String>;
}

/// A channel that the peer opened.
pub(crate) struct ServiceRoute {
    pub(crate) id: ChannelId,
    pub(crate) sink: Arc<dyn Sink>,
    window: u32,
    /// Requests without a reply. Changes under the table's lock only (I4).
    outstanding: AtomicU32,
}

impl ServiceRoute {
    pub(crate) fn new(id: ChannelId, sink: Arc<dyn Sink>, window: u32) -> Self {
        Self {
            id,
            sink,
            window,
            outstanding: AtomicU32::new(0),
        }
    }
}

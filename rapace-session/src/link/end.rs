//! The end of a session: its reason, and how the parts of the session are notified.
//!
//! - LE1: the reason is set once and never changes.
//! - LE2: the reason is set before the end is published, so an observer of the end always finds the
//!   reason.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Context;

use futures_util::task::AtomicWaker;
use tokio::sync::watch;

use crate::wire::handshake_error::HandshakeError;

/// Why a session ended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EndReason {
    /// This side closed it.
    #[error("the session was closed")]
    Closed,
    /// The peer closed it, with this reason.
    #[error("the peer closed the session{}{}", if .0.is_empty() { "" } else { ": " }, .0)]
    ClosedByPeer(String),
    /// The peer is gone, as the kernel reports.
    #[error("the peer is gone")]
    PeerGone,
    /// The peer broke a rule of the protocol.
    #[error("the peer broke the protocol: {0}")]
    PeerFault(String),
    /// The handshake failed.
    #[error("no session: {0}")]
    Refused(HandshakeError),
    /// Something on this side panicked: a bug here, or in a service resolver or a request sink.
    #[error("this side failed: {0}")]
    Internal(String),
    /// The tokio runtime of this side's actors was shut down.
    #[error(
        "the tokio runtime of this side was shut down; keep it alive for as long as its sessions and plugins"
    )]
    RuntimeGone,
}

/// Whether a session has ended, and why.
pub(crate) struct End {
    reason: OnceLock<EndReason>,
    published: watch::Sender<Option<EndReason>>,
    /// A copy of "is it published" for the reader, which checks it often.
    over: AtomicBool,
    /// Wakes the reader at the end.
    reader: AtomicWaker,
}

impl End {
    pub(super) fn new() -> Self {
        Self {
            reason: OnceLock::new(),
            published: watch::Sender::new(None),
            over: AtomicBool::new(false),
            reader: AtomicWaker::new(),
        }
    }

    /// Why the session ended, if it has.
    pub(crate) fn reason(&self) -> Option<EndReason> {
        self.reason.get().cloned()
    }

    /// Whether the session has ended.
    pub(crate) fn is_settled(&self) -> bool {
        self.reason.get().is_some()
    }

    /// Sets the reason; false if it was set before (LE1).
    pub(crate) fn settle(&self, reason: &EndReason) -> bool {
        self.reason.set(reason.clone()).is_ok()
    }

    /// Publishes the end and wakes all waiters (LE2).
    pub(crate) fn publish(&self, reason: &EndReason) {
        self.published.send_replace(Some(reason.clone()));
        self.over.store(true, Ordering::Release);
        self.reader.wake();
    }

    /// Returns a receiver that yields the reason once it is published.
    pub(crate) fn watch(&self) -> watch::Receiver<Option<EndReason>> {
        self.published.subscribe()
    }

    /// Waits for the end.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub(crate) async fn wait(&self) -> EndReason {
        let mut published = self.watch();
        match published.wait_for(Option::is_some).await {
            Ok(reason) => reason.clone().unwrap_or(EndReason::Closed),
            Err(_) => EndReason::Closed,
        }
    }

    /// Whether the end is published. If not, registers the reader's task to be woken then.
    pub(crate) fn poll_published(&self, cx: &Context<'_>) -> bool {
        // Registered before the load, so that no wake-up is lost.
        self.reader.register(cx.waker());
        self.over.load(Ordering::Acquire)
    }
}

//! The end of a session: its reason, and how each part of the session learns of it.
//!
//! - E1: the reason is settled once and stays.
//! - E2: the reason is settled before the end is published, so whoever sees the end finds the reason.

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
    /// The other side closed it, with this reason.
    #[error("the peer closed the session{}{}", if .0.is_empty() { "" } else { ": " }, .0)]
    ClosedByPeer(String),
    /// The kernel reports that the peer is gone.
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
    /// The tokio runtime that this side's actors ran on was shut down.
    #[error(
        "the tokio runtime that this side ran on was shut down; keep it as long as what was started on it"
    )]
    RuntimeGone,
}

/// Whether a session has ended, and why.
pub(crate) struct End {
    reason: OnceLock<EndReason>,
    published: watch::Sender<Option<EndReason>>,
    /// The same for the reader, which asks often.
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

    /// Settles the reason; false if it was settled before (E1).
    pub(crate) fn settle(&self, reason: &EndReason) -> bool {
        self.reason.set(reason.clone()).is_ok()
    }

    /// Wakes everybody who waits for the end (E2).
    pub(crate) fn publish(&self, reason: &EndReason) {
        self.published.send_replace(Some(reason.clone()));
        self.over.store(true, Ordering::Release);
        self.reader.wake();
    }

    /// A receiver that sees the reason once it is published.
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

    /// Whether the end is published; if not, the reader's task is woken when it is.
    pub(crate) fn poll_published(&self, cx: &Context<'_>) -> bool {
        // In this order, so that an end between the two is not missed.
        self.reader.register(cx.waker());
        self.over.load(Ordering::Acquire)
    }
}

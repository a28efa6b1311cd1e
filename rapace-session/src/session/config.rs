//! What a session is given when it is established.

use std::sync::Arc;
use std::time::Duration;

use crate::calls::unsettled::UnsettledCall;
use crate::link::end::EndReason;
use crate::link::metrics::Metrics;
use crate::serving::{RequestSink, ServiceResolver};
use crate::wire::offer::ServiceOffer;

/// Takes over the calls that a session's end left unsettled, in the order in which they were made.
pub type OnUnsettled = Box<dyn Fn(Vec<UnsettledCall>, EndReason) + Send + Sync>;

/// What a session is given when it is established.
pub struct SessionConfig {
    /// This side's name, for messages to humans.
    pub name: String,
    /// The services that can be called here, within the [limits](crate::wire::limits) of a hello.
    pub offers: Vec<ServiceOffer>,
    /// The services that the peer must offer, with these schemas.
    pub expects: Vec<ServiceOffer>,
    /// Finds the service that the peer opens a channel to.
    pub resolver: Arc<dyn ServiceResolver>,
    /// Items that a stream's sender may have under way: 32, enough to keep a pipe of 24-byte items
    /// busy across one wake-up, and at most 2 MiB of 64 KiB ones. 1 to [`MAX_WINDOW`](crate::MAX_WINDOW) are possible.
    pub stream_window: u32,
    /// How often the peer is told that our executor runs: every 250 ms. Less than a millisecond is taken for one.
    pub heartbeat: Duration,
    /// How long the reader polls for frames, after the last one, before it sleeps: not at all. A peer
    /// that answers within this time need not wake us, which saves most of a round trip and costs the
    /// processor for as long. The peer is told, and may do the same for us. More than a millisecond
    /// counts as one; only shared memory can be polled.
    pub spin: Duration,
    /// Who takes the calls that are left at the end; without anybody they end with
    /// [`SessionEnded`](crate::CallFailure::SessionEnded).
    pub on_unsettled: Option<OnUnsettled>,
    /// What is counted, shared with whoever reads it.
    pub metrics: Arc<Metrics>,
}

impl SessionConfig {
    /// A session that serves nothing and expects nothing.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            offers: Vec::new(),
            expects: Vec::new(),
            resolver: Arc::new(ServesNothing),
            stream_window: 32,
            heartbeat: Duration::from_millis(250),
            spin: Duration::ZERO,
            on_unsettled: None,
            metrics: Arc::default(),
        }
    }
}

struct ServesNothing;

impl ServiceResolver for ServesNothing {
    fn resolve(&self, service: &str) -> Result<(Arc<dyn RequestSink>, u32), String> {
        Err(format!("no service `{service}`: this side serves nothing"))
    }
}

//! The configuration of a session.

use std::sync::Arc;
use std::time::Duration;

use crate::calls::unsettled::UnsettledCall;
use crate::link::end::EndReason;
use crate::link::metrics::Metrics;
use crate::serving::{RequestSink, ServiceResolver};
use crate::session::wait::Wait;
use crate::wire::offer::ServiceOffer;

/// Takes over the unsettled calls when a session ends, in the order in which they were made.
pub type OnUnsettled = Box<dyn Fn(Vec<UnsettledCall>, EndReason) + Send + Sync>;

/// Is told of waits that have become long. It runs on the session's actor, so it must not block.
pub type OnWait = Box<dyn Fn(Wait) + Send + Sync>;

/// The configuration of a session.
#[non_exhaustive]
pub struct SessionConfig {
    /// The name of this side, for messages to humans.
    pub name: String,
    /// The services that the peer can call, within the [limits](crate::wire::limits) of a hello.
    pub provides: Vec<ServiceOffer>,
    /// The services that the peer must offer, with the same schemas.
    pub requires: Vec<ServiceOffer>,
    /// Finds the service that the peer opens a channel to.
    pub resolver: Arc<dyn ServiceResolver>,
    /// How many items the sender of a stream may have in flight, from 1 to
    /// [`MAX_WINDOW`](crate::MAX_WINDOW). Default 32: enough to keep a stream of 24-byte items busy
    /// across one wake-up, and at most 2 MiB of 64 KiB items.
    pub stream_window: u32,
    /// How many bytes of a stream may be in flight before its sender waits, at first; at least 1. One
    /// item of any length may exceed that. Default 64 KiB: so 4,096 streams that nobody reads hold
    /// 256 MiB.
    ///
    /// So a stream whose items are not taken holds at most this much and one item, and never room
    /// that another stream was granted.
    pub stream_initial_bytes: u32,
    /// How large the window of a stream in bytes becomes if its items are taken, at least 1. Default 4
    /// MiB: two items of 1 MiB can be in flight while two others are read. If this is less than
    /// [`stream_initial_bytes`](Self::stream_initial_bytes), the window has this size at once.
    ///
    /// A window grows when half of its bytes were taken, as far as
    /// [`window_budget_bytes`](Self::window_budget_bytes) allows.
    pub stream_window_bytes: u32,
    /// How many bytes of requests may wait for their handlers on a channel before their sender
    /// waits, at first; at least 1. One request of any length may exceed that. One of 24 bytes or
    /// less, without buffers, is not counted. Default 1 MiB: so 256 channels whose services are stuck
    /// hold 256 MiB.
    ///
    /// A request waits until its handler begins, or until it is discarded. So a handler can wait for
    /// another request on the same channel, whatever their lengths.
    pub request_initial_bytes: u32,
    /// How large the window of a channel in bytes becomes if its requests are taken, at least 1. Default
    /// 16 MiB. It grows as that of a stream does, and also has this size at once if it is the smaller one.
    pub request_window_bytes: u32,
    /// How many bytes the windows of all streams and channels of the session may grow together. Default
    /// 256 MiB: enough for 60 streams of large items at once.
    ///
    /// One window takes at most half of what is left. What a stream or channel has taken returns when
    /// it ends. So what the peer may have waiting for this side is at most this much, and what each
    /// stream and each channel has at first, and one item or request of each.
    pub window_budget_bytes: u64,
    /// How many bytes the peer may have in fragments that no frame has taken yet; at least those of
    /// the largest buffer. This is also the most that one message may have in fragments. Default 256
    /// MiB.
    ///
    /// A payload travels in fragments, through a few slots that nobody can keep, when no slot is free
    /// for it.
    pub fragment_window_bytes: u32,
    /// The period of this side's heartbeats, at least 1 ms. Default 250 ms. With each one, calls are looked at that wait, or that are
    /// not polled.
    pub heartbeat: Duration,
    /// For how long the reader polls for frames, after the last one, before it sleeps; at most 1
    /// ms. Default zero.
    ///
    /// A peer that answers within this time need not wake the reader, which saves most of the
    /// latency of a round trip, and uses the processor for as long. The hello tells the peer, which
    /// may poll for our frames too. Only shared memory supports polling.
    pub spin: Duration,
    /// Takes over the unsettled calls at the end. With `None` they fail with
    /// [`SessionEnded`](crate::CallFailure::SessionEnded).
    pub on_unsettled: Option<OnUnsettled>,
    /// Is told when calls, streams, replies or allocations of this side have waited for a second: once for all
    /// that wait for the same, until none of them has waited so long any more, and at most once a minute. With
    /// `None` that is logged, at level WARN. See [`Session::waiting`](crate::Session::waiting).
    ///
    /// Waits are looked at with each [heartbeat](Self::heartbeat).
    pub on_wait: Option<OnWait>,
    /// The counters, which may be shared.
    pub metrics: Arc<Metrics>,
}

impl SessionConfig {
    /// Makes the configuration of a session that provides and requires no services.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            provides: Vec::new(),
            requires: Vec::new(),
            resolver: Arc::new(ServesNothing),
            stream_window: 32,
            stream_initial_bytes: 64 << 10,
            stream_window_bytes: 4 << 20,
            request_initial_bytes: 1 << 20,
            request_window_bytes: 16 << 20,
            window_budget_bytes: 256 << 20,
            fragment_window_bytes: 256 << 20,
            heartbeat: Duration::from_millis(250),
            spin: Duration::ZERO,
            on_unsettled: None,
            on_wait: None,
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

//! The parts of a session. Only this layer holds all of them; each part below holds the parts that
//! it uses.

use std::fmt;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};

use tokio::sync::{Notify, watch};

use crate::calls::outgoing::OutgoingCalls;
use crate::link::Link;
use crate::link::channel_ids::ChannelIds;
use crate::link::growing_window::{ByteLimits, GrowingWindow};
use crate::link::growth_budget::GrowthBudget;
use crate::serving::incoming::IncomingCalls;
use crate::session::channels::Channels;
use crate::session::config::SessionConfig;
use crate::session::wait_watch::WaitWatch;
use crate::streams::registry::Streams;
use crate::streams::window::Window;
use crate::transport::{Side, Transport};
use crate::wire::hello::Hello;

/// The parts of a session, and the state that the two sides exchanged.
pub(crate) struct Parts {
    pub(crate) link: Arc<Link>,
    pub(crate) calls: Arc<OutgoingCalls>,
    pub(crate) streams: Arc<Streams>,
    pub(crate) incoming: Arc<IncomingCalls>,
    pub(crate) channels: Arc<Channels>,
    pub(crate) config: SessionConfig,
    /// By how much the windows that this side grants may grow.
    budget: Arc<GrowthBudget>,
    /// The peer's hello.
    pub(crate) peer: OnceLock<Arc<Hello>>,
    /// Whether the peer has asked this side to drain.
    pub(crate) peer_drains: AtomicBool,
    /// Whether the peer has said that it is ready.
    pub(crate) peer_ready: watch::Sender<bool>,
    /// Notified at each heartbeat of this side.
    pub(crate) heartbeat_sent: Notify,
    pub(crate) wait_watch: WaitWatch,
}

impl Parts {
    pub(crate) fn new(transport: Arc<dyn Transport>, side: Side, config: SessionConfig) -> Self {
        let link = Arc::new(Link::new(transport, Arc::clone(&config.metrics)));
        let ids = Arc::new(ChannelIds::new(side));
        let window = Window {
            items: config.stream_window,
            bytes: ByteLimits::new(config.stream_initial_bytes, config.stream_window_bytes),
        };
        let budget = Arc::new(GrowthBudget::new(config.window_budget_bytes));
        let streams = Arc::new(Streams::new(
            Arc::clone(&link),
            Arc::clone(&ids),
            window,
            Arc::clone(&budget),
        ));
        Self {
            calls: Arc::new(OutgoingCalls::new(Arc::clone(&link))),
            budget,
            incoming: Arc::new(IncomingCalls::new(Arc::clone(&link))),
            channels: Arc::new(Channels::new(Arc::clone(&link), ids, Arc::clone(&streams))),
            streams,
            peer: OnceLock::new(),
            peer_drains: AtomicBool::new(false),
            peer_ready: watch::Sender::new(false),
            heartbeat_sent: Notify::new(),
            wait_watch: WaitWatch::default(),
            link,
            config,
        }
    }

    /// Makes the window in bytes of a channel that the peer opens.
    pub(crate) fn request_window(&self) -> GrowingWindow {
        let (first, most) = (
            self.config.request_initial_bytes,
            self.config.request_window_bytes,
        );
        GrowingWindow::new(ByteLimits::new(first, most), &self.budget)
    }

    /// Records the peer's hello.
    pub(crate) fn set_peer(&self, hello: Hello) {
        self.streams.set_peer_window(Window {
            items: hello.stream_window,
            bytes: ByteLimits::new(hello.stream_initial_bytes, hello.stream_window_bytes),
        });
        let fragmenter = self.link.encoder.fragmenter();
        fragmenter.set_peer(&hello.name, hello.fragment_window_bytes);
        // The handshake accepts one hello.
        let _ = self.peer.set(Arc::new(hello));
    }
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("name", &self.config.name)
            .field("ended", &self.link.end.reason())
            .finish_non_exhaustive()
    }
}

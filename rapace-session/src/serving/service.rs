//! The lookup of services, and the destination of their calls.

use std::sync::Arc;

use crate::link::growing_window::GrowingWindow;
use crate::serving::request::IncomingCall;
use crate::serving::window::ServiceWindow;
use crate::wire::frame::ChannelId;

/// Receives the requests of a service, usually into the mailbox of its actor.
pub trait RequestSink: Send + Sync + 'static {
    /// Delivers a call without waiting.
    ///
    /// # Errors
    /// Returns the call if the service takes no more calls.
    fn deliver(&self, call: IncomingCall) -> Result<(), IncomingCall>;
}

/// Finds the service behind a name.
pub trait ServiceResolver: Send + Sync + 'static {
    /// Returns the service of this name, and the capacity of its mailbox, which becomes the window
    /// of the channel.
    ///
    /// # Errors
    /// Why there is no such service. The peer reads this text.
    fn resolve(&self, service: &str) -> Result<(Arc<dyn RequestSink>, u32), String>;
}

/// A channel that the peer opened to a service on this side.
pub(crate) struct ServiceRoute {
    pub(crate) service: Box<str>,
    pub(crate) sink: Arc<dyn RequestSink>,
    pub(crate) window: Arc<ServiceWindow>,
}

impl ServiceRoute {
    pub(crate) fn new(
        id: ChannelId,
        service: &str,
        sink: Arc<dyn RequestSink>,
        window: u32,
        bytes: GrowingWindow,
    ) -> Self {
        Self {
            service: service.into(),
            sink,
            window: Arc::new(ServiceWindow::new(id, window, bytes)),
        }
    }

    pub(crate) fn id(&self) -> ChannelId {
        self.window.channel
    }
}

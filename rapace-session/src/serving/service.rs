//! How a service is found, and where its calls go.

use std::sync::Arc;

use crate::serving::request::IncomingCall;
use crate::serving::window::ServiceWindow;
use crate::wire::frame::ChannelId;

/// Receives the requests of a service, usually into the mailbox of its actor.
pub trait RequestSink: Send + Sync + 'static {
    /// Takes a call without waiting.
    ///
    /// # Errors
    /// Gives it back when the service takes none any more.
    fn deliver(&self, call: IncomingCall) -> Result<(), IncomingCall>;
}

/// Finds the service behind a name.
pub trait ServiceResolver: Send + Sync + 'static {
    /// The service of that name, and the capacity of its mailbox, which becomes the window.
    ///
    /// # Errors
    /// Why there is none, for the peer to read.
    fn resolve(&self, service: &str) -> Result<(Arc<dyn RequestSink>, u32), String>;
}

/// A channel that the peer opened to a service of ours.
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
    ) -> Self {
        Self {
            service: service.into(),
            sink,
            window: Arc::new(ServiceWindow::new(id, window)),
        }
    }

    pub(crate) fn id(&self) -> ChannelId {
        self.window.channel
    }
}

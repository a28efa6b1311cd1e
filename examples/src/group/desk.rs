//! The host's desk: a call in a plugin announces here that it has begun, and is told how to go on.
//!
//! So the host knows exactly what a plugin is doing when it stops it, without waiting for a guessed time.

use facet::Facet;
use rapace::ServiceHandle;
use rapace::{OnPanic, Proxy};
use tokio::sync::{mpsc, oneshot};

/// What a call that has begun does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Facet)]
#[repr(u8)]
pub enum Action {
    /// Do the work and answer.
    Finish,
    /// Never answer.
    Hang,
    /// Crash the process.
    Crash,
}

/// The host's service for its plugins.
#[rapace::service]
pub trait Desk {
    /// Announces that a call has begun. The answer is what it does next.
    async fn announce(&mut self, call: String) -> Action;
}

/// A call has begun, and waits for an action. Dropping this lets it finish.
#[derive(Debug)]
pub struct Begun {
    /// The call.
    pub call: String,
    action: oneshot::Sender<Action>,
}

impl Begun {
    /// Tells the call what to do next.
    pub fn decide(self, action: Action) {
        // If the plugin has died, the answer is dropped.
        let _ = self.action.send(action);
    }
}

struct Clerk(mpsc::UnboundedSender<Begun>);

impl Desk for Clerk {
    async fn announce(&mut self, call: String) -> Action {
        let (action, decided) = oneshot::channel();
        // If the receiver is gone, every call finishes.
        let _ = self.0.send(Begun { call, action });
        decided.await.unwrap_or(Action::Finish)
    }
}

/// Makes a desk that can be provided to plugins, and the receiver of its announcements, in order. When the
/// receiver is dropped, every call finishes.
///
/// # Panics
/// Outside a tokio runtime.
#[must_use]
pub fn desk() -> (ServiceHandle, mpsc::UnboundedReceiver<Begun>) {
    let (heard, calls) = mpsc::unbounded_channel();
    let (_, served) = Proxy::serve(DeskServer::new(Clerk(heard)), 64, OnPanic::default());
    (served, calls)
}

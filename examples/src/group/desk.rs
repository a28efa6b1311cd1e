//! The host's desk: where a call of a plugin says that it has begun, and hears how to go on.
//!
//! So a host knows exactly what a plugin is doing when it takes it down, without waiting and hoping.

use facet::Facet;
use rapace::ServiceHandle;
use rapace::{OnPanic, Proxy};
use tokio::sync::{mpsc, oneshot};

/// How a call that has begun is to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Facet)]
#[repr(u8)]
pub enum Verdict {
    /// It does its work and answers.
    Finish,
    /// It never answers.
    Hang,
    /// It takes its process down.
    Crash,
}

/// What a plugin tells its host.
#[rapace::service]
pub trait Desk {
    /// Says that a call has begun. Answered with what it is to do.
    async fn announce(&mut self, call: String) -> Verdict;
}

/// A call has begun, and waits for a verdict. Dropping this lets it finish.
#[derive(Debug)]
pub struct Begun {
    /// Which call.
    pub call: String,
    verdict: oneshot::Sender<Verdict>,
}

impl Begun {
    /// Says how it goes on.
    pub fn decide(self, verdict: Verdict) {
        // A plugin that died meanwhile goes on in no way at all.
        let _ = self.verdict.send(verdict);
    }
}

struct Clerk(mpsc::UnboundedSender<Begun>);

impl Desk for Clerk {
    async fn announce(&mut self, call: String) -> Verdict {
        let (verdict, decided) = oneshot::channel();
        // When nobody listens any more, everybody may finish.
        let _ = self.0.send(Begun { call, verdict });
        decided.await.unwrap_or(Verdict::Finish)
    }
}

/// A desk to be offered to plugins, and what they say there, one after the other. When the receiver
/// is dropped every call may finish.
///
/// # Panics
/// Outside a tokio runtime.
#[must_use]
pub fn desk() -> (ServiceHandle, mpsc::UnboundedReceiver<Begun>) {
    let (heard, calls) = mpsc::unbounded_channel();
    let (_, served) = Proxy::serve(DeskServer::new(Clerk(heard)), 64, OnPanic::default());
    (served, calls)
}

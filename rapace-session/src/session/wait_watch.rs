//! What is remembered from one look at the waits of a session to the next.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::calls::outgoing::OutgoingCalls;
use crate::calls::watch::{CallWatch, SeenCall};
use crate::session::wait_episodes::Episodes;

/// What is remembered between two looks.
#[derive(Debug, Default)]
pub(crate) struct WaitWatch(Mutex<Watch>);

#[derive(Debug, Default)]
pub(super) struct Watch {
    calls: CallWatch,
    /// The number of the peer's last heartbeat, and when it was seen.
    heartbeat: Option<(u32, Instant)>,
    pub(super) episodes: Episodes,
}

/// What a look sees.
pub(super) struct Seen {
    pub(super) calls: Vec<SeenCall>,
    /// How long ago the peer's last heartbeat was seen, over a transport that has heartbeats.
    pub(super) silent: Option<Duration>,
}

impl WaitWatch {
    pub(super) fn lock(&self) -> MutexGuard<'_, Watch> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watch {
    /// Looks at the calls and at the peer.
    pub(super) fn look(&mut self, calls: &OutgoingCalls, now: Instant) -> Seen {
        let beats = calls.link.transport.peer_heartbeats();
        self.heartbeat = beats.map(|beats| match self.heartbeat {
            Some((before, at)) if before == beats => (beats, at),
            _ => (beats, now),
        });
        let last = self.heartbeat.map(|(_, at)| at);
        Seen {
            calls: self.calls.look(calls, now),
            silent: last.map(|at| now.saturating_duration_since(at)),
        }
    }
}

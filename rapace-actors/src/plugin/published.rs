//! What callers and handles see of a plugin, as long as somebody looks after it.
//!
//! - PS1: callers are told first, then those who watch: who has seen a state finds the route in it.
//! - PS2: if this is dropped before the actor has said how it ends, the runtime was shut down: that drops tasks without a
//!   word. Callers and watchers in other runtimes are told.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::{broadcast, watch};

use super::event::{PluginEvent, PluginEventKind};
use crate::process::StopError;
use crate::route::{PluginRoute, Surprise};
use crate::supervision::{DownReason, State};

/// What the handle shows of the actor.
#[derive(Clone, Debug)]
pub(crate) struct PluginStatus {
    pub(crate) state: State,
    pub(crate) pid: Option<u32>,
    /// Until when the last failure's backoff lasts.
    pub(crate) resume: Option<Instant>,
    /// Why a process that is to end does not.
    pub(crate) stays: Option<Arc<StopError>>,
}

impl PluginStatus {
    /// Of a plugin that was never started.
    pub(crate) fn new() -> Self {
        Self {
            state: State::Down(DownReason::NotStarted),
            pid: None,
            resume: None,
            stays: None,
        }
    }
}

/// The actor's side of it.
pub(crate) struct Published {
    pub(crate) name: Arc<str>,
    pub(crate) route: Arc<PluginRoute>,
    pub(crate) status: watch::Sender<PluginStatus>,
    pub(crate) events: broadcast::Sender<PluginEvent>,
}

impl Published {
    /// Says which process there is.
    pub(crate) fn pid(&self, pid: u32) {
        self.status.send_modify(|status| status.pid = Some(pid));
    }

    /// Says that the process is gone.
    pub(crate) fn ended(&self) {
        self.status.send_modify(|status| {
            status.pid = None;
            status.stays = None;
        });
    }

    /// Says that the process was to end, and does not.
    pub(crate) fn stays(&self, why: &Arc<StopError>) {
        self.status
            .send_modify(|status| status.stays = Some(Arc::clone(why)));
        self.tell(PluginEventKind::Stays(Arc::clone(why)));
    }

    /// Publishes the state, also to those who wait for anything to have been decided; and tells of it, if it is another
    /// one than before.
    pub(crate) fn publish(&self, state: &State, now: Instant) {
        let (before, pid) = {
            let status = self.status.borrow();
            (status.state.clone(), status.pid)
        };
        self.status.send_modify(|status| {
            status.state = state.clone();
            match state {
                State::Backoff { until, .. } => status.resume = Some(*until),
                State::Ready { .. } | State::Down(_) => status.resume = None,
                _ => {}
            }
        });
        if std::mem::discriminant(&before) != std::mem::discriminant(state)
            || before.incarnation() != state.incarnation()
        {
            self.tell(PluginEventKind::of(state, pid, now));
        }
    }

    /// Tells of something that has happened.
    pub(crate) fn tell(&self, kind: PluginEventKind) {
        self.tell_of(kind, Surprise::Yes);
    }

    fn tell_of(&self, kind: PluginEventKind, surprise: Surprise) {
        let event = PluginEvent {
            plugin: Arc::clone(&self.name),
            kind,
        };
        match &event.kind {
            PluginEventKind::Died(exit) if exit.is_failure() => tracing::warn!("{event}"),
            PluginEventKind::Stays(_) => tracing::error!("{event}"),
            PluginEventKind::NotStarted(_)
            | PluginEventKind::CircuitOpen { .. }
            | PluginEventKind::Backoff { .. } => tracing::warn!("{event}"),
            // Somebody may still have wanted it.
            PluginEventKind::Down(DownReason::RuntimeGone) if surprise == Surprise::Yes => {
                tracing::warn!("{event}")
            }
            _ => tracing::debug!("{event}"),
        }
        // Nobody needs to listen.
        let _ = self.events.send(event);
    }

    /// Nobody looks after the plugin any more. The first reason stays.
    pub(crate) fn end(&self, reason: DownReason) {
        let Some(surprise) = self.route.abandon(reason.clone()) else {
            return;
        };
        let known = match &self.status.borrow().state {
            State::Down(before) => {
                std::mem::discriminant(before) == std::mem::discriminant(&reason)
            }
            _ => false,
        };
        if !known {
            self.status.send_modify(|status| {
                *status = PluginStatus {
                    state: State::Down(reason.clone()),
                    ..PluginStatus::new()
                }
            });
            self.tell_of(PluginEventKind::Down(reason), surprise);
        }
    }
}

impl Drop for Published {
    fn drop(&mut self) {
        self.end(DownReason::RuntimeGone); // PS2
    }
}

//! The state of a plugin as its callers and handles see it, published by its actor.
//!
//! - PS1: the route is updated before watchers are notified, so a watcher that sees a state finds the route in
//!   that state.
//! - PS2: dropped before the actor has recorded an end, this publishes that the runtime was shut down, which
//!   drops tasks without further notice. So callers and watchers on other runtimes learn of it.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::{broadcast, watch};

use super::event::{PluginEvent, PluginEventKind};
use crate::process::StopError;
use crate::route::{Ending, PluginRoute};
use crate::supervision::{DownReason, State};

/// What handles read of the actor.
#[derive(Clone, Debug)]
pub(crate) struct PluginStatus {
    pub(crate) state: State,
    pub(crate) pid: Option<u32>,
    /// The end of the last failure's backoff.
    pub(crate) resume: Option<Instant>,
    /// Why a process that was told to end cannot be ended.
    pub(crate) stays: Option<Arc<StopError>>,
}

impl PluginStatus {
    /// Makes the status of a plugin that was never started.
    pub(crate) fn new() -> Self {
        Self {
            state: State::Down(DownReason::NotStarted),
            pid: None,
            resume: None,
            stays: None,
        }
    }
}

/// The publishing side, which the actor owns.
pub(crate) struct Published {
    pub(crate) name: Arc<str>,
    pub(crate) route: Arc<PluginRoute>,
    pub(crate) status: watch::Sender<PluginStatus>,
    pub(crate) events: broadcast::Sender<PluginEvent>,
}

impl Published {
    /// Publishes the process id.
    pub(crate) fn pid(&self, pid: u32) {
        self.status.send_modify(|status| status.pid = Some(pid));
    }

    /// Publishes that the process is gone.
    pub(crate) fn ended(&self) {
        self.status.send_modify(|status| {
            status.pid = None;
            status.stays = None;
        });
    }

    /// Publishes that the process was told to end and cannot be ended.
    pub(crate) fn stays(&self, why: &Arc<StopError>) {
        self.status
            .send_modify(|status| status.stays = Some(Arc::clone(why)));
        self.tell(PluginEventKind::Stays(Arc::clone(why)));
    }

    /// Publishes the state and wakes all watchers, and sends an event if the state has changed.
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

    /// Sends and logs an event.
    pub(crate) fn tell(&self, kind: PluginEventKind) {
        self.tell_of(kind, Ending::Unexpected);
    }

    fn tell_of(&self, kind: PluginEventKind, ending: Ending) {
        let event = PluginEvent {
            plugin: Arc::clone(&self.name),
            kind,
        };
        match &event.kind {
            PluginEventKind::Died(exit) if exit.is_failure() => tracing::warn!("{event}"),
            PluginEventKind::Stays(_) => tracing::error!("{event}"),
            PluginEventKind::NotStarted(_)
            | PluginEventKind::CircuitOpen { .. }
            | PluginEventKind::Backoff { .. }
            | PluginEventKind::Waiting(_) => tracing::warn!("{event}"),
            // The end was unexpected: somebody may still use the plugin.
            PluginEventKind::Down(DownReason::RuntimeGone) if ending == Ending::Unexpected => {
                tracing::warn!("{event}")
            }
            _ => tracing::debug!("{event}"),
        }
        // It is no error if there are no subscribers.
        let _ = self.events.send(event);
    }

    /// Records that the actor has ended. The first reason stays.
    pub(crate) fn end(&self, reason: DownReason) {
        let Some(ending) = self.route.mark_actor_gone(reason.clone()) else {
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
            self.tell_of(PluginEventKind::Down(reason), ending);
        }
    }
}

impl Drop for Published {
    fn drop(&mut self) {
        self.end(DownReason::RuntimeGone); // PS2
    }
}

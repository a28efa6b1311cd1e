//! The state of a plugin as its callers see it, and how requests, the actor and the runners change it.
//!
//! - RS1: a request takes effect for callers when it is made. No call that is made after a kill, a restart, a
//!   stop or a hold reaches a process that was running before.
//! - RS2: the actor's updates count only once it has processed every request made so far. An earlier update is
//!   older than a request, so it is ignored.
//! - RS3: a ready incarnation is closed by a request or by its own runner, never by the actor.
//! - RS4: a kill applies to the process that was running when the kill was requested.
//! - RS5: once the actor is gone, the recorded reason never changes.

use std::sync::Arc;

use crate::process::Incarnation;
use crate::supervision::{Down, DownReason, Stay};

/// A plugin's state for its callers. `R` is the handle to a ready incarnation.
#[derive(Clone, Debug)]
pub(crate) enum RouteState<R> {
    /// The plugin is starting, or a start is scheduled: callers wait.
    Away,
    /// The plugin is ready.
    Ready(R),
    /// The plugin is being stopped for good. Its running calls finish, new ones are refused.
    Leaving(Down),
    /// The plugin is down for good, or for a while that callers should not wait.
    Down(Down),
}

/// A request to a plugin.
#[derive(Clone, Debug)]
pub(crate) enum Request {
    Start,
    Restart,
    /// Kill the process with SIGKILL; it counts as a crash.
    Kill,
    Stop,
    /// The last handle was dropped.
    Shutdown,
    /// Stop because a sibling's failure takes it along.
    Hold {
        sibling: Arc<str>,
        stay: Stay,
    },
}

/// The ticket of a request, for the actor that carries it out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RequestTicket {
    number: u64,
    /// The process that was running, unless an earlier request may replace it first (RS4).
    incarnation: Option<Incarnation>,
}

impl RequestTicket {
    /// Whether the request applies to the current process (RS4).
    pub(crate) fn applies_to(&self, current: Incarnation) -> bool {
        self.incarnation.is_none_or(|meant| meant == current)
    }
}

/// The actor's update to what callers see.
#[derive(Clone, Debug)]
pub(crate) enum RouteUpdate {
    /// The plugin will come back: calls wait.
    Wait,
    /// The plugin is being stopped for good.
    Leave(DownReason),
    /// The plugin is down, and does not come back soon.
    Refuse(DownReason),
}

/// Whether somebody requested the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Unexpected,
    Expected,
}

/// The state of one plugin as its callers see it.
#[derive(Debug)]
pub(crate) struct Availability<R> {
    plugin: Arc<str>,
    state: RouteState<R>,
    /// The incarnation started last.
    latest: Option<Incarnation>,
    /// This incarnation and earlier ones receive no new calls (RS1).
    closed: Option<Incarnation>,
    asked: u64,
    /// How many requests the actor has processed (RS2).
    processed: u64,
    /// The actor is gone (RS5).
    actor_gone: bool,
}

impl<R> Availability<R> {
    pub(crate) fn new(plugin: Arc<str>) -> Self {
        Self {
            plugin,
            state: RouteState::Away,
            latest: None,
            closed: None,
            asked: 0,
            processed: 0,
            actor_gone: false,
        }
    }

    pub(crate) fn state(&self) -> &RouteState<R> {
        &self.state
    }

    /// Whether an incarnation is closed to new calls (RS1).
    pub(crate) fn is_closed(&self, incarnation: Incarnation) -> bool {
        self.closed.is_some_and(|closed| incarnation <= closed)
    }

    /// Records a request (RS1). Returns `None` if the actor is gone (RS5).
    pub(crate) fn request(&mut self, request: &Request) -> Option<RequestTicket> {
        if self.actor_gone {
            return None;
        }
        let asked = RequestTicket {
            number: self.asked + 1,
            incarnation: self.latest.filter(|_| self.asked == self.processed),
        };
        self.asked = asked.number;
        if !matches!(request, Request::Start) {
            self.closed = self.closed.max(self.latest);
        }
        let next = match (request, &self.state) {
            (Request::Start, RouteState::Leaving(_) | RouteState::Down(_))
            | (Request::Restart, _)
            | (
                Request::Kill
                | Request::Hold {
                    stay: Stay::Wait, ..
                },
                RouteState::Ready(_),
            ) => RouteState::Away,
            (Request::Stop, state) if !is_final(state) => self.leaving(DownReason::Stopped),
            (Request::Shutdown, state) if !is_final(state) => {
                self.leaving(DownReason::HandleDropped)
            }
            (
                Request::Hold {
                    sibling,
                    stay: Stay::Down,
                },
                RouteState::Ready(_) | RouteState::Away,
            ) => self.leaving(DownReason::StoppedWithSibling(Arc::clone(sibling))),
            (
                Request::Hold {
                    sibling,
                    stay: Stay::Refuse,
                },
                RouteState::Ready(_) | RouteState::Away,
            ) => self.leaving(DownReason::SiblingCircuitOpen(Arc::clone(sibling))),
            _ => return Some(asked),
        };
        self.state = next;
        Some(asked)
    }

    /// Notes that the actor has processed a request.
    pub(crate) fn mark_processed(&mut self, asked: RequestTicket) {
        self.processed = self.processed.max(asked.number);
    }

    /// Notes that an incarnation is being started.
    pub(crate) fn begin(&mut self, incarnation: Incarnation) {
        self.latest = Some(incarnation);
    }

    /// Opens an incarnation to calls. Returns false if it is closed already, because it is about to be stopped.
    pub(crate) fn open(&mut self, incarnation: Incarnation, ready: R) -> bool {
        let refused = self.actor_gone
            || matches!(self.state, RouteState::Leaving(_))
            || self.is_closed(incarnation);
        if !refused {
            self.state = RouteState::Ready(ready);
        }
        !refused
    }

    /// Closes the current incarnation. Returns true if it was open.
    pub(crate) fn close(&mut self) -> bool {
        let was_ready = matches!(self.state, RouteState::Ready(_));
        if was_ready {
            self.state = RouteState::Away;
        }
        was_ready
    }

    /// Applies an update of the actor, if it counts (RS2, RS3). Returns whether it did.
    pub(crate) fn update(&mut self, update: RouteUpdate) -> bool {
        if self.actor_gone
            || self.processed != self.asked
            || matches!(self.state, RouteState::Ready(_))
        {
            return false;
        }
        self.state = match update {
            RouteUpdate::Wait => RouteState::Away,
            RouteUpdate::Leave(reason) => self.leaving(reason),
            RouteUpdate::Refuse(reason) => RouteState::Down(self.down(reason)),
        };
        true
    }

    /// Marks that the actor is gone (RS5). The first time, returns whether that end is unexpected to callers.
    pub(crate) fn mark_actor_gone(&mut self, reason: DownReason) -> Option<Ending> {
        if std::mem::replace(&mut self.actor_gone, true) {
            return None;
        }
        let ending = match &self.state {
            RouteState::Leaving(_) | RouteState::Down(_) => Ending::Expected,
            RouteState::Away | RouteState::Ready(_) => Ending::Unexpected,
        };
        self.state = RouteState::Down(self.down(reason));
        Some(ending)
    }

    fn leaving(&self, reason: DownReason) -> RouteState<R> {
        RouteState::Leaving(self.down(reason))
    }

    fn down(&self, reason: DownReason) -> Down {
        Down {
            plugin: Arc::clone(&self.plugin),
            reason,
        }
    }
}

/// Returns why the plugin is down, unless a later restart is planned.
pub(crate) fn for_good<R>(state: &RouteState<R>) -> Option<Down> {
    match state {
        RouteState::Down(down) if is_final(state) => Some(down.clone()),
        _ => None,
    }
}

/// Whether nothing is left to stop.
fn is_final<R>(state: &RouteState<R>) -> bool {
    matches!(state, RouteState::Down(down) if !matches!(
        down.reason,
        DownReason::CircuitOpen { .. } | DownReason::SiblingCircuitOpen(_) | DownReason::Stays(_)
    ))
}

#[cfg(test)]
mod tests;

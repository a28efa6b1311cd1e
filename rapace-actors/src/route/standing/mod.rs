//! Where a plugin stands for its callers, and what requests, the actor and the runners change about that.
//!
//! - RS1: a request counts for callers when it is made. No call that is made after a kill, a restart, a stop or a hold
//!   reaches a process that was there before.
//! - RS2: what the actor says counts only if it has taken up every request made so far. What it says before that is
//!   older than a request.
//! - RS3: an incarnation that answers is closed by a request or by its own runner, never by the actor.
//! - RS4: a kill is meant for the process that was there when it was made.
//! - RS5: when nobody carries out requests any more, the reason for that stays.

use std::sync::Arc;

use crate::process::Incarnation;
use crate::supervision::{Down, DownReason, Stay};

/// Where a plugin is, for its callers. `R` is what leads to an incarnation that answers.
#[derive(Clone, Debug)]
pub(crate) enum RouteState<R> {
    /// It is being started or waits for that: callers wait too.
    Away,
    /// It answers.
    Ready(R),
    /// It is being taken down and does not come back by itself. Calls that it has are finished, new ones are refused.
    Leaving(Down),
    /// It does not come back by itself, or not soon.
    Down(Down),
}

/// What somebody asks of a plugin.
#[derive(Clone, Debug)]
pub(crate) enum Request {
    Start,
    Restart,
    /// SIGKILL, as a crash would.
    Kill,
    Stop,
    /// The last handle is gone.
    Shutdown,
    /// A sibling takes it along.
    Hold {
        sibling: Arc<str>,
        stay: Stay,
    },
}

/// A request that was made, for the actor to carry out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    number: u64,
    /// The process that was there, unless an earlier request may replace it first (RS4).
    incarnation: Option<Incarnation>,
}

impl Asked {
    /// Whether the process of the moment is meant (RS4).
    pub(crate) fn means(&self, current: Incarnation) -> bool {
        self.incarnation.is_none_or(|meant| meant == current)
    }
}

/// What the actor says to callers.
#[derive(Clone, Debug)]
pub(crate) enum RouteUpdate {
    /// It comes back: wait.
    Wait,
    /// It is being taken down for good.
    Leave(DownReason),
    /// It is not there, and does not come back soon.
    Refuse(DownReason),
}

/// Whether an end comes although nobody has asked for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Surprise {
    Yes,
    No,
}

/// Where one plugin stands.
#[derive(Debug)]
pub(crate) struct Standing<R> {
    plugin: Arc<str>,
    state: RouteState<R>,
    /// The incarnation that was started last.
    latest: Option<Incarnation>,
    /// This one and those before it get no new calls (RS1).
    closed: Option<Incarnation>,
    asked: u64,
    /// How many of the requests the actor has taken up (RS2).
    taken_up: u64,
    /// Nobody carries out requests (RS5).
    abandoned: bool,
}

impl<R> Standing<R> {
    pub(crate) fn new(plugin: Arc<str>) -> Self {
        Self {
            plugin,
            state: RouteState::Away,
            latest: None,
            closed: None,
            asked: 0,
            taken_up: 0,
            abandoned: false,
        }
    }

    pub(crate) fn state(&self) -> &RouteState<R> {
        &self.state
    }

    /// Whether new calls are kept from an incarnation (RS1).
    pub(crate) fn is_closed(&self, incarnation: Incarnation) -> bool {
        self.closed.is_some_and(|closed| incarnation <= closed)
    }

    /// Takes note of a request (RS1). `None` if nobody would carry it out (RS5).
    pub(crate) fn ask(&mut self, request: &Request) -> Option<Asked> {
        if self.abandoned {
            return None;
        }
        let asked = Asked {
            number: self.asked + 1,
            incarnation: self.latest.filter(|_| self.asked == self.taken_up),
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

    /// The actor has taken up a request.
    pub(crate) fn take_up(&mut self, asked: Asked) {
        self.taken_up = self.taken_up.max(asked.number);
    }

    /// An incarnation is being started.
    pub(crate) fn begin(&mut self, incarnation: Incarnation) {
        self.latest = Some(incarnation);
    }

    /// An incarnation answers; false if it gets no calls, because it is about to be taken down.
    pub(crate) fn open(&mut self, incarnation: Incarnation, ready: R) -> bool {
        let refused = self.abandoned
            || matches!(self.state, RouteState::Leaving(_))
            || self.is_closed(incarnation);
        if !refused {
            self.state = RouteState::Ready(ready);
        }
        !refused
    }

    /// The incarnation of the moment answers no more. True if that is news.
    pub(crate) fn close(&mut self) -> bool {
        let was_ready = matches!(self.state, RouteState::Ready(_));
        if was_ready {
            self.state = RouteState::Away;
        }
        was_ready
    }

    /// Takes over what the actor says, if it counts (RS2, RS3). True if it does.
    pub(crate) fn update(&mut self, update: RouteUpdate) -> bool {
        if self.abandoned
            || self.taken_up != self.asked
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

    /// Nobody carries out requests any more (RS5). If that is news, whether somebody is there who did not know that the
    /// plugin was to end.
    pub(crate) fn abandon(&mut self, reason: DownReason) -> Option<Surprise> {
        if std::mem::replace(&mut self.abandoned, true) {
            return None;
        }
        let surprise = match &self.state {
            RouteState::Leaving(_) | RouteState::Down(_) => Surprise::No,
            RouteState::Away | RouteState::Ready(_) => Surprise::Yes,
        };
        self.state = RouteState::Down(self.down(reason));
        Some(surprise)
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

/// Why the plugin is down, unless it is tried again later.
pub(crate) fn for_good<R>(state: &RouteState<R>) -> Option<Down> {
    match state {
        RouteState::Down(down) if is_final(state) => Some(down.clone()),
        _ => None,
    }
}

/// Whether there is nothing left that could be stopped.
fn is_final<R>(state: &RouteState<R>) -> bool {
    matches!(state, RouteState::Down(down) if !matches!(
        down.reason,
        DownReason::CircuitOpen { .. } | DownReason::SiblingCircuitOpen(_) | DownReason::Stays(_)
    ))
}

#[cfg(test)]
mod tests;

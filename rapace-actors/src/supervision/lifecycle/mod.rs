//! The lifecycle of a supervised plugin: decides every transition between its states.
//!
//! - F1: two incarnations never overlap, except in a take-over: a start is asked for only when the current process,
//!   if there was one, is known to be gone.
//! - F2: the last request wins. A stop during a restart ends in `Down`; a start during a stop ends in a restart.
//! - F3: events of an earlier incarnation change nothing.
//! - F4: a death during a requested stop needs no decision, whatever its cause.
//! - F5: an event that does not apply to a state leaves the state unchanged. Facts may arrive late, requests twice.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{
    Action, AfterStop, Child, DownReason, Event, Failure, RestartDecision, RestartPolicy, Restarts,
    State, Stay,
};
use crate::process::Incarnation;

/// A plugin's state, with its restarts so far and the numbers of its incarnations.
#[derive(Clone, Debug)]
pub struct Lifecycle {
    state: State,
    restarts: Restarts,
    next: Incarnation,
}

impl Lifecycle {
    /// Makes the lifecycle of a plugin that was never started.
    #[must_use]
    pub fn new(restarts: Restarts) -> Self {
        Self {
            state: State::Down(DownReason::NotStarted),
            restarts,
            next: Incarnation::FIRST,
        }
    }

    /// Returns the current state.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Returns its restart policy.
    #[must_use]
    pub fn policy(&self) -> RestartPolicy {
        self.restarts.policy()
    }

    /// Returns its state as its siblings' supervisor sees it.
    #[must_use]
    pub fn as_child(&self) -> Child {
        Child {
            policy: self.policy(),
            state: self.state.as_child(),
        }
    }

    /// Reserves a number for a process that is started beside the current one, to [take over](Event::TakeOver).
    pub fn reserve(&mut self) -> Incarnation {
        let reserved = self.next;
        self.next = reserved.next();
        reserved
    }

    /// Applies an event that happened at `now`, and returns the action that follows.
    pub fn on(&mut self, event: Event, now: Instant) -> Action {
        let state = std::mem::replace(&mut self.state, State::Down(DownReason::NotStarted));
        let (state, action) = self.step(state, event, now);
        self.state = state;
        action
    }

    fn step(&mut self, state: State, event: Event, now: Instant) -> (State, Action) {
        match (state, event) {
            // Requests.
            (
                State::Down(_) | State::Backoff { .. } | State::CircuitOpen { .. },
                Event::Start | Event::Restart,
            ) => {
                self.restarts.forget();
                self.start(None)
            }
            (
                State::Starting { incarnation, .. } | State::Ready { incarnation, .. },
                Event::Restart,
            ) => {
                self.restarts.forget();
                stop(incarnation, AfterStop::Restart)
            }
            (
                State::Stopping {
                    incarnation,
                    then: AfterStop::Down(_),
                },
                Event::Start | Event::Restart,
            ) => {
                self.restarts.forget();
                unchanged(State::Stopping {
                    incarnation,
                    then: AfterStop::Restart,
                })
            }
            (state, Event::Stop) => end(state, DownReason::Stopped),
            (state, Event::Shutdown) => end(state, DownReason::HandleDropped),

            // A sibling's failure.
            (
                state @ State::Stopping {
                    then: AfterStop::Down(_),
                    ..
                },
                Event::Hold { .. },
            ) => unchanged(state),
            (
                state,
                Event::Hold {
                    sibling,
                    stay: Stay::Down,
                },
            ) => end(state, DownReason::StoppedWithSibling(sibling)),
            (
                State::Starting { incarnation, .. } | State::Ready { incarnation, .. },
                Event::Hold { sibling, stay },
            ) => {
                let refuse = refusal(&sibling, stay);
                stop(incarnation, AfterStop::Hold { sibling, refuse })
            }
            (
                State::Stopping {
                    incarnation,
                    then: AfterStop::Restart | AfterStop::Hold { .. },
                },
                Event::Hold { sibling, stay },
            ) => {
                let refuse = refusal(&sibling, stay);
                unchanged(State::Stopping {
                    incarnation,
                    then: AfterStop::Hold { sibling, refuse },
                })
            }
            (
                State::Backoff { .. } | State::AwaitingSiblings { .. },
                Event::Hold { sibling, stay },
            ) => {
                let refuse = refusal(&sibling, stay);
                unchanged(State::AwaitingSiblings { sibling, refuse })
            }
            // Its first start is postponed.
            (
                State::Down(DownReason::NotStarted),
                Event::Hold {
                    sibling,
                    stay: Stay::Refuse,
                },
            ) => {
                let refuse = refusal(&sibling, Stay::Refuse);
                unchanged(State::AwaitingSiblings { sibling, refuse })
            }
            (
                State::Stopping {
                    incarnation,
                    then: AfterStop::Hold { .. },
                },
                Event::Release,
            ) => unchanged(State::Stopping {
                incarnation,
                then: AfterStop::Restart,
            }),
            (State::AwaitingSiblings { .. }, Event::Release) => self.start(None),

            // Facts about the current process.
            (State::Starting { incarnation, .. }, Event::Ready(it)) if it == incarnation => {
                unchanged(State::Ready {
                    incarnation,
                    since: now,
                })
            }
            (State::Starting { incarnation, .. }, Event::Died(exit))
                if exit.incarnation == incarnation =>
            {
                self.decide(Failure::Died(exit), Duration::ZERO, now)
            }
            (
                State::Starting { incarnation, .. } | State::Ready { incarnation, .. },
                Event::StartFailed(it, error),
            ) if it == incarnation => self.decide(Failure::Start(it, error), Duration::ZERO, now),
            (State::Ready { incarnation, since }, Event::Died(exit))
                if exit.incarnation == incarnation =>
            {
                self.decide(
                    Failure::Died(exit),
                    now.saturating_duration_since(since),
                    now,
                )
            }
            (State::Stopping { incarnation, then }, Event::Died(exit))
                if exit.incarnation == incarnation =>
            {
                self.stopped(then)
            }
            (State::Stopping { incarnation, then }, Event::StartFailed(it, _))
                if it == incarnation =>
            {
                self.stopped(then)
            }

            // It gets no more calls, and another incarnation follows once it is gone after all (F1).
            (
                State::Starting { incarnation, .. } | State::Ready { incarnation, .. },
                Event::Stays(it),
            ) if it == incarnation => {
                let then = match self.policy() {
                    RestartPolicy::Never => AfterStop::Down(DownReason::Stopped),
                    _ => AfterStop::Restart,
                };
                unchanged(State::Stopping { incarnation, then })
            }

            // Another process beside it. The starter of the take-over owns the replaced one.
            (
                State::Ready { .. } | State::Backoff { .. } | State::CircuitOpen { .. },
                Event::TakeOver(incarnation),
            ) => unchanged(State::Ready {
                incarnation,
                since: now,
            }),
            (state, Event::TakeOver(incarnation)) => (state, Action::Stop(incarnation)),

            // Time.
            (State::Backoff { until, .. }, Event::TimeIsUp) if until <= now => self.start(None),
            (State::CircuitOpen { until, reason }, Event::TimeIsUp) if until <= now => {
                self.start(Some(reason))
            }
            (
                state @ (State::Backoff { until, .. } | State::CircuitOpen { until, .. }),
                Event::TimeIsUp,
            ) => (state, Action::WaitUntil(until)),

            // F3, F5.
            (state, _) => unchanged(state),
        }
    }

    fn start(&mut self, probe: Option<DownReason>) -> (State, Action) {
        let incarnation = self.reserve();
        (
            State::Starting { incarnation, probe },
            Action::Start(incarnation),
        )
    }

    fn stopped(&mut self, then: AfterStop) -> (State, Action) {
        match then {
            AfterStop::Down(reason) => unchanged(State::Down(reason)),
            AfterStop::Restart => self.start(None),
            AfterStop::Hold { sibling, refuse } => {
                unchanged(State::AwaitingSiblings { sibling, refuse })
            }
        }
    }

    fn decide(&mut self, failure: Failure, ready: Duration, now: Instant) -> (State, Action) {
        match self.restarts.decide(&failure, ready, now) {
            RestartDecision::Restart { attempt, until } => (
                State::Backoff {
                    attempt,
                    until,
                    last: failure,
                },
                Action::WaitUntil(until),
            ),
            RestartDecision::Probe { until, reason } => (
                State::CircuitOpen { until, reason },
                Action::WaitUntil(until),
            ),
            RestartDecision::GiveUp(reason) => unchanged(State::Down(reason)),
        }
    }
}

/// Ends the plugin for `reason`; a plugin that is down for another reason keeps that.
fn end(state: State, reason: DownReason) -> (State, Action) {
    match state {
        State::Starting { incarnation, .. } | State::Ready { incarnation, .. } => {
            stop(incarnation, AfterStop::Down(reason))
        }
        State::Stopping { incarnation, .. } => unchanged(State::Stopping {
            incarnation,
            then: AfterStop::Down(reason),
        }),
        State::Down(DownReason::NotStarted)
        | State::Backoff { .. }
        | State::CircuitOpen { .. }
        | State::AwaitingSiblings { .. } => unchanged(State::Down(reason)),
        State::Down(_) => unchanged(state),
    }
}

/// Returns the reason that calls fail with while a plugin waits for its sibling, unless they wait too.
fn refusal(sibling: &Arc<str>, stay: Stay) -> Option<DownReason> {
    (stay == Stay::Refuse).then(|| DownReason::SiblingCircuitOpen(Arc::clone(sibling)))
}

fn stop(incarnation: Incarnation, then: AfterStop) -> (State, Action) {
    (
        State::Stopping { incarnation, then },
        Action::Stop(incarnation),
    )
}

fn unchanged(state: State) -> (State, Action) {
    (state, Action::Nothing)
}

#[cfg(test)]
mod tests;

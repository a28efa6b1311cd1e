//! The rules of a group of siblings: which child gets which directive next.
//!
//! - SG1: children are started in order, each when the previous one is ready or was given up, and stopped in
//!   reverse order, one after the other.
//! - SG2: when a child fails, it waits and the siblings that its strategy affects are stopped. When all of them
//!   are gone and the backoff of the failed ones is over, they are started again together, in one *round*.
//! - SG3: a child that fails during its restart in a round is retried by its own backoff; those after it wait;
//!   those before it are left alone. A child that fails after it was ready is a new failure, even during a
//!   round, and the two rounds become one.
//! - SG4: when a child cannot be started, or exceeds its restart limit, OneForAll stops all children and
//!   RestForOne those after it, which depend on it. A child that has done its work, was stopped on request or
//!   is never restarted does not affect the others.
//! - SG5: a child whose circuit breaker is open is retried later. Until it is ready, the siblings that its
//!   strategy affects are held, as after any failure, so that no child serves while a dependency is down; their
//!   calls fail at once, as its own do. When it is ready, they are started again in order.
//! - SG6: a user's request to a single child is respected and affects that child alone.
//!
//! Everything is derived from the children's current states, each time that one of them has changed. So no
//! event can be missed, and whatever a child does, those that wait for it go on.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use super::{AfterStop, Child, DownReason, RestartPolicy, State, Stay, SupervisionStrategy, plan};

/// A child as its group sees it.
#[derive(Clone, Debug)]
pub(crate) struct Sibling {
    pub(crate) policy: RestartPolicy,
    pub(crate) state: State,
    /// The end of its latest failure's backoff.
    pub(crate) resume: Option<Instant>,
    /// Whether it received a directive and has not changed its state since.
    pub(crate) has_directive: bool,
}

/// A directive to a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Directive {
    Start,
    Stop,
    /// Stop, because of this sibling.
    Hold {
        because: usize,
        stay: Stay,
    },
    Release,
}

/// The next step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Send a directive to this child.
    Tell(usize, Directive),
    /// Wait until a child changes its state, or until this time.
    Wait(Option<Instant>),
}

/// The pending work of a group. Children are identified by their positions in start order.
#[derive(Debug)]
pub(crate) struct SupervisionGroup {
    strategy: SupervisionStrategy,
    /// Children to stop for good, each with the sibling that causes it, or `None` on request.
    end: BTreeMap<usize, Option<usize>>,
    /// Children to stop before any start, each with the sibling that causes it.
    hold: BTreeMap<usize, usize>,
    /// Children to start.
    start: BTreeSet<usize>,
    /// Children whose circuit breaker is open, until they are ready or down (SG5).
    open: BTreeSet<usize>,
    /// Whether starts wait until one of `open` is ready.
    waits_for_open: bool,
    /// Children because of which siblings were stopped for good (SG4).
    given_up: BTreeSet<usize>,
}

impl SupervisionGroup {
    /// Makes a group that is to be started.
    pub(crate) fn new(strategy: SupervisionStrategy, children: usize) -> Self {
        Self {
            strategy,
            end: BTreeMap::new(),
            hold: BTreeMap::new(),
            start: (0..children).collect(),
            open: BTreeSet::new(),
            waits_for_open: false,
            given_up: BTreeSet::new(),
        }
    }

    /// Stops all children on request, and drops all other pending work.
    pub(crate) fn stop(&mut self, children: usize) {
        self.hold.clear();
        self.start.clear();
        self.end = (0..children).map(|child| (child, None)).collect();
    }

    /// Whether no work is pending, except the wait for a child whose circuit breaker is open.
    pub(crate) fn is_settled(&self) -> bool {
        let started = self.start.is_empty() || self.waits_for_open;
        self.end.is_empty() && self.hold.is_empty() && started
    }

    /// Returns the next step, given the children's states at `now`.
    pub(crate) fn next(&mut self, siblings: &[Sibling], now: Instant) -> Next {
        self.waits_for_open = false;
        self.note_given_up(siblings);
        if let Some(next) = self.next_to_end(siblings) {
            return next;
        }
        // Only now, since children that are stopped for good are not restarted.
        self.note_failed(siblings);
        self.next_to_refuse(siblings)
            .or_else(|| self.next_to_hold(siblings))
            .or_else(|| self.next_to_start(siblings, now))
            .unwrap_or(Next::Wait(None))
    }

    fn note_given_up(&mut self, siblings: &[Sibling]) {
        for (at, sibling) in siblings.iter().enumerate() {
            if !is_given_up(&sibling.state) {
                self.given_up.remove(&at);
            } else if self.given_up.insert(at) {
                self.give_up(at, siblings.len());
            }
        }
    }

    fn note_failed(&mut self, siblings: &[Sibling]) {
        for (at, sibling) in siblings.iter().enumerate() {
            match &sibling.state {
                State::CircuitOpen { .. } | State::Starting { probe: Some(_), .. }
                    if self.open.insert(at) =>
                {
                    self.plan_restart(at, siblings);
                    self.start.remove(&at);
                }
                State::Ready { .. } if self.open.remove(&at) => {
                    self.plan_restart(at, siblings);
                    self.start.remove(&at);
                    // Its own dependency is down.
                    if let Some(open) = self.waits_for(at) {
                        self.hold.insert(at, open);
                        self.start.insert(at);
                    }
                }
                State::Down(_) => {
                    self.open.remove(&at);
                }
                // By its own failure: a child that is held by another's failure is in `start` already.
                State::AwaitingSiblings { .. } if !self.start.contains(&at) => {
                    self.open.remove(&at);
                    self.plan_restart(at, siblings);
                }
                _ => {}
            }
        }
    }

    /// Returns the child with an open circuit breaker that this child has to wait for (SG5).
    fn waits_for(&self, child: usize) -> Option<usize> {
        let depends = |open: &usize| match self.strategy {
            SupervisionStrategy::OneForOne => false,
            SupervisionStrategy::OneForAll => *open != child,
            SupervisionStrategy::RestForOne => *open < child,
        };
        self.open.iter().copied().find(depends)
    }

    fn stay(&self, child: usize) -> Stay {
        match (self.start.contains(&child), self.waits_for(child)) {
            (false, _) => Stay::Down,
            (true, None) => Stay::Wait,
            (true, Some(_)) => Stay::Refuse,
        }
    }

    /// Adds the stops and starts that follow from a failure (SG2, SG3).
    fn plan_restart(&mut self, failed: usize, siblings: &[Sibling]) {
        let children = siblings
            .iter()
            .map(|sibling| Child {
                policy: sibling.policy,
                state: sibling.state.as_child(),
            })
            .collect::<Vec<_>>();
        let plan = plan(self.strategy, &children, failed, true);
        for lost in plan.lost() {
            self.start.remove(&lost);
        }
        // A child has to be down before it is started, even if its user is restarting it.
        let others = plan.stop.iter().chain(&plan.start).copied();
        for other in others.filter(|other| *other != failed) {
            self.hold.entry(other).or_insert(failed);
        }
        self.start.extend(plan.start);
    }

    /// Stops the dependents of a child that was given up (SG4).
    fn give_up(&mut self, gone: usize, children: usize) {
        let dependent = match self.strategy {
            SupervisionStrategy::OneForOne => return,
            SupervisionStrategy::OneForAll => 0..children,
            SupervisionStrategy::RestForOne => gone + 1..children,
        };
        for other in dependent.filter(|other| *other != gone) {
            self.hold.remove(&other);
            self.start.remove(&other);
            self.end.entry(other).or_insert(Some(gone));
        }
    }

    fn next_to_end(&mut self, siblings: &[Sibling]) -> Option<Next> {
        while let Some((&last, &because)) = self.end.last_key_value() {
            let directive = match because {
                None => Directive::Stop,
                Some(because) => Directive::Hold {
                    because,
                    stay: Stay::Down,
                },
            };
            match &siblings[last].state {
                // Its callers wait for its first start, which never comes, unless it is coming.
                State::Down(DownReason::NotStarted) if !siblings[last].has_directive => {
                    self.end.pop_last();
                    return Some(Next::Tell(last, directive));
                }
                State::Down(reason) if !matches!(reason, DownReason::NotStarted) => {
                    self.end.pop_last();
                }
                // Another directive would only change its state again.
                State::Stopping {
                    then: AfterStop::Down(_),
                    ..
                } => return Some(Next::Wait(None)),
                _ => return Some(siblings[last].tell(last, directive)),
            }
        }
        None
    }

    fn next_to_hold(&mut self, siblings: &[Sibling]) -> Option<Next> {
        while let Some((&last, &because)) = self.hold.last_key_value() {
            let directive = Directive::Hold {
                because,
                stay: self.stay(last),
            };
            match &siblings[last].state {
                State::AwaitingSiblings { .. } | State::Down(_) | State::CircuitOpen { .. } => {
                    self.hold.pop_last();
                }
                State::Starting { .. }
                | State::Ready { .. }
                | State::Stopping {
                    then: AfterStop::Restart,
                    ..
                } => return Some(siblings[last].tell(last, directive)),
                State::Stopping { .. } | State::Backoff { .. } => return Some(Next::Wait(None)),
            }
        }
        None
    }

    /// Returns the directive for a child that waits for an open circuit breaker: its calls fail at once (SG5).
    fn next_to_refuse(&self, siblings: &[Sibling]) -> Option<Next> {
        self.start.iter().find_map(|&child| {
            let because = self.waits_for(child)?;
            let hold = Directive::Hold {
                because,
                stay: Stay::Refuse,
            };
            match &siblings[child].state {
                State::AwaitingSiblings { refuse: None, .. }
                | State::Down(DownReason::NotStarted) => Some(siblings[child].tell(child, hold)),
                _ => None,
            }
        })
    }

    fn next_to_start(&mut self, siblings: &[Sibling], now: Instant) -> Option<Next> {
        while let Some(&first) = self.start.first() {
            let sibling = &siblings[first];
            match &sibling.state {
                State::AwaitingSiblings { .. } if self.waits_for(first).is_some() => {
                    self.waits_for_open = true;
                    return Some(Next::Wait(None));
                }
                State::Down(DownReason::NotStarted) => {
                    return Some(sibling.tell(first, Directive::Start));
                }
                State::Ready { .. } | State::CircuitOpen { .. } | State::Down(_) => {
                    self.start.pop_first();
                }
                State::AwaitingSiblings { .. } => {
                    let resume = self.resume(siblings).filter(|until| *until > now);
                    return Some(match resume {
                        Some(until) => Next::Wait(Some(until)),
                        None => sibling.tell(first, Directive::Release),
                    });
                }
                State::Starting { .. } | State::Stopping { .. } | State::Backoff { .. } => {
                    return Some(Next::Wait(None));
                }
            }
        }
        None
    }

    /// Returns when the backoff of all children to start is over.
    fn resume(&self, siblings: &[Sibling]) -> Option<Instant> {
        let waiting = self.start.iter().map(|at| &siblings[*at]);
        waiting
            .filter(|sibling| matches!(sibling.state, State::AwaitingSiblings { .. }))
            .filter_map(|sibling| sibling.resume)
            .max()
    }
}

impl Sibling {
    /// Sends a directive, once.
    fn tell(&self, at: usize, directive: Directive) -> Next {
        if self.has_directive {
            Next::Wait(None)
        } else {
            Next::Tell(at, directive)
        }
    }
}

fn is_given_up(state: &State) -> bool {
    matches!(
        state,
        State::Down(DownReason::RestartLimit { .. } | DownReason::StartFailed(..))
    )
}

#[cfg(test)]
mod tests;

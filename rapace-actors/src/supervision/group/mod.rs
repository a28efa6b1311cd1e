//! Siblings under one strategy: who is to be told what next.
//!
//! - SG1: children are started in their order, each when the one before answers or does not come, and
//!   stopped in the reverse order, one after the other.
//! - SG2: a child that fails waits, and whomever its strategy takes along is taken down; when all of
//!   them are gone and the backoff of those that failed is over, they are started again together.
//! - SG3: a child that fails while it is being started again is tried again by its own backoff, and
//!   those after it wait; those before it are left alone. One that fails after it was there is a
//!   failure of its own, also in the middle of a round, and the two rounds become one.
//! - SG4: when a child cannot be started, or has failed more often than it may, OneForAll stops
//!   everybody and RestForOne everybody after it: what depends on it has nothing to stand on. A
//!   child that has done its work, was stopped on request or is never restarted leaves the others
//!   alone.
//! - SG5: a child whose circuit breaker is open is tried again later. Until it answers, whoever its
//!   strategy takes along is held as by any failure, so nobody serves on a dependency that is down; their
//!   calls fail at once, as its own do. When it answers, they are started again in order.
//! - SG6: what somebody asks of a single child is respected and concerns that child alone.
//!
//! Everything is derived from where the children stand now, each time that one of them has moved: so
//! no news can be missed, and whatever a child does, somebody who waits for it is told to go on.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use super::{AfterStop, Child, DownReason, RestartPolicy, State, Stay, SupervisionStrategy, plan};

/// A child as its group sees it.
#[derive(Clone, Debug)]
pub(crate) struct Sibling {
    pub(crate) policy: RestartPolicy,
    pub(crate) state: State,
    /// Until when the backoff of its latest failure lasts.
    pub(crate) resume: Option<Instant>,
    /// It was told something and has not moved since.
    pub(crate) told: bool,
}

/// What a child is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Directive {
    Start,
    Stop,
    /// Stop, because of that sibling.
    Hold {
        because: usize,
        stay: Stay,
    },
    Release,
}

/// What is to be done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Tell that child.
    Tell(usize, Directive),
    /// Wait until a child moves, or until then.
    Wait(Option<Instant>),
}

/// What is under way among siblings. Children are positions in start order.
#[derive(Debug)]
pub(crate) struct SupervisionGroup {
    strategy: SupervisionStrategy,
    /// To be stopped for good, and because of whom if not on request.
    end: BTreeMap<usize, Option<usize>>,
    /// To be taken down before anybody is started, and because of whom.
    hold: BTreeMap<usize, usize>,
    /// To be started.
    start: BTreeSet<usize>,
    /// Those whose circuit breaker is open, until they answer or are down (SG5).
    open: BTreeSet<usize>,
    /// Nobody is started until one of those answers.
    waits_for_open: bool,
    /// Those whose siblings were stopped because of them (SG4).
    given_up: BTreeSet<usize>,
}

impl SupervisionGroup {
    /// A group that is to be started.
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

    /// Stops everybody on request; whatever else was under way is forgotten.
    pub(crate) fn stop(&mut self, children: usize) {
        self.hold.clear();
        self.start.clear();
        self.end = (0..children).map(|child| (child, None)).collect();
    }

    /// Whether nothing is under way, or nothing but the wait for a child whose circuit breaker is open.
    pub(crate) fn is_settled(&self) -> bool {
        let started = self.start.is_empty() || self.waits_for_open;
        self.end.is_empty() && self.hold.is_empty() && started
    }

    /// What is to be done next, given where everybody stands at `now`.
    pub(crate) fn next(&mut self, siblings: &[Sibling], now: Instant) -> Next {
        self.waits_for_open = false;
        self.note_given_up(siblings);
        if let Some(next) = self.next_to_end(siblings) {
            return next;
        }
        // Only now, since who is stopped for good is not restarted.
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
                    // It has nothing to stand on itself.
                    if let Some(open) = self.waits_for(at) {
                        self.hold.insert(at, open);
                        self.start.insert(at);
                    }
                }
                State::Down(_) => {
                    self.open.remove(&at);
                }
                // By its own failure: whoever is held by another's is to be started already.
                State::AwaitingSiblings { .. } if !self.start.contains(&at) => {
                    self.open.remove(&at);
                    self.plan_restart(at, siblings);
                }
                _ => {}
            }
        }
    }

    /// Whom a child may not be started without: one whose circuit breaker is open (SG5).
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

    /// SG2, SG3
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
        // Who is to be started must be down first, also somebody whom its user is restarting.
        let others = plan.stop.iter().chain(&plan.start).copied();
        for other in others.filter(|other| *other != failed) {
            self.hold.entry(other).or_insert(failed);
        }
        self.start.extend(plan.start);
    }

    /// SG4
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
                // Its callers wait for its first start, which does not come, unless it is coming.
                State::Down(DownReason::NotStarted) if !siblings[last].told => {
                    self.end.pop_last();
                    return Some(Next::Tell(last, directive));
                }
                State::Down(reason) if !matches!(reason, DownReason::NotStarted) => {
                    self.end.pop_last();
                }
                // Telling it again would only make it move again.
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

    /// Calls to whoever waits for an open circuit breaker fail at once (SG5).
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

    /// When the backoff of all those that wait to be started is over.
    fn resume(&self, siblings: &[Sibling]) -> Option<Instant> {
        let waiting = self.start.iter().map(|at| &siblings[*at]);
        waiting
            .filter(|sibling| matches!(sibling.state, State::AwaitingSiblings { .. }))
            .filter_map(|sibling| sibling.resume)
            .max()
    }
}

impl Sibling {
    /// Tells it once.
    fn tell(&self, at: usize, directive: Directive) -> Next {
        if self.told {
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

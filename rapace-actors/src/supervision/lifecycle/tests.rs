//! Every event in every state, and the rules that no sequence of events may break.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use super::*;
use crate::process::{EndedBy, ExitCause};
use crate::supervision::fixture::{CRASH, crash, exit};
use crate::supervision::{Admission, Backoff, Breaker, LimitReached, RestartConfig, StartError};

const PAUSE: Duration = Duration::from_secs(30);

fn config() -> RestartConfig {
    RestartConfig {
        limit: 2,
        breaker: Breaker::Probe(PAUSE),
        ..RestartConfig::default()
    }
}

fn restarts(config: RestartConfig) -> Restarts {
    let backoff = Backoff::with_seed(config.backoff.clone(), 1);
    Restarts::with_backoff(config, backoff)
}

/// Incarnation `n`.
fn number(n: u64) -> Incarnation {
    (1..n).fold(Incarnation::FIRST, |it, _| it.next())
}

fn sibling() -> Arc<str> {
    "fonts".into()
}

fn open_reason() -> DownReason {
    let limit = LimitReached {
        limit: 2,
        within: PAUSE,
    };
    DownReason::CircuitOpen {
        limit,
        last: crash(1),
        pause: PAUSE,
    }
}

/// Returns every kind of state, with incarnation 2 as the current one where there is one.
fn states(now: Instant) -> Vec<State> {
    let incarnation = number(2);
    let stopping = |then| State::Stopping { incarnation, then };
    let until = now + PAUSE;
    vec![
        State::Down(DownReason::NotStarted),
        State::Starting {
            incarnation,
            probe: None,
        },
        State::Starting {
            incarnation,
            probe: Some(open_reason()),
        },
        State::Ready {
            incarnation,
            since: now,
        },
        stopping(AfterStop::Down(DownReason::Stopped)),
        stopping(AfterStop::Restart),
        stopping(AfterStop::Hold {
            sibling: sibling(),
            refuse: None,
        }),
        stopping(AfterStop::Hold {
            sibling: sibling(),
            refuse: Some(DownReason::SiblingCircuitOpen(sibling())),
        }),
        State::Backoff {
            attempt: 1,
            until,
            last: crash(1),
        },
        State::CircuitOpen {
            until,
            reason: open_reason(),
        },
        State::AwaitingSiblings {
            sibling: sibling(),
            refuse: None,
        },
        State::AwaitingSiblings {
            sibling: sibling(),
            refuse: Some(DownReason::SiblingCircuitOpen(sibling())),
        },
    ]
}

/// Returns every kind of event, and how long after the state was entered it comes.
fn events() -> Vec<(&'static str, Event, Duration)> {
    let refused = StartError::Refused("speaks version 9".into());
    let hold = |stay| Event::Hold {
        sibling: sibling(),
        stay,
    };
    let died = |n, cause| Event::Died(exit(n, cause, EndedBy::Itself));
    let zero = Duration::ZERO;
    vec![
        ("start", Event::Start, zero),
        ("stop", Event::Stop, zero),
        ("shutdown", Event::Shutdown, zero),
        ("restart", Event::Restart, zero),
        ("hold", hold(Stay::Wait), zero),
        ("hold, refuse", hold(Stay::Refuse), zero),
        ("hold, lost", hold(Stay::Down), zero),
        ("release", Event::Release, zero),
        ("ready", Event::Ready(number(2)), zero),
        ("ready, stale", Event::Ready(number(1)), zero),
        ("crashed", died(2, CRASH), zero),
        ("crashed, stale", died(1, CRASH), zero),
        ("exited 0", died(2, ExitCause::Exited(0)), zero),
        (
            "refused",
            Event::StartFailed(number(2), refused.clone()),
            zero,
        ),
        (
            "refused, stale",
            Event::StartFailed(number(1), refused),
            zero,
        ),
        ("stays", Event::Stays(number(2)), zero),
        ("stays, stale", Event::Stays(number(1)), zero),
        ("take over", Event::TakeOver(number(3)), zero),
        ("early", Event::TimeIsUp, PAUSE / 2),
        ("on time", Event::TimeIsUp, PAUSE),
    ]
}

fn name(state: &State) -> String {
    match state {
        State::Down(DownReason::NotStarted) => "down".into(),
        State::Down(DownReason::Stopped) => "down(stopped)".into(),
        State::Down(DownReason::HandleDropped) => "down(dropped)".into(),
        State::Down(DownReason::StoppedWithSibling(_)) => "down(sibling)".into(),
        State::Down(DownReason::StartFailed(..)) => "down(refused)".into(),
        State::Down(DownReason::Completed(_)) => "down(completed)".into(),
        State::Down(other) => panic!("not in the table: {other:?}"),
        State::Starting {
            incarnation,
            probe: None,
        } => format!("starting{incarnation}"),
        State::Starting {
            incarnation,
            probe: Some(_),
        } => format!("probing{incarnation}"),
        State::Ready { incarnation, .. } => format!("ready{incarnation}"),
        State::Stopping {
            incarnation,
            then: AfterStop::Down(DownReason::Stopped),
        } => format!("stopping{incarnation}"),
        State::Stopping {
            incarnation,
            then: AfterStop::Down(DownReason::HandleDropped),
        } => format!("shutting down{incarnation}"),
        State::Stopping {
            incarnation,
            then: AfterStop::Down(_),
        } => format!("losing{incarnation}"),
        State::Stopping {
            incarnation,
            then: AfterStop::Restart,
        } => format!("restarting{incarnation}"),
        State::Stopping {
            incarnation,
            then: AfterStop::Hold { refuse: None, .. },
        } => format!("holding{incarnation}"),
        State::Stopping {
            incarnation,
            then: AfterStop::Hold { .. },
        } => format!("refusing{incarnation}"),
        State::Backoff { attempt, .. } => format!("backoff({attempt})"),
        State::CircuitOpen { .. } => "open".into(),
        State::AwaitingSiblings { refuse: None, .. } => "held".into(),
        State::AwaitingSiblings { .. } => "held(refusing)".into(),
    }
}

fn lifecycle(state: State, now: Instant) -> Lifecycle {
    let mut restarts = restarts(config());
    if matches!(
        state,
        State::CircuitOpen { .. } | State::Starting { probe: Some(_), .. }
    ) {
        // The path to this state.
        while !matches!(
            restarts.decide(&crash(1), Duration::ZERO, now),
            RestartDecision::Probe { .. }
        ) {}
    }
    Lifecycle {
        state,
        restarts,
        next: number(4),
    }
}

/// Returns one line for each pair with an effect; all other pairs must have none.
fn table() -> String {
    let now = Instant::now();
    let mut lines = String::new();
    for state in states(now) {
        for (event_name, event, after) in events() {
            let mut lifecycle = lifecycle(state.clone(), now);
            let action = match lifecycle.on(event, now + after) {
                Action::Nothing => String::new(),
                Action::Start(incarnation) => format!(", start {incarnation}"),
                Action::Stop(incarnation) => format!(", stop {incarnation}"),
                Action::WaitUntil(until) => format!(", wait {:?}", until - now),
            };
            let (before, after) = (name(&state), name(&lifecycle.state));
            if before != after || !action.is_empty() {
                lines += &format!("{before} + {event_name} = {after}{action}\n");
            }
        }
    }
    lines
}

#[test]
fn every_event_in_every_state_does_what_the_table_says() {
    assert_eq!(states(Instant::now()).len() * events().len(), 12 * 20);
    assert_eq!(table(), TABLE);
}

/// A simulated world: which processes live.
struct World {
    lifecycle: Lifecycle,
    living: BTreeSet<Incarnation>,
    newest: Option<Incarnation>,
    now: Instant,
}

impl World {
    fn new() -> Self {
        let lifecycle = Lifecycle::new(restarts(config()));
        Self {
            lifecycle,
            living: BTreeSet::new(),
            newest: None,
            now: Instant::now(),
        }
    }

    /// Delivers an event and checks F1.
    fn on(&mut self, event: Event) -> Action {
        match &event {
            Event::Died(exit) => self.living.remove(&exit.incarnation),
            Event::StartFailed(incarnation, _) => self.living.remove(incarnation),
            _ => false,
        };
        let action = self.lifecycle.on(event, self.now);
        if let Action::Start(incarnation) = action {
            assert!(
                self.living.is_empty(),
                "{incarnation} overlaps {:?}",
                self.living
            );
            assert!(
                self.newest < Some(incarnation),
                "{incarnation} is used twice"
            );
            self.newest = Some(incarnation);
            self.living.insert(incarnation);
        }
        let current = self.lifecycle.state.incarnation();
        assert_eq!(
            current.into_iter().collect::<BTreeSet<_>>(),
            self.living,
            "{:?}",
            self.lifecycle.state
        );
        action
    }

    fn crashes(&mut self, incarnation: Incarnation) {
        let crash = exit(incarnation.get(), CRASH, EndedBy::Itself);
        assert!(matches!(self.on(Event::Died(crash)), Action::WaitUntil(_)));
    }
}

/// F1, F3, F5: under any order of events there is at most one process, exactly when the state says so.
#[test]
fn incarnations_never_overlap_and_numbers_are_never_reused() {
    let mut world = World::new();
    let mut random = 1_u64;
    let mut visited = HashSet::new();
    for _ in 0..200_000 {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let draw = random >> 33;
        world.now += Duration::from_millis(draw % 4_000);
        let current = world.living.first().copied();
        let stale = Incarnation::FIRST;
        let refused = || StartError::Refused("speaks version 9".into());
        let died = |it: Incarnation, cause| Event::Died(exit(it.get(), cause, EndedBy::Itself));
        let hold = |stay| Event::Hold {
            sibling: sibling(),
            stay,
        };
        let come_back = [Stay::Wait, Stay::Refuse][(draw >> 8) as usize % 2];
        let event = match (draw % 16, current) {
            (0, _) => Event::Start,
            (1, _) => Event::Stop,
            (2, _) => Event::Restart,
            (3, _) => hold(come_back),
            (4, _) => hold(Stay::Down),
            (5 | 6, _) => Event::Release,
            (7 | 8, _) => Event::TimeIsUp,
            (9, _) if current != Some(stale) => died(stale, CRASH),
            (10 | 11, Some(it)) => Event::Ready(it),
            (12, Some(it)) => died(it, CRASH),
            (13, Some(it)) => died(it, ExitCause::Exited(0)),
            (14, Some(it)) => Event::StartFailed(it, refused()),
            _ => continue,
        };
        let _ = world.on(event);
        visited.insert(std::mem::discriminant(&world.lifecycle.state));
    }
    assert_eq!(visited.len(), 7, "some state was never entered");
}

/// F2, F4: a stop is never lost, and no crash on the way revives the plugin.
#[test]
fn a_stop_ends_in_down_from_every_state_whatever_the_process_does() {
    let now = Instant::now();
    for state in states(now) {
        for cause in [CRASH, ExitCause::Exited(0), ExitCause::Unknown] {
            let mut lifecycle = lifecycle(state.clone(), now);
            if let Action::Stop(it) = lifecycle.on(Event::Stop, now) {
                assert_eq!(it, number(2));
            }
            let _ = lifecycle.on(Event::Died(exit(2, cause, EndedBy::Itself)), now);
            assert!(
                matches!(lifecycle.state, State::Down(_)),
                "{:?}",
                lifecycle.state
            );
            assert!(matches!(lifecycle.state.admission(), Admission::Refuse(_)));
        }
    }
}

#[test]
fn calls_wait_exactly_when_the_plugin_comes_back_by_itself() {
    let now = Instant::now();
    let answers = states(now)
        .into_iter()
        .map(|state| match state.admission() {
            Admission::Serve(_) => (name(&state), "serve"),
            Admission::Wait => (name(&state), "wait"),
            Admission::Refuse(_) => (name(&state), "refuse"),
        });
    let expected = [
        ("down", "refuse"),
        ("starting#2", "wait"),
        ("probing#2", "refuse"),
        ("ready#2", "serve"),
        ("stopping#2", "refuse"),
        ("restarting#2", "wait"),
        ("holding#2", "wait"),
        ("refusing#2", "refuse"),
        ("backoff(1)", "wait"),
        ("open", "refuse"),
        ("held", "wait"),
        ("held(refusing)", "refuse"),
    ];
    assert_eq!(
        answers.collect::<Vec<_>>(),
        expected.map(|(state, answer)| (state.to_owned(), answer))
    );
}

/// The whole cycle: crash, backoff, open circuit breaker, probe, recovery.
#[test]
fn a_plugin_that_keeps_crashing_is_left_alone_and_probed() {
    let mut world = World::new();
    assert_eq!(world.on(Event::Start), Action::Start(number(1)));
    for n in 1..=2 {
        world.crashes(number(n));
        let State::Backoff { until, .. } = world.lifecycle.state else {
            panic!("{:?}", world.lifecycle.state)
        };
        world.now = until;
        assert_eq!(world.on(Event::TimeIsUp), Action::Start(number(n + 1)));
    }
    world.crashes(number(3));
    assert!(
        matches!(&world.lifecycle.state, State::CircuitOpen { reason: DownReason::CircuitOpen { last, .. }, .. } if last.incarnation() == number(3)),
        "{:?}",
        world.lifecycle.state
    );
    world.now += PAUSE;
    assert_eq!(world.on(Event::TimeIsUp), Action::Start(number(4)));
    assert_eq!(world.on(Event::Ready(number(4))), Action::Nothing);
    // Healthy for long enough: the next crash is the first one again.
    world.now += Duration::from_secs(60);
    world.crashes(number(4));
    assert!(
        matches!(world.lifecycle.state, State::Backoff { attempt: 1, .. }),
        "{:?}",
        world.lifecycle.state
    );
}

#[test]
fn siblings_see_what_will_come_back() {
    let now = Instant::now();
    let seen: Vec<_> = states(now)
        .into_iter()
        .map(|state| lifecycle(state, now).as_child().state)
        .collect();
    use crate::supervision::ChildState::{Down, Running, Waiting};
    assert_eq!(
        seen,
        [
            Down, Running, Running, Running, Down, Waiting, Waiting, Waiting, Waiting, Down,
            Waiting, Waiting,
        ]
    );
}

/// `state + event = next state, action`.
const TABLE: &str = "\
down + start = starting#4, start #4
down + stop = down(stopped)
down + shutdown = down(dropped)
down + restart = starting#4, start #4
down + hold, refuse = held(refusing)
down + hold, lost = down(sibling)
down + take over = down, stop #3
starting#2 + stop = stopping#2, stop #2
starting#2 + shutdown = shutting down#2, stop #2
starting#2 + restart = restarting#2, stop #2
starting#2 + hold = holding#2, stop #2
starting#2 + hold, refuse = refusing#2, stop #2
starting#2 + hold, lost = losing#2, stop #2
starting#2 + ready = ready#2
starting#2 + crashed = backoff(1), wait 0ns
starting#2 + exited 0 = backoff(1), wait 0ns
starting#2 + refused = down(refused)
starting#2 + stays = restarting#2
starting#2 + take over = starting#2, stop #3
probing#2 + stop = stopping#2, stop #2
probing#2 + shutdown = shutting down#2, stop #2
probing#2 + restart = restarting#2, stop #2
probing#2 + hold = holding#2, stop #2
probing#2 + hold, refuse = refusing#2, stop #2
probing#2 + hold, lost = losing#2, stop #2
probing#2 + ready = ready#2
probing#2 + crashed = open, wait 30s
probing#2 + exited 0 = open, wait 30s
probing#2 + refused = down(refused)
probing#2 + stays = restarting#2
probing#2 + take over = probing#2, stop #3
ready#2 + stop = stopping#2, stop #2
ready#2 + shutdown = shutting down#2, stop #2
ready#2 + restart = restarting#2, stop #2
ready#2 + hold = holding#2, stop #2
ready#2 + hold, refuse = refusing#2, stop #2
ready#2 + hold, lost = losing#2, stop #2
ready#2 + crashed = backoff(1), wait 0ns
ready#2 + exited 0 = backoff(1), wait 0ns
ready#2 + refused = down(refused)
ready#2 + stays = restarting#2
ready#2 + take over = ready#3
stopping#2 + start = restarting#2
stopping#2 + shutdown = shutting down#2
stopping#2 + restart = restarting#2
stopping#2 + crashed = down(stopped)
stopping#2 + exited 0 = down(stopped)
stopping#2 + refused = down(stopped)
stopping#2 + take over = stopping#2, stop #3
restarting#2 + stop = stopping#2
restarting#2 + shutdown = shutting down#2
restarting#2 + hold = holding#2
restarting#2 + hold, refuse = refusing#2
restarting#2 + hold, lost = losing#2
restarting#2 + crashed = starting#4, start #4
restarting#2 + exited 0 = starting#4, start #4
restarting#2 + refused = starting#4, start #4
restarting#2 + take over = restarting#2, stop #3
holding#2 + stop = stopping#2
holding#2 + shutdown = shutting down#2
holding#2 + hold, refuse = refusing#2
holding#2 + hold, lost = losing#2
holding#2 + release = restarting#2
holding#2 + crashed = held
holding#2 + exited 0 = held
holding#2 + refused = held
holding#2 + take over = holding#2, stop #3
refusing#2 + stop = stopping#2
refusing#2 + shutdown = shutting down#2
refusing#2 + hold = holding#2
refusing#2 + hold, lost = losing#2
refusing#2 + release = restarting#2
refusing#2 + crashed = held(refusing)
refusing#2 + exited 0 = held(refusing)
refusing#2 + refused = held(refusing)
refusing#2 + take over = refusing#2, stop #3
backoff(1) + start = starting#4, start #4
backoff(1) + stop = down(stopped)
backoff(1) + shutdown = down(dropped)
backoff(1) + restart = starting#4, start #4
backoff(1) + hold = held
backoff(1) + hold, refuse = held(refusing)
backoff(1) + hold, lost = down(sibling)
backoff(1) + take over = ready#3
backoff(1) + early = backoff(1), wait 30s
backoff(1) + on time = starting#4, start #4
open + start = starting#4, start #4
open + stop = down(stopped)
open + shutdown = down(dropped)
open + restart = starting#4, start #4
open + hold, lost = down(sibling)
open + take over = ready#3
open + early = open, wait 30s
open + on time = probing#4, start #4
held + stop = down(stopped)
held + shutdown = down(dropped)
held + hold, refuse = held(refusing)
held + hold, lost = down(sibling)
held + release = starting#4, start #4
held + take over = held, stop #3
held(refusing) + stop = down(stopped)
held(refusing) + shutdown = down(dropped)
held(refusing) + hold = held
held(refusing) + hold, lost = down(sibling)
held(refusing) + release = starting#4, start #4
held(refusing) + take over = held(refusing), stop #3
";

//! Scenarios of a group with real `Lifecycle`s and simulated processes.

use std::time::Duration;

use super::*;
use crate::process::{EndedBy, ExitCause};
use crate::supervision::fixture::{CRASH, exit};
use crate::supervision::{
    Action, Admission, BackoffConfig, Breaker, Event, Lifecycle, RestartConfig, Restarts,
    StartError,
};
use RestartPolicy::{Never, Permanent};
use SupervisionStrategy::{OneForAll, OneForOne, RestForOne};

const NAMES: [&str; 4] = ["a", "b", "c", "d"];

/// One child: its lifecycle, its directives, and its next timer.
struct Actor {
    lifecycle: Lifecycle,
    policy: RestartPolicy,
    mailbox: Vec<Directive>,
    until: Option<Instant>,
    resume: Option<Instant>,
    has_directive: bool,
    lived: u64,
}

/// A group and its children, driven step by step.
struct Scene {
    group: SupervisionGroup,
    actors: Vec<Actor>,
    coordinated: bool,
    now: Instant,
    log: Vec<String>,
}

fn config(policy: RestartPolicy, breaker: Breaker) -> RestartConfig {
    RestartConfig {
        policy,
        limit: 3,
        breaker,
        backoff: BackoffConfig {
            first_is_immediate: false,
            ..BackoffConfig::default()
        },
        ..RestartConfig::default()
    }
}

impl Scene {
    fn new(strategy: SupervisionStrategy, policies: &[RestartPolicy], breaker: Breaker) -> Self {
        let actors = policies.iter().map(|policy| Actor {
            lifecycle: Lifecycle::new(Restarts::new(config(*policy, breaker))),
            policy: *policy,
            mailbox: Vec::new(),
            until: None,
            resume: None,
            has_directive: false,
            lived: 0,
        });
        Self {
            group: SupervisionGroup::new(strategy, policies.len()),
            actors: actors.collect(),
            coordinated: !matches!(strategy, OneForOne),
            now: Instant::now(),
            log: Vec::new(),
        }
    }

    /// Makes a group whose children are all ready.
    fn up(strategy: SupervisionStrategy, policies: &[RestartPolicy], breaker: Breaker) -> Self {
        let mut scene = Self::new(strategy, policies, breaker);
        scene.settle();
        scene.log.clear();
        scene
    }

    fn siblings(&self) -> Vec<Sibling> {
        let siblings = self.actors.iter().map(|actor| Sibling {
            policy: actor.policy,
            state: actor.lifecycle.state().clone(),
            resume: actor.resume,
            has_directive: actor.has_directive,
        });
        siblings.collect()
    }

    /// Delivers an event to one child, and carries out the resulting action.
    fn on(&mut self, child: usize, event: Event) {
        let actor = &mut self.actors[child];
        match actor.lifecycle.on(event, self.now) {
            Action::Nothing => {}
            Action::Start(_) => {
                actor.lived += 1;
                self.log.push(format!("+{}", NAMES[child]));
            }
            Action::Stop(_) => self.log.push(format!("-{}", NAMES[child])),
            Action::WaitUntil(until) => actor.until = Some(until),
        }
        actor.has_directive = false;
        match actor.lifecycle.state() {
            State::Backoff { until, .. } => actor.resume = Some(*until),
            State::Ready { .. } | State::Down(_) => actor.resume = None,
            _ => {}
        }
        if self.coordinated && matches!(actor.lifecycle.state(), State::Backoff { .. }) {
            let itself = Event::Hold {
                sibling: NAMES[child].into(),
                stay: Stay::Wait,
            };
            self.on(child, itself);
        }
    }

    /// Carries out all due directives.
    fn decide(&mut self) -> Option<Instant> {
        loop {
            match self.group.next(&self.siblings(), self.now) {
                Next::Tell(child, directive) => {
                    self.actors[child].mailbox.push(directive);
                    self.actors[child].has_directive = true;
                }
                Next::Wait(until) => return until,
            }
        }
    }

    fn deliver_directive(&mut self, child: usize) -> bool {
        if self.actors[child].mailbox.is_empty() {
            return false;
        }
        let event = match self.actors[child].mailbox.remove(0) {
            Directive::Start => Event::Start,
            Directive::Stop => Event::Stop,
            Directive::Release => Event::Release,
            Directive::Hold { because, stay } => Event::Hold {
                sibling: NAMES[because].into(),
                stay,
            },
        };
        self.on(child, event);
        true
    }

    /// Lets a process do the next expected thing.
    fn behave(&mut self, child: usize) -> bool {
        let state = self.actors[child].lifecycle.state().clone();
        match state {
            State::Starting { incarnation, .. } => {
                self.on(child, Event::Ready(incarnation));
                self.log.push(format!("{}!", NAMES[child]));
            }
            State::Stopping { incarnation, .. } => {
                let end = EndedBy::Request(crate::process::ShutdownStage::Drain);
                let end = exit(incarnation.get(), ExitCause::Exited(0), end);
                self.on(child, Event::Died(end));
            }
            _ => return false,
        }
        true
    }

    fn crash(&mut self, child: usize) {
        let incarnation = self.actors[child].lifecycle.state().incarnation();
        if let Some(incarnation) = incarnation {
            let crash = exit(incarnation.get(), CRASH, EndedBy::Itself);
            self.on(child, Event::Died(crash));
        }
    }

    fn ring(&mut self, child: usize) -> bool {
        let state = self.actors[child].lifecycle.state();
        let due = matches!(state, State::Backoff { .. } | State::CircuitOpen { .. })
            && self.actors[child]
                .until
                .is_some_and(|until| until <= self.now);
        if due {
            self.on(child, Event::TimeIsUp);
        }
        due
    }

    /// Runs until nothing changes any more, without failures, advancing time as needed.
    fn settle(&mut self) {
        for _ in 0..1_000 {
            let wake = self.decide();
            let all = 0..self.actors.len();
            let moved = all.clone().any(|child| {
                self.deliver_directive(child) || self.behave(child) || self.ring(child)
            });
            if moved {
                continue;
            }
            let waits = self.actors.iter().filter(|actor| {
                matches!(
                    actor.lifecycle.state(),
                    State::Backoff { .. } | State::CircuitOpen { .. }
                )
            });
            let next = waits.filter_map(|actor| actor.until).chain(wake).min();
            match next {
                Some(next) => self.now = self.now.max(next),
                None => return,
            }
        }
        panic!(
            "it never settles: {:?}",
            self.actors
                .iter()
                .map(|it| it.lifecycle.state())
                .collect::<Vec<_>>()
        );
    }

    /// Fails one child until its circuit breaker is open; no other child moves.
    fn fail_too_often(&mut self, child: usize) {
        self.settle();
        while !matches!(
            self.actors[child].lifecycle.state(),
            State::CircuitOpen { .. }
        ) {
            self.crash(child);
            if !matches!(
                self.actors[child].lifecycle.state(),
                State::CircuitOpen { .. }
            ) {
                self.settle();
            }
        }
        self.log.clear();
    }

    fn deliver_all(&mut self) -> bool {
        (0..self.actors.len()).any(|child| self.deliver_directive(child))
    }

    fn behave_all(&mut self) -> bool {
        (0..self.actors.len()).any(|child| self.behave(child))
    }

    fn waits_for_b(&self, child: usize) -> bool {
        let state = self.actors[child].lifecycle.state();
        match state.admission() {
            Admission::Refuse(DownReason::SiblingCircuitOpen(sibling)) => {
                assert!(matches!(state, State::AwaitingSiblings { .. }), "{state:?}");
                &**sibling == "b"
            }
            _ => false,
        }
    }

    fn log(&mut self) -> String {
        std::mem::take(&mut self.log).join(" ")
    }

    fn is_down(&self, child: usize, expected: fn(&DownReason) -> bool) -> bool {
        matches!(self.actors[child].lifecycle.state(), State::Down(reason) if expected(reason))
    }
}

/// SG1
#[test]
fn each_child_is_started_when_the_one_before_answers() {
    for strategy in [OneForOne, OneForAll, RestForOne] {
        let mut scene = Scene::new(strategy, &[Permanent; 3], Breaker::GiveUp);
        scene.settle();
        assert_eq!(scene.log(), "+a a! +b b! +c c!");
        assert!(scene.group.is_settled());
        scene.group.stop(3);
        scene.settle();
        assert_eq!(scene.log(), "-c -b -a");
    }
}

/// SG2
#[test]
fn a_failure_affects_the_siblings_that_its_strategy_says() {
    for (strategy, expected) in [
        (OneForOne, "+b b!"),
        (OneForAll, "-c -a +a a! +b b! +c c!"),
        (RestForOne, "-c +b b! +c c!"),
    ] {
        let mut scene = Scene::up(strategy, &[Permanent; 3], Breaker::GiveUp);
        let before = scene.now;
        scene.crash(1);
        scene.settle();
        assert_eq!(scene.log(), expected, "{strategy:?}");
        assert!(
            scene.now - before >= Duration::from_millis(50),
            "no backoff"
        );
    }
}

/// SG2: one round restarts both.
#[test]
fn two_that_fail_together_share_a_round() {
    let mut scene = Scene::up(RestForOne, &[Permanent; 4], Breaker::GiveUp);
    scene.crash(1);
    scene.decide();
    scene.crash(2);
    scene.settle();
    assert_eq!(scene.log(), "-d +b b! +c c! +d d!");
    // The later one first, and the other one during the resulting round.
    scene.crash(2);
    scene.decide();
    scene.crash(1);
    scene.settle();
    assert_eq!(scene.log(), "-d +b b! +c c! +d d!");
}

/// SG3
#[test]
fn a_failure_in_the_middle_of_a_round_is_recovered_from_in_it() {
    // Started again already: those after it are stopped once more.
    let mut scene = Scene::up(OneForAll, &[Permanent; 3], Breaker::GiveUp);
    scene.crash(2);
    while !matches!(scene.actors[1].lifecycle.state(), State::Starting { .. }) {
        assert!(step(&mut scene));
    }
    assert_eq!(scene.log(), "-b -a +a a! +b");
    scene.crash(0);
    scene.settle();
    assert_eq!(scene.log(), "-b +a a! +b b! +c c!");
    // Being started: it is retried, and those before it are left alone.
    scene.crash(2);
    while !matches!(scene.actors[1].lifecycle.state(), State::Starting { .. }) {
        assert!(step(&mut scene));
    }
    assert_eq!(scene.log(), "-b -a +a a! +b");
    scene.crash(1);
    scene.settle();
    assert_eq!(scene.log(), "+b b! +c c!");
    // Being stopped: it is down, as intended.
    let mut scene = Scene::up(OneForAll, &[Permanent; 3], Breaker::GiveUp);
    scene.crash(0);
    scene.decide();
    assert!(scene.deliver_directive(2));
    scene.crash(2);
    scene.settle();
    assert_eq!(scene.log(), "-c -b +a a! +b b! +c c!");
}

/// Lets one thing happen, or time pass, unless there is nothing to wait for.
fn step(scene: &mut Scene) -> bool {
    let wake = scene.decide();
    let children = 0..scene.actors.len();
    let moved = children
        .clone()
        .any(|child| scene.deliver_directive(child) || scene.behave(child));
    if !moved && let Some(wake) = wake {
        scene.now = wake;
    }
    moved || wake.is_some()
}

/// SG4
#[test]
fn a_child_that_is_given_up_stops_its_dependents() {
    for (strategy, expected) in [
        (OneForOne, [false, false]),
        (OneForAll, [true, true]),
        (RestForOne, [false, true]),
    ] {
        let mut scene = Scene::up(strategy, &[Permanent; 3], Breaker::GiveUp);
        for _ in 0..4 {
            scene.crash(1);
            scene.settle();
        }
        assert!(scene.is_down(1, |it| matches!(it, DownReason::RestartLimit { .. })));
        let by_sibling =
            |it: &DownReason| matches!(it, DownReason::StoppedWithSibling(by) if &**by == "b");
        let stopped = [0, 2].map(|child| scene.is_down(child, by_sibling));
        assert_eq!(stopped, expected, "{strategy:?}");
        assert!(scene.group.is_settled());
    }
}

/// SG4: children that were never started stay down, and their callers are told.
#[test]
fn a_child_that_cannot_be_started_leaves_nobody_waiting() {
    for strategy in [OneForAll, RestForOne] {
        let mut scene = Scene::new(strategy, &[Permanent; 3], Breaker::GiveUp);
        step(&mut scene);
        let incarnation = scene.actors[0]
            .lifecycle
            .state()
            .incarnation()
            .expect("starting");
        let refused = StartError::Refused("speaks version 9".into());
        scene.on(0, Event::StartFailed(incarnation, refused));
        scene.settle();
        for child in [1, 2] {
            assert!(scene.is_down(child, |it| matches!(it, DownReason::StoppedWithSibling(_))));
        }
        assert_eq!(scene.log(), "+a");
    }
}

/// SG5
#[test]
fn nobody_serves_on_a_sibling_whose_circuit_breaker_is_open() {
    let pause = Duration::from_secs(30);
    for (strategy, held, log) in [
        (OneForOne, [false, false], "+b b!"),
        (OneForAll, [true, true], "-c -a +b b! +a a! +c c!"),
        (RestForOne, [false, true], "-c +b b! +c c!"),
    ] {
        let mut scene = Scene::up(strategy, &[Permanent; 3], Breaker::Probe(pause));
        scene.fail_too_often(1);
        while scene.decide().is_none() && (scene.deliver_all() || scene.behave_all()) {}
        assert!(matches!(
            scene.actors[1].lifecycle.state(),
            State::CircuitOpen { .. }
        ));
        let refused = [0, 2].map(|child| scene.waits_for_b(child));
        assert_eq!(refused, held, "{strategy:?}");
        assert!(
            scene.group.is_settled(),
            "nothing happens before the pause is over"
        );
        scene.settle();
        assert_eq!(scene.log(), log, "{strategy:?}");
        assert!(scene.group.is_settled());
    }
}

/// SG5: it fails while those after it wait to be started, so they are not started.
#[test]
fn a_round_waits_for_a_child_that_opens_its_circuit_breaker_in_it() {
    let pause = Duration::from_secs(30);
    for strategy in [OneForAll, RestForOne] {
        let mut scene = Scene::up(strategy, &[Permanent; 3], Breaker::Probe(pause));
        scene.crash(1);
        while !matches!(scene.actors[1].lifecycle.state(), State::CircuitOpen { .. }) {
            match scene.actors[1].lifecycle.state() {
                State::Starting { .. } => scene.crash(1),
                _ => assert!(step(&mut scene)),
            }
        }
        scene.log.clear();
        while scene.decide().is_none() && scene.deliver_all() {}
        assert!(scene.waits_for_b(2), "{strategy:?}");
        scene.settle();
        assert!(scene.log().ends_with("+c c!"), "{strategy:?}");
    }
}

/// SG5, at the group's first start: the starter gets an error, and so do the callers of later children.
#[test]
fn a_child_that_was_never_started_waits_for_an_open_circuit_breaker_too() {
    let pause = Duration::from_secs(30);
    let mut scene = Scene::new(RestForOne, &[Permanent; 3], Breaker::Probe(pause));
    while !matches!(scene.actors[1].lifecycle.state(), State::CircuitOpen { .. }) {
        match scene.actors[1].lifecycle.state() {
            State::Starting { .. } => scene.crash(1),
            _ => assert!(step(&mut scene)),
        }
    }
    while scene.decide().is_none() && scene.deliver_all() {}
    assert!(scene.waits_for_b(2));
    assert!(scene.group.is_settled());
    scene.log.clear();
    scene.settle();
    assert_eq!(scene.log(), "+b b! +c c!");
}

/// SG5: two at once wait for each other's probe and not for each other.
#[test]
fn two_open_circuit_breakers_are_closed_one_after_the_other() {
    let pause = Duration::from_secs(30);
    for strategy in [OneForAll, RestForOne] {
        let mut scene = Scene::up(strategy, &[Permanent; 3], Breaker::Probe(pause));
        scene.fail_too_often(1);
        scene.fail_too_often(0);
        scene.settle();
        for actor in &scene.actors {
            assert!(
                matches!(actor.lifecycle.state(), State::Ready { .. }),
                "{strategy:?}"
            );
        }
        assert!(scene.group.is_settled());
    }
}

/// SG5, SG6: what is stopped on request leaves the others alone, also while they wait for it.
#[test]
fn a_child_that_is_stopped_while_its_circuit_breaker_is_open_releases_its_siblings() {
    let pause = Duration::from_secs(30);
    let mut scene = Scene::up(OneForAll, &[Permanent; 3], Breaker::Probe(pause));
    scene.fail_too_often(1);
    while scene.decide().is_none() && (scene.deliver_all() || scene.behave_all()) {}
    scene.log.clear();
    scene.on(1, Event::Stop);
    scene.settle();
    assert_eq!(scene.log(), "+a a! +c c!");
}

/// SG6
#[test]
fn requests_concern_one_child_and_are_respected_in_a_round() {
    let mut scene = Scene::up(OneForAll, &[Permanent; 3], Breaker::GiveUp);
    scene.on(1, Event::Restart);
    scene.settle();
    assert_eq!(scene.log(), "-b +b b!");
    scene.on(1, Event::Stop);
    scene.settle();
    assert_eq!(scene.log(), "-b");
    // Stopped: left out. Restarted while it is being stopped: started in its place.
    scene.crash(0);
    scene.on(2, Event::Restart);
    scene.settle();
    assert_eq!(scene.log(), "-c +a a! +c c!");
    assert!(scene.is_down(1, |it| matches!(it, DownReason::Stopped)));
    // Stopped while it waits to be started.
    scene.crash(0);
    while !matches!(
        scene.actors[2].lifecycle.state(),
        State::AwaitingSiblings { .. }
    ) {
        assert!(step(&mut scene));
    }
    scene.on(2, Event::Stop);
    scene.settle();
    assert_eq!(scene.log(), "-c +a a!");
    // Stopped before its first start.
    let mut scene = Scene::new(RestForOne, &[Permanent; 3], Breaker::GiveUp);
    scene.decide();
    scene.on(1, Event::Stop);
    scene.settle();
    assert_eq!(scene.log(), "+a a! +c c!");
}

#[test]
fn never_children_are_stopped_with_the_others_and_stay_down() {
    let mut scene = Scene::up(OneForAll, &[Permanent, Never, Permanent], Breaker::GiveUp);
    scene.crash(0);
    scene.settle();
    assert_eq!(scene.log(), "-c -b +a a! +c c!");
    assert!(scene.is_down(1, |it| matches!(it, DownReason::StoppedWithSibling(_))));
    // Its own failure affects no sibling.
    let mut scene = Scene::up(OneForAll, &[Permanent, Never, Permanent], Breaker::GiveUp);
    scene.crash(1);
    scene.settle();
    assert_eq!(scene.log(), "");
    // Also while the group is being started for the first time.
    let mut scene = Scene::new(OneForAll, &[Permanent, Never, Permanent], Breaker::GiveUp);
    while !matches!(scene.actors[1].lifecycle.state(), State::Starting { .. }) {
        assert!(step(&mut scene));
    }
    scene.log.clear();
    scene.crash(0);
    scene.settle();
    assert_eq!(scene.log(), "-b +a a! +c c!");
}

#[test]
fn a_stop_ends_whatever_is_under_way() {
    for steps in 0..20 {
        let mut scene = Scene::new(OneForAll, &[Permanent; 3], Breaker::GiveUp);
        for _ in 0..steps {
            if !scene.group.is_settled() {
                step(&mut scene);
            }
        }
        if steps > 12 {
            scene.crash(1);
            step(&mut scene);
        }
        scene.group.stop(3);
        scene.settle();
        for child in 0..3 {
            assert!(
                scene.is_down(child, |it| matches!(it, DownReason::Stopped)),
                "{steps}"
            );
        }
        // Started again by hand, it is supervised as before.
        scene.on(1, Event::Start);
        scene.settle();
        scene.log.clear();
        scene.crash(1);
        scene.settle();
        assert_eq!(scene.log(), "+b b!");
    }
}

/// SG6, while the others are being stopped.
#[test]
fn a_child_that_is_started_during_a_stop_is_left_alone_by_it() {
    let mut scene = Scene::up(OneForAll, &[Permanent; 3], Breaker::GiveUp);
    scene.crash(0);
    while !matches!(
        scene.actors[1].lifecycle.state(),
        State::AwaitingSiblings { .. }
    ) {
        assert!(step(&mut scene));
    }
    assert_eq!(scene.log(), "-c -b");
    scene.group.stop(3);
    while !scene.is_down(2, |it| matches!(it, DownReason::Stopped)) {
        assert!(step(&mut scene));
    }
    scene.decide();
    scene.on(2, Event::Start);
    scene.settle();
    assert_eq!(scene.log(), "+c c!");
}

/// Under any order of events: in the end every child serves or is down for a reason, none waits for a directive
/// that never comes, and none is started before those that the round starts first.
#[test]
fn nobody_is_ever_left_waiting() {
    let mut random = 1_u64;
    let mut random = move |sides: u64| {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % sides
    };
    let mut starts = 0;
    for round in 0..3_000 {
        let strategy = [OneForOne, OneForAll, RestForOne][round % 3];
        let policies: Vec<_> = (0..1 + random(4))
            .map(|_| [Permanent, Permanent, RestartPolicy::Transient, Never][random(4) as usize])
            .collect();
        let breaker =
            [Breaker::GiveUp, Breaker::Probe(Duration::from_secs(30))][random(2) as usize];
        let mut scene = Scene::new(strategy, &policies, breaker);
        let mut stopped = false;
        for _ in 0..random(120) {
            let child = random(policies.len() as u64) as usize;
            // The group acts only now and then.
            if random(2) == 0 {
                scene.decide();
            }
            match random(16) {
                0..4 => {
                    scene.deliver_directive(child);
                }
                4..9 => {
                    scene.behave(child);
                }
                9..11 => scene.crash(child),
                11 => scene.now += Duration::from_millis(random(400)),
                12 => {
                    scene.ring(child);
                }
                13 if random(3) == 0 => scene.on(child, Event::Restart),
                14 if random(3) == 0 => scene.on(child, Event::Stop),
                15 if random(8) == 0 => {
                    scene.group.stop(policies.len());
                    stopped = true;
                }
                13 if !stopped => scene.on(child, Event::Start),
                _ => {}
            }
        }
        scene.settle();
        starts += scene.actors.iter().map(|actor| actor.lived).sum::<u64>();
        assert!(scene.group.is_settled(), "round {round}: {:?}", scene.group);
        for actor in &scene.actors {
            let state = actor.lifecycle.state();
            assert!(
                matches!(state, State::Ready { .. } | State::Down(_))
                    && !matches!(state, State::Down(DownReason::NotStarted)),
                "round {round}: {state:?}"
            );
        }
    }
    assert!(starts > 10_000, "little happened: {starts} starts");
}

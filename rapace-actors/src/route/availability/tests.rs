//! Each rule by itself, and all of them together with a `Lifecycle` under random requests, deaths and delays.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::*;
use crate::process::{EndedBy, ExitCause, ExitDetails, ExitReport, StderrTail};
use crate::supervision::{
    Action, Admission, AfterStop, Event, Lifecycle, RestartConfig, Restarts, State,
};

fn number(n: u64) -> Incarnation {
    (1..n).fold(Incarnation::FIRST, |it, _| it.next())
}

/// Ready in its first incarnation; the handle is the incarnation's number.
fn ready() -> Availability<Incarnation> {
    let mut availability = Availability::new("images".into());
    availability.begin(Incarnation::FIRST);
    assert!(availability.open(Incarnation::FIRST, Incarnation::FIRST));
    availability
}

fn kind<R>(state: &RouteState<R>) -> &'static str {
    match state {
        RouteState::Away => "away",
        RouteState::Ready(_) => "ready",
        RouteState::Leaving(_) => "leaving",
        RouteState::Down(_) => "down",
    }
}

fn hold(stay: Stay) -> Request {
    Request::Hold {
        sibling: "fonts".into(),
        stay,
    }
}

/// RS1
#[test]
fn every_request_but_a_start_closes_the_incarnation_that_is_there() {
    for (request, left) in [
        (Request::Kill, "away"),
        (Request::Restart, "away"),
        (Request::Stop, "leaving"),
        (Request::Shutdown, "leaving"),
        (hold(Stay::Wait), "away"),
        (hold(Stay::Refuse), "leaving"),
        (hold(Stay::Down), "leaving"),
    ] {
        let mut availability = ready();
        availability.request(&request).unwrap();
        assert_eq!(kind(availability.state()), left, "{request:?}");
        assert!(availability.is_closed(Incarnation::FIRST));
        // Its runner may not have opened it yet.
        assert!(
            !availability.open(Incarnation::FIRST, Incarnation::FIRST),
            "{request:?}"
        );
        availability.request(&Request::Start).unwrap();
        assert!(
            !availability.open(Incarnation::FIRST, Incarnation::FIRST),
            "{request:?}"
        );
        availability.begin(number(2));
        assert!(availability.open(number(2), number(2)), "{request:?}");
    }
    let mut availability = ready();
    availability.request(&Request::Start).unwrap();
    assert_eq!(kind(availability.state()), "ready");
}

/// RS2
#[test]
fn what_the_actor_says_is_older_than_a_request_that_it_has_not_taken_up() {
    let mut availability = ready();
    let stop = availability.request(&Request::Stop).unwrap();
    let start = availability.request(&Request::Start).unwrap();
    availability.mark_processed(stop);
    assert!(!availability.update(RouteUpdate::Leave(DownReason::Stopped)));
    assert_eq!(
        kind(availability.state()),
        "away",
        "calls wait, as start has promised"
    );
    availability.mark_processed(start);
    assert!(availability.update(RouteUpdate::Refuse(DownReason::Stopped)));
    assert_eq!(kind(availability.state()), "down");
}

/// RS4
#[test]
fn a_kill_means_the_process_that_was_there() {
    let mut availability = ready();
    let kill = availability.request(&Request::Kill).unwrap();
    assert!(kill.applies_to(Incarnation::FIRST));
    assert!(
        !kill.applies_to(number(2)),
        "the first has died by itself meanwhile"
    );
    // The case in which a start has not been processed yet.
    availability.mark_processed(kill);
    availability.request(&Request::Start).unwrap();
    assert!(
        availability
            .request(&Request::Kill)
            .unwrap()
            .applies_to(number(2))
    );
}

/// RS5
#[test]
fn the_end_of_what_was_to_end_is_no_surprise() {
    for request in [Request::Stop, Request::Shutdown] {
        let mut availability = ready();
        availability.request(&request).unwrap();
        let ended = availability.mark_actor_gone(DownReason::RuntimeGone);
        assert_eq!(ended, Some(Ending::Expected), "{request:?}");
    }
}

/// RS5
#[test]
fn nothing_changes_the_reason_when_nobody_carries_out_requests() {
    let mut availability = ready();
    let first = availability.mark_actor_gone(DownReason::ActorStopped);
    assert_eq!(first, Some(Ending::Unexpected));
    assert_eq!(availability.mark_actor_gone(DownReason::Stopped), None);
    for request in [
        Request::Start,
        Request::Restart,
        Request::Kill,
        Request::Stop,
    ] {
        assert_eq!(availability.request(&request), None);
    }
    assert!(!availability.update(RouteUpdate::Wait));
    availability.begin(number(2));
    assert!(!availability.open(number(2), number(2)));
    let down = for_good(availability.state()).expect("it is down");
    assert!(matches!(down.reason, DownReason::ActorStopped));
}

/// The actor, its mailbox and the current runner, each delayed at random.
struct World {
    availability: Availability<Incarnation>,
    lifecycle: Lifecycle,
    mailbox: VecDeque<Message>,
    runner: Option<Runner>,
    now: Instant,
    /// Incarnations that no call made from now on may reach.
    forbidden: Option<Incarnation>,
    started: Option<Incarnation>,
}

#[derive(Debug)]
enum Message {
    Requested(Request, RequestTicket),
    Ready(Incarnation),
    Died(ExitReport),
}

#[derive(Debug)]
struct Runner {
    incarnation: Incarnation,
    /// It was told to stop its process.
    stopping: bool,
    opened: bool,
}

impl World {
    fn new() -> Self {
        Self {
            availability: Availability::new("images".into()),
            lifecycle: Lifecycle::new(Restarts::new(RestartConfig {
                limit: 2,
                ..RestartConfig::default()
            })),
            mailbox: VecDeque::new(),
            runner: None,
            now: Instant::now(),
            forbidden: None,
            started: None,
        }
    }

    fn request(&mut self, request: Request) {
        if !matches!(request, Request::Start) {
            self.forbidden = self.started;
        }
        let asked = self
            .availability
            .request(&request)
            .expect("the actor is there");
        self.mailbox.push_back(Message::Requested(request, asked));
    }

    /// Has the actor process its next message.
    fn handle(&mut self) {
        let event = match self.mailbox.pop_front() {
            None => return,
            Some(Message::Ready(incarnation)) => Event::Ready(incarnation),
            Some(Message::Died(exit)) => Event::Died(exit),
            Some(Message::Requested(request, asked)) => {
                self.availability.mark_processed(asked);
                match request {
                    Request::Start => Event::Start,
                    Request::Restart => Event::Restart,
                    Request::Stop => Event::Stop,
                    Request::Shutdown => Event::Shutdown,
                    Request::Hold { sibling, stay } => Event::Hold { sibling, stay },
                    Request::Kill => {
                        let current = self.lifecycle.state().incarnation();
                        if let (Some(runner), Some(current)) = (&mut self.runner, current)
                            && asked.applies_to(current)
                        {
                            runner.stopping = true;
                        }
                        return self.update();
                    }
                }
            }
        };
        self.on(event);
    }

    fn on(&mut self, event: Event) {
        match self.lifecycle.on(event, self.now) {
            Action::Start(incarnation) => {
                assert!(self.runner.is_none(), "two incarnations overlap");
                self.availability.begin(incarnation);
                self.started = Some(incarnation);
                self.runner = Some(Runner {
                    incarnation,
                    stopping: false,
                    opened: false,
                });
            }
            // A runner that has just ended need not be told.
            Action::Stop(_) => self.runner.iter_mut().for_each(|it| it.stopping = true),
            Action::Nothing | Action::WaitUntil(_) => {}
        }
        self.update();
    }

    /// Updates the route as the actor does.
    fn update(&mut self) {
        let update = match self.lifecycle.state() {
            State::Ready { .. } | State::Down(DownReason::NotStarted) => return,
            State::Stopping {
                then:
                    AfterStop::Down(reason)
                    | AfterStop::Hold {
                        refuse: Some(reason),
                        ..
                    },
                ..
            } => RouteUpdate::Leave(reason.clone()),
            state => match state.admission() {
                Admission::Refuse(reason) => RouteUpdate::Refuse(reason.clone()),
                _ => RouteUpdate::Wait,
            },
        };
        self.availability.update(update);
    }

    /// Lets the runner take its next step: it opens the route, or records its exit.
    fn run(&mut self, dies: bool) {
        let Some(runner) = &mut self.runner else {
            return;
        };
        let incarnation = runner.incarnation;
        if !dies && !runner.stopping {
            if !runner.opened && self.availability.open(incarnation, incarnation) {
                runner.opened = true;
                self.mailbox.push_back(Message::Ready(incarnation));
            }
            return;
        }
        self.availability.close();
        self.runner = None;
        self.mailbox
            .push_back(Message::Died(ExitReport::new(ExitDetails {
                plugin: "images".into(),
                incarnation,
                cause: ExitCause::Exited(1),
                ended_by: EndedBy::Itself,
                for_good: false,
                lived: Duration::from_secs(1),
                connected: true,
                stderr: StderrTail::default(),
            })));
    }

    fn check(&self, story: &[String]) {
        if let RouteState::Ready(incarnation) = self.availability.state() {
            assert!(
                self.forbidden
                    .is_none_or(|forbidden| *incarnation > forbidden),
                "a call reaches {incarnation} after {story:?}"
            );
            assert_eq!(
                self.runner.as_ref().map(|runner| runner.incarnation),
                Some(*incarnation),
                "nobody is there after {story:?}"
            );
        }
    }

    /// Runs until nothing is pending, and compares the two states.
    fn settle(&mut self, story: &[String]) {
        let mut left = 1000;
        while !self.mailbox.is_empty()
            || self
                .runner
                .as_ref()
                .is_some_and(|it| it.stopping || !it.opened)
        {
            self.handle();
            self.run(false);
            self.check(story);
            left -= 1;
            assert!(
                left > 0,
                "an incarnation waits for an order that never comes after {story:?}"
            );
        }
        let state = self.lifecycle.state();
        let expected = match state {
            State::Down(DownReason::NotStarted) => "away",
            state => match state.admission() {
                Admission::Serve(_) => "ready",
                Admission::Wait => "away",
                Admission::Refuse(_) => "down",
            },
        };
        assert_eq!(
            kind(self.availability.state()),
            expected,
            "{state:?} after {story:?}"
        );
    }
}

#[test]
fn callers_and_the_lifecycle_agree_under_any_order_of_requests() {
    for seed in 0..3000_u64 {
        let mut chance = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        let mut next = |of: u64| {
            chance ^= chance << 13;
            chance ^= chance >> 7;
            chance ^= chance << 17;
            chance % of
        };
        let mut world = World::new();
        world.request(Request::Start);
        let mut story = Vec::new();
        for _ in 0..40 {
            let step = next(12);
            story.push(
                match step {
                    0 => "start",
                    1 => "restart",
                    2 => "kill",
                    3 => "stop",
                    4 => "hold",
                    5 => "release",
                    6 => "dies",
                    7 => "time passes",
                    8 | 9 => "the actor",
                    _ => "the runner",
                }
                .to_owned(),
            );
            match step {
                0 => world.request(Request::Start),
                1 => world.request(Request::Restart),
                2 => world.request(Request::Kill),
                3 => world.request(Request::Stop),
                4 => world.request(hold(
                    [Stay::Wait, Stay::Refuse, Stay::Down][next(3) as usize],
                )),
                5 => world.on(Event::Release),
                6 => world.run(true),
                7 => {
                    world.now += Duration::from_secs(60);
                    world.on(Event::TimeIsUp);
                }
                8 | 9 => world.handle(),
                _ => world.run(false),
            }
            world.check(&story);
        }
        world.settle(&story);
    }
}

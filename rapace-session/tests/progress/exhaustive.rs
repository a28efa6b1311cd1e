//! All short sequences of actions, at small sizes.

use std::collections::HashSet;

use super::action::Action;
use super::payload::Shape;
use super::run::Runner;
use super::slots::Sizes;
use super::world::{ByteRange, FlowKind, Setup, Windows, World};

/// A payload that fits in its frame, one for each class, and one longer than every window.
const SHORT: Shape = Shape::Bytes(8);
const SMALL: Shape = Shape::Bytes(50);
const LARGE: Shape = Shape::Bytes(200);
const BUFFER: Shape = Shape::Blob(190);

/// A window that does not grow.
const FIXED: ByteRange = ByteRange {
    first: 220,
    most: 220,
};

fn setup(flows: &[FlowKind]) -> Setup {
    Setup {
        sizes: Sizes {
            classes: vec![(64, 1), (256, 1)],
            fragment_size: 40,
            fragment_slots: 1,
            ring: 8,
            call_table: 32,
        },
        windows: Windows {
            stream_items: 3,
            stream_bytes: FIXED,
            requests: 4,
            request_bytes: FIXED,
            fragment_bytes: 600,
            budget: 0,
        },
        flows: flows.to_vec(),
    }
}

/// The actions of a model, and the states from which it begins.
struct Model {
    setup: Setup,
    actions: Vec<Action>,
    roots: Vec<Vec<Action>>,
    depth: usize,
}

/// What was explored.
#[derive(Default, Debug)]
struct Counts {
    states: usize,
    runs: usize,
    fragments: u64,
}

impl Model {
    fn explore(&self) -> Counts {
        let runner = Runner::new();
        let mut counts = Counts::default();
        for root in &self.roots {
            // Breadth first, so that a state is first reached by a shortest sequence.
            let mut seen = HashSet::new();
            let mut level = vec![root.clone()];
            for _ in 0..=self.depth {
                let next = level.iter();
                let next = next.flat_map(|from| self.visit(&runner, from, &mut seen, &mut counts));
                level = next.collect();
            }
        }
        println!("{counts:?}");
        counts
    }

    /// Checks the state that a sequence leads to, unless it was seen before. Returns the sequences that go on.
    fn visit(
        &self,
        runner: &Runner,
        sequence: &[Action],
        seen: &mut HashSet<String>,
        counts: &mut Counts,
    ) -> Vec<Vec<Action>> {
        counts.runs += 1;
        let state = async |mut world: World| {
            if !seen.insert(world.state()) {
                world.finish().await;
                return None;
            }
            let actions = self.actions.iter().copied();
            let next: Vec<_> = actions.filter(|action| world.allows(*action)).collect();
            let flows = 0..world.flows();
            let waiting: Vec<_> = flows.filter(|flow| !world.is_complete(*flow)).collect();
            if let Some(first) = waiting.first() {
                world.read_on(*first, true, LARGE).await;
            }
            counts.fragments += world.fragments();
            world.finish().await;
            Some((next, waiting))
        };
        let Some((next, waiting)) = runner.run(&self.setup, sequence, state) else {
            return Vec::new();
        };
        counts.states += 1;
        for flow in waiting.into_iter().skip(1) {
            counts.runs += 1;
            runner.run(&self.setup, sequence, async |mut world: World| {
                world.read_on(flow, true, LARGE).await;
                world.finish().await;
            });
        }
        let next = next.into_iter();
        let next = next.filter(|action| !self.is_symmetric(sequence, *action));
        next.map(|action| [sequence, &[action]].concat()).collect()
    }

    /// Whether the same sequence with two equal flows exchanged is explored instead.
    fn is_symmetric(&self, sequence: &[Action], action: Action) -> bool {
        let Some(flow) = action.flow() else {
            return false;
        };
        let kind = self.setup.flows[flow];
        let mut before = (0..flow).filter(|other| self.setup.flows[*other] == kind);
        let used = |flow| sequence.iter().any(|past| past.flow() == Some(flow));
        !before.all(used)
    }
}

fn offers(flow: usize, shapes: &[Shape]) -> impl Iterator<Item = Action> {
    shapes
        .iter()
        .map(move |&shape| Action::Offer { flow, shape })
}

fn takes(flow: usize) -> [Action; 2] {
    [true, false].map(|keep| Action::Take { flow, keep })
}

/// Two equal streams.
#[test]
fn a_stream_that_is_read_goes_on_whatever_the_others_do() {
    let from = 0;
    let upload = FlowKind::Upload { from };
    let mut actions = Vec::new();
    for flow in 0..2 {
        actions.extend(offers(flow, &[SMALL, LARGE, BUFFER]));
        actions.extend(takes(flow));
        actions.extend([Action::Cancel { flow }, Action::Leave { flow }]);
    }
    actions.push(Action::Forget);
    let offer = |flow, shape| Action::Offer { flow, shape };
    let take = |flow| Action::Take { flow, keep: true };
    let model = Model {
        setup: setup(&[upload, upload]),
        actions,
        roots: vec![
            vec![],
            // Every slot is kept, and one stream has its window full.
            vec![
                offer(0, SMALL),
                offer(0, LARGE),
                take(0),
                take(0),
                offer(0, LARGE),
                offer(0, SMALL),
                offer(0, LARGE),
            ],
        ],
        depth: 3,
    };
    let counts = model.explore();
    assert!(counts.fragments > 1000, "{counts:?}");
}

/// Requests, and callbacks of their handlers.
#[test]
fn a_service_that_is_served_gets_its_requests_whatever_its_callers_keep() {
    let mut actions = Vec::new();
    for flow in 0..2 {
        actions.extend(offers(flow, &[SHORT, SMALL, LARGE]));
        actions.extend(takes(flow));
        let shape = LARGE;
        actions.extend([Action::Answer { flow, shape }, Action::Cancel { flow }]);
    }
    actions.extend([Action::Forget, Action::Open { side: 0 }]);
    let offer = |flow, shape| Action::Offer { flow, shape };
    let take = |flow| Action::Take { flow, keep: true };
    let answer = |flow, shape| Action::Answer { flow, shape };
    let model = Model {
        setup: setup(&[
            FlowKind::Requests { from: 0 },
            FlowKind::Requests { from: 1 },
        ]),
        actions,
        roots: vec![
            vec![],
            // Callers keep a reply in every slot, and a handler runs.
            vec![
                offer(0, SMALL),
                take(0),
                answer(0, LARGE),
                offer(0, SMALL),
                take(0),
                answer(0, SMALL),
                offer(0, LARGE),
                take(0),
            ],
        ],
        depth: 3,
    };
    let counts = model.explore();
    assert!(counts.fragments > 1000, "{counts:?}");
}

/// Sides that do not read for a while: the ring fills with fragments, and payloads are given up in the middle.
#[test]
fn payloads_that_are_given_up_in_the_middle_leave_nothing_behind() {
    let mut actions = Vec::new();
    for flow in 0..2 {
        actions.extend(offers(flow, &[LARGE]));
        actions.extend([2, 10, 25].map(|turns| Action::GiveUp {
            flow,
            shape: LARGE,
            turns,
        }));
        actions.extend([Action::Take { flow, keep: true }, Action::Cancel { flow }]);
    }
    actions.extend([Action::Pause { side: 1 }, Action::Resume { side: 1 }]);
    let offer = |flow, shape| Action::Offer { flow, shape };
    let take = |flow| Action::Take { flow, keep: true };
    let mut setup = setup(&[FlowKind::Upload { from: 0 }, FlowKind::Requests { from: 0 }]);
    setup.sizes.fragment_slots = 2;
    let model = Model {
        setup,
        actions,
        // Every slot is kept.
        roots: vec![vec![
            offer(0, SMALL),
            offer(0, LARGE),
            take(0),
            take(0),
            offer(1, SHORT),
        ]],
        depth: 3,
    };
    let counts = model.explore();
    assert!(counts.fragments > 1000, "{counts:?}");
}

/// A ring that is full for requests and items, and has room for replies.
#[test]
fn what_one_lane_gives_up_is_not_granted_to_the_other_too_early() {
    let offer = |flow, shape| Action::Offer { flow, shape };
    let take = |flow| Action::Take { flow, keep: true };
    let from = 0;
    let mut setup = setup(&[
        FlowKind::Upload { from },
        FlowKind::Requests { from: 1 },
        FlowKind::Upload { from },
    ]);
    setup.sizes.fragment_slots = 8;
    setup.windows.fragment_bytes = 500;
    let (flow, shape) = (1, LARGE);
    let model = Model {
        setup,
        actions: vec![
            offer(0, LARGE),
            offer(2, SHORT),
            Action::Cancel { flow: 0 },
            Action::Answer { flow, shape },
        ],
        // Every slot is kept, a handler runs, and its caller's side does not read.
        roots: vec![vec![
            offer(0, SMALL),
            offer(0, LARGE),
            take(0),
            take(0),
            offer(1, SHORT),
            take(1),
            Action::Pause { side: 1 },
        ]],
        depth: 4,
    };
    let counts = model.explore();
    assert!(counts.fragments > 1000, "{counts:?}");
}

/// Windows that begin small, and a budget that does not suffice for all of them.
#[test]
fn windows_grow_within_their_budget_and_a_receiver_that_reads_goes_on() {
    let from = 0;
    let flows = [FlowKind::Upload { from }, FlowKind::Upload { from }];
    let mut setup = setup(&[flows[0], flows[1], FlowKind::Requests { from }]);
    let range = ByteRange {
        first: 60,
        most: 500,
    };
    setup.sizes.call_table = 32;
    setup.windows = Windows {
        stream_items: 10,
        stream_bytes: range,
        requests: 8,
        request_bytes: range,
        fragment_bytes: 600,
        budget: 200,
    };
    let mut actions = Vec::new();
    for flow in 0..3 {
        actions.extend(offers(flow, &[SMALL, LARGE]));
        actions.push(Action::Take { flow, keep: false });
    }
    actions.extend([Action::Leave { flow: 0 }, Action::Leave { flow: 1 }]);
    actions.push(Action::Cancel { flow: 2 });
    let offer = |flow| offers(flow, &[SMALL; 9]);
    let take = |flow| Action::Take { flow, keep: false };
    // Each has payloads that wait for the window, and some have grown.
    let full: Vec<_> = offer(0).chain(offer(1)).chain(offer(2)).collect();
    let grown = |flows: &[usize]| {
        let taken = flows.iter().flat_map(|flow| [take(*flow); 4]);
        full.iter().copied().chain(taken).collect::<Vec<_>>()
    };
    let model = Model {
        setup,
        actions,
        roots: vec![vec![], grown(&[0]), grown(&[0, 1, 2]), grown(&[2, 1])],
        depth: 2,
    };
    let counts = model.explore();
    assert!(counts.fragments > 1000, "{counts:?}");
}

/// A payload that is not polled holds its own flow, and no other: also if the window of fragments has room for no second
/// one, since its part is revoked when others have waited for a second.
#[test]
fn a_payload_that_is_not_polled_stops_no_other() {
    let offer = |flow, shape| Action::Offer { flow, shape };
    let take = |flow| Action::Take { flow, keep: true };
    let upload = FlowKind::Upload { from: 0 };
    let mut setup = setup(&[upload, upload, FlowKind::Requests { from: 0 }]);
    let runner = Runner::new();
    for fragment_bytes in [600, 300] {
        setup.windows.fragment_bytes = fragment_bytes;
        let mut open = 0;
        for turns in 0..40 {
            let mut actions = vec![
                offer(0, SMALL),
                offer(0, LARGE),
                take(0),
                take(0),
                Action::Stall {
                    flow: 0,
                    shape: LARGE,
                    turns,
                },
                offer(1, LARGE),
                offer(2, LARGE),
            ];
            for flow in [1, 2] {
                runner.run(&setup, &actions, async |mut world: World| {
                    open += world.open_transfers();
                    world.read_on(flow, true, LARGE).await;
                    world.finish().await;
                });
            }
            // Until it is given up.
            actions.push(Action::Cancel { flow: 0 });
            runner.run(&setup, &actions, World::finish);
        }
        // With the small window it was revoked, and so is not open any more.
        assert_eq!(open > 0, fragment_bytes == 600);
    }
}

/// A request in fragments that is not polled loses what it has of the window of its channel, when others have waited for that.
#[test]
fn a_request_that_is_not_polled_stops_no_other_of_its_service() {
    let offer = |flow, shape| Action::Offer { flow, shape };
    let take = |flow| Action::Take { flow, keep: true };
    let from = 0;
    let runner = Runner::new();
    // The one has the only credit, or all bytes.
    for (requests, shape) in [(1, SHORT), (4, SMALL)] {
        let mut setup = setup(&[FlowKind::Requests { from }, FlowKind::Upload { from }]);
        setup.windows.requests = requests;
        setup.windows.request_bytes = ByteRange {
            first: 60,
            most: 60,
        };
        for turns in 0..40 {
            let actions = [
                offer(1, SMALL),
                offer(1, LARGE),
                take(1),
                take(1),
                Action::Stall {
                    flow: 0,
                    shape: LARGE,
                    turns,
                },
                offer(0, shape),
                Action::Cancel { flow: 0 },
                offer(0, shape),
            ];
            runner.run(&setup, &actions, World::finish);
        }
    }
}

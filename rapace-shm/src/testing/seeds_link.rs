//! Seeds: hostile peers of an established link.

use super::seeds_moving;
use crate::testing::hostile::codec::Number;
use crate::testing::hostile::peer::{FIRST_FRAGMENT, RETURNS, SLOTS};
use crate::testing::hostile::steps::{HostStep, PeerStep, Script, Step, Word};
use crate::{Closed, PeerFault, Trust};

/// A script, and why the link is over after it.
pub(super) struct Seed {
    pub(super) name: &'static str,
    pub(super) script: Script,
    pub(super) over: Option<Closed>,
}

pub(super) fn peer(step: PeerStep) -> Step {
    Step::Peer { step }
}

pub(super) fn host(step: HostStep) -> Step {
    Step::Host { step }
}

pub(super) fn poke(word: Word, value: u32) -> PeerStep {
    PeerStep::Poke {
        word,
        value: Number(value),
    }
}

pub(super) fn slot(index: u32, offset: u32, len: u32) -> PeerStep {
    PeerStep::Slot {
        index: Number(index),
        generation: Number(0),
        offset: Number(offset),
        len: Number(len),
    }
}

pub(super) fn return_slot(index: u32, generation: u32) -> PeerStep {
    PeerStep::ReturnSlot {
        index: Number(index),
        generation: Number(generation),
    }
}

/// Attaches slots from `index` on, each `by` further, to a payload in slot 4.
fn attach(claimed: u8, index: u32, by: u8, len: u32) -> PeerStep {
    PeerStep::Attach {
        payload: Number(4),
        claimed,
        short: false,
        index: Number(index),
        by,
        generation: Number(0),
        offset: Number(0),
        len: Number(len),
    }
}

fn attach_inside(claimed: u8, index: u32) -> PeerStep {
    PeerStep::AttachInside {
        claimed,
        index: Number(index),
        generation: Number(0),
        offset: Number(0),
        len: Number(8),
    }
}

pub(super) fn allocate(len: u32) -> HostStep {
    HostStep::Allocate {
        len: Number(len),
        priority: true,
    }
}

pub(super) fn allocate_fragment(len: u32) -> HostStep {
    HostStep::AllocateFragment {
        len: Number(len),
        priority: true,
    }
}

pub(super) const RECV: HostStep = HostStep::TryRecv { max: 64 };
pub(super) const SLEEP: HostStep = HostStep::Recv { max: 64 };
pub(super) const SEND: HostStep = HostStep::SendSlot {
    nth: 0,
    priority: true,
};

/// Puts slot 0 in flight, and leaves slot 1 being written.
fn two_slots() -> Vec<Step> {
    let steps = [allocate(1), HostStep::Freeze { nth: 0 }, allocate(1), SEND];
    steps.map(host).into()
}

/// The peer publishes, and the host receives.
fn received(steps: impl IntoIterator<Item = PeerStep>) -> Vec<Step> {
    let steps = steps.into_iter().map(peer);
    steps.chain([RECV, RECV].map(host)).collect()
}

/// The peer returns slots of [`two_slots`], and the host collects.
fn returned(steps: impl IntoIterator<Item = PeerStep>) -> Vec<Step> {
    let steps = steps.into_iter().map(peer);
    let before = two_slots().into_iter();
    let after = [HostStep::Stats {}, RECV].map(host);
    before.chain(steps).chain(after).collect()
}

pub(super) fn fault(name: &'static str, steps: Vec<Step>, fault: PeerFault) -> Seed {
    Seed {
        name,
        script: Script {
            trust: Trust::Trusted,
            steps,
        },
        over: Some(Closed::PeerFault(fault)),
    }
}

pub(super) fn untrusted(name: &'static str, steps: Vec<Step>, over: Option<Closed>) -> Seed {
    let trust = Trust::Untrusted;
    Seed {
        name,
        script: Script { trust, steps },
        over,
    }
}

/// Returns all seeds.
pub(super) fn all() -> Vec<Seed> {
    let mut all = broken_frames();
    all.extend(broken_returns());
    all.extend(seeds_moving::all());
    all
}

fn broken_frames() -> Vec<Seed> {
    let ahead = |ahead| PeerFault::TailRanAhead { ahead, capacity: 8 };
    let outside = |offset, len| PeerFault::PayloadOutsideSlot {
        offset,
        len,
        slot_size: 64,
    };
    let no_slot = |index| PeerFault::SlotOutOfRange {
        index,
        slots: SLOTS,
    };
    let twice = |index| PeerFault::SlotSentTwice { index };
    let back = vec![
        peer(PeerStep::Empty {}),
        peer(PeerStep::Empty {}),
        host(RECV),
        peer(poke(Word::Tail {}, 1)),
        host(RECV),
    ];
    let unknown = PeerStep::Raw {
        entry: [9 << 24, 0, 0, 0, 0, 0, 0, 0],
    };
    let long = PeerStep::Inline { len: 25, byte: 1 };
    let sent_while_held = vec![
        peer(slot(3, 0, 8)),
        host(RECV),
        peer(slot(3, 0, 8)),
        host(RECV),
    ];
    let short = PeerStep::Attach {
        payload: Number(4),
        claimed: 2,
        short: true,
        index: Number(0),
        by: 1,
        generation: Number(0),
        offset: Number(0),
        len: Number(8),
    };
    let past = |entries, len| PeerFault::TableOutsidePayload { entries, len };
    let kind = PeerFault::UnknownPayloadKind { kind: 9 };
    vec![
        fault("tail-ahead", received([poke(Word::Tail {}, 9)]), ahead(9)),
        fault(
            "tail-wild",
            received([poke(Word::Tail {}, u32::MAX)]),
            ahead(u32::MAX),
        ),
        fault("tail-back", back, ahead(u32::MAX)),
        fault("kind-unknown", received([slot(0, 0, 64), unknown]), kind),
        fault(
            "inline-too-long",
            received([long]),
            PeerFault::InlineTooLong { len: 25 },
        ),
        fault(
            "slot-past-the-end",
            received([slot(SLOTS, 0, 1)]),
            no_slot(SLOTS),
        ),
        fault(
            "slot-wild",
            received([slot(u32::MAX, 0, 1)]),
            no_slot(u32::MAX),
        ),
        fault(
            "payload-too-long",
            received([slot(0, 0, 65)]),
            outside(0, 65),
        ),
        fault(
            "payload-past-the-end",
            received([slot(0, 64, 1)]),
            outside(64, 1),
        ),
        fault(
            "payload-wraps",
            received([slot(0, u32::MAX, u32::MAX)]),
            outside(u32::MAX, u32::MAX),
        ),
        fault(
            "payload-wraps-to-0",
            received([slot(0, 1, u32::MAX)]),
            outside(1, u32::MAX),
        ),
        fault(
            "slot-sent-twice",
            received([slot(3, 0, 8), slot(3, 0, 8)]),
            twice(3),
        ),
        fault("slot-sent-while-held", sent_while_held, twice(3)),
        fault(
            "attachment-twice",
            received([attach(2, 1, 0, 64)]),
            twice(1),
        ),
        fault(
            "attachment-nowhere",
            received([attach(3, 97, 1, 1)]),
            no_slot(97),
        ),
        fault(
            "attachment-too-long",
            received([attach(2, 0, 1, 65)]),
            outside(0, 65),
        ),
        fault(
            "attachment-its-own-payload",
            received([attach(1, 4, 0, 8)]),
            twice(4),
        ),
        fault(
            "attachments-past-the-payload",
            received([short]),
            past(2, 33),
        ),
        fault(
            "attachments-past-the-descriptor",
            received([attach_inside(2, 1)]),
            past(2, 18),
        ),
        untrusted(
            "attachments",
            received([attach(3, 0, 1, 8), attach_inside(1, 3)]),
            None,
        ),
        untrusted("attachments-of-many-turns", many_turns(), None),
    ]
}

/// A message that takes several turns to copy, and one after it.
fn many_turns() -> Vec<Step> {
    let before = [attach(2, 8, 1, 1 << 20), PeerStep::Empty {}].map(peer);
    let turns = [SLEEP; 12].map(host);
    before.into_iter().chain(turns).collect()
}

fn broken_returns() -> Vec<Seed> {
    let not_held = |index| PeerFault::ReturnedNotHeld { index };
    let unknown = |index| PeerFault::ReturnedUnknownSlot {
        index,
        slots: SLOTS,
    };
    let wrong = PeerFault::ReturnedWrongGeneration {
        index: 0,
        sent: 0,
        returned: 7,
    };
    let ran_ahead = PeerFault::ReturnsRanAhead {
        ahead: RETURNS + 1,
        capacity: RETURNS,
    };
    let head = |head| PeerFault::HeadOutsidePublished { head, tail: 1 };
    let while_asleep = vec![
        host(SLEEP),
        peer(return_slot(77, 0)),
        host(HostStep::Stats {}),
        host(SLEEP),
    ];
    let fragment_twice = [
        host(allocate_fragment(65_536)),
        host(HostStep::Freeze { nth: 0 }),
        host(SEND),
        peer(return_slot(FIRST_FRAGMENT, 0)),
        peer(return_slot(FIRST_FRAGMENT, 0)),
        host(HostStep::Stats {}),
        host(RECV),
    ];
    let while_allocating = vec![peer(return_slot(77, 0)), host(allocate(1 << 20))];
    let mut never_silent = vec![peer(return_slot(77, 0)), host(HostStep::Stats {})];
    for _ in 0..20 {
        never_silent.push(peer(PeerStep::Empty {}));
        never_silent.push(host(HostStep::TryRecv { max: 1 }));
    }
    vec![
        fault(
            "return-unknown",
            returned([return_slot(SLOTS, 0)]),
            unknown(SLOTS),
        ),
        fault("return-free", returned([return_slot(3, 0)]), not_held(3)),
        fault(
            "return-being-written",
            returned([return_slot(1, 0)]),
            not_held(1),
        ),
        fault("return-stale", returned([return_slot(0, 7)]), wrong),
        fault(
            "return-twice",
            returned([return_slot(0, 0), return_slot(0, 0)]),
            not_held(0),
        ),
        fault(
            "return-fragment-twice",
            fragment_twice.into(),
            not_held(FIRST_FRAGMENT),
        ),
        fault(
            "returns-ahead",
            returned([poke(Word::ReturnsTail {}, RETURNS + 1)]),
            ran_ahead,
        ),
        fault("head-ahead", returned([poke(Word::Head {}, 2)]), head(2)),
        fault(
            "head-wild",
            returned([poke(Word::Head {}, u32::MAX)]),
            head(u32::MAX),
        ),
        fault("return-while-asleep", while_asleep, unknown(77)),
        fault("return-while-allocating", while_allocating, unknown(77)),
        fault("never-silent", never_silent, unknown(77)),
    ]
}

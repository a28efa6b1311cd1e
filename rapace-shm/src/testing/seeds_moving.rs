//! Seeds: peers that change what is being read, misuse doorbells and sockets, or are honest.

use super::seeds_link::{
    RECV, SEND, SLEEP, Seed, allocate, allocate_fragment, fault, host, peer, poke, return_slot,
    slot, untrusted,
};
use crate::testing::hostile::codec::Number;
use crate::testing::hostile::peer::SLOTS;
use crate::testing::hostile::steps::{HostStep, PeerStep, Script, Step, Word};
use crate::{Closed, PeerFault, PeerGone, Trust};

/// Returns all seeds.
pub(super) fn all() -> Vec<Seed> {
    let mut all = changing();
    all.extend(bells_and_sockets());
    all.extend(honest());
    all
}

fn interleave(loads: u8, times: u8, step: PeerStep) -> Step {
    Step::Interleave { loads, times, step }
}

/// Peers that change memory at the host's next loads.
fn changing() -> Vec<Seed> {
    let fill = |byte| PeerStep::Fill {
        index: Number(4),
        byte,
    };
    let tail = vec![
        peer(PeerStep::Empty {}),
        interleave(1, 200, poke(Word::Tail {}, u32::MAX)),
        host(RECV),
        host(RECV),
    ];
    let payload = vec![
        peer(fill(1)),
        peer(slot(4, 0, 4096)),
        interleave(40, 1, fill(9)),
        host(RECV),
        peer(fill(200)),
        host(HostStep::DropReceived { nth: 0 }),
    ];
    let odd_payload = vec![
        peer(slot(4, 3, 4001)),
        interleave(20, 3, fill(9)),
        host(RECV),
        peer(fill(200)),
    ];
    let torn = PeerStep::Overwrite {
        place: 0,
        entry: [2 << 24, 0, 0, 5, 4096 << 32, 0, 0, 0],
    };
    let descriptor = vec![peer(slot(0, 0, 8)), interleave(5, 1, torn), host(RECV)];
    let storm = vec![
        host(allocate(64)),
        host(HostStep::Freeze { nth: 0 }),
        host(SEND),
        interleave(
            0,
            250,
            PeerStep::Consume {
                most: 8,
                return_slot: true,
            },
        ),
        host(HostStep::Stats {}),
        host(SLEEP),
    ];
    let ran_ahead = PeerFault::TailRanAhead {
        ahead: u32::MAX - 1,
        capacity: 8,
    };
    let torn = PeerFault::PayloadOutsideSlot {
        offset: 0,
        len: 4096,
        slot_size: 64,
    };
    vec![
        fault("changing-tail", tail, ran_ahead),
        fault("changing-descriptor", descriptor, torn),
        untrusted("changing-payload", payload, None),
        untrusted("changing-payload-odd", odd_payload, None),
        untrusted("consuming-all-the-time", storm, None),
    ]
}

fn bells_and_sockets() -> Vec<Seed> {
    let gone = Some(Closed::PeerGone(PeerGone::HungUp));
    let wakeups = || [SLEEP, HostStep::Turn {}, SLEEP, HostStep::Turn {}, SLEEP].map(host);
    let first = |step: PeerStep| {
        std::iter::once(peer(step))
            .chain(wakeups())
            .collect::<Vec<_>>()
    };
    let mut publishes_on = first(PeerStep::HangUp {});
    publishes_on.extend([peer(PeerStep::Empty {}), host(RECV), host(SLEEP)]);
    let inline = HostStep::SendInline {
        len: 3,
        priority: true,
    };
    let mut armed = Vec::new();
    for epoch in [1, 3, 3, u32::MAX] {
        armed.push(peer(poke(Word::ReceiverArmed {}, epoch)));
        armed.push(peer(poke(Word::ProducerArmed {}, epoch)));
        armed.push(host(inline.clone()));
    }
    let doorbell_closed = [PeerStep::DropDoorbells {}, poke(Word::ReceiverArmed {}, 1)].map(peer);
    let doorbell_closed = doorbell_closed.into_iter().chain([host(inline)]).collect();
    let marks = vec![
        peer(poke(Word::StartMarker { call: 3 }, 0xDEAD_BEEF)),
        peer(poke(Word::Heartbeat {}, u32::MAX)),
        host(HostStep::ReadMarker { call: Number(3) }),
        host(HostStep::ReadMarker { call: Number(4) }),
        host(HostStep::Heartbeat {}),
    ];
    let seed = |name, steps| untrusted(name, steps, None);
    vec![
        seed("doorbell-full", first(PeerStep::FillDoorbell {})),
        seed("doorbell-rung-often", first(PeerStep::Ring { times: 200 })),
        seed("doorbells-dropped-and-rung", doorbell_closed),
        seed("socket-flooded", first(PeerStep::FloodSocket {})),
        seed("socket-chatter", first(PeerStep::Chat { len: 255 })),
        seed("armed-words", armed),
        seed("marks", marks),
        untrusted("doorbells-dropped", first(PeerStep::DropDoorbells {}), gone),
        untrusted("hung-up", first(PeerStep::HangUp {}), gone),
        untrusted("hung-up-and-publishes", publishes_on, gone),
    ]
}

/// Honest peers, which reach code that hostile ones do not.
fn honest() -> Vec<Seed> {
    let consume = PeerStep::Consume {
        most: 255,
        return_slot: true,
    };
    let mut slots = Vec::new();
    for nth in 0..3 {
        slots.extend([allocate(60), allocate(1 << 20), allocate(5000)].map(host));
        slots.extend([(); 3].map(|()| host(HostStep::Freeze { nth: 0 })));
        let both = HostStep::SendBoth {
            payload: nth,
            attachment: nth + 1,
            priority: false,
        };
        slots.push(host(both));
        slots.push(host(SEND));
        slots.push(peer(consume.clone()));
        slots.extend([(); 3].map(|()| host(HostStep::DropSlot { nth: 0 })));
        slots.extend([HostStep::Stats {}, HostStep::Trim {}].map(host));
    }
    let slice = |nth, start, end| HostStep::Slice {
        nth,
        start: Number(start),
        end: Number(end),
    };
    let parts = [
        allocate(4096),
        HostStep::Freeze { nth: 0 },
        slice(0, 1000, 4000),
        slice(1, 1000, 2000),
        HostStep::SendSlot {
            nth: 2,
            priority: true,
        },
    ];
    let parts = parts.map(host).into_iter();
    let parts = parts.chain([peer(consume.clone())]).collect();
    let mut waits = Vec::new();
    let mut cut_off = Vec::new();
    for _ in 0..4 {
        waits.extend([allocate(4096), HostStep::Freeze { nth: 0 }].map(host));
    }
    for nth in 0..4 {
        waits.push(host(HostStep::SendSlot {
            nth,
            priority: true,
        }));
    }
    let more = HostStep::WaitForSlot {
        len: Number(4096),
        priority: true,
    };
    cut_off.extend(waits.clone());
    // Two are served from the next class.
    cut_off.extend([more.clone(), more.clone(), more.clone(), SLEEP].map(host));
    for _ in 0..8 {
        let inline = HostStep::SendInline {
            len: 1,
            priority: true,
        };
        cut_off.push(host(inline));
    }
    cut_off.push(host(HostStep::WaitForRoom { priority: true }));
    cut_off.push(peer(return_slot(77, 0)));
    cut_off.push(host(HostStep::Stats {}));
    waits.extend([more.clone(), more.clone(), more].map(host));
    waits.extend([HostStep::WaitForRoom { priority: false }, SLEEP].map(host));
    waits.extend([(); 4].map(|()| host(HostStep::DropSlot { nth: 0 })));
    waits.push(peer(consume));
    waits.push(peer(PeerStep::Ring { times: 1 }));
    waits.extend([HostStep::Turn {}, SLEEP].map(host));
    waits.extend([(); 4].map(|()| host(HostStep::PollWait { nth: 0 })));
    // All fragment slots go, more are waited for, and the peer returns them.
    let mut fragments = Vec::new();
    for nth in 0..8 {
        fragments.extend([allocate_fragment(65_536), HostStep::Freeze { nth: 0 }].map(host));
        if nth < 7 {
            fragments.push(host(HostStep::SendSlot {
                nth,
                priority: true,
            }));
        }
    }
    let more = HostStep::WaitForFragment {
        len: Number(100),
        priority: true,
    };
    fragments.extend([more.clone(), more, allocate(1), SLEEP].map(host));
    fragments.extend([(); 8].map(|()| host(HostStep::DropSlot { nth: 0 })));
    fragments.push(peer(PeerStep::Consume {
        most: 255,
        return_slot: true,
    }));
    fragments.push(peer(PeerStep::Ring { times: 1 }));
    fragments.extend([HostStep::Turn {}, SLEEP].map(host));
    fragments.extend([(); 2].map(|()| host(HostStep::PollWait { nth: 0 })));
    let receives = vec![
        peer(PeerStep::Inline { len: 24, byte: 5 }),
        peer(slot(2, 8, 40)),
        peer(slot(8, 100, 1 << 19)),
        host(SLEEP),
        host(HostStep::DropReceived { nth: 1 }),
        peer(slot(2, 0, 64)),
        host(SLEEP),
        host(HostStep::Close {}),
        peer(PeerStep::Empty {}),
        host(RECV),
    ];
    let seed = |name, trust, steps, over| Seed {
        name,
        script: Script { trust, steps },
        over,
    };
    let closed = Some(Closed::ByUs);
    let blamed = Some(Closed::PeerFault(PeerFault::ReturnedUnknownSlot {
        index: 77,
        slots: SLOTS,
    }));
    vec![
        seed("waits-cut-off", Trust::Trusted, cut_off, blamed),
        seed("honest-parts", Trust::Trusted, parts, None),
        seed("honest-slots", Trust::Trusted, slots, None),
        seed("honest-waits", Trust::Untrusted, waits, None),
        seed("honest-fragments", Trust::Trusted, fragments, None),
        seed("honest-frames", Trust::Trusted, receives.clone(), closed),
        seed("honest-frames-copied", Trust::Untrusted, receives, closed),
    ]
}

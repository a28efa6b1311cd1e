//! Random scripts: a peer that writes anything anywhere, against a host that goes on working.

use std::task::{Context, Poll, Waker};

use proptest::prelude::*;

use crate::hostile::peer::against;
use crate::layout::{HEAD, HEARTBEAT, RECV_ARMED, RETURNS_TAIL, SPACE_ARMED, TAIL};
use crate::{Header, Lane, Payload, Trust};

/// One step of a script, by the peer or by the host.
#[derive(Clone, Debug)]
enum Step {
    Poke(usize, u32),
    Publish([u64; 8]),
    GiveBack(u32, u32),
    Recv(usize),
    Send(usize),
    Drop,
    Stats,
    Trim,
}

fn word() -> impl Strategy<Value = u32> {
    prop_oneof![0..20_u32, any::<u32>()]
}

fn entry() -> impl Strategy<Value = [u64; 8]> {
    let plausible = (0..4_u64, 0..30_u64, word(), word(), word(), word()).prop_map(
        |(kind, len, index, generation, offset, length)| {
            let pair = |low: u32, high: u32| u64::from(high) << 32 | u64::from(low);
            let head = kind << 24 | len << 16;
            let slot = pair(index, generation);
            [head, 0, 0, slot, pair(offset, length), 1, 2, 3]
        },
    );
    prop_oneof![plausible, any::<[u64; 8]>()]
}

fn step() -> impl Strategy<Value = Step> {
    let shared = [TAIL, HEAD, RECV_ARMED, SPACE_ARMED, RETURNS_TAIL, HEARTBEAT];
    prop_oneof![
        1 => (proptest::sample::select(shared.to_vec()), word()).prop_map(|(o, v)| Step::Poke(o, v)),
        4 => entry().prop_map(Step::Publish),
        2 => (word(), 0..4_u32).prop_map(|(i, g)| Step::GiveBack(i, g)),
        4 => (0..10_usize).prop_map(Step::Recv),
        4 => (0..5000_usize).prop_map(Step::Send),
        2 => Just(Step::Drop),
        1 => Just(Step::Stats),
        1 => Just(Step::Trim),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    /// Whatever the peer writes, wherever and whenever: no panic, no slot lost or doubled, and what
    /// is received lies inside of a slot.
    #[test]
    fn no_script_gets_the_host_to_lose_count(
        steps in proptest::collection::vec(step(), 1..60),
        untrusted in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
        let _inside = runtime.enter();
        let trust = if untrusted { Trust::Untrusted } else { Trust::Trusted };
        let (mut host, mut peer) = against(trust);
        let mut batch = Vec::new();
        let mut sent = Vec::new();
        for step in steps {
            match step {
                Step::Poke(offset, value) => peer.poke(offset, value),
                Step::Publish(entry) => peer.publish(&entry),
                Step::GiveBack(index, generation) => peer.give_back(index, generation),
                Step::Recv(max) => {
                    let mut cx = Context::from_waker(Waker::noop());
                    if let Poll::Ready(Ok(n)) = host.inbound.poll_recv(&mut cx, &mut batch, max) {
                        prop_assert!(n <= max);
                    }
                }
                Step::Send(len) => {
                    if let Ok(slot) = host.out.try_allocate(len, Lane::Data) {
                        let slot = slot.freeze();
                        let header = Header::default();
                        let _ = host.out.try_publish(&header, Payload::Slot(&slot), &[], Lane::Data);
                        sent.push(slot);
                    }
                }
                Step::Drop => {
                    batch.pop();
                    sent.pop();
                }
                Step::Stats => {
                    let _ = host.out.stats();
                }
                Step::Trim => {
                    host.out.trim();
                }
            }
            for frame in &batch {
                prop_assert!(frame.payload.as_ref().iter().map(|b| u64::from(*b)).sum::<u64>() < u64::MAX);
            }
        }
        for class in host.out.stats().classes {
            prop_assert_eq!(class.free + class.writing + class.held + class.in_flight, class.total);
        }
        let mut indices: Vec<u32> = sent.iter().map(|slot| slot.slot_ref().index).collect();
        indices.sort_unstable();
        indices.dedup();
        prop_assert_eq!(indices.len(), sent.len());
    }
}

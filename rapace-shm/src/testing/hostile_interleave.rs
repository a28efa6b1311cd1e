//! Words and payloads that change between two reads.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::layout::TAIL;
use crate::memory::interleave;
use crate::ring::descriptor::{Location, SlotRef, encode};
use crate::testing::hostile::peer::{Host, Scripted, against};
use crate::{Header, PeerFault, RecvError, Trust};

fn slot(index: u32, len: u32) -> [u64; 8] {
    let slot = SlotRef {
        index,
        generation: 0,
        offset: 0,
        len,
    };
    encode(&Header::default(), Location::Slot(slot))
}

/// Performs the peer's action before the host's load number `at`, counted from 0, and before all that follow.
fn from_load(
    at: usize,
    peer: &Rc<RefCell<Scripted>>,
    action: fn(&mut Scripted),
) -> impl FnMut() + use<> {
    let peer = Rc::clone(peer);
    let mut loads = 0;
    move || {
        if loads >= at {
            action(&mut peer.borrow_mut());
        }
        loads += 1;
    }
}

fn link_state() -> (Host, Rc<RefCell<Scripted>>) {
    let (host, peer) = against(Trust::Untrusted);
    (host, Rc::new(RefCell::new(peer)))
}

/// Reads bytes as a parser does: a length, so many bytes, and again. Returns their sum, and the rest.
fn parse(mut bytes: &[u8]) -> (u64, usize) {
    let mut sum = 0;
    while let Some((&len, rest)) = bytes.split_first() {
        let Some((item, rest)) = rest.split_at_checked(usize::from(len)) else {
            break;
        };
        sum += item.iter().map(|byte| u64::from(*byte)).sum::<u64>();
        bytes = rest;
    }
    (sum, bytes.len())
}

#[tokio::test]
async fn a_cursor_that_changes_between_two_reads_is_believed_once() {
    // The first load is the cursor's: from then on it claims an impossible number.
    let (mut host, peer) = link_state();
    peer.borrow_mut().publish(&slot(0, 8));
    let turn = from_load(1, &peer, |peer| peer.poke(TAIL, u32::MAX));
    let mut batch = Vec::new();
    let first = interleave::during(turn, || host.inbound.try_recv(&mut batch, 8));
    assert_eq!(first, Ok(1));
    let fault = PeerFault::TailRanAhead {
        ahead: u32::MAX - 1,
        capacity: 8,
    };
    let result = host.inbound.try_recv(&mut batch, 8);
    assert_eq!(result, Err(RecvError::PeerFault(fault)));
}

#[tokio::test]
async fn a_descriptor_that_changes_while_it_is_read_is_parsed_as_one_of_its_states() {
    // Eight loads follow that of the cursor. At each of them the entry may change into another one.
    for at in 1..12 {
        let (mut host, peer) = link_state();
        peer.borrow_mut().publish(&slot(0, 8));
        let turn = from_load(at, &peer, |peer| peer.overwrite(0, &slot(5, 4096)));
        let mut batch = Vec::new();
        let result = interleave::during(turn, || host.inbound.try_recv(&mut batch, 1));
        // Torn, it names slot 0 with 4096 bytes, or slot 5 with 8.
        match result {
            Ok(1) => {
                let len = batch[0].payload.as_ref().len();
                assert!(len == 8 || len == 4096);
            }
            Err(RecvError::PeerFault(PeerFault::PayloadOutsideSlot { len: 4096, .. })) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_payload_that_changes_while_it_is_copied_does_not_change_afterwards() {
    let mut torn = 0;
    for at in 0..90 {
        let (mut host, peer) = link_state();
        peer.borrow_mut().fill(4, 1);
        peer.borrow_mut().publish(&slot(4, 4096));
        let turn = from_load(at * 8, &peer, |peer| peer.fill(4, 9));
        let mut batch = Vec::new();
        interleave::during(turn, || {
            assert_eq!(host.inbound.try_recv(&mut batch, 8), Ok(1));
            let payload = batch[0].payload.as_ref();
            let once = payload.to_vec();
            let sum = parse(payload);
            peer.borrow_mut().fill(4, 200);
            assert_eq!(payload, once);
            assert_eq!(parse(payload), sum);
            torn += usize::from(once.contains(&1) && once.contains(&9));
        });
    }
    // The peer did write in the middle of copies.
    assert!(torn > 30, "{torn}");
}

#[tokio::test]
async fn a_payload_that_another_thread_rewrites_is_parsed_twice_alike() {
    let (mut host, mut peer) = against(Trust::Untrusted);
    for index in 4..8 {
        peer.publish(&slot(index, 4096));
    }
    // Large slots too: their first page and their last line.
    peer.publish(&slot(8, 1 << 20));
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let scribbling = scope.spawn(|| {
            let mut rounds = 0_u64;
            while !stop.load(Ordering::Relaxed) {
                (4..9).for_each(|index| peer.fill(index, rounds as u8));
                rounds += 1;
            }
            rounds
        });
        let mut batch = Vec::new();
        // The large one is delivered alone.
        let result = [(); 2].map(|()| host.inbound.try_recv(&mut batch, 8));
        let parsed = |batch: &[crate::Received]| -> Vec<_> {
            let payloads = batch.iter().map(|frame| frame.payload.as_ref());
            payloads
                .map(|bytes| (parse(bytes), bytes.to_vec()))
                .collect()
        };
        let first = parsed(&batch);
        let mut alike = true;
        for _ in 0..20 {
            alike &= parsed(&batch) == first;
        }
        stop.store(true, Ordering::Relaxed);
        let rounds = scribbling.join().unwrap();
        assert_eq!(result, [Ok(4), Ok(1)]);
        assert!(alike, "a payload changed under its parser");
        assert!(rounds > 0);
    });
}

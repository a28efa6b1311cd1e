//! Everything that a peer can write: each leads to a named fault, or has no effect.

use std::task::{Context, Poll, Waker};
use std::time::Duration;

use nix::sys::socket::{MsgFlags, Shutdown, send, shutdown};
use nix::unistd;
use std::os::fd::AsRawFd;

use crate::layout::{HEAD, HEARTBEAT, PRODUCER_ARMED, RECEIVER_ARMED, RETURNS_TAIL, TAIL};
use crate::link::attachments::attachment_table;
use crate::ring::descriptor::{Location, SlotRef, encode, with_table};
use crate::testing::hostile::peer::{FIRST_FRAGMENT, Host, RETURNS, SLOTS, Scripted, against};
use crate::{
    Closed, Header, Lane, Payload, PeerFault, PeerGone, PublishError, Received, RecvError, Trust,
};

const SOON: Duration = Duration::from_secs(10);

fn slot(index: u32, offset: u32, len: u32) -> [u64; 8] {
    let slot = SlotRef {
        index,
        generation: 0,
        offset,
        len,
    };
    encode(&Header::default(), Location::Slot(slot))
}

/// The host receives `good` frames and then this fault, now and at each later call.
fn faults_with(host: &mut Host, good: usize, fault: PeerFault) {
    let mut batch = Vec::new();
    if good > 0 {
        assert_eq!(host.inbound.try_recv(&mut batch, 64), Ok(good));
    }
    for _ in 0..2 {
        let result = host.inbound.try_recv(&mut batch, 64);
        assert_eq!(result, Err(RecvError::PeerFault(fault)));
    }
    ended_with(host, fault);
}

/// The host can no longer send.
fn ended_with(host: &Host, fault: PeerFault) {
    let header = Header::default();
    assert_eq!(
        host.out
            .try_publish(&header, Payload::Empty, &[], Lane::Data),
        Err(PublishError::Closed(Closed::PeerFault(fault)))
    );
}

#[tokio::test]
async fn a_tail_past_the_capacity_is_a_fault() {
    for tail in [9, 1 << 31, u32::MAX] {
        let (mut host, peer) = against(Trust::Trusted);
        peer.poke(TAIL, tail);
        let fault = PeerFault::TailRanAhead {
            ahead: tail,
            capacity: 8,
        };
        faults_with(&mut host, 0, fault);
    }
}

#[tokio::test]
async fn a_tail_that_moves_back_is_a_fault() {
    let (mut host, mut peer) = against(Trust::Trusted);
    let empty = encode(&Header::default(), Location::Empty);
    peer.publish(&empty);
    peer.publish(&empty);
    assert_eq!(host.inbound.try_recv(&mut Vec::new(), 64), Ok(2));
    peer.poke(TAIL, 1);
    let fault = PeerFault::TailRanAhead {
        ahead: u32::MAX,
        capacity: 8,
    };
    faults_with(&mut host, 0, fault);
}

#[tokio::test]
async fn frames_before_a_broken_descriptor_are_delivered() {
    let (mut host, mut peer) = against(Trust::Trusted);
    peer.publish(&slot(0, 0, 64));
    peer.publish(&[u64::from(9_u32) << 24, 0, 0, 0, 0, 0, 0, 0]);
    faults_with(&mut host, 1, PeerFault::UnknownPayloadKind { kind: 9 });
}

#[tokio::test]
async fn each_broken_payload_is_named() {
    let inline = [1 << 24 | 25 << 16, 0, 0, 0, 0, 0, 0, 0];
    let outside = |offset, len| PeerFault::PayloadOutsideSlot {
        offset,
        len,
        slot_size: 64,
    };
    let scripts = [
        (inline, PeerFault::InlineTooLong { len: 25 }),
        (
            slot(SLOTS, 0, 1),
            PeerFault::SlotOutOfRange {
                index: SLOTS,
                slots: SLOTS,
            },
        ),
        (
            slot(u32::MAX, 0, 1),
            PeerFault::SlotOutOfRange {
                index: u32::MAX,
                slots: SLOTS,
            },
        ),
        (slot(0, 0, 65), outside(0, 65)),
        (slot(0, 64, 1), outside(64, 1)),
        (slot(0, u32::MAX, u32::MAX), outside(u32::MAX, u32::MAX)),
        (slot(0, 1, u32::MAX), outside(1, u32::MAX)),
    ];
    for trust in [Trust::Trusted, Trust::Untrusted] {
        for (entry, fault) in scripts {
            let (mut host, mut peer) = against(trust);
            peer.publish(&entry);
            faults_with(&mut host, 0, fault);
        }
    }
}

#[tokio::test]
async fn a_slot_sent_while_held_is_a_fault() {
    for trust in [Trust::Trusted, Trust::Untrusted] {
        let (mut host, mut peer) = against(trust);
        peer.publish(&slot(3, 0, 8));
        let mut batch = Vec::new();
        assert_eq!(host.inbound.try_recv(&mut batch, 64), Ok(1));
        peer.publish(&slot(3, 0, 8));
        let fault = PeerFault::SlotSentTwice { index: 3 };
        assert_eq!(
            host.inbound.try_recv(&mut batch, 64),
            Err(RecvError::PeerFault(fault))
        );
        // The first frame is still good.
        assert_eq!(batch[0].payload.as_ref().len(), 8);
    }
}

#[tokio::test]
async fn an_attachment_is_checked_like_a_payload() {
    let reference = |index, len| SlotRef {
        index,
        generation: 0,
        offset: 0,
        len,
    };
    let no_slot = PeerFault::SlotOutOfRange {
        index: 99,
        slots: SLOTS,
    };
    let outside = PeerFault::PayloadOutsideSlot {
        offset: 0,
        len: 65,
        slot_size: 64,
    };
    let twice = |index| PeerFault::SlotSentTwice { index };
    let scripts = [
        (vec![reference(1, 64), reference(1, 64)], twice(1)),
        (vec![reference(1, 64), reference(99, 1)], no_slot),
        (vec![reference(1, 65)], outside),
        // The message's own payload.
        (vec![reference(4, 1)], twice(4)),
    ];
    for trust in [Trust::Trusted, Trust::Untrusted] {
        for (named, fault) in &scripts {
            let (mut host, mut peer) = against(trust);
            let table = attachment_table(named);
            peer.write(4, &table);
            peer.publish(&slot(0, 0, 64));
            peer.publish(&with_table(slot(4, 0, table.len() as u32)));
            faults_with(&mut host, 1, *fault);
        }
    }
}

#[tokio::test]
async fn a_table_that_runs_past_the_end_of_its_payload_is_a_fault() {
    for trust in [Trust::Trusted, Trust::Untrusted] {
        let (mut host, mut peer) = against(trust);
        peer.write(4, &attachment_table(&[]));
        peer.write(4, &[2, 0, 0, 0]);
        peer.publish(&with_table(slot(4, 0, 33)));
        let (entries, len) = (2, 33);
        faults_with(
            &mut host,
            0,
            PeerFault::TableOutsidePayload { entries, len },
        );
    }
    let (mut host, mut peer) = against(Trust::Trusted);
    peer.publish(&with_table(encode(&Header::default(), Location::Empty)));
    faults_with(&mut host, 0, PeerFault::UnknownPayloadKind { kind: 128 });
}

#[tokio::test]
async fn each_attachment_is_handed_out_once_and_no_other_slot() {
    for trust in [Trust::Trusted, Trust::Untrusted] {
        let (mut host, mut peer) = against(trust);
        let named = [5, 1].map(|index| SlotRef {
            index,
            generation: 3,
            offset: 8,
            len: 16,
        });
        peer.fill(5, 55);
        peer.fill(1, 11);
        peer.write(4, &attachment_table(&named));
        // The same bytes, as a payload without a table and as one with a table.
        let len = 2 + 32;
        peer.publish(&slot(4, 0, len));
        let mut batch = Vec::new();
        assert_eq!(host.inbound.try_recv(&mut batch, 8), Ok(1));
        assert!(batch.pop().unwrap().attachments.is_empty());
        peer.publish(&with_table(slot(4, 0, len)));
        assert_eq!(host.inbound.try_recv(&mut batch, 8), Ok(1));
        let Received { attachments, .. } = batch.pop().unwrap();
        let [first, second] = &attachments[..] else {
            panic!("{attachments:?}");
        };
        assert_eq!((first.slot_ref(), &first[..]), (named[0], &[55; 16][..]));
        assert_eq!((second.slot_ref(), &second[..]), (named[1], &[11; 16][..]));
        assert!(
            attachments
                .iter()
                .all(|slot| slot.is_copy() == (trust == Trust::Untrusted))
        );
    }
}

#[tokio::test]
async fn a_head_outside_what_was_published_is_a_fault() {
    for head in [2, 9, u32::MAX] {
        let (host, peer) = against(Trust::Trusted);
        let header = Header::default();
        let publish = || {
            host.out
                .try_publish(&header, Payload::Empty, &[], Lane::Priority)
        };
        publish().unwrap();
        peer.poke(HEAD, head);
        let fault = PeerFault::HeadOutsidePublished { head, tail: 1 };
        let _ = host.out.stats();
        ended_with(&host, fault);
        assert!(publish().is_err());
    }
}

#[tokio::test]
async fn each_broken_return_is_named() {
    type Script = fn(&mut Scripted);
    let scripts: [(Script, PeerFault); 7] = [
        (
            |peer| peer.return_slot(SLOTS, 0),
            PeerFault::ReturnedUnknownSlot {
                index: SLOTS,
                slots: SLOTS,
            },
        ),
        // Free: never handed out.
        (
            |peer| peer.return_slot(3, 0),
            PeerFault::ReturnedNotHeld { index: 3 },
        ),
        // A free fragment slot.
        (
            |peer| peer.return_slot(FIRST_FRAGMENT, 0),
            PeerFault::ReturnedNotHeld {
                index: FIRST_FRAGMENT,
            },
        ),
        // Still being written.
        (
            |peer| peer.return_slot(1, 0),
            PeerFault::ReturnedNotHeld { index: 1 },
        ),
        // In flight, under another generation.
        (
            |peer| peer.return_slot(0, 7),
            PeerFault::ReturnedWrongGeneration {
                index: 0,
                sent: 0,
                returned: 7,
            },
        ),
        // Twice.
        (
            |peer| {
                peer.return_slot(0, 0);
                peer.return_slot(0, 0);
            },
            PeerFault::ReturnedNotHeld { index: 0 },
        ),
        (
            |peer| peer.poke(RETURNS_TAIL, RETURNS + 1),
            PeerFault::ReturnsRanAhead {
                ahead: RETURNS + 1,
                capacity: RETURNS,
            },
        ),
    ];
    for (script, fault) in scripts {
        let (mut host, mut peer) = against(Trust::Trusted);
        let sent = host.out.try_allocate(1, Lane::Data).unwrap().freeze();
        assert_eq!(sent.slot_ref().index, 0);
        let writing = host.out.try_allocate(1, Lane::Data).unwrap();
        let header = Header::default();
        host.out
            .try_publish(&header, Payload::Slot(&sent), &[], Lane::Data)
            .unwrap();
        script(&mut peer);
        let _ = host.out.stats();
        faults_with(&mut host, 0, fault);
        assert_eq!((writing.len(), sent.len()), (1, 1));
    }
}

#[tokio::test]
async fn a_fault_that_a_sender_finds_wakes_the_receiver() {
    let (mut host, mut peer) = against(Trust::Trusted);
    let out = host.out.clone();
    let receiving = tokio::spawn(async move { host.inbound.recv(&mut Vec::new(), 8).await });
    tokio::task::yield_now().await;
    peer.return_slot(77, 0); // It does not ring.
    let _ = out.stats();
    let fault = PeerFault::ReturnedUnknownSlot {
        index: 77,
        slots: SLOTS,
    };
    let result = tokio::time::timeout(SOON, receiving).await;
    assert_eq!(
        result.expect("the receiver slept on").unwrap(),
        Err(RecvError::PeerFault(fault))
    );
}

#[tokio::test]
async fn an_untrusted_payload_is_read_once() {
    let (mut host, mut peer) = against(Trust::Untrusted);
    let place = peer.layout.slot(0).unwrap();
    let word = |value: u32| {
        for nth in 0..16 {
            peer.poke(place.offset + nth * 4, value);
        }
    };
    word(0x0101_0101);
    // An odd offset takes the slow path through the copy.
    let (even, odd) = (slot(0, 0, 64), slot(1, 3, 61));
    peer.publish(&even);
    peer.publish(&odd);
    let mut batch = Vec::new();
    assert_eq!(host.inbound.try_recv(&mut batch, 64), Ok(2));
    for nth in 0..16 {
        peer.poke(place.offset + nth * 4, 0x0202_0202);
    }
    assert_eq!(batch[0].payload.as_ref(), [1; 64]);
    assert_eq!(batch[1].payload.as_ref().len(), 61);
}

#[tokio::test]
async fn armed_words_cost_at_most_one_ring_for_each_publication() {
    let (host, peer) = against(Trust::Trusted);
    for nth in 0..1000_u32 {
        peer.poke(RECEIVER_ARMED, nth.wrapping_mul(0x9E37_79B9));
        peer.poke(PRODUCER_ARMED, u32::MAX);
        let header = Header::default();
        host.out
            .try_publish(&header, Payload::Empty, &[], Lane::Priority)
            .unwrap();
        peer.poke(HEAD, nth + 1);
    }
    let rings = host.out.stats().rings;
    assert!((1..=1000).contains(&rings), "{rings}");
}

#[tokio::test]
async fn a_doorbell_that_is_never_emptied_does_not_block_us() {
    let (host, peer) = against(Trust::Untrusted);
    // The host's doorbell is a pipe that it never reads: 65536 rings fill it.
    for nth in 0..70_000_u32 {
        peer.poke(RECEIVER_ARMED, nth * 2 + 1);
        let header = Header::default();
        host.out
            .try_publish(&header, Payload::Empty, &[], Lane::Priority)
            .unwrap();
        peer.poke(HEAD, nth + 1);
    }
    assert_eq!(host.out.stats().rings, 70_000);
}

#[tokio::test]
async fn a_bell_rung_without_end_wakes_us_and_no_more() {
    let (mut host, mut peer) = against(Trust::Untrusted);
    let full = |peer: &Scripted| {
        while unistd::write(&peer.doorbells.as_ref().unwrap().ring, &[1; 4096]).is_ok() {}
    };
    full(&peer);
    let mut batch = Vec::new();
    for _ in 0..100 {
        full(&peer);
        let mut cx = Context::from_waker(Waker::noop());
        let polled = host.inbound.poll_recv(&mut cx, &mut batch, 8);
        assert_eq!(polled, Poll::Pending);
        tokio::task::yield_now().await;
    }
    // And it still rings when there is something to deliver.
    peer.publish(&encode(&Header::default(), Location::Empty));
    full(&peer);
    let result = tokio::time::timeout(SOON, host.inbound.recv(&mut batch, 8)).await;
    assert_eq!(result.expect("the receiver slept on"), Ok(1));
}

#[tokio::test]
async fn a_doorbell_without_a_ringing_end_is_a_hang_up() {
    let (mut host, mut peer) = against(Trust::Untrusted);
    peer.publish(&encode(&Header::default(), Location::Empty));
    drop(peer.doorbells.take());
    let mut batch = Vec::new();
    let result = tokio::time::timeout(SOON, host.inbound.recv(&mut batch, 8)).await;
    assert_eq!(result.expect("not delivered"), Ok(1));
    let result = tokio::time::timeout(SOON, host.inbound.recv(&mut batch, 8)).await;
    assert_eq!(
        result.expect("the hang-up was not reported"),
        Err(RecvError::PeerGone(PeerGone::HungUp))
    );
    drop(peer);
}

#[tokio::test]
async fn chatter_on_the_control_socket_is_no_death() {
    let (mut host, peer) = against(Trust::Trusted);
    let socket = peer.socket.as_ref().unwrap();
    while send(socket.as_raw_fd(), b"chatter", MsgFlags::MSG_DONTWAIT).is_ok() {}
    let watch = tokio::spawn(async move { host.watch.gone().await });
    let mut batch = Vec::new();
    {
        let mut receiving = Box::pin(host.inbound.recv(&mut batch, 8));
        for _ in 0..50 {
            let mut cx = Context::from_waker(Waker::noop());
            assert!(receiving.as_mut().poll(&mut cx).is_pending());
            tokio::task::yield_now().await;
        }
    }
    assert!(!watch.is_finished());
    shutdown(socket.as_raw_fd(), Shutdown::Write).unwrap();
    let result = tokio::time::timeout(SOON, host.inbound.recv(&mut batch, 8)).await;
    let gone = PeerGone::HungUp;
    assert_eq!(
        result.expect("the hang-up was not reported"),
        Err(RecvError::PeerGone(gone))
    );
    assert_eq!(watch.await.unwrap(), gone);
}

#[tokio::test]
async fn start_markers_and_heartbeats_may_hold_anything() {
    let (host, peer) = against(Trust::Untrusted);
    peer.poke(HEARTBEAT, u32::MAX);
    peer.poke(crate::layout::START_MARKERS + 12, 0xDEAD_BEEF);
    assert_eq!(host.out.peer_heartbeat(), u32::MAX);
    assert_eq!(host.out.started_generation(3), Some(0xDEAD_BEEF));
    assert_eq!(host.out.started_generation(4), None);
}

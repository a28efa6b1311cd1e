//! One end of a link over memory without a kernel object, so that Miri can run it: slots, borrows,
//! rings, returns, start markers. The test acts as the peer.

use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::thread;

use crate::doorbell::notify::{NewDoorbell, Notifier};
use crate::layout::{DESCRIPTOR, HEAD, Layout, RETURNS_TAIL, START_MARKERS, TAIL};
use crate::link::received::ReceivedSlot;
use crate::link::sender::Sender;
use crate::link::state::LinkState;
use crate::link::turn::Turn;
use crate::memory::halves::{OwnHalf, PeerHalf, RingIn};
use crate::memory::mapping::{OwnMap, PeerMap};
use crate::ring::descriptor::{Location, encode, encode_return, parse_return};
use crate::ring::spsc::Consumer;
use crate::sync::Ordering::{Acquire, Relaxed, Release};
use crate::{
    AllocateError, Closed, Header, Lane, Payload, PeerFault, SegmentConfig, SizeClass, SlotRef,
    Trust,
};

const RING: u32 = 8;

fn one_end(trust: Trust) -> Arc<LinkState> {
    let class = |slot_size, slots| SizeClass { slot_size, slots };
    let config = SegmentConfig::default()
        .with_ring_capacity(RING)
        .with_call_table(4)
        .with_classes([class(64, 2), class(256, 1)])
        .with_trust(trust);
    config.validate().unwrap();
    let layout = Arc::new(Layout::of(&config));
    let own = OwnHalf {
        layout: Arc::clone(&layout),
        control: OwnMap::anonymous(layout.control_len),
        large_slots: OwnMap::anonymous(layout.large_slots_len),
        reclaim: None,
        heartbeats: AtomicU32::new(0),
    };
    let peer = PeerHalf {
        control: PeerMap::anonymous(layout.control_len),
        large_slots: PeerMap::anonymous(layout.large_slots_len),
        files: None,
        layout,
    };
    let notifier = Notifier::new(
        NewDoorbell::new(Trust::Trusted).unwrap().ring,
        Trust::Trusted,
        None,
    );
    let copy_out = trust == Trust::Untrusted;
    Arc::new(LinkState::new(config, own, peer, notifier, copy_out))
}

fn poke_return(link_state: &LinkState, nth: u32, slot: SlotRef) {
    let place = nth & (link_state.layout.returns_capacity - 1);
    let entry = encode_return(slot.index, slot.generation);
    link_state
        .peer
        .control
        .poke_wide(link_state.layout.returns + place as usize * 8, entry);
    link_state.peer.control.poke(RETURNS_TAIL, nth + 1, Release);
}

#[test]
fn a_slot_is_written_shared_sent_returned_and_written_again() {
    let link_state = one_end(Trust::Trusted);
    let out = Sender::new(Arc::clone(&link_state));
    let mut other = out.try_allocate(200, Lane::Priority).unwrap();
    for round in 0..6_u32 {
        let mut writing = out.try_allocate(60, Lane::Data).unwrap();
        other.fill(9); // Another slot of the same mapping, all the while.
        writing.fill(round as u8);
        writing.truncate(50);
        let slot = writing.freeze();
        let part = slot.slice(10..20).unwrap();
        assert!(slot.slice(10..51).is_none());
        let payload = Payload::Slot(&slot);
        out.try_publish(&Header::default(), payload, &[], Lane::Data)
            .unwrap();
        assert!(slot.is_in_flight());
        link_state.peer.control.poke(HEAD, round + 1, Release);

        let entry = link_state.layout.ring + (round & (RING - 1)) as usize * DESCRIPTOR;
        assert_eq!(link_state.own.control.peek(TAIL, Acquire), round + 1);
        let sent = link_state.own.control.peek_wide(entry + 24);
        let named = slot.slot_ref();
        assert_eq!(parse_return(sent), (named.index, named.generation));

        let reading = thread::spawn({
            let slot = slot.clone();
            move || assert_eq!(&slot[..], [round as u8; 50])
        });
        let returning = thread::spawn({
            let link_state = Arc::clone(&link_state);
            move || poke_return(&link_state, round, named)
        });
        drop(slot);
        assert_eq!(&part[..], [round as u8; 10]);
        drop(part);
        reading.join().unwrap();
        returning.join().unwrap();
        link_state.serve_waiters().unwrap();
        assert_eq!(out.stats().classes[0].free, 2);
    }
    assert_eq!(&other[..], [9; 200]);
}

#[test]
fn a_slot_in_use_is_not_allocated_again() {
    let link_state = one_end(Trust::Trusted);
    let out = Sender::new(Arc::clone(&link_state));
    let mut slots: Vec<_> = (0..3)
        .map(|_| out.try_allocate(64, Lane::Priority).unwrap())
        .collect();
    for (nth, slot) in slots.iter_mut().enumerate() {
        slot.fill(nth as u8);
    }
    assert!(matches!(
        out.try_allocate(1, Lane::Priority),
        Err(AllocateError::Exhausted)
    ));
    for (nth, slot) in slots.iter().enumerate() {
        assert_eq!(&slot[..], [nth as u8; 64]);
    }
}

/// Receives a slot as the receiver does when a descriptor names it.
fn receive(link_state: &LinkState, slot: SlotRef) -> Result<ReceivedSlot, PeerFault> {
    let mut received = ReceivedSlot::hold(link_state, slot.check(&link_state.layout)?)?;
    assert!(received.copy_more(&link_state.peer, &mut Turn::default()));
    Ok(received)
}

fn first_slot(len: u32, offset: u32) -> SlotRef {
    SlotRef {
        index: 0,
        generation: 0,
        offset,
        len,
    }
}

#[test]
fn a_payload_is_borrowed_in_place_until_it_is_returned() {
    let link_state = one_end(Trust::Trusted);
    let place = link_state.layout.slot(0).unwrap().offset;
    for round in 0..5_u32 {
        let bytes: [u8; 64] = std::array::from_fn(|nth| nth as u8 ^ round as u8);
        link_state.peer.control.fill(place, &bytes);
        let received = receive(&link_state, first_slot(40, 3)).unwrap();
        assert!(!received.is_copy());
        let reading = thread::spawn(move || assert_eq!(received[..], bytes[3..43]));
        reading.join().unwrap();
        // Returned: only now does the peer write it again.
        assert_eq!(
            link_state.own.control.peek(RETURNS_TAIL, Acquire),
            round + 1
        );
    }
}

#[test]
fn the_payload_of_an_untrusted_peer_may_change_while_it_is_copied() {
    let link_state = one_end(Trust::Untrusted);
    let place = link_state.layout.slot(2).unwrap().offset;
    let scribbling = thread::spawn({
        let link_state = Arc::clone(&link_state);
        move || {
            for value in 0..20 {
                link_state.peer.control.poke_wide(place, value);
            }
        }
    });
    // Whole lines are read in words, as they are written here; Miri detects no race between different sizes.
    for (len, offset) in [(256, 0), (200, 0), (128, 0), (64, 0), (0, 256)] {
        let slot = SlotRef {
            index: 2,
            ..first_slot(len, offset)
        };
        let received = receive(&link_state, slot).unwrap();
        assert!(received.is_copy());
        assert_eq!(received.len(), len as usize);
    }
    scribbling.join().unwrap();
    // The copy is right at any offset.
    let bytes: [u8; 256] = std::array::from_fn(|nth| nth as u8);
    link_state.peer.control.fill(place, &bytes);
    let slot = SlotRef {
        index: 2,
        ..first_slot(151, 5)
    };
    assert_eq!(receive(&link_state, slot).unwrap()[..], bytes[5..156]);
}

#[test]
fn a_slot_that_comes_while_held_ends_the_link() {
    let link_state = one_end(Trust::Trusted);
    let held = receive(&link_state, first_slot(1, 0)).unwrap();
    let fault = PeerFault::SlotSentTwice { index: 0 };
    assert_eq!(receive(&link_state, first_slot(1, 0)).unwrap_err(), fault);
    link_state.fail(fault);
    assert_eq!(link_state.check_open(), Err(Closed::PeerFault(fault)));
    assert_eq!(held.len(), 1);
}

#[test]
fn entries_of_another_thread_are_read_whole_and_in_order() {
    let link_state = one_end(Trust::Trusted);
    let peer = thread::spawn({
        let link_state = Arc::clone(&link_state);
        move || {
            for call in 0..RING {
                let header = Header {
                    call,
                    generation: call,
                    ..Header::default()
                };
                let start = link_state.layout.ring + call as usize * DESCRIPTOR;
                for (nth, word) in encode(&header, Location::Empty).into_iter().enumerate() {
                    link_state.peer.control.poke_wide(start + nth * 8, word);
                }
                link_state.peer.control.poke(TAIL, call + 1, Release);
            }
        }
    });
    let ring = RingIn {
        own: Arc::clone(&link_state.own),
        peer: Arc::clone(&link_state.peer),
    };
    let mut consumer = Consumer::new(ring, RING);
    let mut taken = 0;
    let mut take_all = || {
        while let Some(entry) = consumer.pop().unwrap() {
            assert_eq!(u64::from_le(entry[1]), taken << 32 | taken);
            taken += 1;
        }
    };
    while !peer.is_finished() {
        take_all();
    }
    // Joining makes all of the peer's stores visible.
    peer.join().unwrap();
    take_all();
    consumer.commit();
    assert_eq!(taken, u64::from(RING));
    assert_eq!(link_state.own.control.peek(HEAD, Acquire), RING);
}

#[test]
fn marks_and_heartbeats_are_where_the_layout_says() {
    let link_state = one_end(Trust::Trusted);
    let out = Sender::new(Arc::clone(&link_state));
    out.mark_started(3, 7).unwrap();
    assert!(out.mark_started(4, 7).is_err());
    assert_eq!(link_state.own.control.peek(START_MARKERS + 12, Relaxed), 7);
    link_state.peer.control.poke(START_MARKERS + 8, 5, Relaxed);
    assert_eq!(out.started_generation(2), Some(5));
    assert_eq!(out.started_generation(4), None);
    out.heartbeat();
    assert_eq!(out.peer_heartbeat(), 0);
}

#[test]
fn copies_begin_and_end_at_any_byte() {
    let link_state = one_end(Trust::Untrusted);
    let place = link_state.layout.slot(2).unwrap().offset;
    let bytes: [u8; 256] = std::array::from_fn(|nth| nth as u8);
    link_state.peer.control.fill(place, &bytes);
    for offset in [0, 1, 7, 8, 63, 64, 65, 250] {
        for len in [0, 1, 5, 7, 8, 9, 64, 71, 100, 256] {
            let end = (offset + len).min(256);
            let len = end - offset;
            let mut copy = vec![9];
            link_state.peer.copy_out(2, offset, len, &mut copy);
            assert_eq!(copy.split_first(), Some((&9, &bytes[offset..end])));
        }
    }
}

/// J3, OB1
#[test]
fn a_received_slot_outlives_its_link_and_returns_nothing() {
    for trust in [Trust::Trusted, Trust::Untrusted] {
        let link_state = one_end(trust);
        let place = link_state.layout.slot(0).unwrap().offset;
        link_state.peer.control.fill(place, &[7; 64]);
        let own = Arc::downgrade(&link_state.own);
        let peer = Arc::downgrade(&link_state.peer);
        let received = receive(&link_state, first_slot(40, 3)).unwrap();
        let out = Sender::new(Arc::clone(&link_state));
        let mut sent = out.try_allocate(64, Lane::Data).unwrap();
        sent.fill(5);
        let sent = sent.freeze();
        drop((out, link_state));
        assert!(own.upgrade().is_none(), "our half is kept");
        assert!(peer.upgrade().is_none(), "the peer's half is kept");
        assert_eq!(received[..], [7; 40]);
        let copy = received.into_copy();
        assert_eq!(copy[..], [7; 40]);
        assert_eq!(sent.clone()[..], [5; 64]);
    }
}

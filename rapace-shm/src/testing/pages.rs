//! Committed pages: few at the start, returned to the system when idle.

use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;

use crate::memory::segment::{PeerA, PeerB, Segment};
use crate::ring::descriptor::{Location, SlotRef, encode};
use crate::testing::hostile::peer::{Host, against, small};
use crate::{Header, Lane, Link, Payload, SegmentConfig, Trust};

fn committed(object: &OwnedFd) -> u64 {
    nix::sys::stat::fstat(object).unwrap().st_blocks as u64 * 512
}

/// Returns a link, and the objects of both large-slot regions.
fn pair(trust: Trust) -> (Link, Link, OwnedFd, OwnedFd) {
    let (segment, theirs) = Segment::<PeerA>::create(&small(trust)).unwrap();
    let a_large_slots = theirs.a_large_slots.try_clone().unwrap();
    let b_large_slots = theirs.b_large_slots.try_clone().unwrap();
    let joined = Segment::<PeerB>::join(small(trust), theirs).unwrap();
    let (left, right) = std::os::unix::net::UnixStream::pair().unwrap();
    let register = |socket: std::os::unix::net::UnixStream| {
        crate::kernel::register(socket.into(), tokio::io::Interest::READABLE).unwrap()
    };
    let a = Link::new(segment, register(left), None).unwrap();
    let b = Link::new(joined, register(right), None).unwrap();
    (a, b, a_large_slots, b_large_slots)
}

#[tokio::test]
async fn idle_large_slots_give_their_pages_back_but_one() {
    const MIB: u64 = 1 << 20;
    let (a, b, a_large_slots, b_large_slots) = pair(Trust::Trusted);
    let (a_out, _a_in, _) = a.split();
    let (b_out, _b_in, _) = b.split();
    for (out, object) in [(&a_out, &a_large_slots), (&b_out, &b_large_slots)] {
        assert_eq!(committed(object), 0);
        let fill = || {
            let mut slot = out.try_allocate(1 << 20, Lane::Priority).unwrap();
            slot.fill(7);
            slot
        };
        let (first, second) = (fill(), fill());
        assert_eq!(committed(object), 2 * MIB);
        out.heartbeat();
        drop((first, second));
        // They were in use in the period that ends here.
        out.heartbeat();
        assert_eq!(committed(object), 2 * MIB);
        out.heartbeat();
        assert_eq!(committed(object), MIB);
        out.heartbeat();
        assert_eq!(committed(object), MIB);
        // The slot that kept its pages is the next to be used.
        drop(fill());
        assert_eq!(committed(object), MIB);
        // And the slot that gave them back is as good as new.
        let (first, second) = (fill(), fill());
        assert!(first.iter().chain(&*second).all(|byte| *byte == 7));
    }
}

/// When nothing is sent, no allocation collects returns; the heartbeat does.
#[tokio::test]
async fn slots_that_the_peer_has_returned_give_their_pages_back_too() {
    const MIB: u64 = 1 << 20;
    let (a, b, a_large_slots, _) = pair(Trust::Trusted);
    let (a_out, _a_in, _) = a.split();
    let (_b_out, mut b_in, _) = b.split();
    for _ in 0..2 {
        let mut slot = a_out.try_allocate(1 << 20, Lane::Priority).unwrap();
        slot.fill(7);
        let slot = slot.freeze();
        let payload = Payload::Slot(&slot);
        a_out
            .try_publish(&Header::default(), payload, &[], Lane::Data)
            .unwrap();
    }
    let mut received = Vec::new();
    b_in.recv(&mut received, 8).await.unwrap();
    assert_eq!(received.len(), 2);
    a_out.heartbeat();
    assert_eq!(committed(&a_large_slots), 2 * MIB);
    received.clear();
    // The first heartbeat finds them returned, the second finds them idle.
    a_out.heartbeat();
    a_out.heartbeat();
    assert_eq!(committed(&a_large_slots), MIB);
}

#[tokio::test]
async fn one_heartbeat_gives_back_a_bounded_part() {
    const MIB: u64 = 1 << 20;
    let config = SegmentConfig::default();
    let (segment, theirs) = Segment::<PeerA>::create(&config).unwrap();
    let large_slots = theirs.a_large_slots.try_clone().unwrap();
    let (left, _right) = std::os::unix::net::UnixStream::pair().unwrap();
    let left = crate::kernel::register(left.into(), tokio::io::Interest::READABLE).unwrap();
    let (out, _in, _watch) = Link::new(segment, left, None).unwrap().split();
    // Two slots of 64 MiB, of which little more than 16 MiB was used.
    let used = [0, 1].map(|_| {
        let mut slot = out.try_allocate((16 << 20) + 1, Lane::Data).unwrap();
        slot.fill(7);
        slot
    });
    drop(used);
    out.heartbeat();
    let before = committed(&large_slots);
    assert_eq!(before, 2 * (16 * MIB + 4096));
    for (heartbeat, given_back) in [(1, 8 * MIB), (2, 16 * MIB), (3, 16 * MIB + 4096)] {
        out.heartbeat();
        assert_eq!(
            before - committed(&large_slots),
            given_back,
            "after heartbeat {heartbeat}"
        );
    }
    out.heartbeat();
    assert_eq!(before - committed(&large_slots), 16 * MIB + 4096);
}

#[tokio::test]
async fn a_sealed_slab_keeps_its_pages() {
    let (a, _b, a_large_slots, _) = pair(Trust::Untrusted);
    let (a_out, _a_in, _) = a.split();
    let both = [0, 1].map(|_| a_out.try_allocate(1 << 20, Lane::Priority).unwrap());
    for mut slot in both {
        slot.fill(7);
    }
    let before = committed(&a_large_slots);
    for _ in 0..3 {
        assert_eq!(a_out.trim(), 0);
    }
    assert_eq!(committed(&a_large_slots), before);
}

#[test]
fn a_fresh_segment_commits_little() {
    let (_segment, theirs) = Segment::<PeerA>::create(&SegmentConfig::default()).unwrap();
    for object in [&theirs.a_control, &theirs.b_control] {
        assert!(committed(object) <= 32 << 10, "{}", committed(object));
    }
    for object in [&theirs.a_large_slots, &theirs.b_large_slots] {
        assert_eq!(committed(object), 0);
    }
}

/// Returns the allocated blocks of the object that an untrusted peer may fill.
fn allocated(host: &Host) -> u64 {
    let files = host.out.link_state().peer.files.as_ref().unwrap();
    files.large_slots.metadata().unwrap().blocks()
}

#[tokio::test]
async fn pages_that_an_untrusted_peer_names_and_never_wrote_are_not_allocated_for_it() {
    let (mut host, mut peer) = against(Trust::Untrusted);
    let slot = |index| SlotRef {
        index,
        generation: 0,
        offset: 0,
        len: 1 << 20,
    };
    let before = allocated(&host);
    for index in [8, 9] {
        peer.publish(&encode(&Header::default(), Location::Slot(slot(index))));
    }
    let mut batch = Vec::new();
    while batch.len() < 2 {
        host.inbound.recv(&mut batch, 8).await.unwrap();
    }
    assert!(
        batch
            .iter()
            .all(|frame| frame.payload.as_ref() == vec![0; 1 << 20])
    );
    assert_eq!(allocated(&host), before);
    peer.fill(8, 1);
    assert!(allocated(&host) > before, "what it wrote is");
}

//! Doorbells that are full, or have lost an end.

use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::layout::{HEAD, RECEIVER_ARMED};
use crate::ring::descriptor::{Location, encode};
use crate::testing::hostile::peer::{Host, Scripted, against};
use crate::testing::hostile::steps::PeerStep;
use crate::{Header, Lane, Payload, Trust};

const SOON: Duration = Duration::from_secs(10);

/// Makes the host ring for each of many frames.
fn ring_often(host: &Host, peer: &Scripted) {
    let before = host.out.stats().rings;
    for nth in 0..100_u32 {
        peer.poke(RECEIVER_ARMED, nth * 2 + 1);
        let header = Header::default();
        host.out
            .try_publish(&header, Payload::Empty, &[], Lane::Priority)
            .unwrap();
        peer.poke(HEAD, nth + 1);
    }
    assert_eq!(host.out.stats().rings, before + 100);
}

/// Fills the doorbell at which the peer waits.
fn fill_theirs(peer: &Scripted) {
    let wait = &peer.doorbells.as_ref().unwrap().wait;
    // An eventfd is one description for both ends.
    let full = (u64::MAX - 1).to_ne_bytes();
    assert_eq!(nix::unistd::write(wait, &full), Ok(8));
    let more = nix::unistd::write(wait, &1_u64.to_ne_bytes());
    assert_eq!(more, Err(nix::errno::Errno::EAGAIN));
}

#[tokio::test]
async fn an_eventfd_at_its_maximum_does_not_block_us() {
    let (host, peer) = against(Trust::Trusted);
    fill_theirs(&peer);
    ring_often(&host, &peer);
}

#[tokio::test]
async fn an_eventfd_of_ours_at_its_maximum_wakes_us_and_no_more() {
    let (mut host, mut peer) = against(Trust::Trusted);
    peer.perform(Trust::Trusted, &PeerStep::FillDoorbell {});
    let mut batch = Vec::new();
    for round in 0..100 {
        peer.perform(Trust::Trusted, &PeerStep::FillDoorbell {});
        let mut cx = Context::from_waker(Waker::noop());
        let polled = host.inbound.poll_recv(&mut cx, &mut batch, 8);
        assert_eq!(polled, Poll::Pending);
        tokio::task::yield_now().await;
        assert!(host.out.stats().wakeups <= round + 1);
    }
    // A poll finds what was published, with or without a doorbell.
    peer.publish(&encode(&Header::default(), Location::Empty));
    let result = tokio::time::timeout(SOON, host.inbound.recv(&mut batch, 8)).await;
    assert_eq!(result.expect("the receiver slept on"), Ok(1));
}

#[tokio::test]
async fn ringing_a_peer_that_has_closed_its_doorbells_is_harmless() {
    for trust in [Trust::Trusted, Trust::Untrusted] {
        let (host, mut peer) = against(trust);
        peer.perform(trust, &PeerStep::DropDoorbells {});
        ring_often(&host, &peer);
    }
}

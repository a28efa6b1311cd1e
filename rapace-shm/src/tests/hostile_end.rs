//! What a peer can do to a link that is over, or is about to be.

use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::descriptor::{Location, encode};
use crate::hostile::between;
use crate::hostile::peer::{Host, against};
use crate::{Closed, Header, Lane, Payload, PeerFault, PeerGone, PublishError, RecvError, Trust};

const SOON: Duration = Duration::from_secs(10);
const GONE: RecvError = RecvError::PeerGone(PeerGone::HungUp);

fn empty() -> [u64; 8] {
    encode(&Header::default(), Location::Empty)
}

/// A fault that a sender finds, since the receiver is busy.
fn blame(host: &Host) -> PeerFault {
    let _ = host.out.stats();
    let header = Header::default();
    let sent = host
        .out
        .try_publish(&header, Payload::Empty, &[], Lane::Data);
    match sent {
        Err(PublishError::Closed(Closed::PeerFault(fault))) => fault,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn nothing_is_delivered_once_a_hang_up_was_told() {
    let (mut host, mut peer) = against(Trust::Trusted);
    let mut batch = Vec::new();
    peer.publish(&empty());
    peer.socket = None;
    let told = tokio::time::timeout(SOON, host.inbound.recv(&mut batch, 8)).await;
    assert_eq!(told.unwrap(), Ok(1));
    let told = tokio::time::timeout(SOON, host.inbound.recv(&mut batch, 8)).await;
    assert_eq!(told.unwrap(), Err(GONE));
    peer.publish(&empty());
    assert_eq!(host.inbound.try_recv(&mut batch, 8), Err(GONE));
    let mut cx = Context::from_waker(Waker::noop());
    let polled = host.inbound.poll_recv(&mut cx, &mut batch, 8);
    assert_eq!(polled, Poll::Ready(Err(GONE)));
    assert_eq!(batch.len(), 1);
}

#[tokio::test]
async fn a_peer_that_never_falls_silent_cannot_put_its_end_off() {
    let (mut host, mut peer) = against(Trust::Trusted);
    peer.publish(&empty());
    peer.publish(&empty());
    peer.give_back(77, 0);
    let fault = blame(&host);
    let mut batch = Vec::new();
    let mut delivered = 0;
    for _ in 0..20 {
        peer.publish(&empty());
        match host.inbound.try_recv(&mut batch, 1) {
            Ok(n) => delivered += n,
            Err(told) => {
                assert_eq!(told, RecvError::PeerFault(fault));
                // What lay in the ring when the receiver learned of it, and no more.
                assert_eq!(delivered, 3);
                return;
            }
        }
    }
    panic!("still served after {delivered} frames");
}

#[tokio::test]
async fn the_first_fault_is_what_everybody_is_told() {
    let (mut host, mut peer) = against(Trust::Trusted);
    peer.give_back(77, 0);
    let fault = blame(&host);
    peer.publish(&[u64::from(9_u32) << 24, 0, 0, 0, 0, 0, 0, 0]);
    let mut batch = Vec::new();
    let told = host.inbound.try_recv(&mut batch, 8);
    assert_eq!(told, Err(RecvError::PeerFault(fault)));
}

#[tokio::test]
async fn a_fault_that_is_found_while_allocating_costs_no_slot() {
    let (host, mut peer) = against(Trust::Trusted);
    peer.give_back(77, 0);
    // A large one looks at the returns first.
    assert!(host.out.try_allocate(1 << 20, Lane::Data).is_err());
    for class in host.out.stats().classes {
        assert_eq!(class.free, class.total);
    }
}

#[tokio::test]
async fn a_fault_that_is_found_while_the_receiver_goes_to_sleep_is_told() {
    let (mut host, mut peer) = against(Trust::Trusted);
    peer.give_back(77, 0);
    let out = host.out.clone();
    // The receiver looks at the ring, and another task finds the fault, before there is anybody to wake.
    let mut found = false;
    let turn = move || {
        if !std::mem::replace(&mut found, true) {
            let _ = out.stats();
        }
    };
    let mut batch = Vec::new();
    let mut cx = Context::from_waker(Waker::noop());
    let polled = between::during(turn, || host.inbound.poll_recv(&mut cx, &mut batch, 8));
    let fault = blame(&host);
    let told = Poll::Ready(Err(RecvError::PeerFault(fault)));
    assert_eq!(polled, told);
}

#[tokio::test]
async fn asking_for_nothing_loses_nothing() {
    let (mut host, mut peer) = against(Trust::Trusted);
    peer.publish(&empty());
    peer.give_back(77, 0);
    let fault = blame(&host);
    let mut batch = Vec::new();
    assert_eq!(host.inbound.try_recv(&mut batch, 0), Ok(0));
    assert_eq!(host.inbound.try_recv(&mut batch, 8), Ok(1));
    let told = host.inbound.try_recv(&mut batch, 8);
    assert_eq!(told, Err(RecvError::PeerFault(fault)));
}

#[tokio::test]
async fn what_came_before_a_broken_return_is_delivered() {
    let (mut host, mut peer) = against(Trust::Trusted);
    peer.give_back(77, 0);
    let out = host.out.clone();
    let header = Header::default();
    while out
        .try_publish(&header, Payload::Empty, &[], Lane::Priority)
        .is_ok()
    {}
    // Somebody waits, so the receiver collects what was returned before it looks at the ring.
    let mut waiting = Box::pin(out.writable(Lane::Priority));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(waiting.as_mut().poll(&mut cx).is_pending());
    peer.publish(&empty());
    let mut batch = Vec::new();
    let polled = host.inbound.poll_recv(&mut cx, &mut batch, 8);
    assert_eq!(polled, Poll::Ready(Ok(1)));
    let polled = host.inbound.poll_recv(&mut cx, &mut batch, 8);
    let fault = blame(&host);
    assert_eq!(polled, Poll::Ready(Err(RecvError::PeerFault(fault))));
}

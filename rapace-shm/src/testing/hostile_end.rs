//! Attacks on a link that is over, or is about to be.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::layout::{HEAD, TAIL};
use crate::memory::interleave;
use crate::ring::descriptor::{Location, encode};
use crate::testing::hostile::peer::{Host, SLOTS, Scripted, against};
use crate::testing::hostile::waits::Flag;
use crate::{
    AllocateError, Closed, Header, Lane, Payload, PeerFault, PeerGone, PublishError, RecvError,
    Slot, Trust,
};

const SOON: Duration = Duration::from_secs(10);
const GONE: RecvError = RecvError::PeerGone(PeerGone::HungUp);

fn empty() -> [u64; 8] {
    encode(&Header::default(), Location::Empty)
}

/// Returns a fault that a sender finds, since the receiver is busy.
fn fault_of(host: &Host) -> PeerFault {
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
async fn nothing_is_delivered_after_a_hang_up_was_reported() {
    let (mut host, mut peer) = against(Trust::Trusted);
    let mut batch = Vec::new();
    peer.publish(&empty());
    peer.socket = None;
    let result = tokio::time::timeout(SOON, host.inbound.recv(&mut batch, 8)).await;
    assert_eq!(result.unwrap(), Ok(1));
    let result = tokio::time::timeout(SOON, host.inbound.recv(&mut batch, 8)).await;
    assert_eq!(result.unwrap(), Err(GONE));
    peer.publish(&empty());
    assert_eq!(host.inbound.try_recv(&mut batch, 8), Err(GONE));
    let mut cx = Context::from_waker(Waker::noop());
    let polled = host.inbound.poll_recv(&mut cx, &mut batch, 8);
    assert_eq!(polled, Poll::Ready(Err(GONE)));
    assert_eq!(batch.len(), 1);
}

#[tokio::test]
async fn a_peer_that_goes_on_publishing_cannot_postpone_its_end() {
    let (mut host, mut peer) = against(Trust::Trusted);
    peer.publish(&empty());
    peer.publish(&empty());
    peer.return_slot(77, 0);
    let fault = fault_of(&host);
    let mut batch = Vec::new();
    let mut delivered = 0;
    for _ in 0..20 {
        peer.publish(&empty());
        match host.inbound.try_recv(&mut batch, 1) {
            Ok(n) => delivered += n,
            Err(result) => {
                assert_eq!(result, RecvError::PeerFault(fault));
                // The entries in the ring when the receiver saw the end, and no more.
                assert_eq!(delivered, 3);
                return;
            }
        }
    }
    panic!("still served after {delivered} frames");
}

#[tokio::test]
async fn the_first_fault_is_reported_to_all_users() {
    let (mut host, mut peer) = against(Trust::Trusted);
    peer.return_slot(77, 0);
    let fault = fault_of(&host);
    peer.publish(&[u64::from(9_u32) << 24, 0, 0, 0, 0, 0, 0, 0]);
    let mut batch = Vec::new();
    let result = host.inbound.try_recv(&mut batch, 8);
    assert_eq!(result, Err(RecvError::PeerFault(fault)));
}

#[tokio::test]
async fn a_fault_that_is_found_while_allocating_costs_no_slot() {
    let (host, mut peer) = against(Trust::Trusted);
    peer.return_slot(77, 0);
    // A large allocation collects the returns first.
    assert!(host.out.try_allocate(1 << 20, Lane::Data).is_err());
    let stats = host.out.stats();
    for class in stats.classes.iter().chain([&stats.fragments]) {
        assert_eq!(class.free, class.total);
    }
}

#[tokio::test]
async fn a_fault_that_is_found_while_the_receiver_goes_to_sleep_is_reported() {
    let (mut host, mut peer) = against(Trust::Trusted);
    peer.return_slot(77, 0);
    let out = host.out.clone();
    // The receiver polls the ring, and another task finds the fault, before there is a task to wake.
    let mut found = false;
    let turn = move || {
        if !std::mem::replace(&mut found, true) {
            let _ = out.stats();
        }
    };
    let mut batch = Vec::new();
    let mut cx = Context::from_waker(Waker::noop());
    let polled = interleave::during(turn, || host.inbound.poll_recv(&mut cx, &mut batch, 8));
    let fault = fault_of(&host);
    let result = Poll::Ready(Err(RecvError::PeerFault(fault)));
    assert_eq!(polled, result);
}

#[tokio::test]
async fn asking_for_nothing_loses_nothing() {
    let (mut host, mut peer) = against(Trust::Trusted);
    peer.publish(&empty());
    peer.return_slot(77, 0);
    let fault = fault_of(&host);
    let mut batch = Vec::new();
    assert_eq!(host.inbound.try_recv(&mut batch, 0), Ok(0));
    assert_eq!(host.inbound.try_recv(&mut batch, 8), Ok(1));
    let result = host.inbound.try_recv(&mut batch, 8);
    assert_eq!(result, Err(RecvError::PeerFault(fault)));
}

#[tokio::test]
async fn frames_before_a_broken_return_are_delivered() {
    let (mut host, mut peer) = against(Trust::Trusted);
    peer.return_slot(77, 0);
    let out = host.out.clone();
    let header = Header::default();
    while out
        .try_publish(&header, Payload::Empty, &[], Lane::Priority)
        .is_ok()
    {}
    // There is a waiter, so the receiver collects the returns before it polls the ring.
    let mut waiting = Box::pin(out.writable(Lane::Priority));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(waiting.as_mut().poll(&mut cx).is_pending());
    peer.publish(&empty());
    let mut batch = Vec::new();
    let polled = host.inbound.poll_recv(&mut cx, &mut batch, 8);
    assert_eq!(polled, Poll::Ready(Ok(1)));
    let polled = host.inbound.poll_recv(&mut cx, &mut batch, 8);
    let fault = fault_of(&host);
    assert_eq!(polled, Poll::Ready(Err(RecvError::PeerFault(fault))));
}

/// A host with one slot in flight, one future that waits for room and one that waits for a slot.
struct Waiting {
    host: Host,
    peer: Scripted,
    sent: Slot,
    room: Pin<Box<dyn Future<Output = Result<(), Closed>>>>,
    slot: Pin<Box<dyn Future<Output = Option<Closed>>>>,
    woken: [Arc<Flag>; 2],
}

impl Waiting {
    fn new() -> Self {
        let (host, peer) = against(Trust::Trusted);
        let header = Header::default();
        let sent = host.out.try_allocate(4096, Lane::Data).unwrap().freeze();
        let payload = Payload::Slot(&sent);
        host.out
            .try_publish(&header, payload, &[], Lane::Data)
            .unwrap();
        while host
            .out
            .try_publish(&header, Payload::Empty, &[], Lane::Priority)
            .is_ok()
        {}
        let out = host.out.clone();
        let room = async move { out.writable(Lane::Priority).await };
        let out = host.out.clone();
        let slot = async move {
            let _all: Vec<_> =
                std::iter::from_fn(|| out.try_allocate(1 << 20, Lane::Priority).ok()).collect();
            match out.allocate(1 << 20, Lane::Priority).await {
                Err(AllocateError::Closed(closed)) => Some(closed),
                _ => None,
            }
        };
        let mut all = Self {
            host,
            peer,
            sent,
            room: Box::pin(room),
            slot: Box::pin(slot),
            woken: Default::default(),
        };
        let [room, slot] = [0, 1].map(|nth| all.woken[nth].waker());
        let waits = all.room.as_mut().poll(&mut Context::from_waker(&room));
        assert!(waits.is_pending());
        let waits = all.slot.as_mut().poll(&mut Context::from_waker(&slot));
        assert!(waits.is_pending());
        all
    }

    /// The link is over with this fault for all its users, and stays so.
    fn stays_over_for(mut self, fault: PeerFault) {
        let closed = Closed::PeerFault(fault);
        assert!(!self.sent.is_in_flight(), "the slot did not come back");
        assert!(self.woken.iter().all(|woken| woken.is_up()));
        let mut cx = Context::from_waker(Waker::noop());
        assert_eq!(self.room.as_mut().poll(&mut cx), Poll::Ready(Err(closed)));
        assert_eq!(self.slot.as_mut().poll(&mut cx), Poll::Ready(Some(closed)));
        // Nothing that the peer does now is read.
        self.peer.return_slot(3, 99);
        self.peer.poke(HEAD, 1 << 20);
        for _ in 0..2 {
            assert_eq!(fault_of(&self.host), fault);
            let refused = self.host.out.try_allocate(1, Lane::Priority).err();
            assert_eq!(refused, Some(AllocateError::Closed(closed)));
            let result = self.host.inbound.try_recv(&mut Vec::new(), 8);
            assert_eq!(result, Err(RecvError::PeerFault(fault)));
            let polled = self.host.inbound.poll_recv(&mut cx, &mut Vec::new(), 8);
            assert_eq!(polled, Poll::Ready(Err(RecvError::PeerFault(fault))));
        }
    }
}

#[tokio::test]
async fn a_broken_return_ends_the_link_alike_wherever_it_is_found() {
    type Finder = fn(&mut Host);
    let finders: [Finder; 7] = [
        |host| drop(host.out.try_allocate(1 << 20, Lane::Data)),
        // Small allocations collect returns only now and then.
        |host| while host.out.try_allocate(1, Lane::Data).is_ok() {},
        |host| host.out.collect(),
        |host| host.out.heartbeat(),
        |host| drop(host.out.stats()),
        |host| {
            let mut cx = Context::from_waker(Waker::noop());
            let _ = host.inbound.poll_recv(&mut cx, &mut Vec::new(), 8);
        },
        |host| {
            host.out.collect();
            let _ = host.inbound.try_recv(&mut Vec::new(), 8);
        },
    ];
    for finder in finders {
        let mut waiting = Waiting::new();
        waiting.peer.return_slot(77, 0);
        finder(&mut waiting.host);
        waiting.stays_over_for(PeerFault::ReturnedUnknownSlot {
            index: 77,
            slots: SLOTS,
        });
    }
}

#[tokio::test]
async fn a_broken_cursor_ends_the_link_alike_wherever_it_is_found() {
    type Finder = fn(&mut Waiting);
    let finders: [Finder; 4] = [
        |all| drop(all.host.out.stats()),
        |all| {
            let sent =
                all.host
                    .out
                    .try_publish(&Header::default(), Payload::Empty, &[], Lane::Data);
            assert!(matches!(sent, Err(PublishError::Closed(_))));
        },
        |all| {
            let mut room = Box::pin(all.host.out.writable(Lane::Data));
            let mut cx = Context::from_waker(Waker::noop());
            assert!(room.as_mut().poll(&mut cx).is_ready());
        },
        |all| {
            let mut cx = Context::from_waker(Waker::noop());
            let _ = all.host.inbound.poll_recv(&mut cx, &mut Vec::new(), 8);
        },
    ];
    for finder in finders {
        let mut waiting = Waiting::new();
        waiting.peer.poke(HEAD, 9);
        finder(&mut waiting);
        waiting.stays_over_for(PeerFault::HeadOutsidePublished { head: 9, tail: 8 });
    }
}

#[tokio::test]
async fn a_fault_after_close_is_reported_by_the_receiver() {
    type Finder = fn(&Host);
    let finders: [Finder; 4] = [
        |host| host.out.collect(),
        |host| host.out.heartbeat(),
        |host| drop(host.out.stats()),
        |_| {}, // The receiver itself.
    ];
    for finder in finders {
        let (mut host, mut peer) = against(Trust::Trusted);
        let sent = host.out.try_allocate(1, Lane::Data).unwrap().freeze();
        let header = Header::default();
        let payload = Payload::Slot(&sent);
        host.out
            .try_publish(&header, payload, &[], Lane::Data)
            .unwrap();
        host.out.close();
        assert!(sent.is_in_flight(), "the peer still has it");
        peer.publish(&empty());
        let mut batch = Vec::new();
        assert_eq!(host.inbound.recv(&mut batch, 8).await, Ok(1));
        let flag = Arc::<Flag>::default();
        let waker = flag.waker();
        let mut cx = Context::from_waker(&waker);
        assert!(host.inbound.poll_recv(&mut cx, &mut batch, 8).is_pending());
        peer.return_slot(77, 0);
        finder(&host);
        let found = host.out.link_state().fault().is_some();
        assert!(!found || flag.is_up(), "the receiver sleeps on");
        assert!(!found || !sent.is_in_flight());
        let fault = PeerFault::ReturnedUnknownSlot {
            index: 77,
            slots: SLOTS,
        };
        for _ in 0..2 {
            let polled = host.inbound.poll_recv(&mut cx, &mut batch, 8);
            assert_eq!(polled, Poll::Ready(Err(RecvError::PeerFault(fault))));
        }
        assert!(!sent.is_in_flight());
        let again = host.out.try_publish(&header, payload, &[], Lane::Data);
        assert_eq!(again, Err(PublishError::Closed(Closed::ByUs)));
    }
}

#[tokio::test]
async fn a_cursor_that_is_taken_back_was_a_fault_all_the_same() {
    let spin = Duration::from_millis(1);
    for spins in [false, true] {
        let (mut host, mut peer) = against(Trust::Trusted);
        host.out.set_spin(if spins { spin } else { Duration::ZERO });
        let burst = if spins { 1 } else { 4 };
        (0..burst).for_each(|_| peer.publish(&empty()));
        let mut batch = Vec::new();
        let mut cx = Context::from_waker(Waker::noop());
        let polled = host.inbound.poll_recv(&mut cx, &mut batch, 8);
        assert_eq!(polled, Poll::Ready(Ok(burst)));
        // Other tasks run first.
        assert!(host.inbound.poll_recv(&mut cx, &mut batch, 8).is_pending());
        // The next poll finds nothing, and spins: the second poll reads the impossible cursor.
        let mut loads = 0;
        let tail = peer.tail;
        let turn = move || {
            loads += 1;
            peer.poke(TAIL, if loads == 2 { 1 << 20 } else { tail });
        };
        let result = interleave::during(turn, || {
            let polled = host.inbound.poll_recv(&mut cx, &mut batch, 8);
            (polled, host.inbound.try_recv(&mut batch, 8))
        });
        let fault = PeerFault::TailRanAhead {
            ahead: (1_u32 << 20).wrapping_sub(tail),
            capacity: 8,
        };
        let fault = RecvError::PeerFault(fault);
        assert_eq!(result, (Poll::Ready(Err(fault)), Err(fault)), "{spins}");
    }
}

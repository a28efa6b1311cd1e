//! A waker may run any code when it is cloned, woken or dropped: so no lock is held then.

use std::pin::pin;
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use rapace_shm::{Header, Lane, Link, Payload, SegmentConfig, Sender, SizeClass};

/// Takes every lock of its link that it can reach, whenever it is cloned, woken or dropped.
struct Nosy(Sender);

impl Nosy {
    fn waker(out: &Sender) -> Waker {
        Waker::from(Arc::new(Self(out.clone())))
    }

    fn look(&self) {
        let _ = self.0.stats();
        drop(self.0.try_allocate(1, Lane::Priority));
        self.0.heartbeat();
        let mut cx = Context::from_waker(Waker::noop());
        let _ = pin!(self.0.writable(Lane::Data)).poll(&mut cx);
        let _ = pin!(self.0.allocate(1, Lane::Data)).poll(&mut cx);
    }
}

impl Wake for Nosy {
    fn wake(self: Arc<Self>) {
        self.look();
    }
}

impl Drop for Nosy {
    fn drop(&mut self) {
        self.look();
    }
}

fn config() -> SegmentConfig {
    let slots = 4;
    let slot_size = 1024;
    SegmentConfig::default()
        .with_ring_capacity(8)
        .with_classes([SizeClass { slot_size, slots }])
}

/// Waits in every way, is polled again by another task, is served, and is cancelled.
fn everything() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()
        .unwrap();
    let _inside = runtime.enter();
    let (a, b) = Link::pair(&config()).unwrap();
    let (out, mut inbound, _) = a.split();
    let (_b_out, mut b_in, _) = b.split();
    let send = |payload: Payload<'_>| out.try_publish(&Header::default(), payload, &[], Lane::Data);
    let nosy = || Nosy::waker(&out);

    for end in [false, true] {
        let held: Vec<_> = std::iter::from_fn(|| out.try_allocate(1000, Lane::Priority).ok())
            .map(|slot| slot.freeze())
            .collect();
        for slot in &held {
            let _ = send(Payload::Slot(slot));
        }
        while send(Payload::Empty).is_ok() {}
        let mut slot = Box::pin(out.allocate(1000, Lane::Data));
        let mut also = Box::pin(out.allocate(1000, Lane::Data));
        let mut room = Box::pin(out.writable(Lane::Data));
        for _ in 0..3 {
            let waker = nosy();
            let mut cx = Context::from_waker(&waker);
            assert!(slot.as_mut().poll(&mut cx).is_pending());
            assert!(also.as_mut().poll(&mut cx).is_pending());
            assert!(room.as_mut().poll(&mut cx).is_pending());
            assert!(inbound.poll_recv(&mut cx, &mut Vec::new(), 8).is_pending());
        }
        drop(also);
        if end {
            out.close();
        } else {
            let mut batch = Vec::new();
            while b_in.try_recv(&mut batch, 8) != Ok(0) {}
            drop((batch, held));
        }
        let waker = nosy();
        let mut cx = Context::from_waker(&waker);
        let _ = inbound.poll_recv(&mut cx, &mut Vec::new(), 8);
        let served = slot.as_mut().poll(&mut cx);
        assert!(matches!(served, Poll::Ready(slot) if slot.is_err() == end));
        assert!(room.as_mut().poll(&mut cx).is_ready());
    }
    out.peer_died();
    // The wakers keep the link alive, and the link the wakers, until it has reported its end.
    let polled = inbound.poll_recv(&mut Context::from_waker(Waker::noop()), &mut Vec::new(), 8);
    assert!(polled.is_ready());
}

#[test]
fn no_waker_is_woken_or_dropped_under_a_lock() {
    let (done, all_done) = mpsc::channel();
    let waiting = std::thread::spawn(move || {
        everything();
        let _ = done.send(());
    });
    match all_done.recv_timeout(Duration::from_secs(60)) {
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("a lock was held"),
        _ => waiting.join().unwrap(),
    }
}

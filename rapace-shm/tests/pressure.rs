//! Many senders, little room: all of them wait for everything, and all frames must arrive.

use std::time::Duration;

use rapace_shm::{
    Closed, Header, Lane, Link, Payload, PublishError, Receiver, SegmentConfig, Sender, SizeClass,
    Trust,
};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

const SENDERS: u32 = 8;
const FRAMES: u32 = 1500;
const PATIENCE: Duration = Duration::from_secs(60);

fn tight(trust: Trust) -> SegmentConfig {
    let class = |slot_size, slots| SizeClass { slot_size, slots };
    SegmentConfig::default()
        .with_ring_capacity(8)
        .with_classes([class(64, 2), class(256, 3), class(1 << 20, 1)])
        .with_trust(trust)
}

async fn publish(out: &Sender, header: &Header, payload: Payload<'_>, lane: Lane) {
    loop {
        match out.try_publish(header, payload, &[], lane) {
            Ok(()) => return,
            Err(PublishError::Full) => out.writable(lane).await.unwrap(),
            Err(error) => panic!("{error}"),
        }
    }
}

async fn send(out: Sender, sender: u32) {
    for nth in 0..FRAMES {
        let header = Header {
            channel: sender,
            call: nth,
            ..Header::default()
        };
        let lane = if sender.is_multiple_of(4) {
            Lane::Priority
        } else {
            Lane::Data
        };
        let len = match (sender + nth) % 5 {
            0 => 0,
            1 | 2 => 40,
            3 => 200,
            _ => 1000,
        };
        if len == 0 {
            publish(&out, &header, Payload::Empty, lane).await;
            continue;
        }
        let mut slot = out.allocate(len, lane).await.unwrap();
        slot.fill(nth as u8);
        let slot = slot.freeze();
        publish(&out, &header, Payload::Slot(&slot), lane).await;
    }
}

/// Receives without end, and reports when all frames of all senders have come, in order.
async fn receive(mut inbound: Receiver, complete: oneshot::Sender<()>) {
    let mut next = [0; SENDERS as usize];
    let mut batch = Vec::new();
    while next != [FRAMES; SENDERS as usize] {
        inbound.recv(&mut batch, 5).await.unwrap();
        for frame in batch.drain(..) {
            let next = &mut next[frame.header.channel as usize];
            assert_eq!(frame.header.call, *next);
            let expected = *next as u8;
            assert!(frame.payload.as_ref().iter().all(|byte| *byte == expected));
            *next += 1;
        }
    }
    complete.send(()).unwrap();
    // The senders of this side may still have to be woken.
    let more = inbound.recv(&mut batch, 5).await;
    panic!("{more:?} after everything");
}

async fn press(trust: Trust) {
    let (a, b) = Link::pair(&tight(trust)).unwrap();
    let mut work = JoinSet::new();
    let mut receivers = JoinSet::new();
    let mut ends = Vec::new();
    for link in [a, b] {
        let (out, inbound, watch) = link.split();
        for sender in 0..SENDERS {
            work.spawn(send(out.clone(), sender));
        }
        let (complete, completed) = oneshot::channel();
        receivers.spawn(receive(inbound, complete));
        work.spawn(async move { completed.await.unwrap() });
        ends.push((out, watch));
    }
    let worked = async { while work.join_next().await.transpose().unwrap().is_some() {} };
    let done = tokio::time::timeout(PATIENCE, worked).await;
    done.expect("a sender was never woken");
    for (out, _watch) in ends {
        let stats = out.stats();
        for class in stats.classes.iter().chain([&stats.fragments]) {
            assert_eq!(class.free, class.total);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_sender_waits_for_ever_on_eventfds() {
    press(Trust::Trusted).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_sender_waits_for_ever_on_pipes() {
    press(Trust::Untrusted).await;
}

#[tokio::test]
async fn no_sender_waits_for_ever_on_one_thread() {
    press(Trust::Trusted).await;
}

#[tokio::test]
async fn a_cancelled_waiter_passes_its_turn_on() {
    let (a, b) = Link::pair(&tight(Trust::Trusted)).unwrap();
    let (out, mut a_in, _watch) = a.split();
    let (_b_out, _b_in, _b_watch) = b.split();
    let receiving = tokio::spawn(async move { a_in.recv(&mut Vec::new(), 1).await });
    // Data may have one slot of the first class, and two of the second.
    let held: Vec<_> = (0..3)
        .map(|_| out.try_allocate(1, Lane::Data).unwrap())
        .collect();
    let waiters: Vec<_> = (0..3)
        .map(|_| {
            let out = out.clone();
            tokio::spawn(async move { out.allocate(1, Lane::Data).await.map(|_| ()) })
        })
        .collect();
    tokio::task::yield_now().await;
    waiters[0].abort();
    // The first is woken only to find that it was aborted; the second must be served.
    drop(held);
    for waiter in waiters.into_iter().skip(1) {
        let served = tokio::time::timeout(PATIENCE, waiter).await;
        assert_eq!(served.expect("the turn was lost").unwrap(), Ok(()));
    }
    receiving.abort();
}

#[tokio::test]
async fn closing_ends_every_wait() {
    let (a, b) = Link::pair(&tight(Trust::Trusted)).unwrap();
    let (out, _a_in, _watch) = a.split();
    let (_b_out, _b_in, _b_watch) = b.split();
    let _held: Vec<_> = (0..3)
        .map(|_| out.try_allocate(1, Lane::Data).unwrap())
        .collect();
    while out
        .try_publish(&Header::default(), Payload::Empty, &[], Lane::Data)
        .is_ok()
    {}
    let slot = tokio::spawn({
        let out = out.clone();
        async move { out.allocate(1, Lane::Data).await.err() }
    });
    let room = tokio::spawn({
        let out = out.clone();
        async move { out.writable(Lane::Data).await }
    });
    tokio::task::yield_now().await;
    out.close();
    let ended = tokio::time::timeout(PATIENCE, slot).await.unwrap().unwrap();
    assert_eq!(ended, Some(rapace_shm::AllocateError::Closed(Closed::ByUs)));
    let ended = tokio::time::timeout(PATIENCE, room).await.unwrap().unwrap();
    assert_eq!(ended, Err(Closed::ByUs));
}

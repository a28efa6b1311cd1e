//! Cancelled calls.

use futures_util::FutureExt;
use rapace_session::{CallOptions, FrameType, RemoteError, SessionConfig};
use tokio::sync::mpsc;

use super::harness::*;
use super::raw::Raw;

scenarios!(
    a_queued_call_is_removed_and_never_begun,
    a_cancelled_call_keeps_its_place_until_it_is_taken,
    a_running_handler_is_told,
    callers_that_leave_lose_no_credits,
    a_request_that_waits_for_room_is_never_sent_when_its_caller_leaves,
);

async fn a_queued_call_is_removed_and_never_begun(kind: Kind) {
    let mut services = Services::default();
    let mut inbox = services.inbox("Busy", 4);
    let (host, plugin) = host_of(kind, services).await;
    let channel = host.open("Busy").await.unwrap();
    let (large, options) = (Value(vec![1u8; 3000]), plain());
    let mut call = Box::pin(channel.call(0, &large, &options));
    assert!(waits(&mut call));
    until(|| inbox.len() == 1).await;
    let stats = host.link_stats();
    drop(call);
    if let Some(stats) = stats {
        assert_eq!(stats.classes[1].total - stats.classes[1].free, 1);
        // Its buffer returns although no handler has taken the call.
        until(|| host.link_stats().unwrap().classes[1].free == stats.classes[1].total).await;
    }
    let queued = inbox.recv().await.unwrap();
    channel.tell(7, &(), &plain()).await.unwrap();
    until(|| inbox.len() == 1).await; // The cancellation was read before this.
    assert!(queued.begin().is_none());
    until(|| host.calls_under_way() == 1).await;
    assert_eq!(plugin.metrics().served, 0);
}

async fn a_cancelled_call_keeps_its_place_until_it_is_taken(kind: Kind) {
    let mut services = Services::default();
    let mut inbox = services.inbox("Busy", 1);
    let (host, _plugin) = host_of(kind, services).await;
    let channel = host.open("Busy").await.unwrap();
    let options = plain();
    let mut first = Box::pin(channel.call(0, &(), &options));
    assert!(waits(&mut first));
    drop(first);
    let mut second = Box::pin(channel.call(1, &(), &options));
    assert!(waits(&mut second));
    until(|| inbox.len() == 1).await;
    assert!(waits(&mut second));
    let first = inbox.recv().await.unwrap();
    assert_eq!(first.method(), 0);
    drop(first);
    let ((), answered) = tokio::join!(answer_next(&mut inbox, ()), second);
    answered.unwrap();
}

async fn a_running_handler_is_told(kind: Kind) {
    let (begun, mut begins) = mpsc::unbounded_channel();
    let mut services = Services::default();
    services.serve("Slow", 4, move |call| {
        let begun = begun.clone();
        async move {
            begun.send(None).unwrap();
            let why = call.cancelled().await;
            // It stays cancelled.
            assert_eq!(call.cancelled().await, why);
            begun.send(Some(why)).unwrap();
        }
    });
    let (host, _plugin) = host_of(kind, services).await;
    let channel = host.open("Slow").await.unwrap();
    let options = plain();
    let mut call = Box::pin(channel.call(0, &(), &options));
    assert!(waits(&mut call));
    assert_eq!(begins.recv().await.unwrap(), None);
    drop(call);
    assert_eq!(begins.recv().await.unwrap(), Some(RemoteError::Cancelled));
    until(|| host.calls_under_way() == 0).await;
}

async fn callers_that_leave_lose_no_credits(kind: Kind) {
    let mut services = Services::default();
    services.serve("Echo", 3, echo::<u32>);
    let (host, _plugin) = host_of(kind, services).await;
    let channel = host.open("Echo").await.unwrap();
    // Callers cancel at every stage: before a credit, queued, running, replied.
    for round in 0..200u32 {
        let options = CallOptions::default();
        let argument = Value(round);
        let mut calls = (0..8)
            .map(|_| Box::pin(channel.call(0, &argument, &options)))
            .collect::<Vec<_>>();
        for call in &mut calls {
            let _ = call.as_mut().now_or_never();
        }
        for _ in 0..round % 7 {
            tokio::task::yield_now().await;
        }
        drop(calls);
    }
    let mut all = (0..3)
        .map(|n: u32| ask(&channel, 0, n))
        .map(Box::pin)
        .collect::<Vec<_>>();
    for (n, call) in all.drain(..).enumerate() {
        let back: u32 = call.await;
        assert_eq!(back, n as u32);
    }
    until(|| host.calls_under_way() == 0).await;
}

async fn a_request_that_waits_for_room_is_never_sent_when_its_caller_leaves(kind: Kind) {
    let sizes = Sizes {
        ring: 8,
        ..Sizes::default()
    };
    let (a, b) = kind.pair_of(&sizes);
    let (host, mut raw) = Raw::connect(a, b, SessionConfig::new("host")).await;
    let channel = raw.open(&host, "Any", 64).await;
    // Requests may fill seven of the eight entries.
    for _ in 0..7 {
        channel.tell(1, &(), &plain()).await.unwrap();
    }
    let options = plain();
    let mut waiting = Box::pin(channel.call(2, &(), &options));
    assert!(waits(&mut waiting));
    assert_eq!(host.calls_under_way(), 8);
    drop(waiting);
    assert_eq!(host.calls_under_way(), 7);
    channel.try_tell(3, &(), &plain()).await.unwrap();
    for _ in 0..7 {
        assert_eq!(raw.recv().await.header.method, 1);
    }
    channel.tell(4, &(), &plain()).await.unwrap();
    let next = raw.recv().await;
    assert_eq!(
        (next.header.frame_type, next.header.method),
        (FrameType::Request, 4)
    );
}

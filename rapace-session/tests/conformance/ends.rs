//! Sessions that end, with calls in every state.

use std::sync::Arc;

use futures_util::StreamExt;
use rapace_session::{
    CallFailure, EndReason, FrameType, OpenError, RemoteError, SessionConfig, StartState, Status,
};
use tokio::sync::oneshot;

use super::harness::*;
use super::raw::Raw;

scenarios!(
    a_close_is_told_with_its_reason,
    a_close_is_told_although_data_has_filled_the_ring,
    calls_without_an_owner_of_unsettled_calls_fail_with_their_start_states,
    calls_that_wait_for_a_credit_fail_and_have_not_begun,
    a_handler_is_told_of_the_end,
    answers_that_were_published_are_delivered_before_the_end,
    a_drained_side_finishes_what_is_queued_then_closes,
    a_drained_side_finishes_its_streams_then_closes,
    an_ended_session_leaves_nothing_behind,
    waiting_openings_end_with_the_session,
);

async fn a_close_is_told_with_its_reason(kind: Kind) {
    let (host, plugin) = host_of(kind, Services::default()).await;
    let why = "the configuration was changed, and so the plugin is started anew";
    host.close(why);
    host.close("once is enough");
    assert_eq!(host.ended().await, EndReason::Closed);
    assert_eq!(plugin.ended().await, EndReason::ClosedByPeer(why.into()));
    assert!(plugin.actor().is_none() || plugin.end_reason().is_some());
}

async fn a_close_is_told_although_data_has_filled_the_ring(kind: Kind) {
    let sizes = Sizes {
        ring: 16,
        ..Sizes::default()
    };
    let (a, b) = kind.pair_of(&sizes);
    let (host, mut raw) = Raw::connect(a, b, SessionConfig::new("host")).await;
    let channel = raw.open(&host, "Any", 64).await;
    let mut sent = 0;
    while channel.try_tell(0, &(), &plain()).await.unwrap() {
        sent += 1;
    }
    assert_eq!(sent, 14, "an eighth is kept");
    let options = plain();
    let mut call = Box::pin(channel.call(0, &(), &options));
    assert!(waits(&mut call));
    drop(call);
    host.close("full");
    for _ in 0..sent {
        assert_eq!(raw.recv().await.header.frame_type, FrameType::Request);
    }
    let close = raw.recv().await;
    assert_eq!(
        (close.header.frame_type, close.payload.bytes()),
        (FrameType::Close, &b"full"[..])
    );
    assert!(raw.try_recv().await.is_none());
}

fn lost(outcome: Result<rapace_session::Reply, CallFailure>) -> (StartState, EndReason) {
    match outcome {
        Err(CallFailure::SessionEnded {
            start_state,
            reason,
        }) => (start_state, reason),
        other => panic!("{other:?}"),
    }
}

async fn calls_without_an_owner_of_unsettled_calls_fail_with_their_start_states(kind: Kind) {
    for peer_dies in [true, false] {
        let mut services = Services::default();
        let mut inbox = services.inbox("Busy", 4);
        let (host, plugin) = host_of(kind, services).await;
        let channel = host.open("Busy").await.unwrap();
        let options = plain();
        let mut begun = Box::pin(channel.call(0, &(), &options));
        let mut queued = Box::pin(channel.call(1, &(), &options));
        assert!(waits(&mut begun) && waits(&mut queued));
        let running = inbox.recv().await.unwrap().begin().unwrap();
        until(|| inbox.len() == 1).await;
        let (unmarked, reason) = if peer_dies {
            plugin.abort(EndReason::PeerGone);
            (StartState::NotBegun, EndReason::PeerGone)
        } else {
            // Until the peer learns of the end, it may begin the calls that it has.
            host.close("bye");
            (StartState::Unknown, EndReason::Closed)
        };
        assert_eq!(lost(begun.await), (StartState::Begun, reason.clone()));
        assert_eq!(lost(queued.await), (unmarked, reason.clone()));
        assert_eq!(
            lost(channel.call(2, &(), &plain()).await),
            (StartState::NotBegun, reason)
        );
        plugin.ended().await;
        assert!(inbox.recv().await.unwrap().begin().is_none(), "never runs");
        running.reply(Status::Ok, &()).await;
    }
}

async fn calls_that_wait_for_a_credit_fail_and_have_not_begun(kind: Kind) {
    let mut services = Services::default();
    let _inbox = services.inbox("Busy", 1);
    let (host, plugin) = host_of(kind, services).await;
    let channel = host.open("Busy").await.unwrap();
    channel.tell(0, &(), &plain()).await.unwrap();
    let options = plain();
    let mut call = Box::pin(channel.call(0, &(), &options));
    let mut stream = Box::pin(channel.call_streaming(0, &(), &options, true, true));
    assert!(waits(&mut call) && waits(&mut stream));
    plugin.abort(EndReason::PeerGone);
    assert_eq!(
        lost(call.await),
        (StartState::NotBegun, EndReason::PeerGone)
    );
    assert!(matches!(
        stream.await,
        Err(CallFailure::SessionEnded {
            start_state: StartState::NotBegun,
            ..
        })
    ));
}

async fn a_handler_is_told_of_the_end(kind: Kind) {
    let mut services = Services::default();
    let mut inbox = services.inbox("Busy", 4);
    let (host, plugin) = host_of(kind, services).await;
    let channel = host.open("Busy").await.unwrap();
    channel.tell(0, &(), &plain()).await.unwrap();
    let call = inbox.recv().await.unwrap().begin().unwrap();
    host.close("bye");
    assert_eq!(call.cancelled().await, RemoteError::Cancelled);
    plugin.ended().await;
    // Frames that it still sends are dropped.
    call.reply(Status::Ok, &Value(vec![1u8; 5000])).await;
}

async fn answers_that_were_published_are_delivered_before_the_end(kind: Kind) {
    let mut services = Services::default();
    let mut inbox = services.inbox("Busy", 64);
    let (host, plugin) = host_of(kind, services).await;
    let channel = host.open("Busy").await.unwrap();
    let calls = (0..50u32)
        .map(|n| {
            let channel = channel.clone();
            tokio::spawn(async move { channel.call(0, &Value(n), &plain()).await })
        })
        .collect::<Vec<_>>();
    let mut held = Vec::new();
    for _ in 0..50 {
        held.push(inbox.recv().await.unwrap().begin().unwrap());
    }
    for (n, call) in held.into_iter().enumerate() {
        call.reply(Status::Ok, &Value(vec![n as u8; 100])).await;
    }
    plugin.abort(EndReason::PeerGone);
    for call in calls {
        assert_eq!(answer::<Vec<u8>>(&call.await.unwrap().unwrap()).len(), 100);
    }
}

async fn a_drained_side_finishes_what_is_queued_then_closes(kind: Kind) {
    let mut services = Services::default();
    let mut inbox = services.inbox("Busy", 8);
    let (host, plugin) = host_of(kind, services).await;
    let channel = host.open("Busy").await.unwrap();
    let calls = (0..5u32)
        .map(|n| {
            let channel = channel.clone();
            tokio::spawn(async move { channel.call(0, &Value(n), &plain()).await })
        })
        .collect::<Vec<_>>();
    until(|| inbox.len() == 5).await;
    host.drain();
    until(|| plugin.peer_drains()).await;
    for n in 0..5u32 {
        assert_eq!(plugin.end_reason(), None);
        answer_next(&mut inbox, n).await;
    }
    assert_eq!(plugin.ended().await, EndReason::Closed);
    assert_eq!(
        host.ended().await,
        EndReason::ClosedByPeer("drained".into())
    );
    for call in calls {
        call.await.unwrap().unwrap();
    }
}

async fn a_drained_side_finishes_its_streams_then_closes(kind: Kind) {
    let (go, mut gate) = {
        let (go, gate) = oneshot::channel::<()>();
        (go, Some(gate))
    };
    let gate = Arc::new(std::sync::Mutex::new(gate.take()));
    let mut services = Services::default();
    services.serve("Late", 4, move |mut call| {
        let gate = gate.lock().unwrap().take().unwrap();
        async move {
            let mut items = call.take_sender().unwrap();
            call.reply(Status::Ok, &()).await;
            gate.await.unwrap();
            items.send(&Value(1u32)).await.unwrap();
            items.end();
        }
    });
    let (host, plugin) = host_of(kind, services).await;
    let channel = host.open("Late").await.unwrap();
    let call = channel.call_streaming(0, &(), &plain(), false, true).await;
    let (parts, response) = call.unwrap();
    response.await.unwrap();
    host.drain();
    until(|| plugin.peer_drains()).await;
    // The call is over, but not the stream.
    assert_eq!(plugin.end_reason(), None);
    go.send(()).unwrap();
    assert_eq!(plugin.ended().await, EndReason::Closed);
    let items = parts.receiver.unwrap().collect::<Vec<_>>().await;
    assert_eq!(items.len(), 1);
    assert!(items[0].is_ok());
}

async fn an_ended_session_leaves_nothing_behind(kind: Kind) {
    let mut services = Services::default();
    let mut inbox = services.inbox("Busy", 4);
    let (mut ours, theirs) = (SessionConfig::new("host"), services.config("plugin"));
    ours.stream_window = 4;
    let (a, b) = (Arc::clone(&ours.metrics), Arc::clone(&theirs.metrics));
    let (host, plugin) = connect(kind.pair(), ours, theirs).await;
    let channel = host.open("Busy").await.unwrap();
    let options = plain();
    let mut call = Box::pin(channel.call(0, &(), &options));
    assert!(waits(&mut call));
    let streaming = channel.call_streaming(0, &(), &options, true, true).await;
    let (parts, response) = streaming.unwrap();
    let running = inbox.recv().await.unwrap().begin().unwrap();
    plugin.close("bye");
    host.ended().await;
    drop((call, parts, response, running, inbox));
    drop((channel, host, plugin));
    until(|| Arc::strong_count(&a) == 1 && Arc::strong_count(&b) == 1).await;
}

async fn waiting_openings_end_with_the_session(kind: Kind) {
    let (a, b) = kind.pair();
    let (host, raw) = Raw::connect(a, b, SessionConfig::new("host")).await;
    let mut opening = Box::pin(host.open("Nobody answers"));
    assert!(waits(&mut opening));
    until(|| host.actor().is_some()).await;
    drop(raw);
    assert_eq!(
        opening.await.unwrap_err(),
        OpenError::Ended(EndReason::PeerGone)
    );
}

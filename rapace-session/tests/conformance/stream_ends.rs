//! The ways in which a stream ends, and what each side observes.

use futures_util::StreamExt;
use rapace_session::{
    CallFailure, EndReason, RemoteError, RunningCall, Session, Status, StreamError, StreamParts,
    StreamSendError,
};
use tokio::sync::mpsc;

use super::harness::*;

scenarios!(
    a_receiver_that_leaves_stops_its_sender_and_nothing_else,
    a_reset_ends_its_own_direction_alone,
    both_directions_may_fail_each_for_itself,
    a_reset_behind_the_other_directions_end_leaves_nothing,
    a_reset_that_crosses_a_stop_leaves_the_other_direction_alone,
    a_dropped_sender_resets,
    a_call_that_fails_ends_its_streams,
    a_stream_outlives_its_call,
    a_stream_whose_request_was_never_sent_leaves_nothing,
    both_ends_see_the_session_die,
    waiting_halves_see_the_session_die,
    a_receiver_that_leaves_during_a_burst_is_no_fault,
);

/// The halves of both sides of a bidirectional stream.
async fn both(kind: Kind) -> (Session, Session, StreamParts, StreamParts) {
    let (parts, mut taken) = mpsc::unbounded_channel();
    let mut services = Services::default();
    services.serve("Both", 4, move |mut call: RunningCall| {
        let theirs = StreamParts {
            sender: call.take_sender(),
            receiver: call.take_receiver(),
        };
        parts.send(theirs).unwrap();
        async move { call.reply(Status::Ok, &()).await }
    });
    let (host, plugin) = host_of(kind, services).await;
    let channel = host.open("Both").await.unwrap();
    let call = channel.call_streaming(0, &(), &plain(), true, true).await;
    let (ours, response) = call.unwrap();
    response.await.unwrap();
    let theirs = taken.recv().await.unwrap();
    (host, plugin, ours, theirs)
}

fn reset(why: &str) -> StreamError {
    StreamError::Reset(why.into())
}

async fn a_receiver_that_leaves_stops_its_sender_and_nothing_else(kind: Kind) {
    let (host, plugin, ours, theirs) = both(kind).await;
    drop(ours.receiver);
    let mut sender = theirs.sender.unwrap();
    assert_eq!(sender.stopped().await, StreamSendError::Stopped);
    assert_eq!(
        sender.send(&Value(1u32)).await,
        Err(StreamSendError::Stopped)
    );
    drop(sender);
    // The other direction goes on.
    let (mut up, mut down) = (ours.sender.unwrap(), theirs.receiver.unwrap());
    for n in 0..200u32 {
        up.send(&Value(n)).await.unwrap();
        assert_eq!(value::<u32>(&down.next().await.unwrap().unwrap()), n);
    }
    up.end();
    assert!(down.next().await.is_none());
    plugin.drain();
    assert_eq!(host.ended().await, EndReason::Closed, "no stream is left");
}

async fn a_reset_ends_its_own_direction_alone(kind: Kind) {
    const WHY: &str = "the file was truncated while it was being read";
    for callee_fails in [false, true] {
        let (host, plugin, ours, theirs) = both(kind).await;
        let (failing, other) = match callee_fails {
            false => (ours, theirs),
            true => (theirs, ours),
        };
        let mut sender = failing.sender.unwrap();
        sender.send(&Value(7u32)).await.unwrap();
        sender.reset(WHY);
        // Items sent before arrive before.
        let mut items = other.receiver.unwrap();
        assert_eq!(value::<u32>(&items.next().await.unwrap().unwrap()), 7);
        assert_eq!(items.next().await.unwrap().unwrap_err(), reset(WHY));
        assert!(items.next().await.is_none());
        // The other direction goes on, over several windows, to its own end.
        let (mut back, mut taken) = (other.sender.unwrap(), failing.receiver.unwrap());
        for n in 0..200u32 {
            back.send(&Value(n)).await.unwrap();
            assert_eq!(value::<u32>(&taken.next().await.unwrap().unwrap()), n);
        }
        back.end();
        assert!(taken.next().await.is_none());
        drop((items, taken));
        plugin.drain();
        assert_eq!(host.ended().await, EndReason::Closed, "no stream is left");
    }
}

async fn both_directions_may_fail_each_for_itself(kind: Kind) {
    let (host, plugin, ours, theirs) = both(kind).await;
    ours.sender.unwrap().reset("up");
    theirs.sender.unwrap().reset("down");
    for (items, why) in [(theirs.receiver, "up"), (ours.receiver, "down")] {
        let seen = items.unwrap().map(Result::unwrap_err).collect::<Vec<_>>();
        assert_eq!(seen.await, [reset(why)]);
    }
    plugin.drain();
    assert_eq!(host.ended().await, EndReason::Closed, "no stream is left");
}

async fn a_reset_behind_the_other_directions_end_leaves_nothing(kind: Kind) {
    let (host, plugin, ours, theirs) = both(kind).await;
    ours.sender.unwrap().end();
    assert!(theirs.receiver.unwrap().next().await.is_none());
    theirs.sender.unwrap().reset("no more paper");
    let error = ours.receiver.unwrap().next().await.unwrap().unwrap_err();
    assert_eq!(error, reset("no more paper"));
    plugin.drain();
    assert_eq!(host.ended().await, EndReason::Closed, "no stream is left");
}

async fn a_reset_that_crosses_a_stop_leaves_the_other_direction_alone(kind: Kind) {
    let (host, plugin, ours, theirs) = both(kind).await;
    drop(ours.receiver);
    theirs.sender.unwrap().reset("no more paper");
    let (mut up, mut down) = (ours.sender.unwrap(), theirs.receiver.unwrap());
    for n in 0..200u32 {
        up.send(&Value(n)).await.unwrap();
        assert_eq!(value::<u32>(&down.next().await.unwrap().unwrap()), n);
    }
    up.end();
    assert!(down.next().await.is_none());
    plugin.drain();
    assert_eq!(host.ended().await, EndReason::Closed, "no stream is left");
}

async fn a_dropped_sender_resets(kind: Kind) {
    let (_host, _plugin, ours, theirs) = both(kind).await;
    drop(theirs.sender);
    let mut items = ours.receiver.unwrap();
    let error = items.next().await.unwrap().unwrap_err();
    assert_eq!(error, reset("the sender was dropped"));
}

async fn a_call_that_fails_ends_its_streams(kind: Kind) {
    let mut services = Services::default();
    services.serve("Refuse", 4, |call| async move {
        call.fail(&RemoteError::BadArguments("not these".into()));
    });
    let (host, plugin) = host_of(kind, services).await;
    let channel = host.open("Refuse").await.unwrap();
    for (client, server) in [(true, false), (false, true), (true, true)] {
        let call = channel
            .call_streaming(0, &(), &plain(), client, server)
            .await;
        let (parts, response) = call.unwrap();
        assert!(matches!(
            response.await,
            Err(CallFailure::Failed(RemoteError::BadArguments(_)))
        ));
        if let Some(mut items) = parts.receiver {
            assert!(items.next().await.unwrap().is_err());
        }
        if let Some(sender) = parts.sender {
            sender.stopped().await;
        }
    }
    plugin.drain();
    assert_eq!(host.ended().await, EndReason::Closed, "no stream is left");
}

async fn a_stream_outlives_its_call(kind: Kind) {
    let (host, _plugin, ours, theirs) = both(kind).await;
    until(|| host.calls_under_way() == 0).await;
    let (mut up, mut down) = (ours.sender.unwrap(), theirs.receiver.unwrap());
    up.send(&Value(1u32)).await.unwrap();
    assert!(down.next().await.unwrap().is_ok());
}

async fn a_stream_whose_request_was_never_sent_leaves_nothing(kind: Kind) {
    let mut services = Services::default();
    let mut inbox = services.inbox("Busy", 1);
    let (host, plugin) = host_of(kind, services).await;
    let channel = host.open("Busy").await.unwrap();
    channel.tell(0, &(), &plain()).await.unwrap();
    let options = plain();
    for (client, server) in [(true, false), (false, true), (true, true)] {
        let mut call = Box::pin(channel.call_streaming(0, &(), &options, client, server));
        assert!(waits(&mut call), "no credit");
        drop(call);
    }
    answer_next(&mut inbox, ()).await;
    plugin.drain();
    assert_eq!(host.ended().await, EndReason::Closed, "no stream is left");
    assert_eq!(plugin.metrics().late, 0, "nothing was said of them");
}

async fn both_ends_see_the_session_die(kind: Kind) {
    let (host, plugin, ours, theirs) = both(kind).await;
    plugin.abort(EndReason::PeerGone);
    assert_eq!(host.ended().await, EndReason::PeerGone);
    let lost = StreamError::SessionEnded(EndReason::PeerGone);
    for parts in [ours, theirs] {
        let mut items = parts.receiver.unwrap();
        assert_eq!(items.next().await.unwrap().unwrap_err(), lost);
        let mut sender = parts.sender.unwrap();
        assert_eq!(
            sender.send(&Value(1u32)).await,
            Err(StreamSendError::Over(lost.clone()))
        );
    }
}

async fn waiting_halves_see_the_session_die(kind: Kind) {
    let (_host, plugin, ours, theirs) = both(kind).await;
    let lost = StreamError::SessionEnded(EndReason::PeerGone);
    let waiting = tokio::spawn(async move {
        let mut sender = ours.sender.unwrap();
        let ended = loop {
            // No item is taken, so it waits for credits.
            if let Err(ended) = sender.send(&Value(1u32)).await {
                break ended;
            }
        };
        let last = ours.receiver.unwrap().next().await.unwrap().unwrap_err();
        (ended, last)
    });
    tokio::task::yield_now().await;
    plugin.abort(EndReason::PeerGone);
    let (ended, last) = waiting.await.unwrap();
    assert_eq!((ended, last), (StreamSendError::Over(lost.clone()), lost));
    drop(theirs);
}

async fn a_receiver_that_leaves_during_a_burst_is_no_fault(kind: Kind) {
    let (host, plugin, ours, theirs) = both(kind).await;
    let mut sender = theirs.sender.unwrap();
    let burst = tokio::spawn(async move {
        while sender.send(&Value(1u32)).await.is_ok() {}
        sender.stopped().await
    });
    let mut items = ours.receiver.unwrap();
    for _ in 0..100 {
        items.next().await.unwrap().unwrap();
    }
    drop(items);
    assert_eq!(burst.await.unwrap(), StreamSendError::Stopped);
    let (mut up, mut down) = (ours.sender.unwrap(), theirs.receiver.unwrap());
    up.send(&Value(1u32)).await.unwrap();
    assert!(
        down.next().await.unwrap().is_ok(),
        "the other direction was not reset"
    );
    assert_eq!((host.end_reason(), plugin.end_reason()), (None, None));
}

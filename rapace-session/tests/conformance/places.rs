//! The limits on channels and streams: each place is released, and one too many is an error.

use futures_util::{FutureExt, StreamExt};
use rapace_session::limits::{MAX_CHANNELS, MAX_STREAMS};
use rapace_session::{
    CallFailure, Channel, ChannelId, EndReason, FrameType, Header, OpenError, RemoteError,
    RunningCall, Session, SessionConfig, Status, StreamParts,
};

use super::harness::*;
use super::raw::{Raw, request};

scenarios!(
    a_cancelled_opening_closes_its_channel,
    a_dropped_channel_releases_its_place_and_its_window,
    an_opening_that_is_refused_costs_nothing,
    one_channel_too_many_is_an_error_and_waits_only_for_one_that_closes,
    a_channel_is_closed_after_its_last_call,
    a_channel_that_is_closed_is_no_channel,
    one_stream_too_many_is_an_error_and_waits_only_for_one_that_ends,
);

/// Far more than a session can have channels.
const MANY: usize = 3 * MAX_CHANNELS as usize;

async fn two(kind: Kind) -> (Session, Session) {
    let mut services = Services::default();
    services.serve("Echo", 4, echo::<u32>);
    host_of(kind, services).await
}

async fn works(channel: &Channel) {
    assert_eq!(ask::<u32, u32>(channel, 0, 7).await, 7);
}

async fn a_cancelled_opening_closes_its_channel(kind: Kind) {
    let (host, _plugin) = two(kind).await;
    for turns in 0..MANY {
        let mut opening = Box::pin(host.open("Echo"));
        // Dropped after a different number of steps each time: asked for, sent, answered.
        for _ in 0..=turns % 7 {
            if opening.as_mut().now_or_never().is_some() {
                break;
            }
            tokio::task::yield_now().await;
        }
    }
    works(&host.open("Echo").await.unwrap()).await;
}

async fn a_dropped_channel_releases_its_place_and_its_window(kind: Kind) {
    let mut raw_services = Services::default();
    let _inbox = raw_services.inbox("Any", 400);
    let (a, b) = kind.pair();
    let (session, mut raw) = Raw::connect(a, b, raw_services.config("host")).await;
    let first = raw.open_to(2, "Any").await;
    let second = raw.open_to(4, "Any").await;
    for n in 0..MANY as u32 {
        raw.send(Header::new(FrameType::CloseChannel, ChannelId(4 + 2 * n)))
            .await;
        assert_eq!(raw.open_to(6 + 2 * n, "Any").await, second);
    }
    assert!(first >= second);
    assert_eq!(session.end_reason(), None);

    let (host, _plugin) = two(kind).await;
    for _ in 0..MANY {
        works(&host.open("Echo").await.unwrap()).await;
    }
}

async fn an_opening_that_is_refused_costs_nothing(kind: Kind) {
    let (host, _plugin) = two(kind).await;
    for _ in 0..MANY {
        let refused = host.open("Nobody").await.unwrap_err();
        assert!(matches!(refused, OpenError::Refused(_)), "{refused}");
    }
    works(&host.open("Echo").await.unwrap()).await;
}

async fn one_channel_too_many_is_an_error_and_waits_only_for_one_that_closes(kind: Kind) {
    let (host, _plugin) = two(kind).await;
    let mut held = Vec::new();
    for _ in 0..MAX_CHANNELS {
        held.push(host.open("Echo").await.unwrap());
    }
    let refused = host.open("Echo").await.unwrap_err();
    assert_eq!(refused, OpenError::TooMany);
    assert!(
        refused.to_string().contains("holds 256 channels"),
        "{refused}"
    );
    works(&held[200]).await;
    for _ in 0..3 {
        held.pop();
        // It waits until the other channel is closed.
        held.push(host.open("Echo").await.unwrap());
        works(held.last().unwrap()).await;
    }
    assert_eq!(host.open("Echo").await.unwrap_err(), OpenError::TooMany);
}

async fn a_channel_is_closed_after_its_last_call(kind: Kind) {
    let (a, b) = kind.pair();
    let (session, mut raw) = Raw::connect(a, b, SessionConfig::new("host")).await;
    let channel = raw.open(&session, "Any", 4).await;
    let other = channel.clone();
    channel.tell(0, &Value(0_u32), &plain()).await.unwrap();
    drop(channel);
    let first = raw.recv().await.header;
    assert_eq!(first.frame_type, FrameType::Request);
    other.tell(0, &Value(1_u32), &plain()).await.unwrap();
    drop(other);
    let last = raw.recv().await.header;
    assert_eq!(last.frame_type, FrameType::Request);
    // No other frame is sent before it is answered.
    raw.open_is_refused(&session).await;
    for request in [first, last] {
        let mut header = Header::new(FrameType::Reply, request.channel);
        header.call = request.call;
        header.credits = 1;
        header.method = Status::Ok as u32;
        raw.send(header).await;
    }
    let closed = raw.recv().await.header;
    assert_eq!(
        (closed.frame_type, closed.channel),
        (FrameType::CloseChannel, first.channel)
    );
    assert_eq!(session.end_reason(), None);
}

async fn faulted(session: &Session, names: &str) {
    match session.ended().await {
        EndReason::PeerFault(what) => assert!(what.contains(names), "{what}"),
        other => panic!("{other:?}"),
    }
}

async fn a_channel_that_is_closed_is_no_channel(kind: Kind) {
    let close = |id| Header::new(FrameType::CloseChannel, ChannelId(id));
    for case in 0..4 {
        let mut services = Services::default();
        let mut inbox = services.inbox("Any", 4);
        let (a, b) = kind.pair();
        let (session, mut raw) = Raw::connect(a, b, services.config("host")).await;
        raw.open_to(2, "Any").await;
        let what = match case {
            0 => {
                raw.send(request(2, 0, 1)).await;
                "a close of a channel with calls under way"
            }
            1 => {
                raw.send(close(2)).await;
                "a close of a channel that is not open"
            }
            2 => {
                // The reader had it at hand.
                raw.send(request(2, 0, 1)).await;
                answer_next(&mut inbox, 1_u8).await;
                raw.recv_type(FrameType::Reply).await;
                raw.send(close(2)).await;
                raw.open_to(4, "Any").await;
                raw.send(request(2, 0, 2)).await;
                "a request on a channel that is not open"
            }
            _ => {
                raw.send(close(2)).await;
                raw.open_to(4, "Any").await;
                raw.send(request(2, 0, 1)).await;
                "a request on a channel that is not open"
            }
        };
        raw.send(close(2)).await;
        faulted(&session, what).await;
    }
}

/// Sends items for as long as the caller takes them.
async fn count(mut call: RunningCall) {
    let mut items = call.take_sender().unwrap();
    call.reply(Status::Ok, &()).await;
    while items.send(&Value(1_u32)).await.is_ok() {}
    items.end();
}

async fn one_stream_too_many_is_an_error_and_waits_only_for_one_that_ends(kind: Kind) {
    let mut services = Services::default();
    services.serve("Count", 4, count);
    services.serve("Echo", 4, echo::<u32>);
    let (host, _plugin) = host_of(kind, services).await;
    let channel = host.open("Count").await.unwrap();
    let echo = host.open("Echo").await.unwrap();
    let next = async || -> Result<StreamParts, CallFailure> {
        let options = plain();
        let call = channel.call_streaming(0, &(), &options, false, true);
        let (parts, response) = call.await?;
        response.await?;
        Ok(parts)
    };
    let mut held = Vec::new();
    for _ in 0..MAX_STREAMS {
        held.push(next().await.unwrap());
    }
    for _ in 0..3 {
        match next().await {
            Err(CallFailure::Failed(RemoteError::LimitReached(what))) => {
                assert!(what.contains("holds 4096 open streams"), "{what}");
            }
            other => panic!("{other:?}"),
        }
        works(&echo).await;
        // A dropped stream is waited for, since the peer will end it.
        held.pop();
        let mut parts = next().await.unwrap();
        assert!(parts.receiver.as_mut().unwrap().next().await.is_some());
        held.push(parts);
    }
    drop(held);
    // As many again.
    for _ in 0..MAX_STREAMS {
        drop(next().await.unwrap());
    }
    assert_eq!(host.end_reason(), None);
}

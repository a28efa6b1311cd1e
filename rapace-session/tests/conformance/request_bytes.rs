//! The window of a channel in bytes: how much its requests may have in flight.

use futures_util::FutureExt;
use rapace_session::{
    CallFailure, CallOptions, Channel, EndReason, RemoteError, ResponseFuture, Session,
    SessionConfig, Status,
};

use super::harness::*;
use super::raw::{Raw, request};

scenarios!(
    requests_wait_for_their_bytes_and_short_ones_do_not,
    a_request_longer_than_the_window_goes_alone,
    a_cancelled_request_has_its_bytes_until_its_reply,
    each_channel_has_bytes_of_its_own,
    who_waits_for_bytes_is_told_of_the_close,
    who_waits_for_bytes_is_told_of_the_end,
    giving_up_a_wait_for_bytes_takes_nothing,
    requests_past_the_window_are_a_fault,
);

const WINDOW: u32 = 10_000;

async fn with_window(kind: Kind) -> (Session, Session, Inbox) {
    let mut services = Services::default();
    let inbox = services.inbox("Any", 16);
    let mut config = services.config("plugin");
    config.request_window_bytes = WINDOW;
    let (host, plugin) = connect(kind.pair(), SessionConfig::new("host"), config).await;
    (host, plugin, inbox)
}

fn bytes(len: usize) -> Value<Vec<u8>> {
    Value(vec![1; len])
}

async fn begin(channel: &Channel, len: usize) -> ResponseFuture {
    let (bytes, options) = (bytes(len), plain());
    channel.begin_call(0, &bytes, &options).await.unwrap()
}

async fn requests_wait_for_their_bytes_and_short_ones_do_not(kind: Kind) {
    let (host, _plugin, mut inbox) = with_window(kind).await;
    let channel = host.open("Any").await.unwrap();
    let first = begin(&channel, 6000).await;
    let (second, options) = (bytes(5000), plain());
    let mut second = std::pin::pin!(channel.begin_call(0, &second, &options));
    assert!(second.as_mut().now_or_never().is_none());
    let told = channel.try_tell(0, &bytes(5000), &options).await;
    assert!(!told.unwrap(), "it would have to wait");
    let short = begin(&channel, 20).await;
    let fits = async {
        let later = begin(&channel, 3000).await;
        drop(later);
    };
    let mut fits = std::pin::pin!(fits);
    assert!(
        fits.as_mut().now_or_never().is_none(),
        "it is behind another"
    );
    answer_next(&mut inbox, 1_u32).await;
    assert_eq!(answer::<u32>(&first.await.unwrap()), 1);
    let second = second.await.unwrap();
    fits.await;
    answer_next(&mut inbox, 2_u32).await;
    assert_eq!(answer::<u32>(&short.await.unwrap()), 2);
    answer_next(&mut inbox, 3_u32).await;
    assert_eq!(answer::<u32>(&second.await.unwrap()), 3);
    assert_eq!(host.end_reason(), None);
}

async fn a_request_longer_than_the_window_goes_alone(kind: Kind) {
    let (host, _plugin, mut inbox) = with_window(kind).await;
    let channel = host.open("Any").await.unwrap();
    for len in [30_000, 10_000, 50_000] {
        let long = begin(&channel, len).await;
        let (other, options) = (bytes(100), plain());
        let mut other = std::pin::pin!(channel.begin_call(0, &other, &options));
        assert!(other.as_mut().now_or_never().is_none());
        let call = inbox.recv().await.unwrap();
        let mut call = call.begin().unwrap();
        let body = call.take_arguments().unwrap();
        assert_eq!(value::<Vec<u8>>(&body).len(), len);
        drop(body);
        call.reply(Status::Ok, &Value(len as u32)).await;
        assert_eq!(answer::<u32>(&long.await.unwrap()), len as u32);
        let other = other.await.unwrap();
        answer_next(&mut inbox, 0_u32).await;
        other.await.unwrap();
    }
}

async fn a_cancelled_request_has_its_bytes_until_its_reply(kind: Kind) {
    let (host, _plugin, mut inbox) = with_window(kind).await;
    let channel = host.open("Any").await.unwrap();
    let first = begin(&channel, 6000).await;
    let begun = inbox.recv().await.unwrap().begin().unwrap();
    drop(first);
    begun.cancelled().await;
    let (second, options) = (bytes(6000), plain());
    let mut second = std::pin::pin!(channel.begin_call(0, &second, &options));
    assert!(second.as_mut().now_or_never().is_none());
    drop(begun);
    let second = second.await.unwrap();
    answer_next(&mut inbox, 2_u32).await;
    assert_eq!(answer::<u32>(&second.await.unwrap()), 2);
}

async fn each_channel_has_bytes_of_its_own(kind: Kind) {
    let (host, _plugin, mut inbox) = with_window(kind).await;
    let channels = [
        host.open("Any").await.unwrap(),
        host.open("Any").await.unwrap(),
    ];
    let first = begin(&channels[0], 9000).await;
    let second = begin(&channels[1], 9000).await;
    answer_next(&mut inbox, 1_u32).await;
    answer_next(&mut inbox, 2_u32).await;
    assert_eq!(answer::<u32>(&first.await.unwrap()), 1);
    assert_eq!(answer::<u32>(&second.await.unwrap()), 2);
}

async fn who_waits_for_bytes_is_told_of_the_close(kind: Kind) {
    let (host, _plugin, mut inbox) = with_window(kind).await;
    let channel = host.open("Any").await.unwrap();
    let first = begin(&channel, 6000).await;
    let (second, options) = (bytes(6000), plain());
    let mut second = std::pin::pin!(channel.call(0, &second, &options));
    assert!(second.as_mut().now_or_never().is_none());
    channel.close();
    let told = second.await;
    assert!(
        matches!(told, Err(CallFailure::Failed(RemoteError::Unavailable(_)))),
        "{told:?}"
    );
    answer_next(&mut inbox, 1_u32).await;
    assert_eq!(answer::<u32>(&first.await.unwrap()), 1);
    channel.actor().wait_for_shutdown().await;
}

async fn who_waits_for_bytes_is_told_of_the_end(kind: Kind) {
    let (host, plugin, _inbox) = with_window(kind).await;
    let channel = host.open("Any").await.unwrap();
    let _first = begin(&channel, 6000).await;
    let (second, options) = (bytes(6000), plain());
    let mut second = std::pin::pin!(channel.call(0, &second, &options));
    assert!(second.as_mut().now_or_never().is_none());
    plugin.close("enough");
    let told = second.await;
    assert!(
        matches!(told, Err(CallFailure::SessionEnded { .. })),
        "{told:?}"
    );
}

async fn giving_up_a_wait_for_bytes_takes_nothing(kind: Kind) {
    let (host, _plugin, mut inbox) = with_window(kind).await;
    let channel = host.open("Any").await.unwrap();
    let first = begin(&channel, 9000).await;
    let options = CallOptions::default();
    for _ in 0..50 {
        let waits = bytes(9000);
        let mut waits = std::pin::pin!(channel.call(0, &waits, &options));
        assert!(waits.as_mut().now_or_never().is_none());
    }
    answer_next(&mut inbox, 1_u32).await;
    first.await.unwrap();
    let last = begin(&channel, 10_000).await;
    answer_next(&mut inbox, 2_u32).await;
    assert_eq!(answer::<u32>(&last.await.unwrap()), 2);
    assert!(inbox.try_recv().is_err(), "what was given up was sent");
}

async fn requests_past_the_window_are_a_fault(kind: Kind) {
    let mut services = Services::default();
    let mut inbox = services.inbox("Any", 16);
    let mut config = services.config("host");
    config.request_window_bytes = 100;
    let (a, b) = kind.pair();
    let (session, mut raw) = Raw::connect(a, b, config).await;
    raw.open_to(2, "Any").await;
    for call in 0..3 {
        raw.send_with(request(2, call, 1), &[0; 24]).await;
    }
    raw.send_with(request(2, 3, 1), &[0; 60]).await;
    let mut queued = Vec::new();
    for _ in 0..4 {
        queued.push(inbox.recv().await.unwrap());
    }
    raw.send_with(request(2, 4, 1), &[0; 60]).await;
    let EndReason::PeerFault(what) = session.ended().await else {
        panic!("no fault");
    };
    assert!(what.contains("past the window in bytes"), "{what}");
}

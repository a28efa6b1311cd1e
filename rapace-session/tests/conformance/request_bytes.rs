//! The window of a channel in bytes: how much its requests may have waiting for their handlers.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use rapace_session::{
    CallFailure, CallOptions, Channel, EndReason, FrameType, Header, RemoteError, ResponseFuture,
    RunningCall, Session, SessionConfig, Status,
};

use super::harness::*;
use super::raw::{Raw, request};

scenarios!(
    requests_wait_for_their_bytes_and_short_ones_do_not,
    a_request_of_any_length_is_sent_while_the_window_has_room,
    a_request_that_is_discarded_gives_its_bytes_back,
    each_channel_has_bytes_of_its_own,
    who_waits_for_bytes_is_told_of_the_close,
    who_waits_for_bytes_is_told_of_the_end,
    giving_up_a_wait_for_bytes_takes_nothing,
    handlers_that_wait_for_requests_on_their_own_channel_finish,
    requests_past_the_window_are_a_fault,
    bytes_return_in_frames_of_half_a_window,
    more_bytes_than_were_sent_are_a_fault,
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

/// Takes the next call and begins it, for as long as it is kept.
async fn begin_next(inbox: &mut Inbox) -> RunningCall {
    let call = inbox.recv().await.unwrap().begin();
    call.expect("a wanted call")
}

async fn requests_wait_for_their_bytes_and_short_ones_do_not(kind: Kind) {
    let (host, _plugin, mut inbox) = with_window(kind).await;
    let channel = host.open("Any").await.unwrap();
    let first = begin(&channel, 10_000).await;
    let (second, options) = (bytes(12_000), plain());
    let mut second = std::pin::pin!(channel.begin_call(0, &second, &options));
    assert!(second.as_mut().now_or_never().is_none());
    let told = channel.try_tell(0, &bytes(5000), &options).await;
    assert!(!told.unwrap(), "it would have to wait");
    let short = begin(&channel, 20).await;
    let mut third = std::pin::pin!(begin(&channel, 3000));
    assert!(
        third.as_mut().now_or_never().is_none(),
        "it is behind another"
    );
    // Bytes return when the handler begins.
    let running = begin_next(&mut inbox).await;
    let second = second.await.unwrap();
    assert!(third.as_mut().now_or_never().is_none());
    answer_next(&mut inbox, 2_u32).await;
    assert_eq!(answer::<u32>(&short.await.unwrap()), 2);
    answer_next(&mut inbox, 3_u32).await;
    let third = third.await;
    assert_eq!(answer::<u32>(&second.await.unwrap()), 3);
    answer_next(&mut inbox, 4_u32).await;
    assert_eq!(answer::<u32>(&third.await.unwrap()), 4);
    running.reply(Status::Ok, &Value(1_u32)).await;
    assert_eq!(answer::<u32>(&first.await.unwrap()), 1);
    assert_eq!(host.end_reason(), None);
}

async fn a_request_of_any_length_is_sent_while_the_window_has_room(kind: Kind) {
    let (host, _plugin, mut inbox) = with_window(kind).await;
    let channel = host.open("Any").await.unwrap();
    for len in [30_000, 10_000, 50_000] {
        let few = begin(&channel, 9000).await;
        let long = begin(&channel, len).await;
        let (other, options) = (bytes(100), plain());
        let mut other = std::pin::pin!(channel.begin_call(0, &other, &options));
        assert!(other.as_mut().now_or_never().is_none());
        let few_runs = begin_next(&mut inbox).await;
        let mut long_runs = begin_next(&mut inbox).await;
        let other = other.await.unwrap();
        let body = long_runs.take_arguments().unwrap();
        assert_eq!(value::<Vec<u8>>(&body).len(), len);
        drop(body);
        long_runs.reply(Status::Ok, &Value(len as u32)).await;
        assert_eq!(answer::<u32>(&long.await.unwrap()), len as u32);
        answer_next(&mut inbox, 0_u32).await;
        other.await.unwrap();
        few_runs.reply(Status::Ok, &Value(0_u32)).await;
        few.await.unwrap();
    }
}

/// Sends a request that fills the window.
async fn fill(channel: &Channel, deadline: Option<Instant>) -> ResponseFuture {
    let mut options = plain();
    options.deadline = deadline;
    let call = bytes(10_000);
    let first = channel.begin_call(0, &call, &options).await.unwrap();
    let (next, options) = (bytes(10_000), plain());
    let next = channel.begin_call(0, &next, &options).now_or_never();
    assert!(next.is_none(), "the window is full");
    first
}

/// Whatever becomes of a request that no handler has begun, its bytes return.
async fn a_request_that_is_discarded_gives_its_bytes_back(kind: Kind) {
    let (host, _plugin, mut inbox) = with_window(kind).await;
    let channel = host.open("Any").await.unwrap();
    // It is cancelled, and stays in the mailbox.
    drop(fill(&channel, None).await);
    drop(fill(&channel, None).await);
    let cancelled = [inbox.recv().await.unwrap(), inbox.recv().await.unwrap()];
    // It is refused.
    let first = fill(&channel, None).await;
    inbox.recv().await.unwrap().refuse(&RemoteError::Cancelled);
    assert!(first.await.is_err());
    // Its service drops it.
    let first = fill(&channel, None).await;
    drop(inbox.recv().await.unwrap());
    assert!(first.await.is_err());
    // Its deadline passes.
    let first = fill(&channel, Some(Instant::now() + Duration::from_millis(50))).await;
    let call = inbox.recv().await.unwrap();
    let at = call.deadline().unwrap();
    until(|| at <= Instant::now()).await;
    assert!(call.begin().is_none());
    assert!(first.await.is_err());
    // Those that were cancelled give nothing back a second time.
    for call in cancelled {
        assert!(call.begin().is_none());
    }
    let first = fill(&channel, None).await;
    answer_next(&mut inbox, 1_u32).await;
    first.await.unwrap();
    assert_eq!(host.end_reason(), None);
}

async fn each_channel_has_bytes_of_its_own(kind: Kind) {
    let (host, _plugin, mut inbox) = with_window(kind).await;
    let channels = [
        host.open("Any").await.unwrap(),
        host.open("Any").await.unwrap(),
    ];
    let first = begin(&channels[0], 10_000).await;
    let second = begin(&channels[1], 10_000).await;
    answer_next(&mut inbox, 1_u32).await;
    answer_next(&mut inbox, 2_u32).await;
    assert_eq!(answer::<u32>(&first.await.unwrap()), 1);
    assert_eq!(answer::<u32>(&second.await.unwrap()), 2);
}

async fn who_waits_for_bytes_is_told_of_the_close(kind: Kind) {
    let (host, _plugin, mut inbox) = with_window(kind).await;
    let channel = host.open("Any").await.unwrap();
    let first = begin(&channel, 10_000).await;
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
    let _first = begin(&channel, 10_000).await;
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
    let first = begin(&channel, 10_000).await;
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

/// A handler calls back, and what it calls back calls it again, on the same channel, with a request that does not fit in
/// the window beside its own.
async fn handlers_that_wait_for_requests_on_their_own_channel_finish(kind: Kind) {
    const DEPTH: u32 = 8;
    type Level = (u32, Vec<u8>);
    let level = |depth| (depth, vec![1; 6000]);
    let (mut ours, mut theirs) = (Services::default(), Services::default());
    let down = Arc::new(OnceLock::<Channel>::new());
    let again = Arc::clone(&down);
    ours.serve("Back", 16, move |mut call| {
        let down = Arc::clone(&again);
        async move {
            let (depth, _): Level = value(&call.take_arguments().unwrap());
            let found: u32 = ask(down.get().unwrap(), 0, level(depth - 1)).await;
            call.reply(Status::Ok, &Value(found)).await;
        }
    });
    theirs.serve("Down", 16, move |mut call| async move {
        let (depth, bytes): Level = value(&call.take_arguments().unwrap());
        let mut found = bytes.len() as u32;
        if depth > 0 {
            let session: Session = call.context().session().unwrap();
            let back = session.open("Back").await.unwrap();
            found += ask::<_, u32>(&back, 0, level(depth)).await;
        }
        call.reply(Status::Ok, &Value(found)).await;
    });
    let (mut ours, mut theirs) = (ours.config("host"), theirs.config("plugin"));
    ours.request_window_bytes = WINDOW;
    theirs.request_window_bytes = WINDOW;
    let (host, _plugin) = connect(kind.pair(), ours, theirs).await;
    let channel = host.open("Down").await.unwrap();
    assert!(down.set(channel.clone()).is_ok());
    let found: u32 = ask(&channel, 0, level(DEPTH)).await;
    assert_eq!(found, 6000 * (DEPTH + 1));
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
    // One request may exceed the window, and no other.
    raw.send_with(request(2, 4, 1), &[0; 500]).await;
    let mut queued = Vec::new();
    for _ in 0..5 {
        queued.push(inbox.recv().await.unwrap());
    }
    raw.send_with(request(2, 5, 1), &[0; 40]).await;
    let EndReason::PeerFault(what) = session.ended().await else {
        panic!("no fault");
    };
    assert!(what.contains("past the window in bytes"), "{what}");
}

async fn bytes_return_in_frames_of_half_a_window(kind: Kind) {
    let mut services = Services::default();
    let mut inbox = services.inbox("Any", 64);
    let mut config = services.config("host");
    config.request_window_bytes = 100;
    let (a, b) = kind.pair();
    let (session, mut raw) = Raw::connect(a, b, config).await;
    raw.open_to(2, "Any").await;
    let mut running = Vec::new();
    let mut call = 0;
    for _ in 0..10 {
        // Two short ones that are not counted, and two of which one alone is less than half.
        for len in [24, 30, 24, 30] {
            raw.send_with(request(2, call, 1), &vec![0; len]).await;
            running.push(begin_next(&mut inbox).await);
            call += 1;
        }
        let credit = raw.recv_type(FrameType::Credit).await.header;
        assert_eq!(
            (credit.channel.0, credit.credits, credit.method),
            (2, 0, 60)
        );
    }
    drop(running);
    session.close("enough");
    while let Some(frame) = raw.try_recv().await {
        assert_ne!(
            frame.header.frame_type,
            FrameType::Credit,
            "one frame for each half"
        );
    }
}

async fn more_bytes_than_were_sent_are_a_fault(kind: Kind) {
    let (a, b) = kind.pair();
    let (session, mut raw) = Raw::connect(a, b, SessionConfig::new("host")).await;
    let channel = raw.open(&session, "Any", 4).await;
    let call = begin(&channel, 1000).await;
    let request = raw.recv_type(FrameType::Request).await;
    let mut credit = Header::new(FrameType::Credit, request.header.channel);
    credit.method = request.carried() as u32;
    raw.send(credit).await;
    raw.open_is_refused(&session).await;
    assert_eq!(session.end_reason(), None);
    credit.method = 1;
    raw.send(credit).await;
    let EndReason::PeerFault(what) = session.ended().await else {
        panic!("no fault");
    };
    assert!(
        what.contains("more bytes of requests than its window"),
        "{what}"
    );
    drop(call);
}

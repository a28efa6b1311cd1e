//! Peers that keep what others wait for: each wait ends, at the latest with the session.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use rapace_session::{
    CallFailure, CallOptions, ChannelId, EndReason, FrameType, Header, RemoteError, Reply, Session,
    SessionConfig,
};
use rapace_shm::SizeClass;

use super::harness::*;
use super::raw::{Raw, request};

scenarios!(
    a_peer_that_returns_no_slot,
    a_peer_that_grants_nothing,
    a_thousand_payloads_that_begin_and_never_end,
);

/// Sizes with one slot of each class.
fn one_slot() -> Sizes {
    let class = |slot_size| SizeClass {
        slot_size,
        slots: 1,
    };
    Sizes {
        ring: 64,
        call_table: 64,
        classes: vec![class(1 << 10), class(512 << 10)],
    }
}

fn soon() -> CallOptions {
    CallOptions {
        deadline: Some(Instant::now() + Duration::from_millis(50)),
        ..plain()
    }
}

type Called = Result<Reply, CallFailure>;

/// Checks that calls which get no answer, and wait for what `exhausted` says is used up, end: `late` at its deadline,
/// and the others with the session.
async fn all_end(
    session: &Session,
    exhausted: impl Fn() -> bool,
    calls: impl Future<Output = Vec<Called>>,
    late: impl AsyncFnOnce() -> Called,
) {
    let mut calls = Box::pin(calls);
    let late = async {
        until(exhausted).await;
        late().await
    };
    let late = tokio::select! {
        biased;
        _ = &mut calls => panic!("somebody has answered"),
        late = late => late,
    };
    let expired = matches!(
        late,
        Err(CallFailure::Failed(RemoteError::DeadlineExceeded))
    );
    assert!(expired, "{late:?}");
    session.close("enough");
    for call in calls.await {
        let why = call.unwrap_err();
        assert!(matches!(why, CallFailure::SessionEnded { .. }), "{why:?}");
    }
}

/// Over memory that is not shared, or is copied on arrival, slots return anyway, and the callers wait for answers.
async fn a_peer_that_returns_no_slot(kind: Kind) {
    let (a, b) = kind.pair_of(&one_slot());
    let (session, mut raw) = Raw::connect(a, b, SessionConfig::new("host")).await;
    let channel = raw.open(&session, "Any", 32).await;
    let keeps = tokio::spawn(async move {
        let mut kept = Vec::new();
        while let Some(frame) = raw.try_recv().await {
            kept.push(frame);
        }
        kept.len()
    });
    let (long, options) = (Value(vec![7_u8; 300_000]), plain());
    let calls = (0..8).map(|_| channel.call(0, &long, &options));
    let exhausted = || match (kind, session.link_stats()) {
        (Kind::Shm, Some(stats)) => stats.fragments.in_flight >= stats.fragments.total * 7 / 8,
        _ => true,
    };
    let late = async || channel.call(0, &long, &soon()).await;
    all_end(&session, exhausted, join_all(calls), late).await;
    assert!(keeps.await.unwrap() > 0);
}

async fn a_peer_that_grants_nothing(kind: Kind) {
    let (a, b) = kind.pair_of(&one_slot());
    let (session, mut raw) = Raw::connect(a, b, SessionConfig::new("host")).await;
    let channel = raw.open(&session, "Any", 1).await;
    let options = plain();
    let calls = (0..8).map(|_| channel.call(0, &(), &options));
    let exhausted = || session.calls_under_way() == 1;
    let late = async || channel.call(0, &(), &soon()).await;
    all_end(&session, exhausted, join_all(calls), late).await;
    assert_eq!(raw.recv().await.header.frame_type, FrameType::Request);
}

/// As long as they are within the window, others go on. One more is a fault.
async fn a_thousand_payloads_that_begin_and_never_end(kind: Kind) {
    const LENGTH: u32 = 256 << 10;
    let mut services = Services::default();
    let mut inbox = services.inbox("Any", 16);
    let mut config = services.config("host");
    config.fragment_window_bytes = 1000 * LENGTH;
    let (a, b) = kind.pair_of(&one_slot());
    let (session, mut raw) = Raw::connect(a, b, config).await;
    raw.open_to(2, "Any").await;
    let begin = |id| {
        let mut header = Header::new(FrameType::Fragment, ChannelId::SESSION);
        (header.method, header.credits) = (id, LENGTH);
        header
    };
    for id in 0..1000 {
        raw.send_with(begin(id), &[7]).await;
    }
    raw.send(request(2, 0, 1)).await;
    answer_next(&mut inbox, ()).await;
    raw.recv_type(FrameType::Reply).await;
    raw.send_with(begin(1000), &[7]).await;
    let EndReason::PeerFault(why) = session.ended().await else {
        panic!("no fault");
    };
    assert!(why.contains("more bytes in fragments"), "{why}");
}

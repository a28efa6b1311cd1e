//! Closing of channels by either side, their actors, and windows that grow.

use std::ops::ControlFlow;
use std::time::Duration;

use futures_util::future::join_all;
use kameo::Actor;
use kameo::actor::{ActorId, ActorRef, Spawn, WeakActorRef};
use kameo::error::{ActorStopReason, Infallible};
use rapace_session::limits::MAX_CHANNELS;
use rapace_session::{
    CallFailure, Channel, ChannelId, EndReason, Frame, FrameType, Header, RemoteError, Reply,
    Session, SessionConfig, Status,
};
use tokio::sync::mpsc;

use super::harness::*;
use super::raw::{Raw, request};

scenarios!(
    a_channel_that_its_side_closes_finishes_its_calls_and_makes_no_new_ones,
    a_service_that_is_withdrawn_answers_what_it_has_and_refuses_the_rest,
    a_request_that_crosses_with_the_withdrawal_is_refused,
    a_withdrawn_service_can_be_opened_again,
    who_waits_for_a_credit_is_told_of_the_close,
    both_sides_may_close_at_once,
    a_channel_is_closed_with_its_last_call_not_at_some_time_after_it,
    whoever_is_linked_to_a_channel_is_told_when_it_closes,
    a_channel_whose_actor_is_stopped_is_closed,
    a_channel_whose_actor_is_killed_makes_no_calls,
    an_opening_that_is_cancelled_closes_its_channel,
    windows_grow_when_another_channel_is_closed,
    a_callers_window_grows_by_what_it_is_granted,
    what_a_peer_may_not_say_of_a_channel_is_its_fault,
);

fn is_unavailable(outcome: Result<Reply, CallFailure>, why: &str) {
    match outcome {
        Err(CallFailure::Failed(RemoteError::Unavailable(text))) => assert_eq!(text, why),
        other => panic!("{other:?}"),
    }
}

const CLOSED_HERE: &str = "this side closed the channel";

async fn a_channel_that_its_side_closes_finishes_its_calls_and_makes_no_new_ones(kind: Kind) {
    let mut services = Services::default();
    let mut inbox = services.inbox("Any", 4);
    let (host, plugin) = host_of(kind, services).await;
    let channel = host.open("Any").await.unwrap();
    let other = channel.clone();
    let options = plain();
    let first = channel
        .begin_call(0, &Value(1_u32), &options)
        .await
        .unwrap();
    let second = channel
        .begin_call(0, &Value(2_u32), &options)
        .await
        .unwrap();
    let answered = inbox.recv().await.unwrap();
    channel.close();
    channel.close();
    assert_eq!(other.closed(), Some(CLOSED_HERE));
    for closed in [&channel, &other] {
        is_unavailable(closed.call(0, &(), &options).await, CLOSED_HERE);
        let told = closed.tell(0, &(), &options).await.map(|()| unreachable!());
        is_unavailable(told, CLOSED_HERE);
        let told = closed.try_tell(0, &(), &options).await;
        is_unavailable(told.map(|_| unreachable!()), CLOSED_HERE);
    }
    assert!(channel.actor().is_alive(), "two calls are under way");
    answered
        .begin()
        .unwrap()
        .reply(Status::Ok, &Value(10_u32))
        .await;
    answer_next(&mut inbox, 20_u32).await;
    assert_eq!(answer::<u32>(&first.await.unwrap()), 10);
    assert_eq!(answer::<u32>(&second.await.unwrap()), 20);
    channel.actor().wait_for_shutdown().await;
    let again = host.open("Any").await.unwrap();
    tokio::join!(
        ask::<u32, u32>(&again, 0, 3),
        answer_next(&mut inbox, 3_u32)
    );
    assert_eq!((host.end_reason(), plugin.end_reason()), (None, None));
}

async fn a_service_that_is_withdrawn_answers_what_it_has_and_refuses_the_rest(kind: Kind) {
    let mut services = Services::default();
    let mut inbox = services.inbox("Any", 4);
    services.serve("Echo", 4, echo::<u32>);
    let (host, plugin) = host_of(kind, services).await;
    let channels = [
        host.open("Any").await.unwrap(),
        host.open("Any").await.unwrap(),
    ];
    let other = host.open("Echo").await.unwrap();
    let options = plain();
    let call = channels[0].begin_call(0, &Value(1_u32), &options).await;
    let begun = inbox.recv().await.unwrap().begin().unwrap();
    assert_eq!(plugin.withdraw("Nobody", "no").await, 0);
    assert_eq!(plugin.withdraw("Any", "it is full").await, 2);
    assert_eq!(plugin.withdraw("Any", "again").await, 0);
    for channel in &channels {
        until_closed(channel).await;
        assert_eq!(channel.closed(), Some("it is full"));
        is_unavailable(channel.call(0, &(), &options).await, "it is full");
    }
    channels[1].actor().wait_for_shutdown().await;
    assert!(channels[0].actor().is_alive());
    begun.reply(Status::Ok, &Value(7_u32)).await;
    assert_eq!(answer::<u32>(&call.unwrap().await.unwrap()), 7);
    channels[0].actor().wait_for_shutdown().await;
    assert_eq!(ask::<u32, u32>(&other, 0, 5).await, 5);
    assert_eq!((host.end_reason(), plugin.end_reason()), (None, None));
}

async fn until_closed(channel: &Channel) {
    until(|| channel.closed().is_some()).await;
}

async fn a_request_that_crosses_with_the_withdrawal_is_refused(kind: Kind) {
    let mut services = Services::default();
    let mut inbox = services.inbox("Any", 2);
    let (a, b) = kind.pair();
    let (session, mut raw) = Raw::connect(a, b, services.config("host")).await;
    raw.open_to(2, "Any").await;
    raw.send(request(2, 0, 1)).await;
    let queued = inbox.recv().await.unwrap();
    assert_eq!(session.withdraw("Any", "enough").await, 1);
    let closes = raw.recv_type(FrameType::CloseChannel).await;
    assert_eq!(closes.header.channel, ChannelId(2));
    assert_eq!(closes.payload.bytes(), b"enough");
    raw.send(request(2, 1, 1)).await;
    let refused = raw.recv_type(FrameType::Reply).await;
    assert_eq!(refused.header.call.index, 1);
    assert_eq!(refused.header.credits, 1);
    assert_eq!(refused.payload.bytes(), b"\x07enough");
    let raw_start = raw.endpoint.transport.start_state(refused.header.call);
    assert_ne!(raw_start, rapace_session::StartState::Begun);
    queued.begin().unwrap().reply(Status::Ok, &()).await;
    assert_eq!(raw.recv_type(FrameType::Reply).await.header.call.index, 0);
    raw.send(Header::new(FrameType::CloseChannel, ChannelId(2)))
        .await;
    // Its number is free again.
    raw.open_to(2, "Any").await;
    // The window still applies: a request without credit is a fault.
    assert_eq!(session.withdraw("Any", "enough").await, 1);
    for index in 2..4 {
        raw.send(request(2, index, 1)).await;
        raw.recv_type(FrameType::Reply).await;
    }
    assert_eq!(session.end_reason(), None);
}

async fn a_withdrawn_service_can_be_opened_again(kind: Kind) {
    let mut services = Services::default();
    services.serve("Echo", 4, echo::<u32>);
    let (host, plugin) = host_of(kind, services).await;
    for _ in 0..600 {
        let channel = host.open("Echo").await.unwrap();
        assert_eq!(ask::<u32, u32>(&channel, 0, 5).await, 5);
        assert_eq!(plugin.withdraw("Echo", "reload").await, 1);
        channel.actor().wait_for_shutdown().await;
    }
    assert_eq!((host.end_reason(), plugin.end_reason()), (None, None));
}

async fn who_waits_for_a_credit_is_told_of_the_close(kind: Kind) {
    for peer_closes in [false, true] {
        let mut services = Services::default();
        let mut inbox = services.inbox("Any", 1);
        let (host, plugin) = host_of(kind, services).await;
        let channel = host.open("Any").await.unwrap();
        let options = plain();
        let call = channel.begin_call(0, &Value(1_u32), &options).await;
        let mut waiting = (0..3)
            .map(|_| Box::pin(channel.call(0, &(), &options)))
            .collect::<Vec<_>>();
        assert!(waiting.iter_mut().all(waits));
        let arrived = inbox.recv().await.unwrap();
        if peer_closes {
            plugin.withdraw("Any", CLOSED_HERE).await;
        } else {
            channel.close();
        }
        for outcome in join_all(waiting).await {
            is_unavailable(outcome, CLOSED_HERE);
        }
        let arrived = arrived.begin().unwrap();
        arrived.reply(Status::Ok, &Value(5_u32)).await;
        assert_eq!(answer::<u32>(&call.unwrap().await.unwrap()), 5);
        channel.actor().wait_for_shutdown().await;
        assert!(inbox.try_recv().is_err());
    }
}

async fn both_sides_may_close_at_once(kind: Kind) {
    let mut services = Services::default();
    services.serve("Echo", 4, echo::<u32>);
    let (host, plugin) = host_of(kind, services).await;
    for n in 0..100 {
        let channel = host.open("Echo").await.unwrap();
        let options = plain();
        let call = channel.begin_call(0, &Value(n), &options).await.unwrap();
        let withdraws = plugin.withdraw("Echo", "it withdrew");
        let closes = async {
            channel.close();
        };
        match n % 2 {
            0 => drop(tokio::join!(withdraws, closes)),
            _ => drop(tokio::join!(closes, withdraws)),
        }
        match call.await {
            Ok(reply) => assert_eq!(answer::<u32>(&reply), n),
            refused => is_unavailable(refused, "it withdrew"),
        }
        channel.actor().wait_for_shutdown().await;
    }
    assert_eq!((host.end_reason(), plugin.end_reason()), (None, None));
}

async fn a_channel_is_closed_with_its_last_call_not_at_some_time_after_it(kind: Kind) {
    let mut config = SessionConfig::new("host");
    config.heartbeat = Duration::from_secs(3600);
    let (a, b) = kind.pair();
    let (session, mut raw) = Raw::connect(a, b, config).await;
    let channel = raw.open(&session, "Any", 4).await;
    let options = plain();
    channel.tell(0, &(), &options).await.unwrap();
    drop(channel);
    let told = raw.recv_type(FrameType::Request).await.header;
    let mut header = Header::new(FrameType::Reply, told.channel);
    header.call = told.call;
    header.credits = 1;
    raw.send(header).await;
    let closed = raw.recv_type(FrameType::CloseChannel).await;
    assert_eq!(closed.header.channel, told.channel);
}

/// Records the deaths of linked actors.
struct Linked(mpsc::UnboundedSender<(ActorId, bool)>);

impl Actor for Linked {
    type Args = Self;
    type Error = Infallible;

    async fn on_start(args: Self, _: ActorRef<Self>) -> Result<Self, Infallible> {
        Ok(args)
    }

    async fn on_link_died(
        &mut self,
        _: WeakActorRef<Self>,
        id: ActorId,
        reason: ActorStopReason,
    ) -> Result<ControlFlow<ActorStopReason>, Infallible> {
        let _ = self.0.send((id, matches!(reason, ActorStopReason::Normal)));
        Ok(ControlFlow::Continue(()))
    }
}

async fn whoever_is_linked_to_a_channel_is_told_when_it_closes(kind: Kind) {
    let mut services = Services::default();
    services.serve("Echo", 4, echo::<u32>);
    let (host, plugin) = host_of(kind, services).await;
    let (deaths, mut died) = mpsc::unbounded_channel();
    let linked = Linked::spawn(Linked(deaths));
    let open = async || {
        let channel = host.open("Echo").await.unwrap();
        linked.link(channel.actor()).await;
        (channel.actor().id(), channel)
    };
    let (id, channel) = open().await;
    drop(channel);
    assert_eq!(died.recv().await, Some((id, true)));
    let (id, channel) = open().await;
    channel.close();
    assert_eq!(died.recv().await, Some((id, true)));
    let (id, channel) = open().await;
    plugin.withdraw("Echo", "enough").await;
    assert_eq!(died.recv().await, Some((id, true)));
    drop(channel);
    let (id, channel) = open().await;
    let actor = channel.actor().clone();
    host.close("enough");
    assert_eq!(died.recv().await, Some((id, true)));
    actor.wait_for_shutdown().await;
    assert_eq!(channel.closed(), None);
    assert_eq!(channel.ended(), Some(EndReason::Closed));
    // The death of an actor closes no channel.
    let mut services = Services::default();
    services.serve("Echo", 4, echo::<u32>);
    let (host, _plugin) = host_of(kind, services).await;
    let channel = host.open("Echo").await.unwrap();
    linked.link(channel.actor()).await;
    linked.kill();
    linked.wait_for_shutdown().await;
    assert_eq!(ask::<u32, u32>(&channel, 0, 5).await, 5);
}

async fn a_channel_whose_actor_is_stopped_is_closed(kind: Kind) {
    let mut services = Services::default();
    let mut inbox = services.inbox("Any", 4);
    let (host, plugin) = host_of(kind, services).await;
    let channel = host.open("Any").await.unwrap();
    let options = plain();
    let call = channel.begin_call(0, &Value(1_u32), &options).await;
    channel.actor().stop_gracefully().await.unwrap();
    until_closed(&channel).await;
    is_unavailable(
        channel.call(0, &(), &options).await,
        "its actor was stopped",
    );
    answer_next(&mut inbox, 5_u32).await;
    assert_eq!(answer::<u32>(&call.unwrap().await.unwrap()), 5);
    channel.actor().wait_for_shutdown().await;
    // The other side knows, so both places are free.
    for _ in 0..2 * MAX_CHANNELS {
        let channel = host.open("Any").await.unwrap();
        channel.actor().stop_gracefully().await.unwrap();
        channel.actor().wait_for_shutdown().await;
    }
    assert_eq!((host.end_reason(), plugin.end_reason()), (None, None));
}

async fn a_channel_whose_actor_is_killed_makes_no_calls(kind: Kind) {
    let mut services = Services::default();
    let mut inbox = services.inbox("Any", 1);
    let (host, plugin) = host_of(kind, services).await;
    let channel = host.open("Any").await.unwrap();
    let options = plain();
    let call = channel.begin_call(0, &Value(1_u32), &options).await;
    let mut waiting = Box::pin(channel.call(0, &(), &options));
    assert!(waits(&mut waiting));
    channel.actor().kill();
    channel.actor().wait_for_shutdown().await;
    assert!(matches!(
        waiting.await,
        Err(CallFailure::Failed(RemoteError::Unavailable(_)))
    ));
    answer_next(&mut inbox, 5_u32).await;
    assert_eq!(answer::<u32>(&call.unwrap().await.unwrap()), 5);
    let refused = channel.call(0, &(), &options).await;
    assert!(matches!(
        refused,
        Err(CallFailure::Failed(RemoteError::Unavailable(_)))
    ));
    assert_eq!((host.end_reason(), plugin.end_reason()), (None, None));
}

async fn an_opening_that_is_cancelled_closes_its_channel(kind: Kind) {
    let (a, b) = kind.pair();
    let (session, mut raw) = Raw::connect(a, b, SessionConfig::new("host")).await;
    for answered_before in [false, true] {
        let mut opening = Box::pin(session.open("Any"));
        let asked = tokio::select! {
            biased;
            _ = &mut opening => panic!("opened by nobody"),
            frame = raw.recv_type(FrameType::Open) => frame.header.channel,
        };
        let mut opened = Header::new(FrameType::Opened, asked);
        opened.credits = 3;
        if answered_before {
            raw.send(opened).await;
            // The session has read all earlier frames.
            raw.open_is_refused(&session).await;
            drop(opening);
        } else {
            drop(opening);
            raw.send(opened).await;
        }
        let closed = raw.recv_type(FrameType::CloseChannel).await;
        assert_eq!(closed.header.channel, asked);
        assert!(closed.payload.bytes().is_empty());
    }
    assert_eq!(session.end_reason(), None);
}

fn small() -> Sizes {
    Sizes {
        call_table: 16,
        ..Sizes::default()
    }
}

/// The session of a raw peer that has opened two channels, with their windows.
async fn two_windows(kind: Kind) -> (Session, Raw, Inbox, [u32; 2]) {
    let mut services = Services::default();
    let inbox = services.inbox("Any", 100);
    let (a, b) = kind.pair_of(&small());
    let (session, mut raw) = Raw::connect(a, b, services.config("host")).await;
    let windows = [raw.open_to(2, "Any").await, raw.open_to(4, "Any").await];
    (session, raw, inbox, windows)
}

async fn windows_grow_when_another_channel_is_closed(kind: Kind) {
    let (session, mut raw, mut inbox, windows) = two_windows(kind).await;
    assert_eq!(windows, [6, 4]);
    raw.send(Header::new(FrameType::CloseChannel, ChannelId(2)))
        .await;
    let grown = raw.recv_type(FrameType::Credit).await.header;
    assert_eq!((grown.channel, grown.credits), (ChannelId(4), 2));
    for index in 0..6 {
        raw.send(request(4, index, 1)).await;
        let call = inbox.recv().await.unwrap();
        drop(call.begin().unwrap());
    }
    assert_eq!(session.end_reason(), None);
    // A channel of a withdrawn service does not grow.
    let (session, mut raw, _inbox, _) = two_windows(kind).await;
    session.withdraw("Any", "enough").await;
    raw.send(Header::new(FrameType::CloseChannel, ChannelId(2)))
        .await;
    assert_eq!(raw.open_to(6, "Any").await, 5);
    while let Some(frame) = read_now(&mut raw).await {
        assert_ne!(frame.header.frame_type, FrameType::Credit);
    }
}

async fn read_now(raw: &mut Raw) -> Option<Frame> {
    use futures_util::FutureExt;
    raw.try_recv().now_or_never().flatten()
}

async fn a_callers_window_grows_by_what_it_is_granted(kind: Kind) {
    let mut services = Services::default();
    let mut inbox = services.inbox("Any", 100);
    let (host, plugin) = connect(
        kind.pair_of(&small()),
        SessionConfig::new("host"),
        services.config("plugin"),
    )
    .await;
    let large = host.open("Any").await.unwrap();
    let channel = host.open("Any").await.unwrap();
    let options = plain();
    let begin = async |channel: &Channel| channel.begin_call(0, &(), &options).await.unwrap();
    let mut calls = Vec::new();
    for _ in 0..4 {
        calls.push(begin(&channel).await);
    }
    let mut more = Box::pin(begin(&channel));
    assert!(waits(&mut more));
    drop(large);
    calls.push(more.await);
    calls.push(begin(&channel).await);
    let mut more = Box::pin(begin(&channel));
    assert!(waits(&mut more));
    for _ in 0..6 {
        answer_next(&mut inbox, 1_u32).await;
    }
    calls.push(more.await);
    answer_next(&mut inbox, 1_u32).await;
    for call in calls {
        assert_eq!(answer::<u32>(&call.await.unwrap()), 1);
    }
    channel.close();
    channel.actor().wait_for_shutdown().await;
    assert_eq!((host.end_reason(), plugin.end_reason()), (None, None));
}

async fn what_a_peer_may_not_say_of_a_channel_is_its_fault(kind: Kind) {
    let credits = |channel: u32, credits| {
        let mut header = Header::new(FrameType::Credit, ChannelId(channel));
        header.credits = credits;
        header
    };
    for case in 0..5 {
        let mut services = Services::default();
        let _inbox = services.inbox("Any", 4);
        let (a, b) = kind.pair();
        let (session, mut raw) = Raw::connect(a, b, services.config("host")).await;
        let channel = raw.open(&session, "Any", 4).await;
        let opening = tokio::spawn({
            let session = session.clone();
            async move { session.open("Other").await }
        });
        let unopened = raw.recv_type(FrameType::Open).await.header.channel;
        raw.open_to(2, "Any").await;
        let (header, what) = match case {
            0 => (
                Header::new(FrameType::CloseChannel, unopened),
                "a close of a channel that is not open yet",
            ),
            1 => (
                credits(unopened.0, 1),
                "credits for a channel that is not open yet",
            ),
            2 => (credits(1, 70_000), "a channel's window that is too large"),
            3 => (credits(1, u32::MAX), "a channel's window that is too large"),
            _ => (credits(2, 1), "credits from the side that takes them"),
        };
        raw.send(header).await;
        match session.ended().await {
            EndReason::PeerFault(text) => assert!(text.contains(what), "{text}"),
            other => panic!("{other:?}"),
        }
        assert!(opening.await.unwrap().is_err());
        channel.actor().wait_for_shutdown().await;
    }
    // A frame that crosses a close is no fault.
    let (a, b) = kind.pair();
    let (session, mut raw) = Raw::connect(a, b, SessionConfig::new("host")).await;
    drop(raw.open(&session, "Any", 4).await);
    raw.recv_type(FrameType::CloseChannel).await;
    raw.send(Header::new(FrameType::CloseChannel, ChannelId(1)))
        .await;
    raw.send(credits(1, 5)).await;
    raw.open_is_refused(&session).await;
    assert_eq!(session.end_reason(), None);
}

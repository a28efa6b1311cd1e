//! Calls that outlive their session.

use std::sync::{Arc, Mutex};

use rapace_session::{
    CallFailure, CallOptions, ChannelId, EndReason, FrameType, Header, Outcome, RemoteError,
    Session, SessionConfig, StartState, Status, UnsettledCall,
};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::harness::*;
use super::raw::Raw;

scenarios!(
    unsettled_calls_come_in_order_with_their_start_states_and_are_settled_by_the_next_session,
    an_unsettled_call_keeps_its_payload,
    a_cancelled_unsettled_call_is_not_sent,
    an_unsettled_call_that_is_dropped_settles_its_caller,
    a_caller_that_leaves_after_the_move_cancels_in_the_new_session,
    each_death_while_it_ran_is_counted,
    an_unsettled_call_for_a_dead_session_is_returned,
    the_start_state_is_read_again_once_the_peer_is_dead,
    tells_are_handed_out_too,
    calls_waiting_for_room_have_not_begun,
    a_call_whose_answer_breaks_a_rule_had_begun_and_is_handed_out,
);

type UnsettledCalls = mpsc::UnboundedReceiver<(Vec<UnsettledCall>, EndReason)>;

/// An established pair, with the unsettled calls of the host.
struct Life {
    host: Session,
    plugin: Session,
    inbox: Inbox,
    unsettled: UnsettledCalls,
    channel: rapace_session::Channel,
}

impl Life {
    async fn of(kind: Kind) -> Self {
        let (hand_out, unsettled) = mpsc::unbounded_channel();
        let mut config = SessionConfig::new("host");
        config.on_unsettled = Some(Box::new(move |all, why| drop(hand_out.send((all, why)))));
        let mut services = Services::default();
        let inbox = services.inbox("Busy", 16);
        let (host, plugin) = connect(kind.pair(), config, services.config("plugin")).await;
        let channel = host.open("Busy").await.unwrap();
        Self {
            host,
            plugin,
            inbox,
            unsettled,
            channel,
        }
    }

    fn call(&self, method: u32, idempotent: bool) -> JoinHandle<Outcome> {
        let channel = self.channel.clone();
        let options = CallOptions {
            idempotent,
            ..plain()
        };
        tokio::spawn(async move { channel.call(method, &Value(method), &options).await })
    }

    /// Makes a call that the plugin's side has read.
    async fn queued(&self, method: u32) -> JoinHandle<Outcome> {
        let before = self.inbox.len();
        let call = self.call(method, false);
        until(|| self.inbox.len() == before + 1).await;
        call
    }

    /// Kills the plugin, as the kernel would report it.
    async fn dies(&mut self) -> Vec<UnsettledCall> {
        self.plugin.abort(EndReason::PeerGone);
        let (unsettled, why) = self.unsettled.recv().await.unwrap();
        assert_eq!(why, EndReason::PeerGone);
        unsettled
    }
}

async fn unsettled_calls_come_in_order_with_their_start_states_and_are_settled_by_the_next_session(
    kind: Kind,
) {
    let mut first = Life::of(kind).await;
    let answered = first.queued(0).await;
    answer_next(&mut first.inbox, "early".to_owned()).await;
    let reply = answered.await.unwrap().unwrap();
    assert_eq!(answer::<String>(&reply), "early");
    let mut calls = Vec::new();
    for method in 1..=4 {
        calls.push(first.queued(method).await);
    }
    // Two calls begin, and the second replies before the end.
    let _running = first.inbox.recv().await.unwrap().begin().unwrap();
    answer_next(&mut first.inbox, 2u32).await;
    let unsettled = first.dies().await;
    let seen = unsettled
        .iter()
        .map(|unsettled| {
            (
                unsettled.service(),
                unsettled.start_state,
                unsettled.is_wanted(),
            )
        })
        .collect::<Vec<_>>();
    let (begun, not) = (StartState::Begun, StartState::NotBegun);
    assert_eq!(
        seen,
        [
            ("Busy", begun, true),
            ("Busy", not, true),
            ("Busy", not, true)
        ]
    );
    assert_eq!(answer::<u32>(&calls.remove(1).await.unwrap().unwrap()), 2);

    let mut second = Life::of(kind).await;
    for unsettled in unsettled {
        second.channel.resend(unsettled).await.unwrap();
    }
    for method in [1, 3, 4u32] {
        let mut call = second.inbox.recv().await.unwrap().begin().unwrap();
        assert_eq!(call.method(), method);
        assert_eq!(value::<u32>(&call.take_arguments().unwrap()), method);
        call.reply(Status::Ok, &Value(10 * method)).await;
    }
    for (call, method) in calls.into_iter().zip([1, 3, 4u32]) {
        assert_eq!(answer::<u32>(&call.await.unwrap().unwrap()), 10 * method);
    }
    assert_eq!(second.host.calls_under_way(), 0);
}

async fn an_unsettled_call_keeps_its_payload(kind: Kind) {
    let mut first = Life::of(kind).await;
    let channel = first.channel.clone();
    let mut buffer = first.host.allocate(100_000).await.unwrap();
    buffer.fill(9);
    let blob = buffer.freeze();
    let metadata = vec![("key".to_owned(), "value".to_owned())];
    let options = CallOptions {
        metadata: metadata.clone(),
        ..plain()
    };
    let sent = Value((vec![3u8; 5000], blob));
    let call = tokio::spawn(async move { channel.call(0, &sent, &options).await });
    let taken = first.inbox.recv().await.unwrap();
    let unsettled = first.dies().await;
    drop(taken);
    let mut second = Life::of(kind).await;
    drop(first);
    for unsettled in unsettled {
        second.channel.resend(unsettled).await.unwrap();
    }
    let mut again = second.inbox.recv().await.unwrap().begin().unwrap();
    assert_eq!(again.context().metadata, metadata);
    let arguments = again.take_arguments().unwrap();
    let (bytes, blob): (Vec<u8>, rapace_codec::Blob) = value(&arguments);
    assert!(bytes == [3; 5000] && *blob == [9; 100_000]);
    again.reply(Status::Ok, &()).await;
    call.await.unwrap().unwrap();
}

async fn a_cancelled_unsettled_call_is_not_sent(kind: Kind) {
    let mut first = Life::of(kind).await;
    let call = first.queued(1).await;
    let mut unsettled = first.dies().await;
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    let unsettled = unsettled.remove(0);
    assert!(!unsettled.is_wanted());
    let second = Life::of(kind).await;
    second.channel.resend(unsettled).await.unwrap();
    assert_eq!((second.host.calls_under_way(), second.inbox.len()), (0, 0));
}

async fn an_unsettled_call_that_is_dropped_settles_its_caller(kind: Kind) {
    let mut life = Life::of(kind).await;
    let call = life.queued(1).await;
    drop(life.dies().await);
    assert!(matches!(
        call.await.unwrap(),
        Err(CallFailure::SessionEnded {
            start_state: StartState::NotBegun,
            reason: EndReason::PeerGone
        })
    ));
}

async fn a_caller_that_leaves_after_the_move_cancels_in_the_new_session(kind: Kind) {
    let mut first = Life::of(kind).await;
    let call = first.queued(1).await;
    let mut unsettled = first.dies().await;
    let mut second = Life::of(kind).await;
    second.channel.resend(unsettled.remove(0)).await.unwrap();
    let running = second.inbox.recv().await.unwrap().begin().unwrap();
    call.abort();
    assert_eq!(running.cancelled().await, RemoteError::Cancelled);
}

async fn each_death_while_it_ran_is_counted(kind: Kind) {
    let mut life = Life::of(kind).await;
    let call = life.call(1, true);
    for deaths in 0..3 {
        let running = life.inbox.recv().await.unwrap().begin().unwrap();
        let mut unsettled = life.dies().await;
        drop(running);
        let unsettled = unsettled.remove(0);
        assert_eq!(
            (unsettled.crash_count(), unsettled.start_state),
            (deaths, StartState::Begun)
        );
        assert!(unsettled.idempotent());
        life = Life::of(kind).await;
        life.channel.resend(unsettled).await.unwrap();
    }
    answer_next(&mut life.inbox, 5u32).await;
    assert_eq!(answer::<u32>(&call.await.unwrap().unwrap()), 5);
}

async fn an_unsettled_call_for_a_dead_session_is_returned(kind: Kind) {
    let mut first = Life::of(kind).await;
    let call = first.queued(1).await;
    let unsettled = first.dies().await.remove(0);
    let mut second = Life::of(kind).await;
    let _ = second.dies().await;
    let unsettled = second.channel.resend(unsettled).await.unwrap_err();
    assert_eq!(
        (unsettled.start_state, unsettled.crash_count()),
        (StartState::NotBegun, 0)
    );
    let mut third = Life::of(kind).await;
    third.channel.resend(unsettled).await.unwrap();
    answer_next(&mut third.inbox, ()).await;
    call.await.unwrap().unwrap();
}

async fn the_start_state_is_read_again_once_the_peer_is_dead(kind: Kind) {
    let mut life = Life::of(kind).await;
    let calls = [life.queued(1).await, life.queued(2).await];
    life.host.close("bye");
    let (mut unsettled, _) = life.unsettled.recv().await.unwrap();
    // A peer that is alive may begin one before it reads of the end.
    assert!(
        unsettled
            .iter()
            .all(|unsettled| unsettled.start_state == StartState::Unknown)
    );
    life.plugin.ended().await;
    assert!(life.inbox.recv().await.unwrap().begin().is_none());
    for unsettled in &mut unsettled {
        assert_eq!(unsettled.refresh_start_state(), StartState::NotBegun);
    }
    drop(unsettled);
    for call in calls {
        assert!(call.await.unwrap().is_err());
    }
}

async fn tells_are_handed_out_too(kind: Kind) {
    let mut first = Life::of(kind).await;
    for n in 0..3u32 {
        first.channel.tell(n, &Value(n), &plain()).await.unwrap();
    }
    until(|| first.inbox.len() == 3).await;
    let unsettled = first.dies().await;
    assert!(
        unsettled
            .iter()
            .all(|unsettled| !unsettled.awaited() && unsettled.is_wanted())
    );
    let mut second = Life::of(kind).await;
    for unsettled in unsettled {
        second.channel.resend(unsettled).await.unwrap();
    }
    for n in 0..3 {
        let call = second.inbox.recv().await.unwrap();
        assert_eq!(call.method(), n);
        assert!(call.begin().unwrap().is_tell());
    }
}

async fn calls_waiting_for_room_have_not_begun(kind: Kind) {
    let sizes = Sizes {
        ring: 8,
        ..Sizes::default()
    };
    let (a, b) = kind.pair_of(&sizes);
    let taken = Arc::new(Mutex::new(Vec::new()));
    let handed_out = Arc::clone(&taken);
    let mut config = SessionConfig::new("host");
    config.on_unsettled = Some(Box::new(move |all, _| {
        handed_out.lock().unwrap().extend(all)
    }));
    let (host, mut raw) = Raw::connect(a, b, config).await;
    let channel = raw.open(&host, "Any", 64).await;
    for _ in 0..7 {
        channel.tell(1, &(), &plain()).await.unwrap();
    }
    let options = plain();
    let mut waiting = Box::pin(channel.call(2, &(), &options));
    assert!(waits(&mut waiting));
    // Although the peer is alive: it never saw this request.
    host.close("bye");
    assert!(waits(&mut waiting), "it waits for whoever took it over");
    let unsettled = std::mem::take(&mut *taken.lock().unwrap());
    let start_states = unsettled
        .iter()
        .map(|unsettled| unsettled.start_state)
        .collect::<Vec<_>>();
    let mut expected = vec![StartState::Unknown; 7];
    expected.push(StartState::NotBegun);
    assert_eq!(start_states, expected);
}

async fn a_call_whose_answer_breaks_a_rule_had_begun_and_is_handed_out(kind: Kind) {
    type Breaks = fn(&mut Header);
    let breaks: [(Breaks, &str); 4] = [
        (
            |header| header.credits = 1000,
            "more credits than were taken",
        ),
        (|header| header.method = 77, "unknown status"),
        (|header| header.channel = ChannelId(999), "another channel"),
        (
            |header| header.method = Status::Failed as u32,
            "longer than the limit of a text",
        ),
    ];
    for (break_it, what) in breaks {
        let (hand_out, mut handed_out) = mpsc::unbounded_channel();
        let mut config = SessionConfig::new("host");
        config.on_unsettled = Some(Box::new(move |all, why| drop(hand_out.send((all, why)))));
        let (a, b) = kind.pair();
        let (host, mut raw) = Raw::connect(a, b, config).await;
        let channel = raw.open(&host, "Any", 64).await;
        let options = CallOptions {
            idempotent: true,
            ..plain()
        };
        let argument = Value(5u32);
        let mut behind = Box::pin(channel.call(1, &argument, &options));
        assert!(waits(&mut behind));
        let mut wrong = Box::pin(channel.call(2, &argument, &options));
        assert!(waits(&mut wrong));
        raw.recv_type(FrameType::Request).await;
        let asked = raw.recv_type(FrameType::Request).await.header;
        let mut header = Header::new(FrameType::Reply, asked.channel);
        header.call = asked.call;
        header.credits = 1;
        break_it(&mut header);
        // None is marked as begun.
        raw.send_with(header, &[9; 5000]).await;
        let (mut unsettled, why) = handed_out.recv().await.unwrap();
        assert!(matches!(why, EndReason::PeerFault(found) if found.contains(what)));
        assert!(waits(&mut wrong), "it is not settled by that");
        let start_states = unsettled.iter_mut().map(UnsettledCall::refresh_start_state);
        let start_states = start_states.collect::<Vec<_>>();
        // In the order in which they were made.
        assert_eq!(start_states, [StartState::NotBegun, StartState::Begun]);
        let mut second = Life::of(kind).await;
        let last = unsettled.pop().unwrap();
        assert!(last.idempotent() && last.is_wanted());
        second.channel.resend(last).await.unwrap();
        answer_next(&mut second.inbox, 5u32).await;
        assert_eq!(answer::<u32>(&wrong.await.unwrap()), 5);
        // Dropping it settles the call.
        drop(unsettled);
        assert!(matches!(
            behind.await,
            Err(CallFailure::SessionEnded { .. })
        ));
    }
}

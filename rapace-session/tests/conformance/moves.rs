//! Calls with streams that outlive their session.

use futures_util::StreamExt;
use rapace_session::{
    CallFailure, EndReason, RemoteError, ResponseFuture, Session, SessionConfig, StartState,
    Status, StreamError, StreamParts, UnsettledCall,
};
use tokio::sync::mpsc;

use super::harness::*;

scenarios!(
    a_stream_to_the_caller_follows_its_call_in_the_order_of_all_calls,
    a_stream_of_the_callers_follows_its_call_as_long_as_nothing_of_it_was_sent,
    a_stream_goes_on_after_the_answer,
    a_call_of_which_items_were_sent_is_not_sent_again,
    a_caller_that_leaves_after_the_move_ends_its_streams_there,
    a_call_that_is_over_waits_for_no_move,
    start_states_are_known_after_a_fault_too,
);

struct Life {
    host: Session,
    plugin: Session,
    inbox: Inbox,
    unsettled: mpsc::UnboundedReceiver<Vec<UnsettledCall>>,
    channel: rapace_session::Channel,
}

impl Life {
    async fn of(kind: Kind) -> Self {
        let (hand_out, unsettled) = mpsc::unbounded_channel();
        let mut config = SessionConfig::new("host");
        config.on_unsettled = Some(Box::new(move |all, _| drop(hand_out.send(all))));
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

    async fn streaming(&self, client: bool, server: bool) -> (StreamParts, ResponseFuture) {
        let (argument, options) = (Value(2u32), plain());
        let channel = &self.channel;
        let call = channel.call_streaming(2, &argument, &options, client, server);
        let (parts, response) = call.await.unwrap();
        until(|| !self.inbox.is_empty()).await;
        (parts, response)
    }

    async fn dies(&mut self) -> Vec<UnsettledCall> {
        self.plugin.abort(EndReason::PeerGone);
        self.unsettled.recv().await.unwrap()
    }
}

/// The session in which a call had not begun, and the session over which it is sent again.
async fn moved(kind: Kind, client: bool, server: bool) -> (Life, StreamParts, ResponseFuture) {
    let mut first = Life::of(kind).await;
    let (parts, response) = first.streaming(client, server).await;
    let unsettled = first.dies().await.remove(0);
    assert!(unsettled.streams() && !unsettled.items_were_sent());
    assert_eq!(unsettled.start_state, StartState::NotBegun);
    let second = Life::of(kind).await;
    second.channel.resend(unsettled).await.unwrap();
    (second, parts, response)
}

async fn a_stream_to_the_caller_follows_its_call_in_the_order_of_all_calls(kind: Kind) {
    let mut first = Life::of(kind).await;
    first.channel.tell(1, &(), &plain()).await.unwrap();
    let (parts, response) = first.streaming(false, true).await;
    first.channel.tell(3, &(), &plain()).await.unwrap();
    let unsettled = first.dies().await;
    let mut second = Life::of(kind).await;
    for unsettled in unsettled {
        second.channel.resend(unsettled).await.unwrap();
    }
    for method in 1..=3 {
        let mut call = second.inbox.recv().await.unwrap().begin().unwrap();
        assert_eq!(call.method(), method);
        if method == 2 {
            assert!(call.take_receiver().is_none());
            let arguments = call.take_arguments().unwrap();
            assert_eq!(value::<u32>(&arguments), 2);
            let mut items = call.take_sender().unwrap();
            call.reply(Status::Ok, &()).await;
            for n in 0..3u32 {
                items.send(&Value(n)).await.unwrap();
            }
            items.end();
        }
    }
    let moves = response.moves().unwrap();
    response.await.unwrap();
    let items = moves.receiver(parts.receiver).await.unwrap();
    let items = items.map(|item| value::<u32>(&item.unwrap()));
    assert_eq!(items.collect::<Vec<_>>().await, [0, 1, 2]);
}

async fn a_stream_of_the_callers_follows_its_call_as_long_as_nothing_of_it_was_sent(kind: Kind) {
    let (mut second, parts, response) = moved(kind, true, true).await;
    let moves = response.moves().unwrap();
    // The halves of the ended session end; the error depends on the last frames of its peer.
    parts.sender.unwrap().stopped().await;
    let mut sender = moves.next_sender().await.unwrap();
    let mut call = second.inbox.recv().await.unwrap().begin().unwrap();
    let mut up = call.take_receiver().unwrap();
    sender.send(&Value(7u32)).await.unwrap();
    sender.end();
    assert_eq!(value::<u32>(&up.next().await.unwrap().unwrap()), 7);
    assert!(up.next().await.is_none());
    call.take_sender().unwrap().end();
    call.reply(Status::Ok, &()).await;
    response.await.unwrap();
    let mut down = moves.receiver(parts.receiver).await.unwrap();
    assert!(down.next().await.is_none());
    assert!(moves.next_sender().await.is_none(), "there will be no more");
}

/// The reply may arrive before the sender is taken.
async fn a_stream_goes_on_after_the_answer(kind: Kind) {
    let (mut second, parts, response) = moved(kind, true, false).await;
    let moves = response.moves().unwrap();
    let mut call = second.inbox.recv().await.unwrap().begin().unwrap();
    let mut up = call.take_receiver().unwrap();
    call.reply(Status::Ok, &()).await;
    response.await.unwrap();
    drop(parts);
    let mut sender = moves.next_sender().await.unwrap();
    sender.send(&Value(7u32)).await.unwrap();
    assert_eq!(value::<u32>(&up.next().await.unwrap().unwrap()), 7);
}

async fn a_call_of_which_items_were_sent_is_not_sent_again(kind: Kind) {
    let mut first = Life::of(kind).await;
    let (parts, response) = first.streaming(true, false).await;
    let mut sender = parts.sender.unwrap();
    sender.send(&Value(1u32)).await.unwrap();
    let unsettled = first.dies().await.remove(0);
    assert_eq!(unsettled.start_state, StartState::NotBegun);
    assert!(unsettled.items_were_sent());
    let second = Life::of(kind).await;
    second.channel.resend(unsettled).await.unwrap();
    assert!(matches!(
        response.await,
        Err(CallFailure::SessionEnded {
            start_state: StartState::NotBegun,
            ..
        })
    ));
    assert_eq!(second.host.metrics().calls, 0);
}

async fn a_caller_that_leaves_after_the_move_ends_its_streams_there(kind: Kind) {
    let (mut second, parts, response) = moved(kind, true, true).await;
    let moves = response.moves().unwrap();
    let mut call = second.inbox.recv().await.unwrap().begin().unwrap();
    let (mut up, down) = (call.take_receiver().unwrap(), call.take_sender().unwrap());
    drop((response, parts));
    assert!(moves.next_sender().await.is_none());
    assert_eq!(call.cancelled().await, RemoteError::Cancelled);
    let error = up.next().await.unwrap().unwrap_err();
    assert!(matches!(error, StreamError::Reset(_)), "{error}");
    down.stopped().await;
    drop(call);
    second.plugin.drain();
    assert_eq!(
        second.host.ended().await,
        EndReason::Closed,
        "nothing is left"
    );
}

async fn a_call_that_is_over_waits_for_no_move(kind: Kind) {
    let mut first = Life::of(kind).await;
    let (parts, response) = first.streaming(true, true).await;
    let moves = response.moves().unwrap();
    answer_next(&mut first.inbox, ()).await;
    response.await.unwrap();
    assert!(moves.receiver(parts.receiver).await.is_some());
    assert!(moves.next_sender().await.is_none());
    assert!(first.dies().await.is_empty());
}

async fn start_states_are_known_after_a_fault_too(kind: Kind) {
    let mut life = Life::of(kind).await;
    let (_, begun) = life.streaming(false, true).await;
    let running = life.inbox.recv().await.unwrap().begin().unwrap();
    let (_, queued) = life.streaming(false, true).await;
    life.host.close("it is not to be trusted any more");
    let mut unsettled = life.unsettled.recv().await.unwrap();
    assert_eq!(unsettled[1].start_state, StartState::Unknown);
    life.plugin.ended().await;
    let start_states = unsettled.iter_mut().map(UnsettledCall::refresh_start_state);
    let start_states = start_states.collect::<Vec<_>>();
    assert_eq!(start_states, [StartState::Begun, StartState::NotBegun]);
    drop((unsettled, running));
    for (response, expected) in [(begun, StartState::Begun), (queued, StartState::NotBegun)] {
        match response.await {
            Err(CallFailure::SessionEnded { start_state, .. }) => assert_eq!(start_state, expected),
            other => panic!("{other:?}"),
        }
    }
}

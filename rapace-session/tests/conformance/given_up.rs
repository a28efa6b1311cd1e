//! The payload of a call that has begun and is not idempotent is given up, since it is never sent again.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rapace_session::{
    CallFailure, CallOptions, Channel, EndReason, ResponseFuture, RunningCall, Session,
    SessionConfig, StartState, Status, UnsettledCall,
};

use super::harness::*;

scenarios!(
    the_slot_of_a_request_comes_back_while_its_handler_runs,
    a_call_whose_payload_was_given_up_is_not_sent_again,
);

const LEN: usize = 300_000;

type AllUnsettled = Arc<Mutex<Vec<UnsettledCall>>>;

async fn pair(kind: Kind) -> (Session, Session, Inbox, AllUnsettled) {
    let mut services = Services::default();
    let inbox = services.inbox("Any", 8);
    let unsettled = AllUnsettled::default();
    let handed_out = Arc::clone(&unsettled);
    let mut config = SessionConfig::new("host");
    config.heartbeat = Duration::from_millis(2);
    config.on_unsettled = Some(Box::new(move |all, _| {
        handed_out.lock().unwrap().extend(all)
    }));
    let (host, plugin) = connect(kind.pair(), config, services.config("plugin")).await;
    (host, plugin, inbox, unsettled)
}

/// Begins a call, whose handler drops its arguments and goes on.
async fn running(
    channel: &Channel,
    inbox: &mut Inbox,
    idempotent: bool,
) -> (ResponseFuture, RunningCall) {
    let (page, options) = (
        Value(vec![1_u8; LEN]),
        CallOptions {
            idempotent,
            ..plain()
        },
    );
    let response = channel.begin_call(0, &page, &options).await.unwrap();
    let mut call = inbox.recv().await.unwrap().begin().unwrap();
    drop(call.take_arguments());
    (response, call)
}

async fn looked(host: &Session) {
    for _ in 0..2 {
        host.next_heartbeat().await;
    }
}

async fn the_slot_of_a_request_comes_back_while_its_handler_runs(kind: Kind) {
    let (host, _plugin, mut inbox, _unsettled) = pair(kind).await;
    let Some(stats) = host.link_stats() else {
        return;
    };
    let class = stats.classes.iter();
    let class = class
        .clone()
        .position(|class| class.slot_size as usize >= LEN);
    let used = || {
        let class = host.link_stats().unwrap().classes[class.unwrap()];
        class.total - class.free
    };
    let channel = host.open("Any").await.unwrap();
    // An idempotent call may be sent again.
    let (kept, answers) = running(&channel, &mut inbox, true).await;
    looked(&host).await;
    assert_eq!(used(), 1);
    let (given_up, second) = running(&channel, &mut inbox, false).await;
    until(|| used() == 1).await;
    answers.reply(Status::Ok, &Value(1_u32)).await;
    assert_eq!(answer::<u32>(&kept.await.unwrap()), 1);
    second.reply(Status::Ok, &Value(2_u32)).await;
    assert_eq!(answer::<u32>(&given_up.await.unwrap()), 2);
    until(|| used() == 0).await;
}

async fn a_call_whose_payload_was_given_up_is_not_sent_again(kind: Kind) {
    let (host, _plugin, mut inbox, unsettled) = pair(kind).await;
    let channel = host.open("Any").await.unwrap();
    let (given_up, _running) = running(&channel, &mut inbox, false).await;
    let (kept, _running_too) = running(&channel, &mut inbox, true).await;
    looked(&host).await;
    host.abort(EndReason::PeerGone);
    let (next, _next_plugin, mut next_inbox, _) = pair(kind).await;
    let channel = next.open("Any").await.unwrap();
    let all = std::mem::take(&mut *unsettled.lock().unwrap());
    let states = all.iter().map(UnsettledCall::payload_given_up);
    assert_eq!(states.collect::<Vec<_>>(), [true, false]);
    for call in all {
        assert_eq!(call.start_state, StartState::Begun);
        channel.resend(call).await.unwrap();
    }
    match given_up.await {
        Err(CallFailure::SessionEnded { start_state, .. }) => {
            assert_eq!(start_state, StartState::Begun);
        }
        other => panic!("{other:?}"),
    }
    let mut again = next_inbox.recv().await.unwrap().begin().unwrap();
    let arguments = again.take_arguments().unwrap();
    assert_eq!(value::<Vec<u8>>(&arguments), vec![1; LEN]);
    drop(arguments);
    again.reply(Status::Ok, &Value(3_u32)).await;
    assert_eq!(answer::<u32>(&kept.await.unwrap()), 3);
    assert!(next_inbox.try_recv().is_err());
}

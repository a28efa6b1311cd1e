//! A session whose runtime is shut down while others still hold its handles.

use std::sync::Arc;

use futures_util::StreamExt;
use rapace_session::transport::shm::endpoint;
use rapace_session::{
    CallFailure, EndReason, Endpoint, OpenError, Session, SessionConfig, Side, StartState, Status,
    StreamError, StreamParts, StreamSendError,
};
use rapace_shm::{Listener, SegmentConfig, Trust};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use super::harness::*;

scenarios!(
    all_waiters_in_another_runtime_are_woken,
    its_peer_is_told,
    handles_that_are_used_later_say_why,
    a_stream_whose_own_runtime_is_gone_ends_for_both_sides,
    the_owner_of_unsettled_calls_still_gets_them,
);

/// A runtime besides that of the test. Shutting it down must not block the test.
fn elsewhere() -> Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime")
}

/// Shuts a runtime down, and returns when all its tasks are dropped.
async fn shut_down(runtime: Runtime) {
    let dropped = tokio::task::spawn_blocking(move || drop(runtime));
    dropped.await.expect("no panic");
}

/// Each end of a link is registered with the runtime in which it is made, as in two processes:
/// without its runtime, an end gets no more events from the other.
async fn linked_apart(host: &Runtime, trust: Trust) -> (Endpoint, Endpoint) {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("host");
    let listener = {
        let _inside = host.enter();
        Listener::bind(&path).expect("a path of its own")
    };
    let config = SegmentConfig::default().with_trust(trust);
    let host = host.spawn(async move {
        let accepted = listener.accept().await.expect("somebody comes");
        accepted.host(&config).await
    });
    let plugin = Listener::connect(&path).await.expect("the host listens");
    let plugin = plugin.join().await.expect("a link");
    let host = host.await.expect("no panic").expect("a link");
    (
        endpoint(host, Side::Creator),
        endpoint(plugin, Side::Joiner),
    )
}

/// Establishes the host's session on a runtime of its own, and the plugin's on this one.
async fn connect_apart(
    kind: Kind,
    host: SessionConfig,
    services: Services,
) -> (Runtime, Session, Session) {
    let runtime = elsewhere();
    let (a, b) = match kind {
        Kind::Memory => kind.pair(),
        Kind::Shm => linked_apart(&runtime, Trust::Trusted).await,
        Kind::Untrusted => linked_apart(&runtime, Trust::Untrusted).await,
    };
    let established = runtime.spawn(Session::establish(a, host));
    let plugin = Session::establish(b, services.config("plugin")).await;
    let host = established.await.expect("no panic").expect("they agree");
    (runtime, host, plugin.expect("they agree"))
}

fn lost(failure: CallFailure) -> (StartState, EndReason) {
    match failure {
        CallFailure::SessionEnded {
            start_state,
            reason,
        } => (start_state, reason),
        other => panic!("{other:?}"),
    }
}

async fn all_waiters_in_another_runtime_are_woken(kind: Kind) {
    let mut services = Services::default();
    let mut inbox = services.inbox("Busy", 2);
    let (runtime, host, _plugin) = connect_apart(kind, SessionConfig::new("host"), services).await;
    let channel = host.open("Busy").await.unwrap();
    let options = plain();
    let mut begun = Box::pin(channel.call(0, &(), &options));
    assert!(waits(&mut begun));
    let running = inbox.recv().await.unwrap().begin().unwrap();
    let streams = channel.call_streaming(0, &(), &options, true, true);
    let (
        StreamParts {
            sender: Some(sender),
            receiver: Some(mut receiver),
        },
        mut streaming,
    ) = streams.await.unwrap()
    else {
        panic!("two halves");
    };
    assert!(waits(&mut streaming));
    // The window is used up.
    let mut credit = Box::pin(channel.call(0, &(), &options));
    assert!(waits(&mut credit));
    let mut stopped = Box::pin(sender.stopped());
    assert!(waits(&mut stopped));
    let mut item = receiver.next();
    assert!(waits(&mut item));
    let mut ended = Box::pin(host.ended());
    assert!(waits(&mut ended));

    shut_down(runtime).await;

    assert_eq!(
        lost(begun.await.unwrap_err()),
        (StartState::Begun, EndReason::RuntimeGone)
    );
    assert_eq!(
        lost(credit.await.unwrap_err()),
        (StartState::NotBegun, EndReason::RuntimeGone)
    );
    // The peer is alive, so it may begin calls until it learns of the end.
    let (start_state, reason) = lost(streaming.await.unwrap_err());
    assert_ne!(start_state, StartState::Begun);
    assert_eq!(reason, EndReason::RuntimeGone);
    let gone = StreamError::SessionEnded(EndReason::RuntimeGone);
    assert_eq!(item.await.unwrap().unwrap_err(), gone);
    assert_eq!(stopped.await, StreamSendError::Over(gone));
    assert_eq!(ended.await, EndReason::RuntimeGone);
    drop(running);
}

async fn its_peer_is_told(kind: Kind) {
    let (runtime, _host, plugin) =
        connect_apart(kind, SessionConfig::new("host"), Services::default()).await;
    shut_down(runtime).await;
    let why = "its runtime was shut down";
    assert_eq!(plugin.ended().await, EndReason::ClosedByPeer(why.into()));
}

async fn handles_that_are_used_later_say_why(kind: Kind) {
    let mut services = Services::default();
    services.serve("Echo", 2, echo::<u32>);
    let (runtime, host, _plugin) = connect_apart(kind, SessionConfig::new("host"), services).await;
    let channel = host.open("Echo").await.unwrap();
    let reply = channel.call(0, &Value(7u32), &plain()).await.unwrap();
    assert_eq!(answer::<u32>(&reply), 7);
    shut_down(runtime).await;
    let late = channel.call(0, &Value(7u32), &plain()).await.unwrap_err();
    assert_eq!(lost(late), (StartState::NotBegun, EndReason::RuntimeGone));
    let late = channel.tell(0, &Value(7u32), &plain()).await.unwrap_err();
    assert_eq!(lost(late), (StartState::NotBegun, EndReason::RuntimeGone));
    let streams = channel.call_streaming(0, &(), &plain(), true, true).await;
    let late = streams.map(drop).unwrap_err();
    assert_eq!(lost(late), (StartState::NotBegun, EndReason::RuntimeGone));
    assert_eq!(
        host.open("Echo").await.unwrap_err(),
        OpenError::Ended(EndReason::RuntimeGone)
    );
    assert_eq!(host.end_reason(), Some(EndReason::RuntimeGone));
    assert!(host.actor().is_none());
    // It is allocated nevertheless.
    assert_eq!(host.allocate(100_000).await.unwrap().len(), 100_000);
}

async fn a_stream_whose_own_runtime_is_gone_ends_for_both_sides(kind: Kind) {
    let (parts, taken) = oneshot::channel();
    let parts = Arc::new(std::sync::Mutex::new(Some(parts)));
    let mut services = Services::default();
    services.serve("Both", 4, move |mut call| {
        let theirs = StreamParts {
            sender: call.take_sender(),
            receiver: call.take_receiver(),
        };
        parts.lock().unwrap().take().unwrap().send(theirs).unwrap();
        async move { call.reply(Status::Ok, &()).await }
    });
    let (host, plugin) = host_of(kind, services).await;
    let channel = host.open("Both").await.unwrap();
    let runtime = elsewhere();
    // The halves outlive the runtime of their stream's actor.
    let opened = runtime.spawn(async move {
        let (parts, response) = channel
            .call_streaming(0, &(), &plain(), true, true)
            .await
            .unwrap();
        response.await.unwrap();
        parts
    });
    let mut ours = opened.await.unwrap();
    let mut theirs = taken.await.unwrap();
    shut_down(runtime).await;
    let gone = StreamError::SessionEnded(EndReason::RuntimeGone);
    let item = ours.receiver.as_mut().unwrap().next().await;
    assert_eq!(item.unwrap().unwrap_err(), gone);
    let sent = ours.sender.as_mut().unwrap().send(&Value(1u32)).await;
    assert_eq!(sent, Err(StreamSendError::Over(gone)));
    let reset = StreamError::Reset("the runtime of the other side was shut down".into());
    let item = theirs.receiver.as_mut().unwrap().next().await;
    assert_eq!(item.unwrap().unwrap_err(), reset);
    let stopped = theirs.sender.as_mut().unwrap().stopped().await;
    assert_eq!(stopped, StreamSendError::Stopped);
    drop((ours, theirs));
    // Nothing remains for which draining would wait.
    host.drain();
    assert_eq!(plugin.ended().await, EndReason::Closed);
}

async fn the_owner_of_unsettled_calls_still_gets_them(kind: Kind) {
    let mut services = Services::default();
    let mut inbox = services.inbox("Busy", 2);
    let (hand_out, mut handed_out) = tokio::sync::mpsc::unbounded_channel();
    let mut config = SessionConfig::new("host");
    config.on_unsettled = Some(Box::new(move |unsettled, reason| {
        hand_out.send((unsettled, reason)).unwrap();
    }));
    let (runtime, host, _plugin) = connect_apart(kind, config, services).await;
    let channel = host.open("Busy").await.unwrap();
    let options = plain();
    let mut call = Box::pin(channel.call(0, &(), &options));
    assert!(waits(&mut call));
    let running = inbox.recv().await.unwrap().begin().unwrap();
    shut_down(runtime).await;
    let (unsettled, reason) = handed_out.recv().await.unwrap();
    assert_eq!((unsettled.len(), reason), (1, EndReason::RuntimeGone));
    assert!(waits(&mut call), "it is somebody else's to settle");
    drop(unsettled);
    assert_eq!(
        lost(call.await.unwrap_err()),
        (StartState::Begun, EndReason::RuntimeGone)
    );
    drop(running);
}

//! Buffers of a request that a reply returns by reference, so that the caller gets its own buffer.

use futures_util::StreamExt;
use rapace_codec::Blob;
use rapace_session::{Channel, RunningCall, Session, Status};
use tokio::sync::mpsc;

use super::harness::*;

scenarios!(
    a_buffer_of_the_request_is_the_callers_own_again,
    it_can_be_sent_without_a_copy_call_after_call,
    parts_of_it_go_back_twice_in_another_order_and_beside_others,
    an_error_of_the_methods_brings_it_back_too,
    a_handler_that_calls_back_gets_its_own,
    a_buffer_of_another_call_is_copied,
    a_stream_that_the_call_opened_carries_it,
);

pub(super) const LEN: usize = 50_000;

/// A buffer of the session with distinct bytes.
pub(super) async fn numbered(session: &Session, len: usize) -> Blob {
    let mut buffer = session.allocate(len).await.unwrap();
    for (n, byte) in buffer.iter_mut().enumerate() {
        *byte = n as u8 ^ (n >> 8) as u8;
    }
    buffer.freeze()
}

/// The buffers of a call.
pub(super) fn attachments(call: &mut RunningCall) -> Vec<Blob> {
    value(&call.take_arguments().expect("arguments"))
}

/// Replies with these buffers, which are dropped before the reply is sent.
pub(super) async fn give(call: RunningCall, status: Status, blobs: Vec<Blob>) {
    let result = Value(blobs);
    let answer = call.encode(status, &result).await;
    drop(result);
    answer.send().await;
}

/// A service that replies with what `choose` returns for its buffers.
fn giving(services: &mut Services, name: &str, choose: fn(Vec<Blob>) -> Vec<Blob>) {
    services.serve(name, 8, move |mut call| async move {
        let given = attachments(&mut call);
        give(call, Status::Ok, choose(given)).await;
    });
}

pub(super) async fn back(channel: &Channel, blobs: Vec<Blob>) -> Vec<Blob> {
    ask(channel, 0, blobs).await
}

/// Whether two buffers are the same memory.
pub(super) fn same(one: &Blob, other: &Blob) -> bool {
    one.as_ptr_range() == other.as_ptr_range()
}

pub(super) fn copied(sessions: [&Session; 2]) -> [u64; 2] {
    sessions.map(Session::bytes_copied)
}

/// The bytes that had to be copied, on transports that copy.
pub(super) fn unless_memory(kind: Kind, bytes: usize) -> u64 {
    match kind {
        Kind::Memory => 0,
        Kind::Shm | Kind::Untrusted => bytes as u64,
    }
}

async fn a_buffer_of_the_request_is_the_callers_own_again(kind: Kind) {
    let mut services = Services::default();
    giving(&mut services, "Give", |given| given);
    let (host, plugin) = host_of(kind, services).await;
    let channel = host.open("Give").await.unwrap();
    for len in [0, 1, LEN, 3 << 20] {
        let sent = numbered(&host, len).await;
        let got = back(&channel, vec![sent.clone()]).await;
        assert!(same(&got[0], &sent) && got[0] == sent);
    }
    assert_eq!(copied([&host, &plugin]), [0, 0]);
    // No bytes and no slots were received: the replies fit in their frames.
    assert!(plugin.metrics().bytes_out < 200);
    assert!(host.metrics().bytes_in < 200);
    // A buffer that had to be copied to be sent returns as that copy.
    let elsewhere = Blob::from(vec![6; LEN]);
    let got = back(&channel, vec![elsewhere.clone()]).await;
    assert_eq!(got[0], elsewhere);
    assert_eq!(copied([&host, &plugin]), [unless_memory(kind, LEN), 0]);
}

async fn it_can_be_sent_without_a_copy_call_after_call(kind: Kind) {
    let mut services = Services::default();
    giving(&mut services, "Give", |given| given);
    let (host, plugin) = host_of(kind, services).await;
    let channel = host.open("Give").await.unwrap();
    for len in [2000, LEN, 2 << 20] {
        let sent = numbered(&host, len).await;
        let mut got = vec![sent.clone()];
        // The caller can send the buffer at once, since the handler's side released it before the
        // reply.
        for _ in 0..100 {
            got = back(&channel, got).await;
            assert!(same(&got[0], &sent));
        }
        assert_eq!(got[0], sent);
    }
    assert_eq!(copied([&host, &plugin]), [0, 0]);
}

async fn parts_of_it_go_back_twice_in_another_order_and_beside_others(kind: Kind) {
    let mut services = Services::default();
    giving(&mut services, "Mix", |given| {
        let own = Blob::from(vec![9; 2000]);
        vec![
            given[1].clone(),
            own.clone(),
            given[0].slice(100..200).slice(10..=20),
            own.slice(..10),
            given[0].clone(),
            given[1].slice(LEN..),
            given[1].clone(),
        ]
    });
    let (host, plugin) = host_of(kind, services).await;
    let channel = host.open("Mix").await.unwrap();
    let whole = numbered(&host, LEN + 500).await;
    // The sent buffer may itself be a part.
    let sent = [numbered(&host, 700).await, whole.slice(500..)];
    let got = back(&channel, sent.to_vec()).await;
    let wanted = [
        sent[1].clone(),
        sent[0].slice(110..=120),
        sent[0].clone(),
        sent[1].slice(LEN..),
        sent[1].clone(),
    ];
    for (got, wanted) in [0, 2, 4, 5, 6].map(|at| &got[at]).into_iter().zip(&wanted) {
        assert!(same(got, wanted));
    }
    assert!(*got[1] == [9; 2000] && *got[3] == [9; 10] && got.len() == 7);
    assert_eq!(copied([&host, &plugin]), [0, unless_memory(kind, 2010)]);
}

async fn an_error_of_the_methods_brings_it_back_too(kind: Kind) {
    let mut services = Services::default();
    services.serve("Refuse", 4, |mut call| async move {
        let given = attachments(&mut call);
        give(call, Status::HandlerError, given).await;
    });
    let (host, plugin) = host_of(kind, services).await;
    let channel = host.open("Refuse").await.unwrap();
    let sent = numbered(&host, LEN).await;
    let reply = channel.call(0, &Value(vec![sent.clone()]), &plain()).await;
    let reply = reply.unwrap();
    assert!(reply.is_error);
    assert!(same(&value::<Vec<Blob>>(&reply.body)[0], &sent));
    assert_eq!(copied([&host, &plugin]), [0, 0]);
}

async fn a_handler_that_calls_back_gets_its_own(kind: Kind) {
    let (mut ours, mut theirs) = (Services::default(), Services::default());
    giving(&mut ours, "Give", |given| given);
    // A call that the handler makes with a buffer of its request is another call, and copies the
    // buffer.
    theirs.serve("Filter", 4, |mut call| async move {
        let session = call.context().session().unwrap();
        let given = attachments(&mut call);
        let channel = session.open("Give").await.unwrap();
        let own = numbered(&session, LEN).await;
        let got = back(&channel, vec![own.clone(), given[0].clone()]).await;
        let places = (same(&got[0], &own), same(&got[1], &given[0]));
        let equal = got[0] == own && got[1] == given[0];
        call.reply(Status::Ok, &Value((places, equal))).await;
    });
    let (host, plugin) = connect(kind.pair(), ours.config("host"), theirs.config("plugin")).await;
    let channel = host.open("Filter").await.unwrap();
    let sent = numbered(&host, LEN).await;
    let seen: ((bool, bool), bool) = ask(&channel, 0, vec![sent]).await;
    assert_eq!(seen, ((true, kind == Kind::Memory), true));
    let copies = unless_memory(kind, LEN);
    assert_eq!(copied([&host, &plugin]), [0, copies]);
}

async fn a_buffer_of_another_call_is_copied(kind: Kind) {
    let mut services = Services::default();
    let (keep, mut kept) = mpsc::unbounded_channel::<Blob>();
    let mut inbox = services.inbox("Swap", 4);
    tokio::spawn(async move {
        while let Some(call) = inbox.recv().await {
            let mut call = call.begin().unwrap();
            let given = attachments(&mut call).remove(0);
            let before = kept.try_recv().ok();
            keep.send(given).unwrap();
            give(call, Status::Ok, before.into_iter().collect()).await;
        }
    });
    let (host, plugin) = host_of(kind, services).await;
    let channel = host.open("Swap").await.unwrap();
    // One after the other, so they use the same entry of the call table.
    let sent = [numbered(&host, LEN).await, numbered(&host, 700).await];
    assert!(back(&channel, vec![sent[0].clone()]).await.is_empty());
    let got = back(&channel, vec![sent[1].clone()]).await;
    assert_eq!(got, sent[..1]);
    assert_eq!(same(&got[0], &sent[0]), kind == Kind::Memory);
    assert_eq!(copied([&host, &plugin]), [0, unless_memory(kind, LEN)]);
}

async fn a_stream_that_the_call_opened_carries_it(kind: Kind) {
    let mut services = Services::default();
    services.serve("Feed", 4, |mut call| async move {
        let given = attachments(&mut call);
        let mut items = call.take_sender().unwrap();
        give(call, Status::Ok, given.clone()).await;
        items.send(&Value(given)).await.unwrap();
        items.end();
    });
    let (host, plugin) = host_of(kind, services).await;
    let channel = host.open("Feed").await.unwrap();
    let sent = vec![numbered(&host, LEN).await];
    let (argument, options) = (Value(sent.clone()), plain());
    let call = channel.call_streaming(0, &argument, &options, false, true);
    let (parts, response) = call.await.unwrap();
    let reply = response.await.unwrap();
    assert!(same(&answer::<Vec<Blob>>(&reply)[0], &sent[0]));
    let mut items = parts.receiver.unwrap();
    let item: Vec<Blob> = value(&items.next().await.unwrap().unwrap());
    assert_eq!(item, sent);
    assert_eq!(same(&item[0], &sent[0]), kind == Kind::Memory);
    assert_eq!(copied([&host, &plugin]), [0, unless_memory(kind, LEN)]);
}

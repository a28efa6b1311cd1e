//! Calls whose futures are polled once, and then neither polled nor dropped, like those that a busy owner has in a
//! `FuturesUnordered`; and channels that share a call table.

use std::time::{Duration, Instant};

use futures_util::future::{join_all, maybe_done};
use rapace_session::{
    CallFailure, Channel, ChannelId, EndReason, FrameType, Header, RemoteError, Session,
    SessionConfig,
};
use rapace_shm::SizeClass;

use super::harness::*;
use super::raw::Raw;

scenarios!(
    a_call_that_waits_for_a_credit_and_is_not_polled_stops_no_other,
    a_call_that_waits_for_bytes_and_is_not_polled_stops_no_other,
    many_calls_that_are_not_polled_stop_no_other,
    a_call_in_fragments_that_is_not_polled_stops_no_other,
    a_call_that_waits_for_the_ring_and_is_not_polled_stops_no_other,
    a_call_that_waits_for_the_ring_and_is_not_polled_does_not_keep_its_channel_open,
    a_call_that_waits_for_the_ring_and_is_polled_keeps_its_place,
    a_channel_for_which_the_call_table_has_no_entry_is_refused,
    windows_beyond_the_call_table_are_a_fault,
);

/// A host, a plugin whose service takes two calls and 1,000 bytes of requests at a time, and its mailbox.
async fn served(kind: Kind) -> (Session, Session, Inbox) {
    let mut services = Services::default();
    let inbox = services.inbox("Any", 2);
    let mut plugin = services.config("plugin");
    plugin.request_window_bytes = 1000;
    let (host, plugin) = connect(kind.pair(), SessionConfig::new("host"), plugin).await;
    (host, plugin, inbox)
}

fn bytes(len: usize) -> Value<Vec<u8>> {
    Value(vec![1; len])
}

async fn a_call_that_waits_for_a_credit_and_is_not_polled_stops_no_other(kind: Kind) {
    let (host, _plugin, mut inbox) = served(kind).await;
    let channel = host.open("Any").await.unwrap();
    let options = plain();
    let first = channel.begin_call(0, &(), &options).await.unwrap();
    let second = channel.begin_call(0, &(), &options).await.unwrap();
    let mut absent = Box::pin(channel.call(0, &(), &options));
    assert!(waits(&mut absent));
    answer_next(&mut inbox, 1_u32).await;
    assert_eq!(answer::<u32>(&first.await.unwrap()), 1);
    let (reply, ()) = tokio::join!(channel.call(0, &(), &options), async {
        answer_next(&mut inbox, 2_u32).await;
        answer_next(&mut inbox, 3_u32).await;
    });
    assert_eq!(answer::<u32>(&reply.unwrap()), 3);
    assert_eq!(answer::<u32>(&second.await.unwrap()), 2);
    let (reply, ()) = tokio::join!(absent, answer_next(&mut inbox, 4_u32));
    assert_eq!(answer::<u32>(&reply.unwrap()), 4);
}

async fn a_call_that_waits_for_bytes_and_is_not_polled_stops_no_other(kind: Kind) {
    let (host, _plugin, mut inbox) = served(kind).await;
    let channel = host.open("Any").await.unwrap();
    let (long, short, options) = (bytes(2000), bytes(100), plain());
    let first = channel.begin_call(0, &long, &options).await.unwrap();
    let mut absent = Box::pin(channel.call(0, &long, &options));
    assert!(waits(&mut absent));
    let begun = inbox.recv().await.unwrap().begin().unwrap();
    let (reply, ()) = tokio::join!(
        channel.call(0, &short, &options),
        answer_next(&mut inbox, 1_u32)
    );
    assert_eq!(answer::<u32>(&reply.unwrap()), 1);
    begun.reply(rapace_session::Status::Ok, &Value(2_u32)).await;
    assert_eq!(answer::<u32>(&first.await.unwrap()), 2);
    let (reply, ()) = tokio::join!(absent, answer_next(&mut inbox, 3_u32));
    assert_eq!(answer::<u32>(&reply.unwrap()), 3);
}

/// Neither one by one nor all together.
async fn many_calls_that_are_not_polled_stop_no_other(kind: Kind) {
    let (host, _plugin, mut inbox) = served(kind).await;
    let channel = host.open("Any").await.unwrap();
    let (long, short, options) = (bytes(2000), bytes(100), plain());
    let first = channel.begin_call(0, &long, &options).await.unwrap();
    let arguments = [&long, &short, &long, &short];
    let mut absent = arguments.map(|bytes| Box::pin(channel.call(0, bytes, &options)));
    assert!(absent.iter_mut().all(waits));
    let begun = inbox.recv().await.unwrap().begin().unwrap();
    begun.reply(rapace_session::Status::Ok, &Value(0_u32)).await;
    assert_eq!(answer::<u32>(&first.await.unwrap()), 0);
    for n in 1..=3_u32 {
        let (reply, ()) = tokio::join!(
            channel.call(0, &short, &options),
            answer_next(&mut inbox, n)
        );
        assert_eq!(answer::<u32>(&reply.unwrap()), n);
    }
    for call in absent {
        let (reply, ()) = tokio::join!(call, answer_next(&mut inbox, 9_u32));
        assert_eq!(answer::<u32>(&reply.unwrap()), 9);
    }
    until(|| host.calls_under_way() == 0).await;
}

/// A host that looks at what waits often.
fn watchful() -> SessionConfig {
    let mut config = SessionConfig::new("host");
    config.heartbeat = Duration::from_millis(20);
    config
}

/// The call has all bytes of the window, or the only credit.
async fn a_call_in_fragments_that_is_not_polled_stops_no_other(kind: Kind) {
    if kind == Kind::Memory {
        return; // It has no slots, and so no fragments.
    }
    for (calls, len) in [(2, 100), (1, 0)] {
        let mut services = Services::default();
        services.serve("Any", calls, echo::<Vec<u8>>);
        let mut plugin = services.config("plugin");
        plugin.request_window_bytes = 1000;
        let class = |slot_size| SizeClass {
            slot_size,
            slots: 1,
        };
        let sizes = Sizes {
            classes: vec![class(1 << 10), class(512 << 10)],
            ..Sizes::default()
        };
        let (host, _plugin) = connect(kind.pair_of(&sizes), watchful(), plugin).await;
        let channel = host.open("Any").await.unwrap();
        let held = host.allocate(400_000).await.unwrap();
        let (long, short, options) = (bytes(300_000), bytes(len), plain());
        let call = || Box::pin(maybe_done(channel.call(0, &long, &options)));
        let mut absent = [call(), call()];
        for call in &mut absent {
            // With several threads it may be done at once.
            waits(call);
        }
        for _ in 0..3 {
            let reply = channel.call(0, &short, &options).await.unwrap();
            assert_eq!(answer::<Vec<u8>>(&reply), short.0);
        }
        let [mut absent, given_up] = absent;
        drop(given_up);
        absent.as_mut().await;
        let reply = absent.as_mut().take_output().unwrap();
        assert_eq!(answer::<Vec<u8>>(&reply.unwrap()), long.0);
        // All that they had is back, once.
        let all = (0..8).map(|_| channel.call(0, &short, &options));
        assert!(join_all(all).await.iter().all(Result::is_ok));
        assert_eq!(host.calls_under_way(), 0);
        drop(held);
    }
}

/// A host, a channel of one call, and a peer that has read nothing of a full ring.
async fn full_ring(kind: Kind) -> (Session, Raw, Channel) {
    let sizes = Sizes {
        ring: 16,
        ..Sizes::default()
    };
    let (a, b) = kind.pair_of(&sizes);
    let (host, mut raw) = Raw::connect(a, b, watchful()).await;
    let channel = raw.open(&host, "Any", 1).await;
    let other = raw.open(&host, "Other", 64).await;
    let options = plain();
    loop {
        let mut call = Box::pin(other.begin_call(0, &(), &options));
        if waits(&mut call) {
            return (host, raw, channel);
        }
    }
}

/// Reads until a request of `Any` comes, answers it, and returns its method.
async fn answered(raw: &mut Raw) -> u32 {
    loop {
        let request = raw.recv_type(FrameType::Request).await.header;
        if request.method > 0 {
            let mut reply = Header::new(FrameType::Reply, request.channel);
            (reply.call, reply.credits) = (request.call, 1);
            raw.send(reply).await;
            return request.method;
        }
    }
}

async fn a_call_that_waits_for_the_ring_and_is_not_polled_stops_no_other(kind: Kind) {
    let (host, mut raw, channel) = full_ring(kind).await;
    let options = plain();
    let mut absent = Box::pin(channel.call(1, &(), &options));
    assert!(waits(&mut absent));
    let (reply, method) = tokio::join!(channel.call(2, &(), &options), answered(&mut raw));
    assert!(reply.is_ok() && method == 2);
    let (reply, method) = tokio::join!(absent, answered(&mut raw));
    assert!(reply.is_ok() && method == 1);
    assert_eq!(host.end_reason(), None);
}

async fn a_call_that_waits_for_the_ring_and_is_not_polled_does_not_keep_its_channel_open(
    kind: Kind,
) {
    let (host, mut raw, channel) = full_ring(kind).await;
    let options = plain();
    let mut absent = Box::pin(channel.call(1, &(), &options));
    assert!(waits(&mut absent));
    channel.close();
    let actor = channel.actor();
    let closes = raw.recv_type(FrameType::CloseChannel);
    let (closed, ()) = tokio::join!(closes, actor.wait_for_shutdown());
    assert_eq!(closed.header.channel, ChannelId(1));
    let failure = absent.await.unwrap_err();
    assert!(
        matches!(&failure, CallFailure::Failed(RemoteError::Unavailable(_))),
        "{failure}"
    );
    assert_eq!(host.end_reason(), None);
}

/// However long its peer takes.
async fn a_call_that_waits_for_the_ring_and_is_polled_keeps_its_place(kind: Kind) {
    let (host, mut raw, channel) = full_ring(kind).await;
    let call = |method| {
        let channel = channel.clone();
        tokio::spawn(async move { channel.call(method, &(), &plain()).await.is_ok() })
    };
    let first = call(1);
    until(|| host.waiting().len() == 1).await;
    let second = call(2);
    until(|| host.waiting().len() == 2).await;
    // Longer than one that is not polled keeps what it has.
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(2500) {
        host.next_heartbeat().await;
    }
    assert_eq!(answered(&mut raw).await, 1);
    assert_eq!(answered(&mut raw).await, 2);
    assert!(first.await.unwrap() && second.await.unwrap());
}

/// Each has at least one entry of the table, so that a call never waits for calls of other services.
async fn a_channel_for_which_the_call_table_has_no_entry_is_refused(kind: Kind) {
    let sizes = Sizes {
        call_table: 2,
        ..Sizes::default()
    };
    let names = ["One", "Two", "Three"];
    let mut services = Services::default();
    for name in names {
        services.serve(name, 2, echo::<u32>);
    }
    let ends = kind.pair_of(&sizes);
    let (host, _plugin) =
        connect(ends, SessionConfig::new("host"), services.config("plugin")).await;
    let one = host.open("One").await.unwrap();
    let two = host.open("Two").await.unwrap();
    let refused = host.open("Three").await.unwrap_err().to_string();
    assert!(refused.contains("with_call_table"), "{refused}");
    let calls = (0..60_u32).map(|n| {
        let channel = if n % 2 == 0 { &one } else { &two }.clone();
        tokio::spawn(async move { assert_eq!(ask::<_, u32>(&channel, 0, n).await, n) })
    });
    for call in join_all(calls).await {
        call.unwrap();
    }
    // A closed one makes room.
    let actor = one.actor().clone();
    drop(one);
    actor.wait_for_shutdown().await;
    let three = host.open("Three").await.unwrap();
    assert_eq!(ask::<u32, u32>(&three, 0, 7).await, 7);
    assert_eq!(host.calls_under_way(), 0);
}

/// Such windows are a fault, before a call finds no entry.
async fn windows_beyond_the_call_table_are_a_fault(kind: Kind) {
    for grows in [false, true] {
        let sizes = Sizes {
            call_table: 4,
            ..Sizes::default()
        };
        let (a, b) = kind.pair_of(&sizes);
        let (host, mut raw) = Raw::connect(a, b, SessionConfig::new("host")).await;
        let any = raw.open(&host, "Any", 4).await;
        if grows {
            let mut credit = Header::new(FrameType::Credit, ChannelId(1));
            credit.credits = 1;
            raw.send(credit).await;
        } else {
            let opening = tokio::spawn({
                let host = host.clone();
                async move { host.open("Other").await.is_err() }
            });
            let asked = raw.recv_type(FrameType::Open).await.header.channel;
            let mut opened = Header::new(FrameType::Opened, asked);
            opened.credits = 1;
            raw.send(opened).await;
            assert!(opening.await.unwrap());
        }
        let reason = host.ended().await;
        assert!(matches!(reason, EndReason::PeerFault(_)), "{reason}");
        drop(any);
    }
}

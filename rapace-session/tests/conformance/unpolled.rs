//! Calls whose futures are polled once, and then neither polled nor dropped, like those that a busy owner has in a
//! `FuturesUnordered`; and calls that wait for two things at once.

use futures_util::future::join_all;
use rapace_session::{Session, SessionConfig};

use super::harness::*;

scenarios!(
    a_call_that_waits_for_a_credit_and_is_not_polled_stops_no_other,
    a_call_that_waits_for_bytes_and_is_not_polled_stops_no_other,
    many_calls_that_are_not_polled_stop_no_other,
    calls_of_several_channels_take_turns_in_a_table_of_one_entry,
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

/// Their windows are larger than the table, so each needs both a credit and an entry, and holds neither while it waits.
async fn calls_of_several_channels_take_turns_in_a_table_of_one_entry(kind: Kind) {
    let sizes = Sizes {
        call_table: 1,
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
    let channels = join_all(names.map(|name| host.open(name))).await;
    let channels = channels.into_iter().map(Result::unwrap);
    let channels = channels.collect::<Vec<_>>();
    let calls = (0..60_u32).map(|n| {
        let channel = channels[n as usize % channels.len()].clone();
        tokio::spawn(async move { assert_eq!(ask::<_, u32>(&channel, 0, n).await, n) })
    });
    for call in join_all(calls).await {
        call.unwrap();
    }
    assert_eq!(host.calls_under_way(), 0);
}

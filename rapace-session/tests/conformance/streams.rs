//! Streams in both directions, without errors.

use futures_util::{FutureExt, StreamExt};
use rapace_session::{
    Channel, RunningCall, SessionConfig, Status, StreamReceiver, StreamSendError, StreamSender,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::harness::*;

scenarios!(
    a_server_stream_ends_after_its_items,
    a_client_stream_is_summed_up,
    both_directions_flow_at_once,
    items_of_every_size_arrive,
    a_slow_consumer_holds_up_its_own_sender_only,
    bytes_wait_for_their_reader_up_to_the_window,
    an_item_longer_than_the_window_is_sent,
    a_sender_that_waits_for_bytes_learns_of_the_end,
    many_streams_share_a_session,
    a_window_of_one_still_moves,
);

/// Sends as many items as the caller asks for.
async fn count(mut call: RunningCall) {
    let upto: u32 = value(&call.take_arguments().unwrap());
    let mut items = call.take_sender().unwrap();
    call.reply(Status::Ok, &()).await;
    for n in 0..upto {
        items.send(&Value(n)).await.unwrap();
    }
    items.end();
}

async fn counted(channel: &Channel, upto: u32) -> StreamReceiver {
    let (upto, options) = (Value(upto), plain());
    let call = channel
        .call_streaming(0, &upto, &options, false, true)
        .await;
    let (parts, response) = call.unwrap();
    response.await.unwrap();
    assert!(parts.sender.is_none());
    parts.receiver.unwrap()
}

async fn all(items: StreamReceiver) -> Vec<u32> {
    items
        .map(|item| value::<u32>(&item.unwrap()))
        .collect()
        .await
}

async fn feed(mut items: StreamSender, upto: u32) {
    for n in 0..upto {
        items.send(&Value(n)).await.unwrap();
    }
    items.end();
}

async fn a_server_stream_ends_after_its_items(kind: Kind) {
    let mut services = Services::default();
    services.serve("Count", 4, count);
    let (host, _plugin) = host_of(kind, services).await;
    let channel = host.open("Count").await.unwrap();
    for upto in [0, 1, 32, 33, 3000] {
        let seen = all(counted(&channel, upto).await).await;
        assert_eq!(seen, (0..upto).collect::<Vec<_>>());
    }
}

async fn a_client_stream_is_summed_up(kind: Kind) {
    let mut services = Services::default();
    services.serve("Sum", 4, |mut call| async move {
        let items = call.take_receiver().unwrap();
        let sum = items
            .fold(0u64, |sum, item| async move {
                sum + u64::from(value::<u32>(&item.unwrap()))
            })
            .await;
        call.reply(Status::Ok, &Value(sum)).await;
    });
    let (host, _plugin) = host_of(kind, services).await;
    let channel = host.open("Sum").await.unwrap();
    let call = channel.call_streaming(0, &(), &plain(), true, false).await;
    let (parts, response) = call.unwrap();
    assert!(parts.receiver.is_none());
    let ((), reply) = tokio::join!(feed(parts.sender.unwrap(), 3000), response);
    assert_eq!(answer::<u64>(&reply.unwrap()), (0..3000).sum::<u64>());
}

async fn both_directions_flow_at_once(kind: Kind) {
    let mut services = Services::default();
    services.serve("Double", 4, |mut call| async move {
        let mut items = call.take_receiver().unwrap();
        let mut doubled = call.take_sender().unwrap();
        call.reply(Status::Ok, &()).await;
        while let Some(item) = items.next().await {
            let n: u32 = value(&item.unwrap());
            doubled.send(&Value(2 * n)).await.unwrap();
        }
        doubled.end();
    });
    let (host, _plugin) = host_of(kind, services).await;
    let channel = host.open("Double").await.unwrap();
    let call = channel.call_streaming(0, &(), &plain(), true, true).await;
    let (parts, response) = call.unwrap();
    // Items are sent before the reply arrives.
    let ((), doubled, reply) = tokio::join!(
        feed(parts.sender.unwrap(), 3000),
        all(parts.receiver.unwrap()),
        response
    );
    reply.unwrap();
    assert_eq!(doubled, (0..3000).map(|n| 2 * n).collect::<Vec<_>>());
}

async fn items_of_every_size_arrive(kind: Kind) {
    const LENGTHS: [usize; 6] = [0, 22, 23, 1023, 70_000, 3 << 20];
    let mut services = Services::default();
    services.serve("Bytes", 4, |mut call| async move {
        let mut items = call.take_sender().unwrap();
        call.reply(Status::Ok, &()).await;
        for length in LENGTHS.iter().cycle().take(60) {
            items
                .send(&Value(vec![*length as u8; *length]))
                .await
                .unwrap();
        }
        items.end();
    });
    let (host, _plugin) = host_of(kind, services).await;
    let channel = host.open("Bytes").await.unwrap();
    let call = channel.call_streaming(0, &(), &plain(), false, true).await;
    let (parts, response) = call.unwrap();
    response.await.unwrap();
    let mut items = parts.receiver.unwrap();
    for length in LENGTHS.iter().cycle().take(60) {
        let item = items.next().await.unwrap().unwrap();
        assert!(value::<Vec<u8>>(&item) == vec![*length as u8; *length]);
    }
    assert!(items.next().await.is_none());
}

async fn a_slow_consumer_holds_up_its_own_sender_only(kind: Kind) {
    let sent = Arc::new(AtomicU32::new(0));
    let mut services = Services::default();
    let counter = Arc::clone(&sent);
    services.serve("Fast", 4, move |mut call| {
        let sent = Arc::clone(&counter);
        async move {
            let mut items = call.take_sender().unwrap();
            call.reply(Status::Ok, &()).await;
            for n in 0..500u32 {
                items.send(&Value((n, vec![0u8; 2000]))).await.unwrap();
                sent.fetch_add(1, Ordering::SeqCst);
            }
            items.end();
        }
    });
    services.serve("Count", 4, count);
    let mut config = SessionConfig::new("host");
    config.stream_window = 8;
    let (host, _plugin) = connect(kind.pair(), config, services.config("plugin")).await;
    let channel = host.open("Fast").await.unwrap();
    let call = channel.call_streaming(0, &(), &plain(), false, true).await;
    let (parts, response) = call.unwrap();
    response.await.unwrap();
    let mut slow = parts.receiver.unwrap();
    until(|| sent.load(Ordering::SeqCst) == 8).await;
    // Other streams and calls go on while it takes nothing.
    let other = host.open("Count").await.unwrap();
    assert_eq!(all(counted(&other, 1000).await).await.len(), 1000);
    assert_eq!(sent.load(Ordering::SeqCst), 8, "no more than its window");
    // When half a window is taken, half a window is granted.
    for n in 0..4 {
        assert_eq!(
            value::<(u32, Vec<u8>)>(&slow.next().await.unwrap().unwrap()).0,
            n
        );
    }
    until(|| sent.load(Ordering::SeqCst) == 12).await;
    assert_eq!(slow.count().await, 496);
}

async fn bytes_wait_for_their_reader_up_to_the_window(kind: Kind) {
    let mut services = Services::default();
    let sent = Arc::new(AtomicU32::new(0));
    serve_large(&mut services, &sent, vec![1000; 40]);
    let mut config = SessionConfig::new("host");
    config.stream_window_bytes = 4000;
    let (host, _plugin) = connect(kind.pair(), config, services.config("plugin")).await;
    let mut slow = streaming_from(&host.open("Large").await.unwrap()).await;
    let mut fast = streaming_from(&host.open("Large").await.unwrap()).await;
    // Each item has 1000 bytes and its own length. Four are the window of each stream.
    until(|| sent.load(Ordering::SeqCst) == 8).await;
    for _ in 0..40 {
        value::<Vec<u8>>(&fast.next().await.unwrap().unwrap());
    }
    assert!(fast.next().await.is_none());
    assert_eq!(sent.load(Ordering::SeqCst), 44, "the other has its window");
    // When half of the window is taken, its bytes come back.
    for _ in 0..2 {
        value::<Vec<u8>>(&slow.next().await.unwrap().unwrap());
    }
    until(|| sent.load(Ordering::SeqCst) == 46).await;
    assert_eq!(slow.count().await, 38);
}

async fn an_item_longer_than_the_window_is_sent(kind: Kind) {
    let mut services = Services::default();
    let sent = Arc::new(AtomicU32::new(0));
    let lengths = [3, 50_000, 0, 50_000, 60_000, 0, 0, 7, 50_000, 4];
    serve_large(&mut services, &sent, lengths.repeat(9));
    let mut config = SessionConfig::new("host");
    config.stream_window_bytes = 4;
    let (host, _plugin) = connect(kind.pair(), config, services.config("plugin")).await;
    let mut items = streaming_from(&host.open("Large").await.unwrap()).await;
    for length in lengths.repeat(9) {
        let item = items.next().await.unwrap().unwrap();
        assert_eq!(value::<Vec<u8>>(&item).len(), length);
    }
    assert!(items.next().await.is_none());
}

async fn a_sender_that_waits_for_bytes_learns_of_the_end(kind: Kind) {
    let mut services = Services::default();
    let mut inbox = services.inbox("Large", 4);
    let mut config = SessionConfig::new("host");
    config.stream_window_bytes = 10;
    let (host, _plugin) = connect(kind.pair(), config, services.config("plugin")).await;
    let channel = host.open("Large").await.unwrap();
    for leaves in [true, false] {
        let call = channel.call_streaming(0, &(), &plain(), false, true).await;
        let (parts, _response) = call.unwrap();
        let receiver = parts.receiver.unwrap();
        let mut call = inbox.recv().await.unwrap().begin().unwrap();
        let mut sender = call.take_sender().unwrap();
        sender.send(&Value(vec![0u8; 100])).await.unwrap();
        let item = Value(0u8);
        let mut waits = std::pin::pin!(sender.send(&item));
        assert!(
            waits.as_mut().now_or_never().is_none(),
            "the window is full"
        );
        match leaves {
            true => {
                drop(receiver);
                assert_eq!(waits.await, Err(StreamSendError::Stopped));
            }
            false => {
                host.close("enough");
                let over = waits.await;
                assert!(matches!(over, Err(StreamSendError::Over(_))), "{over:?}");
            }
        }
    }
}

/// Serves `Large`, which streams byte strings of these lengths.
fn serve_large(services: &mut Services, sent: &Arc<AtomicU32>, lengths: Vec<usize>) {
    let sent = Arc::clone(sent);
    services.serve("Large", 4, move |mut call| {
        let (sent, lengths) = (Arc::clone(&sent), lengths.clone());
        async move {
            let mut items = call.take_sender().unwrap();
            call.reply(Status::Ok, &()).await;
            for length in lengths {
                items.send(&Value(vec![0u8; length])).await.unwrap();
                sent.fetch_add(1, Ordering::SeqCst);
            }
            items.end();
        }
    });
}

async fn streaming_from(channel: &Channel) -> StreamReceiver {
    let call = channel.call_streaming(0, &(), &plain(), false, true).await;
    let (parts, response) = call.unwrap();
    response.await.unwrap();
    parts.receiver.unwrap()
}

async fn many_streams_share_a_session(kind: Kind) {
    let mut services = Services::default();
    services.serve("Count", 16, count);
    let (host, plugin) = host_of(kind, services).await;
    let channel = host.open("Count").await.unwrap();
    let streams = (0..100u32).map(|n| {
        let channel = channel.clone();
        tokio::spawn(
            async move { assert_eq!(all(counted(&channel, n).await).await.len(), n as usize) },
        )
    });
    for stream in streams.collect::<Vec<_>>() {
        stream.await.unwrap();
    }
    assert_eq!(host.metrics().streams, 100);
    // No stream is left: a side with open streams would not finish draining.
    plugin.drain();
    host.ended().await;
}

async fn a_window_of_one_still_moves(kind: Kind) {
    let mut services = Services::default();
    services.serve("Count", 1, count);
    let mut config = SessionConfig::new("host");
    config.stream_window = 1;
    let (host, _plugin) = connect(kind.pair(), config, services.config("plugin")).await;
    let channel = host.open("Count").await.unwrap();
    assert_eq!(all(counted(&channel, 300).await).await.len(), 300);
}

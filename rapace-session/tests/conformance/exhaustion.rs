//! What a segment is configured to do when no slot is free: wait, or fail.

use std::time::{Duration, Instant};

use rapace_codec::Blob;
use rapace_session::transport::shm::endpoint;
use rapace_session::{
    BufferError, CallFailure, CallOptions, Endpoint, RemoteError, Session, SessionConfig, Side,
    Status,
};
use rapace_shm::{Link, OnExhaustion, SegmentConfig, SizeClass, Trust};

use super::harness::*;

scenarios!(
    a_segment_that_waits_sends_as_soon_as_a_slot_is_free,
    payloads_of_several_buffers_do_not_wait_for_each_other,
    an_allocation_waits_too,
    a_wait_for_slots_ends_with_the_session,
    a_reply_that_waits_for_a_slot_ends_with_its_call,
    an_item_that_waits_for_a_slot_ends_with_its_stream,
    a_buffer_over_the_limit_is_refused_also_where_no_slot_is_free,
    a_segment_that_fails_says_so_at_once,
    what_went_in_fragments_is_counted_by_class,
);

const SMALL: usize = 1 << 10;
const LARGE: usize = 512 << 10;

/// Two slots of [`SMALL`] and two of `large` bytes, of which requests may take one each. `None` over a transport that always has
/// buffers.
pub(super) fn narrow(
    kind: Kind,
    large: usize,
    on_exhaustion: OnExhaustion,
) -> Option<(Endpoint, Endpoint)> {
    let trust = match kind {
        Kind::Memory => return None,
        Kind::Shm => Trust::Trusted,
        Kind::Untrusted => Trust::Untrusted,
    };
    let class = |slot_size| SizeClass {
        slot_size: slot_size as u32,
        slots: 2,
    };
    let config = SegmentConfig::default()
        .with_classes([class(SMALL), class(large)])
        .with_trust(trust)
        .with_on_exhaustion(on_exhaustion);
    let (a, b) = Link::pair(&config).expect("a pair of links");
    Some((endpoint(a, Side::Creator), endpoint(b, Side::Joiner)))
}

async fn echoing(ends: (Endpoint, Endpoint)) -> (Session, Session) {
    let mut services = Services::default();
    services.serve("Echo", 8, echo::<Vec<Blob>>);
    connect(ends, SessionConfig::new("host"), services.config("plugin")).await
}

fn blobs(lens: &[usize]) -> Value<Vec<Blob>> {
    Value(
        lens.iter()
            .map(|len| vec![*len as u8; *len].into())
            .collect(),
    )
}

async fn a_segment_that_waits_sends_as_soon_as_a_slot_is_free(kind: Kind) {
    let Some(ends) = narrow(kind, LARGE, OnExhaustion::Wait) else {
        return;
    };
    let (host, _plugin) = echoing(ends).await;
    let channel = host.open("Echo").await.unwrap();
    let held = host.allocate(LARGE).await.unwrap();
    let (one, options) = (blobs(&[LARGE]), plain());
    let mut call = Box::pin(channel.call(0, &one, &options));
    assert!(waits(&mut call));
    // A payload of another class passes.
    ask::<_, Vec<Blob>>(&channel, 0, blobs(&[100]).0).await;
    assert!(waits(&mut call));
    drop(held);
    assert_eq!(answer::<Vec<Blob>>(&call.await.unwrap()), one.0);
    let stats = host.link_stats().unwrap();
    assert_eq!(stats.fragments.in_flight, 0);
    assert!(stats.classes.iter().all(|class| class.fragmented == 0));
}

/// Also those that want more slots at once than there are.
async fn payloads_of_several_buffers_do_not_wait_for_each_other(kind: Kind) {
    let Some(ends) = narrow(kind, LARGE, OnExhaustion::Wait) else {
        return;
    };
    let (host, _plugin) = echoing(ends).await;
    let channel = host.open("Echo").await.unwrap();
    // One needs the classes in one order, the other in the other.
    let (there, back) = (blobs(&[900, 300_000, 800]), blobs(&[300_000, 900, 301_000]));
    let (channel, options) = (&channel, plain());
    // A result has the buffers of its request, so it must not be kept while the other call waits for them.
    let repeat = async |blobs: &Value<Vec<Blob>>| {
        for _ in 0..30 {
            let reply = channel.call(0, blobs, &options).await.unwrap();
            assert_eq!(answer::<Vec<Blob>>(&reply), blobs.0);
        }
    };
    tokio::join!(repeat(&there), repeat(&back));
}

async fn an_allocation_waits_too(kind: Kind) {
    let Some(ends) = narrow(kind, LARGE, OnExhaustion::Wait) else {
        return;
    };
    let (host, _plugin) = echoing(ends).await;
    let held = host.allocate(LARGE).await.unwrap();
    let mut second = Box::pin(host.allocate(LARGE));
    assert!(waits(&mut second));
    drop(held);
    assert_eq!(second.await.unwrap().len(), LARGE);
}

async fn a_wait_for_slots_ends_with_the_session(kind: Kind) {
    let Some(ends) = narrow(kind, LARGE, OnExhaustion::Wait) else {
        return;
    };
    let (host, plugin) = echoing(ends).await;
    let channel = host.open("Echo").await.unwrap();
    let _held = host.allocate(LARGE).await.unwrap();
    let (one, options) = (blobs(&[LARGE]), plain());
    let mut call = Box::pin(channel.call(0, &one, &options));
    let mut second = Box::pin(host.allocate(LARGE));
    assert!(waits(&mut call) && waits(&mut second));
    plugin.close("enough");
    assert!(call.await.is_err());
    assert_eq!(second.await.unwrap().len(), LARGE, "on the heap");
}

/// Its handler is free for the next call then.
async fn a_reply_that_waits_for_a_slot_ends_with_its_call(kind: Kind) {
    let Some(ends) = narrow(kind, LARGE, OnExhaustion::Wait) else {
        return;
    };
    let mut services = Services::default();
    let mut inbox = services.inbox("Any", 8);
    let (host, plugin) = connect(ends, SessionConfig::new("host"), services.config("plugin")).await;
    let channel = host.open("Any").await.unwrap();
    let _kept = [
        plugin.allocate(LARGE).await.unwrap(),
        plugin.allocate_for_reply(LARGE).await.unwrap(),
    ];
    let large = Value(vec![1_u8; LARGE - 10]);
    for deadline in [None, Some(Instant::now() + Duration::from_millis(200))] {
        let options = CallOptions {
            deadline,
            ..plain()
        };
        let call = channel.begin_call(0, &Value(()), &options).await.unwrap();
        let running = inbox.recv().await.unwrap().begin().unwrap();
        let mut reply = Box::pin(running.reply(Status::Ok, &large));
        assert!(waits(&mut reply));
        if deadline.is_none() {
            drop(call);
            reply.await;
            continue;
        }
        // Whoever learns first.
        let (outcome, ()) = tokio::join!(call, reply);
        let Err(CallFailure::Failed(RemoteError::DeadlineExceeded)) = outcome else {
            panic!("{outcome:?}");
        };
    }
    until(|| host.calls_under_way() == 0).await;
    assert_eq!(plugin.waiting(), []);
}

async fn an_item_that_waits_for_a_slot_ends_with_its_stream(kind: Kind) {
    let Some(ends) = narrow(kind, LARGE, OnExhaustion::Wait) else {
        return;
    };
    let mut services = Services::default();
    let mut inbox = services.inbox("Any", 8);
    let (host, plugin) = connect(ends, SessionConfig::new("host"), services.config("plugin")).await;
    let channel = host.open("Any").await.unwrap();
    let _kept = plugin.allocate(LARGE).await.unwrap();
    let options = plain();
    let call = channel.call_streaming(0, &(), &options, false, true);
    let (parts, _response) = call.await.unwrap();
    let mut running = inbox.recv().await.unwrap().begin().unwrap();
    let mut sender = running.take_sender().unwrap();
    let large = Value(vec![1_u8; LARGE - 10]);
    let mut item = Box::pin(sender.send(&large));
    assert!(waits(&mut item));
    drop(parts);
    assert!(item.await.is_err());
}

/// Otherwise such a payload could be sent only as long as others take the slots.
async fn a_buffer_over_the_limit_is_refused_also_where_no_slot_is_free(kind: Kind) {
    let Some(ends) = narrow(kind, LARGE, OnExhaustion::Fragment) else {
        return;
    };
    let (host, _plugin) = echoing(ends).await;
    let channel = host.open("Echo").await.unwrap();
    let mut held = Vec::new();
    for _ in 0..2 {
        let lens = [LARGE + 1, 2 * LARGE];
        for lens in [&lens[..1], &lens, &[100, 2 * LARGE]] {
            match channel.call(0, &blobs(lens), &plain()).await {
                Err(CallFailure::TooLarge { max: LARGE, .. }) => {}
                other => panic!("{lens:?}: {other:?}"),
            }
        }
        held.push(host.allocate(SMALL).await.unwrap());
        held.push(host.allocate(LARGE).await.unwrap());
    }
    ask::<_, Vec<Blob>>(&channel, 0, blobs(&[LARGE]).0).await;
}

async fn a_segment_that_fails_says_so_at_once(kind: Kind) {
    let Some(ends) = narrow(kind, LARGE, OnExhaustion::Fail) else {
        return;
    };
    let (host, _plugin) = echoing(ends).await;
    let channel = host.open("Echo").await.unwrap();
    let held = host.allocate(LARGE).await.unwrap();
    let refused = host.allocate(LARGE).await.unwrap_err();
    assert_eq!(refused, BufferError::NoSlot { len: LARGE });
    match channel.call(0, &blobs(&[LARGE]), &plain()).await {
        Err(CallFailure::Failed(RemoteError::LimitReached(why))) => {
            assert!(why.contains("no slot is free for 524288 bytes"), "{why}");
        }
        other => panic!("{other:?}"),
    }
    drop(held);
    assert_eq!(host.calls_under_way(), 0);
    ask::<_, Vec<Blob>>(&channel, 0, blobs(&[LARGE]).0).await;
}

async fn what_went_in_fragments_is_counted_by_class(kind: Kind) {
    let Some(ends) = narrow(kind, LARGE, OnExhaustion::Fragment) else {
        return;
    };
    let (host, plugin) = echoing(ends).await;
    let channel = host.open("Echo").await.unwrap();
    let fragmented = || {
        let stats = host.link_stats().unwrap();
        let counts = stats.classes.iter().map(|class| class.fragmented);
        counts.collect::<Vec<_>>()
    };
    ask::<_, Vec<Blob>>(&channel, 0, blobs(&[LARGE]).0).await;
    assert_eq!(fragmented(), [0, 0]);
    // The table takes the one small slot. What has a slot does not travel in fragments with the rest.
    until(|| {
        host.link_stats()
            .unwrap()
            .classes
            .iter()
            .all(|class| class.free == 2)
    })
    .await;
    ask::<_, Vec<Blob>>(&channel, 0, blobs(&[LARGE, 100]).0).await;
    assert_eq!(fragmented(), [1, 0]);
    until(|| {
        host.link_stats()
            .unwrap()
            .classes
            .iter()
            .all(|class| class.free == 2)
    })
    .await;
    let held = host.allocate(LARGE).await.unwrap();
    for round in 1..4 {
        ask::<_, Vec<Blob>>(&channel, 0, blobs(&[LARGE]).0).await;
        assert_eq!(fragmented(), [1, round]);
    }
    drop(held);
    ask::<_, Vec<Blob>>(&channel, 0, blobs(&[LARGE]).0).await;
    assert_eq!(fragmented(), [1, 3]);
    assert_eq!(plugin.metrics().fragmented_in, 4);
    assert_eq!(host.metrics().fragmented_in, 0, "they were returned");
}

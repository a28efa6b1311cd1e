//! Payloads that find no slot travel in fragments, whatever else is held.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::StreamExt;
use futures_util::future::join_all;
use rapace_codec::{Blob, BlobStorage};
use rapace_session::{
    CallFailure, Channel, ChannelId, EndReason, Flags, FrameType, Header, RemoteError, Session,
    SessionConfig, Status, StreamError, StreamReceiver,
};
use rapace_shm::SizeClass;

use super::harness::*;
use super::raw::{Raw, request};

scenarios!(
    results_that_are_kept_stop_nobody,
    buffers_that_are_kept_stop_nobody,
    a_payload_of_many_fragments_arrives_whole,
    a_channel_opens_while_every_slot_is_held,
    streams_that_nobody_reads_stop_no_other,
    an_upload_that_waits_stops_no_other,
    a_callback_passes_while_requests_hold_every_slot,
    giving_up_in_the_middle_gives_the_window_back,
    the_end_of_the_session_ends_a_payload_in_the_middle,
    a_channel_with_a_long_name_is_opened_while_every_slot_is_kept,
    the_runtime_of_one_caller_ends_and_others_go_on,
    a_buffer_that_panics_fails_its_own_payload,
    a_payload_that_is_not_polled_stops_no_other,
    a_reply_that_is_encoded_again_gives_its_window_back_first,
    texts_are_whole_while_every_slot_is_held,
    a_message_longer_than_the_window_is_refused,
    fragments_past_the_window_are_a_fault,
    fragments_that_no_frame_takes_are_dropped,
    a_frame_that_names_no_fragments_is_a_fault,
);

fn few(slots: u32) -> Sizes {
    let class = |slot_size| SizeClass { slot_size, slots };
    Sizes {
        ring: 16,
        call_table: 64,
        classes: vec![class(1 << 10), class(512 << 10)],
    }
}

async fn pair(kind: Kind, services: Services, sizes: &Sizes) -> (Session, Session) {
    let host = SessionConfig::new("host");
    connect(kind.pair_of(sizes), host, services.config("plugin")).await
}

async fn results_that_are_kept_stop_nobody(kind: Kind) {
    let mut services = Services::default();
    services.serve("Echo", 8, echo::<Vec<u8>>);
    let (host, _plugin) = pair(kind, services, &few(2)).await;
    let channel = host.open("Echo").await.unwrap();
    let mut kept = Vec::new();
    for n in 0..40_u8 {
        for len in [100, 900, 5000, 200_000] {
            let bytes = Value(vec![n; len]);
            let reply = channel.call(0, &bytes, &plain()).await.unwrap();
            assert_eq!(answer::<Vec<u8>>(&reply), bytes.0);
            kept.push(reply);
        }
    }
    for (nth, reply) in kept.iter().enumerate() {
        assert_eq!(answer::<Vec<u8>>(reply)[0], (nth / 4) as u8);
    }
}

async fn buffers_that_are_kept_stop_nobody(kind: Kind) {
    let mut services = Services::default();
    services.serve("Make", 8, |mut call| async move {
        let lens: Vec<u64> = value(&call.take_arguments().unwrap());
        let blobs = lens
            .iter()
            .map(|len| Blob::from(vec![*len as u8; *len as usize]));
        let blobs = Value((blobs.collect::<Vec<_>>(), "and some text".repeat(9)));
        call.reply(Status::Ok, &blobs).await;
    });
    let (host, _plugin) = pair(kind, services, &few(2)).await;
    let channel = host.open("Make").await.unwrap();
    let mut kept = Vec::new();
    for round in 0..20_u64 {
        let lens = vec![round, 700, 0, 300_000 + round, 40, 70_000];
        let reply = channel.call(0, &Value(lens.clone()), &plain()).await;
        let (blobs, text) = answer::<(Vec<Blob>, String)>(&reply.unwrap());
        assert_eq!(text.len(), 13 * 9);
        for (blob, len) in blobs.iter().zip(&lens) {
            assert_eq!(**blob, vec![*len as u8; *len as usize]);
        }
        assert_eq!(blobs.len(), lens.len());
        kept.push(blobs);
    }
    // What came back goes out again, by reference or in fragments.
    let channel = &channel;
    join_all((0..5).map(|_| async move {
        let reply = channel.call(0, &Value(vec![9_u64; 50]), &plain()).await;
        let (blobs, _) = answer::<(Vec<Blob>, String)>(&reply.unwrap());
        assert_eq!(blobs.len(), 50);
    }))
    .await;
}

async fn a_payload_of_many_fragments_arrives_whole(kind: Kind) {
    let mut services = Services::default();
    services.serve("Echo", 8, echo::<Vec<u8>>);
    let (host, _plugin) = pair(kind, services, &few(1)).await;
    let channel = host.open("Echo").await.unwrap();
    let held = [
        host.allocate(400_000).await.unwrap(),
        host.allocate(1000).await.unwrap(),
    ];
    let channel = &channel;
    join_all((0..6_usize).map(|nth| async move {
        for len in [65_536, 65_537, 300_000 + nth, 500_000] {
            let bytes: Vec<u8> = (0..len).map(|at| (at * 7 % 251) as u8).collect();
            assert_eq!(ask::<_, Vec<u8>>(channel, 0, bytes.clone()).await, bytes);
        }
    }))
    .await;
    drop(held);
}

async fn a_channel_opens_while_every_slot_is_held(kind: Kind) {
    // Too long for a frame.
    const NAME: &str = "a service whose name takes a slot";
    let mut services = Services::default();
    services.serve(NAME, 8, echo::<Vec<u8>>);
    let (host, _plugin) = pair(kind, services, &few(1)).await;
    let held = [
        host.allocate(400_000).await.unwrap(),
        host.allocate(1000).await.unwrap(),
    ];
    let channel = host.open(NAME).await.unwrap();
    let bytes = vec![7_u8; 900];
    assert_eq!(ask::<_, Vec<u8>>(&channel, 0, bytes.clone()).await, bytes);
    drop(held);
}

/// Serves `Feed`, which streams items of this length.
fn serve_feed(services: &mut Services, len: usize) {
    services.serve("Feed", 16, move |mut call| async move {
        let count: u32 = value(&call.take_arguments().unwrap());
        let mut items = call.take_sender().unwrap();
        call.reply(Status::Ok, &()).await;
        for _ in 0..count {
            if items.send(&Value(vec![1_u8; len])).await.is_err() {
                return;
            }
        }
        items.end();
    });
}

async fn feed(channel: &Channel, count: u32) -> StreamReceiver {
    let (count, options) = (Value(count), plain());
    let call = channel.call_streaming(0, &count, &options, false, true);
    let (parts, response) = call.await.unwrap();
    response.await.unwrap();
    parts.receiver.unwrap()
}

async fn streams_that_nobody_reads_stop_no_other(kind: Kind) {
    let mut services = Services::default();
    serve_feed(&mut services, 100_000);
    let (host, _plugin) = pair(kind, services, &few(3)).await;
    let channel = host.open("Feed").await.unwrap();
    let mut unread = Vec::new();
    for _ in 0..6 {
        unread.push(feed(&channel, 100).await);
    }
    assert_eq!(feed(&channel, 100).await.count().await, 100);
    for stream in unread {
        assert_eq!(stream.count().await, 100);
    }
}

async fn an_upload_that_waits_stops_no_other(kind: Kind) {
    let mut services = Services::default();
    let mut inbox = services.inbox("Sum", 8);
    tokio::spawn(async move {
        // One at a time, as a service does.
        while let Some(call) = inbox.recv().await {
            let mut call = call.begin().unwrap();
            let items = call.take_receiver().unwrap();
            let sum = items
                .fold(0, |sum, item| async move {
                    sum + value::<Vec<u8>>(&item.unwrap()).len() as u64
                })
                .await;
            call.reply(Status::Ok, &Value(sum)).await;
        }
    });
    let (host, _plugin) = pair(kind, services, &few(2)).await;
    let channel = host.open("Sum").await.unwrap();
    join_all((0..4).map(|_| async {
        let (parts, response) = channel
            .call_streaming(0, &(), &plain(), true, false)
            .await
            .unwrap();
        let mut items = parts.sender.unwrap();
        let send = async {
            for _ in 0..50 {
                items.send(&Value(vec![1_u8; 300_000])).await.unwrap();
            }
            items.end();
        };
        let (reply, ()) = tokio::join!(response, send);
        assert_eq!(answer::<u64>(&reply.unwrap()), 50 * 300_000);
    }))
    .await;
}

async fn a_callback_passes_while_requests_hold_every_slot(kind: Kind) {
    let mut ours = Services::default();
    ours.serve("Page", 4, |call| async move {
        call.reply(Status::Ok, &Value(Blob::from(vec![5; 90_000])))
            .await;
    });
    let mut theirs = Services::default();
    let mut inbox = theirs.inbox("Hold", 16);
    let ends = kind.pair_of(&few(2));
    let (host, plugin) = connect(ends, ours.config("host"), theirs.config("plugin")).await;
    let channel = host.open("Hold").await.unwrap();
    let full = Value(Blob::from(vec![1; 90_000]));
    let mut calls = Vec::new();
    for _ in 0..12 {
        calls.push(channel.begin_call(0, &full, &plain()).await.unwrap());
    }
    let page = plugin.open("Page").await.unwrap();
    let mut kept = Vec::new();
    for _ in 0..12 {
        let call = inbox.recv().await.unwrap().begin().unwrap();
        for _ in 0..3 {
            kept.push(ask::<(), Blob>(&page, 0, ()).await);
        }
        call.reply(Status::Ok, &Value(Blob::from(vec![2; 90_000])))
            .await;
    }
    for call in calls {
        assert_eq!(answer::<Blob>(&call.await.unwrap()).len(), 90_000);
    }
    assert!(kept.iter().all(|page| **page == [5; 90_000]));
}

async fn giving_up_in_the_middle_gives_the_window_back(kind: Kind) {
    let mut services = Services::default();
    services.serve("Echo", 8, echo::<Vec<u8>>);
    let mut config = services.config("plugin");
    config.fragment_window_bytes = 600_000;
    let ends = kind.pair_of(&few(1));
    let (host, _plugin) = connect(ends, SessionConfig::new("host"), config).await;
    let channel = host.open("Echo").await.unwrap();
    let held = [
        host.allocate(400_000).await.unwrap(),
        host.allocate(1000).await.unwrap(),
    ];
    let bytes = Value(vec![3_u8; 500_000]);
    for polls in 0..60 {
        let options = plain();
        let mut call = Box::pin(channel.call(0, &bytes, &options));
        for _ in 0..polls % 20 {
            if !waits(&mut call) {
                break;
            }
            tokio::task::yield_now().await;
        }
    }
    let back = channel.call(0, &bytes, &plain()).await.unwrap();
    assert_eq!(answer::<Vec<u8>>(&back), bytes.0);
    assert_eq!((host.end_reason(), host.calls_under_way()), (None, 0));
    drop(held);
}

async fn the_end_of_the_session_ends_a_payload_in_the_middle(kind: Kind) {
    let mut services = Services::default();
    services.serve("Echo", 8, echo::<Vec<u8>>);
    let (host, plugin) = pair(kind, services, &few(1)).await;
    let channel = host.open("Echo").await.unwrap();
    let _held = [
        host.allocate(400_000).await.unwrap(),
        host.allocate(1000).await.unwrap(),
    ];
    let (bytes, options) = (Value(vec![3_u8; 500_000]), plain());
    let mut call = Box::pin(channel.call(0, &bytes, &options));
    let under_way = waits(&mut call);
    plugin.close("enough");
    // It may be over already, or succeed: the other side was faster then.
    if under_way {
        let _ = call.await;
    }
    host.ended().await;
}

async fn a_channel_with_a_long_name_is_opened_while_every_slot_is_kept(kind: Kind) {
    let name = "a service whose name is too long for a frame";
    let mut services = Services::default();
    services.serve(name, 8, echo::<u32>);
    let (host, _plugin) = pair(kind, services, &few(1)).await;
    let held = [
        host.allocate_for_reply(400_000).await.unwrap(),
        host.allocate_for_reply(1000).await.unwrap(),
    ];
    let channel = host.open(name).await.unwrap();
    assert_eq!(ask::<_, u32>(&channel, 0, 7_u32).await, 7);
    drop(held);
}

async fn the_runtime_of_one_caller_ends_and_others_go_on(kind: Kind) {
    let mut services = Services::default();
    services.serve("Echo", 64, echo::<Vec<u8>>);
    let (host, _plugin) = pair(kind, services, &few(1)).await;
    let channel = host.open("Echo").await.unwrap();
    let held = [
        host.allocate(400_000).await.unwrap(),
        host.allocate(1000).await.unwrap(),
    ];
    let bytes = Value(vec![3_u8; 500_000]);
    for _ in 0..20 {
        // The first to send is a caller whose runtime ends in the middle.
        let elsewhere = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let (first, theirs) = (Value(bytes.0.clone()), channel.clone());
        let options = plain();
        let first = std::thread::spawn(move || {
            let call = theirs.call(0, &first, &options);
            elsewhere.block_on(async {
                let mut call = std::pin::pin!(call);
                waits(&mut call);
                tokio::task::yield_now().await;
            });
        });
        let options = plain();
        let mut call = Box::pin(channel.call(0, &bytes, &options));
        let under_way = waits(&mut call);
        first.join().unwrap();
        if under_way {
            assert_eq!(answer::<Vec<u8>>(&call.await.unwrap()), bytes.0);
        }
    }
    drop(held);
}

/// A buffer that panics when it is read, once it is torn.
#[derive(Default)]
struct Torn(AtomicBool);

impl BlobStorage for Torn {
    fn bytes(&self) -> &[u8] {
        assert!(!self.0.load(Ordering::Relaxed), "torn");
        &[1; 90_000]
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

async fn a_buffer_that_panics_fails_its_own_payload(kind: Kind) {
    if kind == Kind::Memory {
        return; // No buffer is copied.
    }
    let mut services = Services::default();
    services.serve("Len", 8, |mut call| async move {
        let blob: Blob = value(&call.take_arguments().unwrap());
        call.reply(Status::Ok, &Value(blob.len() as u64)).await;
    });
    let (host, _plugin) = pair(kind, services, &few(1)).await;
    let channel = host.open("Len").await.unwrap();
    let held = [
        host.allocate(400_000).await.unwrap(),
        host.allocate(1000).await.unwrap(),
    ];
    let torn = Arc::new(Torn::default());
    let blob = Blob::from_storage(Arc::clone(&torn) as Arc<dyn BlobStorage>);
    torn.0.store(true, Ordering::Relaxed);
    let why = channel.call(0, &Value(blob), &plain()).await.unwrap_err();
    assert!(why.to_string().contains("torn"), "{why}");
    let whole = Blob::from(vec![2; 90_000]);
    assert_eq!(ask::<_, u64>(&channel, 0, whole).await, 90_000);
    drop(held);
}

/// Its part of the window is revoked, and it is encoded again when it is polled.
async fn a_payload_that_is_not_polled_stops_no_other(kind: Kind) {
    let mut services = Services::default();
    services.serve("Echo", 8, echo::<Vec<u8>>);
    let mut config = services.config("plugin");
    config.fragment_window_bytes = 600_000;
    let ends = kind.pair_of(&few(1));
    let (host, _plugin) = connect(ends, SessionConfig::new("host"), config).await;
    let channel = host.open("Echo").await.unwrap();
    let held = [
        host.allocate(400_000).await.unwrap(),
        host.allocate(1000).await.unwrap(),
    ];
    let (bytes, options) = (Value(vec![3_u8; 500_000]), plain());
    let mut first = Box::pin(channel.call(0, &bytes, &options));
    let under_way = waits(&mut first);
    let other = Value(vec![4_u8; 300_000]);
    let back = channel.call(0, &other, &plain()).await.unwrap();
    assert_eq!(answer::<Vec<u8>>(&back), other.0);
    if under_way {
        assert_eq!(answer::<Vec<u8>>(&first.await.unwrap()), bytes.0);
    }
    drop(held);
}

async fn a_reply_that_is_encoded_again_gives_its_window_back_first(kind: Kind) {
    let mut services = Services::default();
    let mut inbox = services.inbox("Any", 8);
    let mut ours = SessionConfig::new("host");
    ours.fragment_window_bytes = 600_000;
    let ends = kind.pair_of(&few(2));
    let (host, plugin) = connect(ends, ours, services.config("plugin")).await;
    let channel = host.open("Any").await.unwrap();
    let first = channel.begin_call(0, &(), &plain()).await.unwrap();
    let second = channel.begin_call(0, &(), &plain()).await.unwrap();
    let shared = plugin.allocate_for_reply(500).await.unwrap().freeze();
    let mut held = Vec::new();
    for _ in 0..2 {
        held.push(plugin.allocate_for_reply(400_000).await.unwrap());
    }
    // The first reply is in fragments, besides the shared buffer. The second sends that first.
    let call = inbox.recv().await.unwrap().begin().unwrap();
    let both = Value(vec![shared.clone(), Blob::from(vec![6; 400_000])]);
    let reply = call.encode(Status::Ok, &both).await;
    answer_next(&mut inbox, shared).await;
    let kept = second.await.unwrap();
    let (first, ()) = tokio::join!(first, reply.send());
    let blobs = answer::<Vec<Blob>>(&first.unwrap());
    assert_eq!((blobs[0].len(), &*blobs[1]), (500, &both.0[1][..]));
    drop((held, kept));
}

async fn texts_are_whole_while_every_slot_is_held(kind: Kind) {
    const WHY: &str =
        "a reason that is too long for a frame, and for which no slot of any class is free";
    let mut services = Services::default();
    services.serve("Fail", 8, |call| async move {
        call.fail(&RemoteError::BadArguments(WHY.into()));
    });
    services.serve("Feed", 16, |mut call| async move {
        let items = call.take_sender().unwrap();
        call.reply(Status::Ok, &()).await;
        items.reset(WHY);
    });
    let (host, plugin) = pair(kind, services, &few(2)).await;
    let channel = host.open("Fail").await.unwrap();
    let feeds = host.open("Feed").await.unwrap();
    let mut held = Vec::new();
    for len in [400_000, 400_000, 1000, 1000] {
        held.push(plugin.allocate_for_reply(len).await.unwrap());
    }
    // More than there are fragment slots, and none of them is read meanwhile.
    let mut streams = Vec::new();
    for _ in 0..20 {
        streams.push(feed(&feeds, 0).await);
    }
    for _ in 0..20 {
        match channel.call(0, &(), &plain()).await {
            Err(CallFailure::Failed(RemoteError::BadArguments(why))) => assert_eq!(why, WHY),
            other => panic!("{other:?}"),
        }
    }
    for mut stream in streams {
        match stream.next().await {
            Some(Err(StreamError::Reset(why))) => assert_eq!(why, WHY),
            other => panic!("{other:?}"),
        }
    }
}

async fn a_message_longer_than_the_window_is_refused(kind: Kind) {
    if kind == Kind::Memory {
        return; // This transport never runs out of buffers.
    }
    let mut services = Services::default();
    services.serve("Echo", 8, echo::<Vec<Blob>>);
    let mut config = services.config("plugin");
    config.fragment_window_bytes = 1;
    let ends = kind.pair_of(&few(1));
    let (host, _plugin) = connect(ends, SessionConfig::new("host"), config).await;
    let channel = host.open("Echo").await.unwrap();
    let held = host.allocate(400_000).await.unwrap();
    let blobs = |count| Value(vec![Blob::from(vec![3_u8; 300_000]); count]);
    let why = channel.call(0, &blobs(2), &plain()).await.unwrap_err();
    assert!(
        why.to_string().contains("at most 524288 in fragments"),
        "{why}"
    );
    // The largest buffer always passes, whatever the window is.
    let back = channel.call(0, &blobs(1), &plain()).await.unwrap();
    assert_eq!(answer::<Vec<Blob>>(&back), blobs(1).0);
    drop(held);
}

fn fragment(id: u32, length: u32) -> Header {
    let mut header = Header::new(FrameType::Fragment, ChannelId::SESSION);
    header.method = id;
    header.credits = length;
    header
}

async fn hostile(kind: Kind) -> (Session, Raw, Inbox) {
    let mut services = Services::default();
    let inbox = services.inbox("Any", 16);
    let mut config = services.config("host");
    config.fragment_window_bytes = 1;
    let (a, b) = kind.pair_of(&few(1));
    let (session, mut raw) = Raw::connect(a, b, config).await;
    raw.open_to(2, "Any").await;
    (session, raw, inbox)
}

async fn faults(session: &Session, what: &str) {
    let EndReason::PeerFault(why) = session.ended().await else {
        panic!("no fault");
    };
    assert!(why.contains(what), "{why}");
}

async fn fragments_past_the_window_are_a_fault(kind: Kind) {
    let (session, mut raw, _inbox) = hostile(kind).await;
    raw.send_with(fragment(1, 300_000), &[1]).await;
    raw.send_with(fragment(2, 300_000), &[1]).await;
    faults(&session, "more bytes in fragments").await;
    let (session, mut raw, _inbox) = hostile(kind).await;
    for id in 0..3000 {
        raw.send(fragment(id, 0)).await;
    }
    faults(&session, "more bytes in fragments").await;
}

async fn fragments_that_no_frame_takes_are_dropped(kind: Kind) {
    let (session, mut raw, mut inbox) = hostile(kind).await;
    for id in 0..100 {
        raw.send_with(fragment(id, 400_000), &[1]).await;
        let mut header = Header::new(FrameType::DropFragments, ChannelId::SESSION);
        header.method = id;
        raw.send(header).await;
    }
    raw.send_with(fragment(7, 3), &[2, 8]).await;
    raw.send_with(fragment(7, 3), &[9]).await;
    let mut header = request(2, 0, 1);
    header.flags = Flags::FRAGMENTED;
    raw.send_with(header, &[7, 0, 0, 0, 0]).await;
    let mut call = inbox.recv().await.unwrap().begin().unwrap();
    let bytes: Vec<u8> = value(&call.take_arguments().unwrap());
    assert_eq!(bytes, [8, 9]);
    assert_eq!(session.end_reason(), None);
}

async fn a_frame_that_names_no_fragments_is_a_fault(kind: Kind) {
    for payload in [&[7, 0, 0, 0, 0][..], &[7, 0, 0, 0], &[]] {
        let (session, mut raw, _inbox) = hostile(kind).await;
        let mut header = request(2, 0, 1);
        header.flags = Flags::FRAGMENTED;
        raw.send_with(header, payload).await;
        faults(&session, "fragments").await;
    }
}

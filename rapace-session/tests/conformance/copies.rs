//! Large buffers that are not copied, and buffers that must be.

use facet::Facet;
use futures_util::StreamExt;
use rapace_codec::{Blob, BlobMut};
use rapace_session::{Channel, Session, SessionConfig, Status};

use super::harness::*;

scenarios!(
    a_buffer_of_the_session_is_not_copied_wherever_it_is_in_a_value,
    a_result_allocated_by_its_handler_is_not_copied,
    a_slice_is_sent_without_a_copy,
    a_stream_item_is_not_copied,
    a_buffer_outside_the_transport_is_copied_once,
    a_buffer_in_flight_is_copied_for_the_next_message,
    one_buffer_twice_in_a_value_arrives_twice,
    a_buffer_outlives_its_session,
    a_received_buffer_is_passed_on,
    a_large_payload_of_plain_values_lies_in_one_buffer,
);

#[derive(Clone, Debug, Facet, PartialEq)]
struct Page {
    title: String,
    image: Blob,
    others: Vec<Blob>,
    icon: Option<Blob>,
}

async fn filled(session: &Session, len: usize, with: u8) -> Blob {
    let mut buffer = session.allocate(len).await.unwrap();
    assert_eq!(buffer.len(), len);
    buffer.fill(with);
    buffer.freeze()
}

/// Whether a buffer is the other side's memory and no copy. One memory object is mapped at two
/// addresses, so the offsets within a page are compared.
fn same_place(kind: Kind, here: usize, there: usize) -> bool {
    match kind {
        Kind::Memory => here == there,
        Kind::Shm => here % 4096 == there % 4096,
        Kind::Untrusted => true,
    }
}

async fn serving(kind: Kind) -> (Session, Session, Channel) {
    let mut services = Services::default();
    // Replies with the addresses of its arguments.
    services.serve("Where", 4, |mut call| async move {
        let arguments = call.take_arguments().unwrap();
        let page: Page = value(&arguments);
        let all = [&page.image]
            .into_iter()
            .chain(&page.others)
            .chain(&page.icon);
        let places = all
            .map(|blob| (blob.as_ptr() as u64, blob.to_vec()))
            .collect::<Vec<_>>();
        call.reply(Status::Ok, &Value(places)).await;
    });
    services.serve("Echo", 4, |mut call| async move {
        let arguments = call.take_arguments().unwrap();
        let blob: Blob = value(&arguments);
        call.reply(Status::Ok, &Value(blob)).await;
    });
    let (host, plugin) = host_of(kind, services).await;
    let channel = host.open("Where").await.unwrap();
    (host, plugin, channel)
}

async fn a_buffer_of_the_session_is_not_copied_wherever_it_is_in_a_value(kind: Kind) {
    let (host, plugin, channel) = serving(kind).await;
    let page = Page {
        title: "a page".into(),
        image: filled(&host, 5 << 20, 1).await,
        others: vec![filled(&host, 40_000, 2).await, filled(&host, 5000, 3).await],
        icon: Some(filled(&host, 2000, 4).await),
    };
    let sent = [&page.image]
        .into_iter()
        .chain(&page.others)
        .chain(&page.icon);
    let sent = sent
        .map(|blob| (blob.as_ptr() as usize, blob.to_vec()))
        .collect::<Vec<_>>();
    let seen: Vec<(u64, Vec<u8>)> = ask(&channel, 0, page).await;
    assert_eq!(seen.len(), sent.len());
    for ((there, theirs), (here, ours)) in seen.into_iter().zip(sent) {
        assert!(theirs == ours);
        assert!(same_place(kind, here, there as usize));
    }
    assert_eq!((host.bytes_copied(), plugin.bytes_copied()), (0, 0));
}

async fn a_result_allocated_by_its_handler_is_not_copied(kind: Kind) {
    let mut services = Services::default();
    services.serve("Draw", 4, |call| async move {
        let context = call.context();
        let image = context.scope(async {
            let mut image: BlobMut = rapace_session::allocate(2 << 20).await.unwrap();
            image.fill(8);
            image.freeze()
        });
        let image = image.await;
        let place = image.as_ptr() as u64;
        call.reply(Status::Ok, &Value((place, image))).await;
    });
    let (host, plugin) = host_of(kind, services).await;
    let channel = host.open("Draw").await.unwrap();
    let (there, image): (u64, Blob) = ask(&channel, 0, ()).await;
    assert!(*image == vec![8; 2 << 20]);
    assert!(same_place(kind, image.as_ptr() as usize, there as usize));
    assert_eq!(plugin.bytes_copied(), 0);
    drop(host);
}

async fn a_slice_is_sent_without_a_copy(kind: Kind) {
    let (host, plugin, channel) = serving(kind).await;
    let mut buffer = host.allocate(100_000).await.unwrap();
    for (n, byte) in buffer.iter_mut().enumerate() {
        *byte = n as u8;
    }
    // Large enough not to be copied: see `transport::shm`.
    let part = buffer.freeze().slice(70_001..80_011);
    let here = part.as_ptr() as usize;
    let page = Page {
        title: String::new(),
        image: part.clone(),
        others: vec![],
        icon: None,
    };
    let seen: Vec<(u64, Vec<u8>)> = ask(&channel, 0, page).await;
    assert_eq!(seen[0].1, *part);
    assert!(same_place(kind, here, seen[0].0 as usize));
    assert_eq!((host.bytes_copied(), plugin.bytes_copied()), (0, 0));
}

async fn a_stream_item_is_not_copied(kind: Kind) {
    let mut services = Services::default();
    services.serve("Frames", 4, |mut call| async move {
        let session: Session = call.context().session().unwrap();
        let mut frames = call.take_sender().unwrap();
        call.reply(Status::Ok, &()).await;
        // More than there are slots of that size, so slots are reused.
        for n in 0..100u8 {
            let frame = filled(&session, 300_000, n).await;
            frames.send(&Value(frame)).await.unwrap();
        }
        frames.end();
    });
    let (host, plugin) = host_of(kind, services).await;
    let channel = host.open("Frames").await.unwrap();
    let call = channel.call_streaming(0, &(), &plain(), false, true).await;
    let (parts, response) = call.unwrap();
    response.await.unwrap();
    let mut frames = parts.receiver.unwrap();
    for n in 0..100u8 {
        let frame: Blob = value(&frames.next().await.unwrap().unwrap());
        assert!(*frame == vec![n; 300_000]);
    }
    assert!(frames.next().await.is_none());
    assert_eq!((host.bytes_copied(), plugin.bytes_copied()), (0, 0));
}

async fn a_buffer_outside_the_transport_is_copied_once(kind: Kind) {
    let (host, plugin, _) = serving(kind).await;
    let channel = host.open("Echo").await.unwrap();
    let blob = Blob::from(vec![6; 50_000]);
    let back: Blob = ask(&channel, 0, blob.clone()).await;
    assert_eq!(back, blob);
    let copies = if kind == Kind::Memory { 0 } else { 50_000 };
    // On the way there; the returned buffer is the caller's own copy.
    assert_eq!((host.bytes_copied(), plugin.bytes_copied()), (copies, 0));
}

async fn a_buffer_in_flight_is_copied_for_the_next_message(kind: Kind) {
    let mut services = Services::default();
    let mut inbox = services.inbox("Hold", 4);
    let (host, _plugin) = host_of(kind, services).await;
    let channel = host.open("Hold").await.unwrap();
    let blob = filled(&host, 5000, 1).await;
    for _ in 0..2 {
        channel
            .tell(0, &Value(blob.clone()), &plain())
            .await
            .unwrap();
    }
    for _ in 0..2 {
        let mut call = inbox.recv().await.unwrap().begin().unwrap();
        let arguments = call.take_arguments().unwrap();
        assert_eq!(value::<Blob>(&arguments), blob);
    }
    let copied = if kind == Kind::Memory { 0 } else { 5000 };
    assert_eq!(host.bytes_copied(), copied);
    // Once it has returned it can be sent without a copy again, although returns were not collected
    // since.
    channel
        .tell(0, &Value(blob.clone()), &plain())
        .await
        .unwrap();
    assert_eq!(host.bytes_copied(), copied);
}

async fn one_buffer_twice_in_a_value_arrives_twice(kind: Kind) {
    let (host, _plugin, channel) = serving(kind).await;
    let blob = filled(&host, 5000, 1).await;
    let page = Page {
        title: "twice".into(),
        image: blob.clone(),
        others: vec![blob.clone(), blob.slice(10..20)],
        icon: None,
    };
    let seen: Vec<(u64, Vec<u8>)> = ask(&channel, 0, page).await;
    assert!(seen[0].1 == *blob && seen[1].1 == *blob && seen[2].1 == [1; 10]);
    let copied = if kind == Kind::Memory { 0 } else { 5010 };
    assert_eq!(host.bytes_copied(), copied);
}

async fn a_buffer_outlives_its_session(kind: Kind) {
    let (host, plugin, _) = serving(kind).await;
    let channel = host.open("Echo").await.unwrap();
    let sent = filled(&host, 3 << 20, 5).await;
    let received: Blob = ask(&channel, 0, sent.clone()).await;
    let unfinished = host.allocate(100).await.unwrap();
    plugin.close("bye");
    host.ended().await;
    drop((host, plugin, channel));
    assert!(*sent == vec![5; 3 << 20]);
    assert!(*received == vec![5; 3 << 20]);
    let kept = received.slice(1 << 20..);
    drop((sent, received, unfinished));
    assert!(*kept == vec![5; 2 << 20]);
    // It can be an argument of a call over another session.
    let (other, _plugin, _) = serving(kind).await;
    let channel = other.open("Echo").await.unwrap();
    assert_eq!(ask::<_, Blob>(&channel, 0, kept.clone()).await, kept);
}

async fn a_received_buffer_is_passed_on(kind: Kind) {
    let (host, _plugin, _) = serving(kind).await;
    let channel = host.open("Echo").await.unwrap();
    let mut blob = filled(&host, 5000, 5).await;
    for _ in 0..100 {
        blob = ask(&channel, 0, blob).await;
    }
    assert_eq!(*blob, [5; 5000]);
}

async fn a_large_payload_of_plain_values_lies_in_one_buffer(kind: Kind) {
    let mut services = Services::default();
    services.serve("Echo", 4, echo::<Vec<String>>);
    let mut config = SessionConfig::new("host");
    config.stream_window = 4;
    let (host, plugin) = connect(kind.pair(), config, services.config("plugin")).await;
    let channel = host.open("Echo").await.unwrap();
    let lines = (0..2000).map(|n| format!("line {n}")).collect::<Vec<_>>();
    assert_eq!(
        ask::<_, Vec<String>>(&channel, 0, lines.clone()).await,
        lines
    );
    assert_eq!((host.bytes_copied(), plugin.bytes_copied()), (0, 0));
}

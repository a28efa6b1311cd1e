//! Peers that break the rules of streams. Most faults end only the stream.

use futures_util::StreamExt;
use rapace_session::{
    ChannelId, EndReason, Flags, Frame, FrameType, Header, Session, SessionConfig, Status,
    StreamError, StreamParts, StreamSendError,
};
use rapace_shm::{Lane, Link, Payload, SegmentConfig};

use super::harness::*;
use super::raw::{Raw, request};

scenarios!(
    items_past_the_window_reset_the_stream_only,
    bytes_past_the_window_reset_the_stream_only,
    an_item_in_a_direction_that_does_not_exist_resets_the_stream,
    more_credits_than_the_window,
    credits_for_what_is_not_a_stream,
    a_stream_with_a_number_that_is_not_free,
    repeated_frames_cost_nothing,
    an_item_after_the_end_resets_the_stream,
    an_item_that_cannot_be_parsed_ends_the_stream,
    items_past_the_window_end_both_directions,
    a_reset_of_a_direction_that_is_over_or_not_there_changes_nothing,
    items_behind_a_reset_are_dropped,
    streams_without_end_are_refused,
);

const WINDOW: u32 = 4;
const WINDOW_BYTES: u32 = 30;

/// A session with a stream that a hostile peer opened by a call.
async fn streaming(kind: Kind, flags: Flags) -> (Session, Raw, StreamParts) {
    let mut services = Services::default();
    let mut inbox = services.inbox("Feed", 4);
    let mut config = services.config("host");
    config.stream_window = WINDOW;
    config.stream_window_bytes = WINDOW_BYTES;
    let (a, b) = kind.pair();
    let (session, mut raw) = Raw::connect(a, b, config).await;
    raw.open_to(2, "Feed").await;
    let mut header = request(2, 0, 1);
    header.flags = flags;
    raw.send_with(header, &4u32.to_le_bytes()).await;
    let mut call = inbox.recv().await.unwrap().begin().unwrap();
    let parts = StreamParts {
        sender: call.take_sender(),
        receiver: call.take_receiver(),
    };
    call.reply(Status::Ok, &()).await;
    assert_eq!(raw.recv().await.header.frame_type, FrameType::Reply);
    (session, raw, parts)
}

fn on_stream(frame_type: FrameType) -> Header {
    Header::new(frame_type, ChannelId(4))
}

/// Checks that the session goes on.
async fn goes_on(session: &Session, raw: &mut Raw) {
    raw.send_with(
        Header::new(FrameType::Open, ChannelId(1_000_000)),
        b"Nobody",
    )
    .await;
    raw.recv_type(FrameType::NotOpened).await;
    assert_eq!(session.end_reason(), None);
}

async fn items_past_the_window_reset_the_stream_only(kind: Kind) {
    let (session, mut raw, parts) = streaming(kind, Flags::CLIENT_STREAM).await;
    for _ in 0..10 * WINDOW {
        raw.send_with(on_stream(FrameType::Item), &[1]).await;
    }
    let reset = raw.recv_type(FrameType::Reset).await;
    assert_eq!(reset.header.channel, ChannelId(4));
    let seen = parts.receiver.unwrap().collect::<Vec<_>>().await;
    assert_eq!(seen.len(), WINDOW as usize + 1);
    assert!(matches!(seen.last(), Some(Err(StreamError::Fault(what))) if what.contains("credit")));
    goes_on(&session, &mut raw).await;
}

async fn bytes_past_the_window_reset_the_stream_only(kind: Kind) {
    let (session, mut raw, parts) = streaming(kind, Flags::CLIENT_STREAM).await;
    // The second reaches the window.
    for _ in 0..3 {
        raw.send_with(on_stream(FrameType::Item), &[0; 20]).await;
    }
    let reset = raw.recv_type(FrameType::Reset).await;
    assert_eq!(reset.header.channel, ChannelId(4));
    let seen = parts.receiver.unwrap().collect::<Vec<_>>().await;
    assert_eq!(seen.len(), 3);
    assert!(matches!(seen.last(), Some(Err(StreamError::Fault(what))) if what.contains("credit")));
    goes_on(&session, &mut raw).await;
}

async fn an_item_in_a_direction_that_does_not_exist_resets_the_stream(kind: Kind) {
    let (session, mut raw, parts) = streaming(kind, Flags::SERVER_STREAM).await;
    raw.send_with(on_stream(FrameType::Item), &[1]).await;
    raw.recv_type(FrameType::Reset).await;
    let over = parts.sender.unwrap().stopped().await;
    assert!(
        matches!(over, StreamSendError::Over(StreamError::Fault(_))),
        "{over:?}"
    );
    goes_on(&session, &mut raw).await;
}

async fn more_credits_than_the_window(kind: Kind) {
    for credits in [1, u32::MAX] {
        let (session, mut raw, parts) = streaming(kind, Flags::SERVER_STREAM).await;
        let mut header = on_stream(FrameType::Credit);
        header.credits = credits;
        raw.send(header).await;
        let EndReason::PeerFault(what) = session.ended().await else {
            panic!("no fault");
        };
        assert!(what.contains("more credits"), "{what}");
        let over = parts.sender.unwrap().stopped().await;
        assert!(matches!(
            over,
            StreamSendError::Over(StreamError::SessionEnded(_))
        ));
    }
}

async fn credits_for_what_is_not_a_stream(kind: Kind) {
    let (session, mut raw, _parts) = streaming(kind, Flags::SERVER_STREAM).await;
    let mut header = Header::new(FrameType::Credit, ChannelId(2));
    header.credits = 1;
    raw.send(header).await;
    assert!(matches!(session.ended().await, EndReason::PeerFault(_)));
}

async fn a_stream_with_a_number_that_is_not_free(kind: Kind) {
    for number in [0u32, 1, 2, 4] {
        let (session, mut raw, _parts) = streaming(kind, Flags::SERVER_STREAM).await;
        let mut header = request(2, 1, 1);
        header.flags = Flags::CLIENT_STREAM;
        raw.send_with(header, &number.to_le_bytes()).await;
        let EndReason::PeerFault(what) = session.ended().await else {
            panic!("no fault");
        };
        assert!(what.contains("not free"), "{what}");
    }
}

async fn repeated_frames_cost_nothing(kind: Kind) {
    let both = Flags::CLIENT_STREAM.and(Flags::SERVER_STREAM);
    let (session, mut raw, parts) = streaming(kind, both).await;
    for _ in 0..500 {
        raw.send(on_stream(FrameType::Stop)).await;
    }
    assert_eq!(
        parts.sender.unwrap().stopped().await,
        StreamSendError::Stopped
    );
    for _ in 0..500 {
        raw.send(on_stream(FrameType::End)).await;
    }
    assert_eq!(parts.receiver.unwrap().count().await, 0);
    goes_on(&session, &mut raw).await;
    until(|| session.metrics().late == 998).await;
}

async fn an_item_after_the_end_resets_the_stream(kind: Kind) {
    let both = Flags::CLIENT_STREAM.and(Flags::SERVER_STREAM);
    let (session, mut raw, parts) = streaming(kind, both).await;
    raw.send(on_stream(FrameType::End)).await;
    raw.send_with(on_stream(FrameType::Item), &[1]).await;
    raw.recv_type(FrameType::Reset).await;
    let over = parts.sender.unwrap().stopped().await;
    assert!(
        matches!(over, StreamSendError::Over(StreamError::Fault(_))),
        "{over:?}"
    );
    goes_on(&session, &mut raw).await;
}

async fn an_item_that_cannot_be_parsed_ends_the_stream(kind: Kind) {
    if kind != Kind::Memory {
        // The shared-memory transport itself detects the wrong table.
        return;
    }
    let (session, mut raw, parts) = streaming(kind, Flags::CLIENT_STREAM).await;
    let mut frame = Frame::bare(on_stream(FrameType::Item));
    frame.header.flags = Flags::BLOBS;
    raw.send_frame(&frame).await;
    let seen = parts.receiver.unwrap().collect::<Vec<_>>().await;
    assert!(
        matches!(seen.as_slice(), [Err(StreamError::Fault(_))]),
        "{seen:?}"
    );
    goes_on(&session, &mut raw).await;
}

/// Takes the given halves and sends the next item to the peer.
async fn still_sends(parts: &mut StreamParts, raw: &mut Raw) {
    let sender = parts.sender.as_mut().unwrap();
    sender.send(&Value(1u8)).await.unwrap();
    assert_eq!(
        raw.recv_type(FrameType::Item).await.header.channel,
        ChannelId(4)
    );
}

async fn items_past_the_window_end_both_directions(kind: Kind) {
    let both = Flags::CLIENT_STREAM.and(Flags::SERVER_STREAM);
    let (session, mut raw, parts) = streaming(kind, both).await;
    for _ in 0..=WINDOW {
        raw.send_with(on_stream(FrameType::Item), &[1]).await;
    }
    let reset = raw.recv_type(FrameType::Reset).await;
    assert_eq!(reset.payload.bytes(), b"an item without credit");
    raw.recv_type(FrameType::Stop).await;
    let over = parts.sender.unwrap().stopped().await;
    let fault = StreamError::Fault("an item without credit".into());
    assert_eq!(over, StreamSendError::Over(fault));
    let seen = parts.receiver.unwrap().collect::<Vec<_>>().await;
    assert!(matches!(seen.last(), Some(Err(StreamError::Fault(_)))));
    goes_on(&session, &mut raw).await;
}

async fn a_reset_of_a_direction_that_is_over_or_not_there_changes_nothing(kind: Kind) {
    // A stream that does not exist.
    let (session, mut raw, mut parts) = streaming(kind, Flags::SERVER_STREAM).await;
    for _ in 0..3 {
        raw.send_with(on_stream(FrameType::Reset), b"why").await;
    }
    still_sends(&mut parts, &mut raw).await;
    goes_on(&session, &mut raw).await;
    // The stream's actor counts them, not the reader.
    until(|| session.metrics().late == 3).await;
    // A stream that is over.
    let both = Flags::CLIENT_STREAM.and(Flags::SERVER_STREAM);
    for first in [FrameType::End, FrameType::Reset] {
        let (session, mut raw, mut parts) = streaming(kind, both).await;
        raw.send(on_stream(first)).await;
        for _ in 0..3 {
            raw.send_with(on_stream(FrameType::Reset), b"again").await;
        }
        raw.send(on_stream(FrameType::End)).await;
        let seen = parts.receiver.take().unwrap().collect::<Vec<_>>().await;
        assert_eq!(seen.len(), usize::from(first == FrameType::Reset));
        still_sends(&mut parts, &mut raw).await;
        goes_on(&session, &mut raw).await;
        // It has no stream either.
        drop(parts);
        raw.recv_type(FrameType::Reset).await;
        raw.send_with(on_stream(FrameType::Reset), b"nowhere").await;
        goes_on(&session, &mut raw).await;
    }
}

async fn items_behind_a_reset_are_dropped(kind: Kind) {
    let both = Flags::CLIENT_STREAM.and(Flags::SERVER_STREAM);
    let (session, mut raw, mut parts) = streaming(kind, both).await;
    raw.send_with(on_stream(FrameType::Reset), b"why").await;
    for _ in 0..WINDOW {
        raw.send_with(on_stream(FrameType::Item), &[1]).await;
    }
    let seen = parts.receiver.take().unwrap().collect::<Vec<_>>().await;
    assert!(matches!(&*seen, [Err(StreamError::Reset(why))] if why == "why"));
    still_sends(&mut parts, &mut raw).await;
    // The window still applies to them.
    raw.send_with(on_stream(FrameType::Item), &[1]).await;
    raw.recv_type(FrameType::Reset).await;
    let over = parts.sender.unwrap().stopped().await;
    assert!(matches!(over, StreamSendError::Over(StreamError::Fault(_))));
    goes_on(&session, &mut raw).await;
}

async fn streams_without_end_are_refused(kind: Kind) {
    let mut services = Services::default();
    services.serve("Feed", 4, |call| async move {
        call.reply(Status::Ok, &()).await
    });
    let (a, b) = kind.pair();
    let (session, mut raw) = Raw::connect(a, b, services.config("host")).await;
    raw.open_to(2, "Feed").await;
    let mut refused = 0;
    // As many as it may have, plus as many as it may have calls, since it may know of an end
    // earlier.
    for n in 0..4096 + 1024 + 4_u32 {
        let mut header = request(2, 0, n + 1);
        header.flags = Flags::CLIENT_STREAM;
        // This side never ends it, although it is asked to stop.
        raw.send_with(header, &(2 * n + 4).to_le_bytes()).await;
        let number = ChannelId(2 * n + 4);
        let (mut reset, mut stopped) = (false, false);
        let reply = loop {
            match raw.try_recv().await {
                Some(frame) if frame.header.frame_type == FrameType::Reply => break frame,
                Some(Frame { header, .. }) if header.channel == number => {
                    reset |= header.frame_type == FrameType::Reset;
                    stopped |= header.frame_type == FrameType::Stop;
                }
                Some(_) => {}
                None => panic!("{n}: {:?}", session.end_reason()),
            }
        };
        if reply.header.method == Status::Failed as u32 {
            assert!(reset && stopped, "its stream is over");
            refused += 1;
        }
    }
    assert_eq!(refused, 4);
    goes_on(&session, &mut raw).await;
}

/// Frames that only the bytes of shared memory can express.
#[test]
fn frame_types_and_flags_that_do_not_exist_are_faults_over_shared_memory() {
    let cases: [(u8, u8, &str); 3] = [
        (0, 0, "frame type 0"),
        (200, 0, "frame type 200"),
        (7, 128, "flags"),
    ];
    for (frame_type, flags, what) in cases {
        run(1, || async move {
            let (a, b) = Link::pair(&SegmentConfig::default()).unwrap();
            let (outbound, _inbound, _watch) = b.split();
            let header = rapace_shm::Header {
                frame_type,
                flags,
                channel: 0,
                call: 0,
                generation: 0,
                method: 0,
                credits: 0,
            };
            outbound
                .try_publish(&header, Payload::Empty, &[], Lane::Priority)
                .unwrap();
            let endpoint =
                rapace_session::transport::shm::endpoint(a, rapace_session::Side::Creator);
            let ended = Session::establish(endpoint, SessionConfig::new("host")).await;
            let why = ended.unwrap_err().to_string();
            assert!(why.contains(what), "{why}");
        });
    }
}

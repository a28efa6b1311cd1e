//! Peers that break the rules, frame by frame. None may make this side panic or hang, and each
//! fault is named.

use rapace_codec::Blob;
use rapace_session::{
    CallFailure, CallId, ChannelId, EndReason, Flags, Frame, FrameType, Header, Lane, Payload,
    Session, SessionConfig, StartState, Status,
};

use super::harness::*;
use super::raw::{Raw, request};

scenarios!(
    a_request_without_credit,
    a_request_on_a_channel_that_is_not_open,
    a_call_entry_used_again_before_its_reply,
    a_call_entry_that_does_not_exist,
    a_reply_to_no_call,
    a_reply_that_breaks_a_rule_still_settles_its_call,
    a_reply_before_the_request_was_sent,
    flags_that_a_frame_type_does_not_have,
    prefixes_that_run_past_their_payload,
    buffers_that_no_table_lists,
    a_second_hello,
    a_frame_before_the_handshake_is_over,
    an_answer_to_no_opening,
    a_channel_with_a_number_that_is_not_its_to_choose,
    a_peer_that_asks_and_does_not_read,
    openings_without_end_are_refused_one_by_one,
    frames_for_what_is_over_do_no_harm,
    requests_cancelled_at_once_stay_within_the_window,
);

/// A session that serves `Busy` with a window of two, and its hostile peer.
async fn attacked(kind: Kind) -> (Session, Raw, Inbox) {
    let mut services = Services::default();
    let inbox = services.inbox("Busy", 2);
    let (a, b) = kind.pair();
    let (session, raw) = Raw::connect(a, b, services.config("host")).await;
    (session, raw, inbox)
}

async fn faulted(session: &Session, names: &str) {
    match session.ended().await {
        EndReason::PeerFault(what) => assert!(what.contains(names), "{what}"),
        other => panic!("{other:?}"),
    }
}

async fn a_request_without_credit(kind: Kind) {
    let (session, mut raw, mut inbox) = attacked(kind).await;
    assert_eq!(raw.open_to(2, "Busy").await, 2);
    for index in 0..3 {
        raw.send(request(2, index, 1)).await;
    }
    faulted(&session, "without credit").await;
    assert!(inbox.recv().await.is_some() && inbox.recv().await.is_some());
    assert!(inbox.try_recv().is_err());
}

async fn a_request_on_a_channel_that_is_not_open(kind: Kind) {
    let (session, mut raw, _inbox) = attacked(kind).await;
    raw.send(request(2, 0, 1)).await;
    faulted(&session, "not open").await;
}

async fn a_call_entry_used_again_before_its_reply(kind: Kind) {
    let (session, mut raw, _inbox) = attacked(kind).await;
    raw.open_to(2, "Busy").await;
    raw.send(request(2, 5, 1)).await;
    raw.send(request(2, 5, 2)).await;
    faulted(&session, "used again").await;
}

async fn a_call_entry_that_does_not_exist(kind: Kind) {
    for (index, generation, what) in [(u32::MAX, 1, "past the table"), (0, 0, "generation 0")] {
        let (session, mut raw, _inbox) = attacked(kind).await;
        raw.open_to(2, "Busy").await;
        raw.send(request(2, index, generation)).await;
        faulted(&session, what).await;
    }
}

async fn a_reply_to_no_call(kind: Kind) {
    for call in [
        CallId::default(),
        CallId {
            index: 9,
            generation: 1,
        },
    ] {
        let (session, mut raw, _inbox) = attacked(kind).await;
        let mut reply = Header::new(FrameType::Reply, ChannelId(1));
        reply.call = call;
        raw.send(reply).await;
        faulted(&session, "reply to no call").await;
    }
}

async fn a_reply_that_breaks_a_rule_still_settles_its_call(kind: Kind) {
    type Spoil = fn(&mut Header);
    let ways: [(Spoil, &str); 4] = [
        (|header| header.credits = u32::MAX, "more credits"),
        (|header| header.method = 77, "unknown status"),
        (|header| header.channel = ChannelId(99), "another channel"),
        (|header| header.flags = Flags::BLOBS, "table"),
    ];
    for (spoil, what) in ways {
        let (session, mut raw, _inbox) = attacked(kind).await;
        let channel = raw.open(&session, "Any", 4).await;
        let options = plain();
        let mut call = Box::pin(channel.call(0, &(), &options));
        assert!(waits(&mut call));
        let asked = raw.recv_type(FrameType::Request).await;
        let mut reply = Header::new(FrameType::Reply, asked.header.channel);
        reply.call = asked.header.call;
        reply.method = Status::Ok as u32;
        reply.credits = 1;
        spoil(&mut reply);
        raw.send(reply).await;
        match call.await {
            Err(CallFailure::SessionEnded {
                reason: EndReason::PeerFault(found),
                start_state,
            }) => {
                assert!(found.contains(what), "{found}");
                // If the transport detects the fault itself, the session's end settles the call.
                assert!(start_state == StartState::Begun || kind != Kind::Memory);
            }
            other => panic!("{other:?}"),
        }
        faulted(&session, what).await;
    }
}

async fn a_reply_before_the_request_was_sent(kind: Kind) {
    let sizes = Sizes {
        ring: 8,
        ..Sizes::default()
    };
    let (a, b) = kind.pair_of(&sizes);
    let (session, mut raw) = Raw::connect(a, b, SessionConfig::new("host")).await;
    let channel = raw.open(&session, "Any", 64).await;
    for _ in 0..7 {
        channel.tell(1, &(), &plain()).await.unwrap();
    }
    let options = plain();
    let mut waiting = Box::pin(channel.call(2, &(), &options));
    assert!(waits(&mut waiting));
    // Entries are used in order, so the entry of the eighth call can be guessed.
    let mut reply = Header::new(FrameType::Reply, ChannelId(1));
    reply.call = CallId {
        index: 7,
        generation: 1,
    };
    reply.credits = 1;
    raw.send(reply).await;
    faulted(&session, "reply to no call").await;
    assert!(matches!(
        waiting.await,
        Err(CallFailure::SessionEnded {
            start_state: StartState::NotBegun,
            ..
        })
    ));
}

async fn flags_that_a_frame_type_does_not_have(kind: Kind) {
    for (frame_type, flags) in [
        (FrameType::Cancel, Flags::ONEWAY),
        (FrameType::Drain, Flags::METADATA),
        (FrameType::Item, Flags::CLIENT_STREAM),
        (FrameType::Reply, Flags::METADATA),
    ] {
        let (session, mut raw, _inbox) = attacked(kind).await;
        let mut header = Header::new(frame_type, ChannelId::SESSION);
        header.flags = flags;
        raw.send(header).await;
        faulted(&session, "flags").await;
    }
}

async fn prefixes_that_run_past_their_payload(kind: Kind) {
    let cases: [(Flags, &[u8], &str); 6] = [
        (Flags::METADATA, &[1, 0], "metadata"),
        (Flags::METADATA, &[9, 0, 0, 0, 1], "metadata"),
        (Flags::METADATA, &[255; 24], "metadata"),
        (Flags::CLIENT_STREAM, &[1, 0], "stream"),
        (Flags::BLOBS, &[0, 0], "table"),
        (Flags::BLOBS, &[2, 0, 1, 1], "table"),
    ];
    for (flags, bytes, what) in cases {
        let (session, mut raw, _inbox) = attacked(kind).await;
        raw.open_to(2, "Busy").await;
        let mut header = request(2, 0, 1);
        header.flags = flags;
        raw.send_with(header, bytes).await;
        faulted(&session, what).await;
    }
}

async fn buffers_that_no_table_lists(kind: Kind) {
    let (session, mut raw, mut inbox) = attacked(kind).await;
    raw.open_to(2, "Busy").await;
    let mut frame = Frame {
        header: request(2, 0, 1),
        payload: Payload::EMPTY,
        blobs: vec![Blob::from(vec![1; 10])],
    };
    frame.header.flags = Flags::BLOBS;
    if kind == Kind::Memory {
        // Only this transport can carry buffers that its table does not list.
        raw.send_frame(&frame).await;
    } else {
        let mut table = vec![1, 0];
        table.extend([255; 16]);
        raw.send_with(frame.header, &table).await;
    }
    assert!(matches!(session.ended().await, EndReason::PeerFault(_)));
    assert!(inbox.try_recv().is_err());
}

async fn a_second_hello(kind: Kind) {
    let (session, mut raw, _inbox) = attacked(kind).await;
    raw.hello().await;
    faulted(&session, "second hello").await;
    let (session, mut raw, _inbox) = attacked(kind).await;
    raw.send(Header::new(FrameType::Welcome, ChannelId::SESSION))
        .await;
    faulted(&session, "second welcome").await;
}

async fn a_frame_before_the_handshake_is_over(kind: Kind) {
    for frame_type in [
        FrameType::Open,
        FrameType::Opened,
        FrameType::Drain,
        FrameType::NotOpened,
    ] {
        let (a, b) = kind.pair();
        let mut raw = Raw::new(b);
        raw.hello().await;
        raw.send(Header::new(frame_type, ChannelId(2))).await;
        let ended = Session::establish(a, SessionConfig::new("host")).await;
        let why = ended.unwrap_err().to_string();
        assert!(why.contains("before the handshake was over"), "{why}");
    }
}

async fn an_answer_to_no_opening(kind: Kind) {
    for frame_type in [FrameType::Opened, FrameType::NotOpened] {
        let (session, mut raw, _inbox) = attacked(kind).await;
        raw.send(Header::new(frame_type, ChannelId(1))).await;
        faulted(&session, "no opening").await;
    }
}

async fn a_channel_with_a_number_that_is_not_its_to_choose(kind: Kind) {
    for channel in [0, 1, 7] {
        let (session, mut raw, _inbox) = attacked(kind).await;
        let header = Header::new(FrameType::Open, ChannelId(channel));
        raw.send_with(header, b"Busy").await;
        faulted(&session, "not free").await;
    }
    let (session, mut raw, _inbox) = attacked(kind).await;
    raw.open_to(2, "Busy").await;
    raw.send_with(Header::new(FrameType::Open, ChannelId(2)), b"Busy")
        .await;
    faulted(&session, "not free").await;
}

async fn a_peer_that_asks_and_does_not_read(kind: Kind) {
    let (session, raw, _inbox) = attacked(kind).await;
    let mut asked = Frame::bare(Header::new(FrameType::Open, ChannelId(2)));
    asked.payload = Payload::inline(b"Nobody").unwrap();
    while session.end_reason().is_none() {
        if raw.endpoint.transport.send(&asked, Lane::Priority).is_ok() {
            asked.header.channel.0 += 2;
        }
        if asked.header.channel.0.is_multiple_of(100) {
            tokio::task::yield_now().await;
        }
    }
    // A few more frames than the outbox holds for the streams of both sides and the session's mailbox
    // for itself, each on a channel of its own.
    assert!(asked.header.channel.0 / 2 < 50_000, "some bound");
    // Whichever limit it exceeds first: frames queued for it, or frames of its own to be handled.
    let ended = session.ended().await.to_string();
    let bounds = ["does not read", "more control frames"];
    assert!(bounds.iter().any(|bound| ended.contains(bound)), "{ended}");
}

async fn openings_without_end_are_refused_one_by_one(kind: Kind) {
    let (session, mut raw, mut inbox) = attacked(kind).await;
    let mut opened = 0;
    for n in 0..2000u32 {
        let header = Header::new(FrameType::Open, ChannelId(2 * n + 2));
        raw.send_with(header, b"Busy").await;
        let answer = raw.recv().await;
        opened += u32::from(answer.header.frame_type == FrameType::Opened);
    }
    assert_eq!(opened, 256);
    // An open channel still works.
    raw.send(request(2, 0, 1)).await;
    answer_next(&mut inbox, 1u8).await;
    assert_eq!(raw.recv().await.header.frame_type, FrameType::Reply);
    assert_eq!(session.end_reason(), None);
}

async fn frames_for_what_is_over_do_no_harm(kind: Kind) {
    let (session, mut raw, mut inbox) = attacked(kind).await;
    for frame_type in [
        FrameType::Item,
        FrameType::End,
        FrameType::Stop,
        FrameType::Reset,
        FrameType::Credit,
        FrameType::Cancel,
    ] {
        for channel in [0, 2, 3, u32::MAX] {
            let mut header = Header::new(frame_type, ChannelId(channel));
            header.call = CallId {
                index: channel,
                generation: 3,
            };
            header.credits = u32::MAX;
            raw.send(header).await;
        }
    }
    raw.open_to(2, "Busy").await;
    raw.send(request(2, 0, 1)).await;
    answer_next(&mut inbox, 1u8).await;
    assert_eq!(raw.recv().await.header.frame_type, FrameType::Reply);
    assert_eq!(session.metrics().late, 24);
    assert_eq!(session.end_reason(), None);
}

async fn requests_cancelled_at_once_stay_within_the_window(kind: Kind) {
    let (session, mut raw, inbox) = attacked(kind).await;
    raw.open_to(2, "Busy").await;
    for index in 0..3 {
        raw.send(request(2, index, 1)).await;
        let mut cancel = Header::new(FrameType::Cancel, ChannelId::SESSION);
        cancel.call = CallId {
            index,
            generation: 1,
        };
        raw.send(cancel).await;
    }
    faulted(&session, "without credit").await;
    assert_eq!(inbox.len(), 2);
}

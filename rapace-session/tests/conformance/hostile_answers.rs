//! Replies that return buffers which the request did not have, and returned buffers in frames that
//! may have none.

use futures_util::StreamExt;
use rapace_codec::Blob;
use rapace_session::{
    CallFailure, ChannelId, EndReason, Flags, FrameType, Header, Outcome, Session, SessionConfig,
    StartState, Status, StreamError,
};
use tokio::task::JoinHandle;

use super::harness::*;
use super::raw::{Raw, request};

scenarios!(
    a_returned_buffer_within_the_sent_one_is_found,
    a_returned_buffer_that_the_request_did_not_have,
    a_returned_buffer_past_the_end_of_the_sent_one,
    a_returned_buffer_beside_one_that_was_not_attached,
    a_returned_buffer_in_a_request,
    a_returned_buffer_in_the_answer_to_a_tell,
    a_returned_buffer_in_an_item_ends_the_stream,
    buffers_in_a_remote_error,
    a_returned_buffer_in_a_late_answer_does_no_harm,
);

/// A part of a buffer of the request: its number, first byte, length.
type Name = (u32, u32, u32);

/// A table of returned buffers, followed by a body: the list of these buffers.
fn naming(names: &[Name]) -> Vec<u8> {
    let mut bytes = (names.len() as u16).to_le_bytes().to_vec();
    for (which, start, len) in names {
        for word in [u32::MAX, *which, *start, *len] {
            bytes.extend(word.to_le_bytes());
        }
    }
    bytes.push(names.len() as u8);
    bytes.extend(0..names.len() as u8);
    bytes
}

/// A call of the session to a peer that has read it and not replied.
struct Asked {
    session: Session,
    raw: Raw,
    call: JoinHandle<Outcome>,
    sent: Vec<Blob>,
    /// The header of a valid reply.
    reply: Header,
}

impl Asked {
    /// Makes a call with buffers of these lengths.
    async fn with(kind: Kind, lens: &[usize]) -> Self {
        let (a, b) = kind.pair();
        let (session, mut raw) = Raw::connect(a, b, SessionConfig::new("host")).await;
        let channel = raw.open(&session, "Any", 4).await;
        let mut sent = Vec::new();
        for len in lens {
            let mut buffer = session.allocate(*len).await.unwrap();
            buffer.fill(7);
            sent.push(buffer.freeze());
        }
        let argument = Value(sent.clone());
        let call = tokio::spawn(async move { channel.call(0, &argument, &plain()).await });
        let reply = answers(&raw.recv_type(FrameType::Request).await.header);
        Self {
            session,
            raw,
            call,
            sent,
            reply,
        }
    }

    /// Replies with these bytes, which is a fault: the call is settled, and the session ends.
    async fn fails_by(mut self, bytes: &[u8], what: &str) {
        self.raw.send_with(self.reply, bytes).await;
        match self.call.await.unwrap() {
            Err(CallFailure::SessionEnded {
                reason: EndReason::PeerFault(found),
                start_state: StartState::Begun,
            }) => assert!(found.contains(what), "{found}"),
            other => panic!("{other:?}"),
        }
        faulted(&self.session, what).await;
    }
}

/// The header of a reply with buffers.
fn answers(request: &Header) -> Header {
    let mut header = Header::new(FrameType::Reply, request.channel);
    header.call = request.call;
    header.method = Status::Ok as u32;
    header.flags = Flags::BLOBS;
    header.credits = 1;
    header
}

async fn faulted(session: &Session, names: &str) {
    match session.ended().await {
        EndReason::PeerFault(what) => assert!(what.contains(names), "{what}"),
        other => panic!("{other:?}"),
    }
}

async fn a_returned_buffer_within_the_sent_one_is_found(kind: Kind) {
    let mut asked = Asked::with(kind, &[100, 0, 50]).await;
    let names = [(2, 0, 50), (0, 0, 100), (0, 99, 1), (1, 0, 0), (0, 100, 0)];
    asked.raw.send_with(asked.reply, &naming(&names)).await;
    let reply = asked.call.await.unwrap().unwrap();
    let got: Vec<Blob> = answer(&reply);
    let sent = &asked.sent;
    let wanted = [
        sent[2].clone(),
        sent[0].clone(),
        sent[0].slice(99..),
        sent[1].clone(),
        sent[0].slice(100..),
    ];
    assert_eq!(got.len(), wanted.len());
    for (got, wanted) in got.iter().zip(&wanted) {
        assert_eq!(got.as_ptr_range(), wanted.as_ptr_range());
    }
    assert_eq!(asked.session.end_reason(), None);
}

async fn a_returned_buffer_that_the_request_did_not_have(kind: Kind) {
    for (lens, which) in [(&[][..], 0), (&[10], 1), (&[10], i32::MAX as u32)] {
        let asked = Asked::with(kind, lens).await;
        let bytes = naming(&[(which, 0, 0)]);
        asked.fails_by(&bytes, "did not have").await;
    }
}

async fn a_returned_buffer_past_the_end_of_the_sent_one(kind: Kind) {
    for (start, len) in [(0, 11), (11, 0), (10, 1), (u32::MAX, 2), (1, u32::MAX)] {
        let asked = Asked::with(kind, &[10]).await;
        let bytes = naming(&[(0, 0, 10), (0, start, len)]);
        asked.fails_by(&bytes, "past the end").await;
    }
}

async fn a_returned_buffer_beside_one_that_was_not_attached(kind: Kind) {
    let asked = Asked::with(kind, &[10]).await;
    let mut bytes = naming(&[(0, 0, 10), (0, 0, 0)]);
    // The second entry is now an attached buffer.
    bytes[18..34].fill(0);
    if kind == Kind::Memory {
        asked.fails_by(&bytes, "other buffers").await;
    } else {
        // The transport detects that the peer's slot is sent twice, or was never sent.
        let Asked {
            session,
            mut raw,
            call,
            reply,
            ..
        } = asked;
        raw.send_with(reply, &bytes).await;
        assert!(call.await.unwrap().is_err());
        assert!(matches!(session.ended().await, EndReason::PeerFault(_)));
    }
}

async fn a_returned_buffer_in_a_request(kind: Kind) {
    let mut services = Services::default();
    let mut inbox = services.inbox("Busy", 2);
    let (a, b) = kind.pair();
    let (session, mut raw) = Raw::connect(a, b, services.config("host")).await;
    raw.open_to(2, "Busy").await;
    let mut header = request(2, 0, 1);
    header.flags = Flags::BLOBS;
    raw.send_with(header, &naming(&[(0, 0, 0)])).await;
    faulted(&session, "no request has any").await;
    assert!(inbox.try_recv().is_err());
}

async fn a_returned_buffer_in_the_answer_to_a_tell(kind: Kind) {
    let (a, b) = kind.pair();
    let (session, mut raw) = Raw::connect(a, b, SessionConfig::new("host")).await;
    let channel = raw.open(&session, "Any", 4).await;
    let sent = Value(vec![Blob::from(vec![7; 100])]);
    channel.tell(0, &sent, &plain()).await.unwrap();
    let reply = answers(&raw.recv_type(FrameType::Request).await.header);
    raw.send_with(reply, &naming(&[(0, 0, 100)])).await;
    faulted(&session, "no request has any").await;
    assert_eq!(session.calls_under_way(), 0);
}

async fn a_returned_buffer_in_an_item_ends_the_stream(kind: Kind) {
    let (a, b) = kind.pair();
    let (session, mut raw) = Raw::connect(a, b, SessionConfig::new("host")).await;
    let channel = raw.open(&session, "Feed", 4).await;
    let sent = Value(vec![Blob::from(vec![7; 100])]);
    let options = plain();
    let call = channel.call_streaming(0, &sent, &options, false, true);
    let (parts, _settlement) = call.await.unwrap();
    let asked = raw.recv_type(FrameType::Request).await;
    // The stream's number follows the table of one buffer.
    let number = asked.payload.bytes()[18..].first_chunk().unwrap();
    let mut item = Header::new(FrameType::Item, ChannelId(u32::from_le_bytes(*number)));
    item.flags = Flags::BLOBS;
    raw.send_with(item, &naming(&[(0, 0, 100)])).await;
    let first = parts.receiver.unwrap().next().await.unwrap();
    match first {
        Err(StreamError::Fault(what)) => assert!(what.contains("no request has any"), "{what}"),
        other => panic!("{other:?}"),
    }
    raw.open_is_refused(&session).await;
    assert_eq!(session.end_reason(), None);
}

async fn buffers_in_a_remote_error(kind: Kind) {
    let mut asked = Asked::with(kind, &[100]).await;
    asked.reply.method = Status::Failed as u32;
    let bytes = naming(&[(0, 0, 100)]);
    asked.fails_by(&bytes, "remote error with buffers").await;
}

async fn a_returned_buffer_in_a_late_answer_does_no_harm(kind: Kind) {
    let mut asked = Asked::with(kind, &[100]).await;
    asked.call.abort();
    assert!(asked.call.await.unwrap_err().is_cancelled());
    // The buffer has been released, if it ever existed.
    asked
        .raw
        .send_with(asked.reply, &naming(&[(9, 9, 9)]))
        .await;
    asked.raw.open_is_refused(&asked.session).await;
    assert_eq!(asked.session.metrics().late, 1);
    assert_eq!(asked.session.end_reason(), None);
}

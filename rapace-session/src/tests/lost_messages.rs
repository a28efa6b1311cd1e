//! Two sessions, one of which has no memory for what arrives in fragments.
//!
//! All large slots are held, so that long payloads travel in fragments.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use rapace_codec::{BlobMut, EncodeError, Writer};
use rapace_shm::{Link, SegmentConfig, SizeClass};
use tokio::sync::mpsc;

use crate::transport::{Lane, shm};
use crate::wire::frame::{CallId, ChannelId, Flags, Frame, FrameType, Header, Payload};
use crate::wire::transfer::{TransferId, WholePayload};
use crate::{
    CallFailure, CallOptions, Channel, Encode, EndReason, IncomingCall, RemoteError, RequestSink,
    RunningCall, ServiceResolver, Session, SessionConfig, Side, Status, StreamError,
    StreamSendError,
};

const LONG: usize = 200_000;
/// As encoded: with its length before it.
const MISSING: &str = "200003 bytes";

struct Bytes(usize);

impl Encode for Bytes {
    fn encode(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        writer.write(&vec![7_u8; self.0])
    }
}

fn len(body: &crate::MessageBody) -> usize {
    body.reader().read::<Vec<u8>>().unwrap().len()
}

/// Passes all calls to the test, over channels of two calls.
struct Inbox(mpsc::UnboundedSender<IncomingCall>);

impl RequestSink for Inbox {
    fn deliver(&self, call: IncomingCall) -> Result<(), IncomingCall> {
        self.0.send(call).map_err(|refused| refused.0)
    }
}

impl ServiceResolver for Inbox {
    fn resolve(&self, _: &str) -> Result<(Arc<dyn RequestSink>, u32), String> {
        Ok((Arc::new(Self(self.0.clone())), WINDOW))
    }
}

const WINDOW: u32 = 2;

struct Sides {
    host: Session,
    plugin: Session,
    channel: Channel,
    calls: mpsc::UnboundedReceiver<IncomingCall>,
    _held: [BlobMut; 2],
}

impl Sides {
    async fn new() -> Self {
        let class = |slot_size, slots| SizeClass { slot_size, slots };
        let classes = vec![class(1 << 10, 64), class(512 << 10, 1)];
        let config = SegmentConfig::default().with_classes(classes);
        let (a, b) = Link::pair(&config).unwrap();
        let (sink, calls) = mpsc::unbounded_channel();
        let mut served = SessionConfig::new("plugin");
        served.resolver = Arc::new(Inbox(sink));
        served.request_initial_bytes = 1;
        served.request_window_bytes = 1;
        let (host, plugin) = tokio::try_join!(
            Session::establish(shm::endpoint(a, Side::Creator), SessionConfig::new("host")),
            Session::establish(shm::endpoint(b, Side::Joiner), served),
        )
        .unwrap();
        let held = tokio::try_join!(host.allocate(LONG), plugin.allocate(LONG)).unwrap();
        Self {
            channel: host.open("Any").await.unwrap(),
            host,
            plugin,
            calls,
            _held: held.into(),
        }
    }

    async fn begun(&mut self) -> RunningCall {
        self.calls.recv().await.unwrap().begin().unwrap()
    }

    async fn echo(&mut self, length: usize) -> Result<usize, CallFailure> {
        let (bytes, options) = (Bytes(length), CallOptions::default());
        let mut call = std::pin::pin!(self.channel.call(0, &bytes, &options));
        let mut running = tokio::select! {
            outcome = &mut call => return outcome.map(|reply| len(&reply.body)),
            running = self.calls.recv() => running.unwrap().begin().unwrap(),
        };
        let asked = Bytes(len(&running.take_arguments().unwrap()));
        let (outcome, ()) = tokio::join!(call, running.reply(Status::Ok, &asked));
        outcome.map(|reply| len(&reply.body))
    }

    /// Waits until nothing is left of calls and streams, and makes calls of every kind.
    async fn goes_on(&mut self) {
        let idle = |session: &Session| {
            session.calls_under_way() == 0
                && session.parts().incoming.is_idle()
                && session.parts().streams.open_count() == 0
        };
        while !(idle(&self.host) && idle(&self.plugin)) {
            tokio::task::yield_now().await;
        }
        for session in [&self.host, &self.plugin] {
            session.parts().link.spare_buffers.refuse(0);
        }
        for length in [10, 900, LONG, 3 * LONG / 2, LONG, 10] {
            assert_eq!(self.echo(length).await.unwrap(), length);
        }
        assert_eq!(self.host.end_reason(), None);
    }
}

fn refuse(session: &Session) {
    session.parts().link.spare_buffers.refuse(LONG / 2);
}

/// Runs a scenario; one that hangs fails.
fn run(scenario: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let bound = Duration::from_secs(60);
    runtime.block_on(async { tokio::time::timeout(bound, scenario).await.unwrap() });
}

/// NM1, NM2
#[test]
fn a_request_that_finds_no_memory_is_refused_and_returns_what_it_took() {
    run(async {
        let mut sides = Sides::new().await;
        let options = CallOptions::default();
        let before = sides.channel.begin_call(0, &(), &options).await.unwrap();
        let running = sides.begun().await;
        refuse(&sides.plugin);
        // With a window of one byte, a second one waits until the bytes of the first are back.
        for _ in 0..10 {
            match sides.echo(LONG).await {
                Err(CallFailure::Failed(RemoteError::LimitReached(why))) => {
                    assert!(why.contains("the other side has no memory"), "{why}");
                    assert!(why.contains(MISSING), "{why}");
                }
                other => panic!("{other:?}"),
            }
            assert_eq!(sides.echo(900).await.unwrap(), 900);
        }
        running.reply(Status::Ok, &Bytes(5)).await;
        assert_eq!(len(&before.await.unwrap().body), 5);
        sides.goes_on().await;
    });
}

/// NM1, ST6
#[test]
fn a_request_that_finds_no_memory_opens_no_stream() {
    run(async {
        let mut sides = Sides::new().await;
        refuse(&sides.plugin);
        for (client, server) in [(true, false), (false, true), (true, true)] {
            let (bytes, options) = (Bytes(LONG), CallOptions::default());
            let call = sides
                .channel
                .call_streaming(0, &bytes, &options, client, server);
            let (parts, response) = call.await.unwrap();
            match response.await {
                Err(CallFailure::Failed(RemoteError::LimitReached(why))) => {
                    assert!(why.contains("200007 bytes"), "{why}");
                }
                other => panic!("{other:?}"),
            }
            if let Some(sender) = &parts.sender {
                assert_eq!(sender.stopped().await, StreamSendError::Stopped);
            }
            if let Some(mut receiver) = parts.receiver {
                match receiver.next().await {
                    Some(Err(StreamError::Reset(why))) => {
                        assert!(why.contains("200007 bytes"), "{why}")
                    }
                    other => panic!("{other:?}"),
                }
            }
        }
        sides.goes_on().await;
    });
}

/// NM1, NM2, OC2
#[test]
fn a_reply_that_finds_no_memory_fails_its_call_and_is_not_asked_for_again() {
    run(async {
        let mut sides = Sides::new().await;
        refuse(&sides.host);
        let options = CallOptions {
            idempotent: true,
            ..CallOptions::default()
        };
        let other = sides.channel.begin_call(0, &(), &options).await.unwrap();
        let other_running = sides.begun().await;
        for status in [Status::Ok, Status::HandlerError, Status::Ok] {
            let call = sides.channel.call(0, &(), &options);
            let replies = async {
                sides
                    .calls
                    .recv()
                    .await
                    .unwrap()
                    .begin()
                    .unwrap()
                    .reply(status, &Bytes(LONG))
                    .await
            };
            match tokio::join!(call, replies).0 {
                Err(CallFailure::Failed(RemoteError::BadResult(why))) => {
                    assert!(
                        why.contains("this side, its caller's, has no memory"),
                        "{why}"
                    );
                    assert!(why.contains(MISSING), "{why}");
                }
                other => panic!("{other:?}"),
            }
        }
        // Nobody waits for these.
        let call = sides.channel.begin_call(0, &(), &options).await.unwrap();
        let running = sides.begun().await;
        drop(call);
        running.reply(Status::Ok, &Bytes(LONG)).await;
        other_running.reply(Status::Ok, &Bytes(5)).await;
        assert_eq!(len(&other.await.unwrap().body), 5);
        assert!(sides.calls.try_recv().is_err(), "none was sent again");
        sides.goes_on().await;
    });
}

/// NM1, NM2, ST6
#[test]
fn an_item_that_finds_no_memory_ends_its_stream_on_both_sides() {
    run(async {
        let mut sides = Sides::new().await;
        let options = CallOptions::default();
        let mut open = Vec::new();
        for _ in 0..2 {
            let call = sides.channel.call_streaming(0, &(), &options, true, true);
            let (parts, response) = call.await.unwrap();
            let mut running = sides.begun().await;
            let theirs = (
                running.take_sender().unwrap(),
                running.take_receiver().unwrap(),
            );
            running.reply(Status::Ok, &()).await;
            response.await.unwrap();
            open.push((parts.sender.unwrap(), parts.receiver.unwrap(), theirs));
        }
        let (sender, mut receiver, (mut their_sender, mut their_receiver)) = open.remove(0);
        refuse(&sides.host);
        their_sender.send(&Bytes(10)).await.unwrap();
        their_sender.send(&Bytes(LONG)).await.unwrap();
        // It may have read of the end by then.
        let _ = their_sender.send(&Bytes(10)).await;
        assert_eq!(len(&receiver.next().await.unwrap().unwrap()), 10);
        let why = receiver.next().await.unwrap().unwrap_err();
        assert!(
            matches!(why, StreamError::NoMemory { bytes: 200_003 }),
            "{why}"
        );
        assert!(receiver.next().await.is_none());
        assert_eq!(sender.stopped().await, StreamSendError::Over(why));
        assert_eq!(their_sender.stopped().await, StreamSendError::Stopped);
        match their_receiver.next().await {
            Some(Err(StreamError::Reset(why))) => assert!(why.contains(MISSING), "{why}"),
            other => panic!("{other:?}"),
        }
        // The other stream goes on.
        let (mut sender, mut receiver, (mut their_sender, mut their_receiver)) = open.remove(0);
        their_sender.send(&Bytes(10)).await.unwrap();
        sender.send(&Bytes(LONG)).await.unwrap();
        assert_eq!(len(&receiver.next().await.unwrap().unwrap()), 10);
        assert_eq!(len(&their_receiver.next().await.unwrap().unwrap()), LONG);
        drop((sender, receiver, their_sender, their_receiver));
        sides.goes_on().await;
    });
}

/// Sends a message in fragments past all accounts of the host's session.
fn send(host: &Session, mut header: Header, length: usize) {
    let transport = &host.parts().link.transport;
    let transfer = TransferId(u32::MAX);
    let mut fragment = Header::new(FrameType::Fragment, ChannelId::SESSION);
    (fragment.method, fragment.credits) = (transfer.0, length as u32);
    let piece = vec![0; length];
    for piece in piece.chunks(24) {
        let mut frame = Frame::bare(fragment);
        frame.payload = Payload::inline(piece).unwrap();
        transport.send(&frame, Lane::Data).unwrap();
    }
    header.flags = header.flags.and(Flags::FRAGMENTED);
    let has_table = false;
    let whole = WholePayload {
        transfer,
        has_table,
    };
    let mut frame = Frame::bare(header);
    frame.payload = Payload::inline(&whole.to_bytes()).unwrap();
    transport.send(&frame, Lane::Data).unwrap();
}

/// NM1
#[test]
fn a_request_that_breaks_a_rule_and_finds_no_memory_is_a_fault() {
    let id = |index| CallId {
        index,
        generation: 1,
    };
    let cases = [
        (1, id(0), Flags::none(), "used again before its reply"),
        (1, id(1 << 20), Flags::none(), "past the table"),
        (99, id(7), Flags::none(), "a channel that is not open"),
        (1, id(7), Flags::none(), "without credit"),
        (1, id(7), Flags::SERVER_STREAM, "a number that is not free"),
    ];
    for (channel, call, flags, what) in cases {
        run(async {
            let mut sides = Sides::new().await;
            let options = CallOptions::default();
            let (first, second) = tokio::try_join!(
                sides.channel.begin_call(0, &(), &options),
                sides.channel.begin_call(0, &(), &options),
            )
            .unwrap();
            let _running = (sides.begun().await, sides.begun().await);
            sides.plugin.parts().link.spare_buffers.refuse(30);
            let mut header = Header::new(FrameType::Request, ChannelId(channel));
            (header.call, header.flags) = (call, flags);
            send(&sides.host, header, 40);
            match sides.plugin.ended().await {
                EndReason::PeerFault(why) => assert!(why.contains(what), "{why}"),
                other => panic!("{what}: {other:?}"),
            }
            drop((first, second));
        });
    }
}

/// NM1, ST2
#[test]
fn an_item_past_the_window_that_finds_no_memory_ends_its_stream() {
    run(async {
        let mut sides = Sides::new().await;
        let options = CallOptions::default();
        let call = sides.channel.call_streaming(0, &(), &options, true, false);
        let (parts, response) = call.await.unwrap();
        let mut running = sides.begun().await;
        let mut receiver = running.take_receiver().unwrap();
        sides.plugin.parts().link.spare_buffers.refuse(30);
        let mut sender = parts.sender.unwrap();
        let window = sides.plugin.parts().config.stream_window;
        for _ in 0..window {
            sender.send(&Bytes(0)).await.unwrap();
        }
        let id = ChannelId(sides.channel.inner.id.0 + 2);
        send(&sides.host, Header::new(FrameType::Item, id), 40);
        for _ in 0..window {
            assert_eq!(len(&receiver.next().await.unwrap().unwrap()), 0);
        }
        let why = receiver.next().await.unwrap().unwrap_err();
        assert!(
            matches!(&why, StreamError::Fault(what) if what.contains("credit")),
            "{why}"
        );
        running.reply(Status::Ok, &()).await;
        response.await.unwrap();
        drop((sender, receiver));
        sides.goes_on().await;
    });
}

//! Calls that are sent again and have to wait: for a credit, an entry, a buffer, the ring.
//! Meanwhile their callers cancel, their deadlines pass, and sessions end.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rapace_session::{
    CallFailure, CallOptions, Channel, ChannelId, EndReason, Frame, FrameType, Header, Outcome,
    RemoteError, Session, SessionConfig, StartState, UnsettledCall,
};

use super::harness::*;
use super::raw::Raw;

scenarios!(
    a_call_whose_caller_leaves_while_it_waits_for_room_is_not_sent_again,
    a_call_whose_caller_leaves_while_it_waits_for_a_credit_is_not_sent_again,
    a_deadline_that_passes_while_a_call_waits_to_be_sent_again_ends_it,
    a_call_that_waits_to_be_sent_again_outlives_another_session,
    a_tell_that_waits_to_be_sent_again_is_sent_once,
    a_stream_whose_call_is_not_sent_again_leaves_nothing,
);

type AllUnsettled = Arc<Mutex<Vec<UnsettledCall>>>;
type Calling = Pin<Box<dyn Future<Output = Outcome>>>;
type Resending = Pin<Box<dyn Future<Output = Result<(), UnsettledCall>>>>;

/// A session with a peer that the test controls.
struct Life {
    host: Session,
    raw: Raw,
    channel: Channel,
    unsettled: AllUnsettled,
}

impl Life {
    async fn of(kind: Kind, sizes: &Sizes, window: u32) -> Self {
        let (a, b) = kind.pair_of(sizes);
        let unsettled = AllUnsettled::default();
        let handed_out = Arc::clone(&unsettled);
        let mut config = SessionConfig::new("host");
        config.on_unsettled = Some(Box::new(move |all, _| {
            handed_out.lock().unwrap().extend(all)
        }));
        let (host, mut raw) = Raw::connect(a, b, config).await;
        let channel = raw.open(&host, "Any", window).await;
        Self {
            host,
            raw,
            channel,
            unsettled,
        }
    }

    /// Ends the session and returns its unsettled calls.
    fn ends(&self) -> Vec<UnsettledCall> {
        self.host.abort(EndReason::PeerGone);
        std::mem::take(&mut *self.unsettled.lock().unwrap())
    }

    /// Fills the part of the ring that requests may use.
    async fn fill(&self) -> u32 {
        let mut tells = 0;
        while self.channel.try_tell(1, &(), &plain()).await.unwrap() {
            tells += 1;
        }
        tells
    }

    /// Reads the requests that fill the ring.
    async fn read(&mut self, count: u32) {
        for _ in 0..count {
            let read = self.raw.recv().await.header;
            assert_eq!((read.frame_type, read.method), (FrameType::Request, 1));
        }
    }

    /// Replies to a request.
    async fn answer(&self, request: Header) {
        let mut header = Header::new(FrameType::Reply, request.channel);
        header.call = request.call;
        header.credits = 1;
        let reply = Frame {
            header,
            payload: rapace_session::Payload::EMPTY,
            blobs: Vec::new(),
        };
        let transport = &self.raw.endpoint.transport;
        transport
            .send(&reply, rapace_session::Lane::Priority)
            .unwrap();
    }

    fn resend(&self, unsettled: UnsettledCall) -> Resending {
        let channel = self.channel.clone();
        Box::pin(async move { channel.resend(unsettled).await })
    }
}

/// An unsettled call of method 2 from a first session, with its payload and deadline.
async fn left_over(kind: Kind, len: usize, deadline: Option<Instant>) -> (Calling, UnsettledCall) {
    let first = Life::of(kind, &Sizes::default(), 64).await;
    let channel = first.channel.clone();
    let mut call: Calling = Box::pin(async move {
        let options = CallOptions {
            deadline,
            ..plain()
        };
        channel.call(2, &Value(vec![7u8; len]), &options).await
    });
    assert!(waits(&mut call));
    let unsettled = first.ends().remove(0);
    assert_eq!(unsettled.start_state, StartState::NotBegun);
    (call, unsettled)
}

fn small_ring() -> Sizes {
    Sizes {
        ring: 8,
        ..Sizes::default()
    }
}

/// Checks that a call left nothing behind and sent nothing: the next frame is the next request.
async fn nothing_was_sent(life: &mut Life, under_way: usize) {
    assert_eq!(life.host.calls_under_way(), under_way);
    life.channel.tell(3, &(), &plain()).await.unwrap();
    let next = life.raw.recv().await.header;
    assert_eq!((next.frame_type, next.method), (FrameType::Request, 3));
    assert_eq!(life.host.end_reason(), None);
}

async fn a_call_whose_caller_leaves_while_it_waits_for_room_is_not_sent_again(kind: Kind) {
    let (call, unsettled) = left_over(kind, 1, None).await;
    let mut life = Life::of(kind, &small_ring(), 64).await;
    let tells = life.fill().await;
    let mut resending = life.resend(unsettled);
    assert!(waits(&mut resending));
    assert_eq!(life.host.calls_under_way(), tells as usize + 1);
    drop(call);
    assert_eq!(life.host.calls_under_way(), tells as usize);
    life.read(tells).await;
    resending.await.unwrap();
    nothing_was_sent(&mut life, tells as usize).await;
}

async fn a_call_whose_caller_leaves_while_it_waits_for_a_credit_is_not_sent_again(kind: Kind) {
    let (call, unsettled) = left_over(kind, 1, None).await;
    let mut life = Life::of(kind, &Sizes::default(), 1).await;
    life.channel.tell(1, &(), &plain()).await.unwrap();
    let mut resending = life.resend(unsettled);
    assert!(waits(&mut resending));
    drop(call);
    let request = life.raw.recv().await.header;
    life.answer(request).await;
    resending.await.unwrap();
    nothing_was_sent(&mut life, 0).await;
}

async fn a_deadline_that_passes_while_a_call_waits_to_be_sent_again_ends_it(kind: Kind) {
    let deadline = Instant::now() + Duration::from_millis(300);
    let (call, unsettled) = left_over(kind, 1, Some(deadline)).await;
    let mut life = Life::of(kind, &small_ring(), 64).await;
    let tells = life.fill().await;
    // The sender observes the deadline itself, since the caller is not polled.
    life.resend(unsettled).await.unwrap();
    assert!(Instant::now() >= deadline);
    assert!(matches!(
        call.await,
        Err(CallFailure::Failed(RemoteError::DeadlineExceeded))
    ));
    life.read(tells).await;
    nothing_was_sent(&mut life, tells as usize).await;
}

async fn a_call_that_waits_to_be_sent_again_outlives_another_session(kind: Kind) {
    let (call, unsettled) = left_over(kind, 1, None).await;
    let second = Life::of(kind, &small_ring(), 64).await;
    let tells = second.fill().await;
    let mut resending = second.resend(unsettled);
    assert!(waits(&mut resending));
    let mut unsettled = second.ends();
    // Only the session's end hands it out.
    resending.await.unwrap();
    assert_eq!(unsettled.len(), tells as usize + 1);
    let first = unsettled.remove(0);
    assert!(first.awaited(), "it is older than the others");
    assert_eq!(
        (first.start_state, first.crash_count()),
        (StartState::NotBegun, 0)
    );
    let mut third = Life::of(kind, &Sizes::default(), 64).await;
    third.channel.resend(first).await.unwrap();
    let request = third.raw.recv().await.header;
    assert_eq!(request.method, 2);
    third.answer(request).await;
    call.await.unwrap();
    drop(unsettled);
    nothing_was_sent(&mut third, 0).await;
}

async fn a_tell_that_waits_to_be_sent_again_is_sent_once(kind: Kind) {
    let first = Life::of(kind, &Sizes::default(), 64).await;
    first.channel.tell(2, &(), &plain()).await.unwrap();
    let unsettled = first.ends().remove(0);
    let mut life = Life::of(kind, &small_ring(), 64).await;
    let tells = life.fill().await;
    let mut resending = life.resend(unsettled);
    assert!(waits(&mut resending));
    life.read(tells).await;
    resending.await.unwrap();
    let next = life.raw.recv().await.header;
    assert_eq!((next.frame_type, next.method), (FrameType::Request, 2));
    assert_ne!(next.channel, ChannelId::SESSION);
    nothing_was_sent(&mut life, tells as usize + 1).await;
}

async fn a_stream_whose_call_is_not_sent_again_leaves_nothing(kind: Kind) {
    let first = Life::of(kind, &Sizes::default(), 64).await;
    let options = plain();
    let call = first.channel.call_streaming(2, &(), &options, true, true);
    let call = call.await.unwrap();
    let unsettled = first.ends().remove(0);
    let mut life = Life::of(kind, &small_ring(), 64).await;
    let tells = life.fill().await;
    let mut resending = life.resend(unsettled);
    assert!(waits(&mut resending));
    drop(call);
    life.read(tells).await;
    resending.await.unwrap();
    nothing_was_sent(&mut life, tells as usize).await;
}

//! The work of the two processes: one makes calls, of all sizes and more at once than there is room
//! for; the other serves them one at a time.

use std::sync::Arc;

use rapace_codec::{Blob, EncodeError, Wire, Writer};
use rapace_session::{
    CallFailure, CallOptions, Channel, Encode, IncomingCall, MessageBody, RequestSink,
    ServiceResolver, SessionConfig, Status,
};
use rapace_shm::{SegmentConfig, SizeClass};
use tokio::sync::mpsc;

/// Observes the process that serves the calls. The number of a call is that of its method, so that
/// it is known before the call begins.
pub trait Notes {
    /// This call begins next.
    fn will_begin(&self, call: u32);
    /// The call began, and had its effect.
    fn ran(&self, call: u32);
    /// The reply is sent next.
    fn will_reply(&self, call: u32);
    /// The reply was sent.
    fn replied(&self, call: u32);
}

/// A segment with room for half of the calls.
pub fn segment() -> SegmentConfig {
    let class = |slot_size, slots| SizeClass { slot_size, slots };
    SegmentConfig::default()
        .with_ring_capacity(8)
        .with_call_table(16)
        .with_classes([class(256, 8), class(4096, 4)])
}

/// Makes the configuration of a session that serves the work, and the queue of its calls.
pub fn server(name: &str) -> (SessionConfig, mpsc::UnboundedReceiver<IncomingCall>) {
    let (mailbox, calls) = mpsc::unbounded_channel();
    let mut config = SessionConfig::new(name);
    config.resolver = Arc::new(Work(mailbox));
    (config, calls)
}

/// Serves calls until there are no more. Each result contains the incarnation that served it.
pub async fn serve(
    mut calls: mpsc::UnboundedReceiver<IncomingCall>,
    incarnation: u32,
    notes: &impl Notes,
) {
    while let Some(call) = calls.recv().await {
        let number = call.method();
        notes.will_begin(number);
        let Some(mut call) = call.begin() else {
            continue;
        };
        notes.ran(number);
        let arguments = call.take_arguments().expect("nobody took them before");
        let given = value::<Given>(&arguments);
        assert!(given == given_to(number));
        drop(arguments);
        notes.will_reply(number);
        // A buffer returns by reference.
        let result = Value((incarnation, given));
        let answer = call.encode(Status::Ok, &result).await;
        drop(result);
        answer.send().await;
        notes.replied(number);
    }
}

/// Makes a call. Returns the incarnation that served it; `None` for a tell.
pub async fn call(channel: &Channel, number: u32) -> Result<Option<u32>, CallFailure> {
    let arguments = Value(given_to(number));
    let options = CallOptions::default();
    if is_tell(number) {
        channel.tell(number, &arguments, &options).await?;
        return Ok(None);
    }
    let reply = channel.call(number, &arguments, &options).await?;
    assert!(!reply.is_error);
    let (incarnation, result) = value::<(u32, Given)>(&reply.body);
    assert!(result == given_to(number));
    Ok(Some(incarnation))
}

/// Whether a call is a tell.
pub fn is_tell(number: u32) -> bool {
    number % 4 == 3
}

struct Work(mpsc::UnboundedSender<IncomingCall>);

impl ServiceResolver for Work {
    fn resolve(&self, service: &str) -> Result<(Arc<dyn RequestSink>, u32), String> {
        assert_eq!(service, SERVICE);
        Ok((Arc::new(Self(self.0.clone())), WINDOW))
    }
}

impl RequestSink for Work {
    fn deliver(&self, call: IncomingCall) -> Result<(), IncomingCall> {
        self.0.send(call).map_err(|refused| refused.0)
    }
}

struct Value<T>(T);

impl<T: Wire> Encode for Value<T> {
    fn encode(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        writer.write(&self.0)
    }
}

fn value<T: Wire>(body: &MessageBody) -> T {
    let mut reader = body.reader();
    let value = reader.read().expect("what the other side encoded");
    reader.finish().expect("nothing behind it");
    value
}

/// Arguments and result of a call: inline bytes, or a buffer.
type Given = (Vec<u8>, Option<Blob>);

fn given_to(number: u32) -> Given {
    let bytes = |len| vec![number as u8 + 1; len];
    match number % 3 {
        0 => (bytes(3), None),
        1 => (bytes(200), None),
        _ => (Vec::new(), Some(Blob::from(bytes(3000)))),
    }
}

/// The name of the service.
pub const SERVICE: &str = "Work";
/// How many calls are made.
pub const CALLS: u32 = 10;
/// How many of them are made first, one after the other.
pub const ALONE: u32 = 2;
/// The window of the channel.
const WINDOW: u32 = 5;

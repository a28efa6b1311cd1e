//! An incoming call that has begun, and its reply.

use std::fmt;
use std::time::Instant;

use futures_util::future::{Either, select};

use crate::link::encode::Encode;
use crate::link::encoder::{Attempt, EncodedPayload, Unfinished};
use crate::link::payload_error::{PayloadError, no_slot, too_large};
use crate::link::prefix::Prefix;
use crate::link::waits::Need;
use crate::serving::context::CallContext;
use crate::serving::owned_call::OwnedCall;
use crate::serving::table::Replied;
use crate::streams::halves::StreamParts;
use crate::streams::{StreamReceiver, StreamSender};
use crate::transport::{Lane, SendError};
use crate::wire::frame::{Frame, Header, Status};
use crate::wire::message_body::MessageBody;
use crate::wire::remote_error::RemoteError;
use crate::wire::returned::RequestAttachments;

/// An incoming call that has begun.
///
/// Dropping it replies that the handler was dropped.
pub struct RunningCall {
    /// The first field, so that the request's buffers are released before the reply is sent.
    body: Option<MessageBody>,
    call: Unanswered,
}

/// A call that has no reply yet.
struct Unanswered {
    owned: Option<OwnedCall>,
    /// Boxed, since few calls have streams.
    parts: Option<Box<StreamParts>>,
    /// The request's buffers, which the reply can return by reference.
    attachments: RequestAttachments,
}

/// An encoded reply.
///
/// Dropping it unsent replies that the handler was dropped.
#[must_use = "dropping it replies that the handler was dropped"]
pub struct Answer {
    call: Unanswered,
    /// `None` if there is nothing to send.
    frame: Option<Frame>,
}

impl RunningCall {
    pub(super) fn new(
        owned: OwnedCall,
        body: MessageBody,
        parts: Option<Box<StreamParts>>,
    ) -> Self {
        Self {
            body: Some(body),
            call: Unanswered {
                owned: Some(owned),
                parts,
                attachments: RequestAttachments::default(),
            },
        }
    }

    fn owned(&self) -> Option<&OwnedCall> {
        self.call.owned.as_ref()
    }

    /// The number of the method.
    #[must_use]
    pub fn method(&self) -> u32 {
        self.owned().map_or(0, |call| call.method)
    }

    /// Takes the arguments. Dropping them releases the request's buffers.
    pub fn take_arguments(&mut self) -> Option<MessageBody> {
        let body = self.body.take()?;
        if !self.is_tell() {
            self.call.attachments = body.attachments();
        }
        Some(body)
    }

    /// Takes the receiving half for the caller's items, if the method has one. If not taken, it is
    /// dropped with the call.
    pub fn take_receiver(&mut self) -> Option<StreamReceiver> {
        self.call.parts.as_mut()?.receiver.take()
    }

    /// Takes the sending half for items to the caller, if the method has one. Dropping it ends the
    /// items with an error. If not taken, it is dropped with the call.
    pub fn take_sender(&mut self) -> Option<StreamSender> {
        self.call.parts.as_mut()?.sender.take()
    }

    /// Returns the context of the call. Call it before [`take_arguments`](Self::take_arguments),
    /// which takes the metadata too.
    #[must_use]
    pub fn context(&self) -> CallContext {
        let metadata = self.body.as_ref().map(MessageBody::metadata);
        let metadata = metadata.unwrap_or_default();
        match self.owned() {
            Some(call) => CallContext::remote(&call.calls, &call.cell, metadata),
            // The call is over.
            None => CallContext::local(None, metadata).0,
        }
    }

    /// The deadline of the call.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.owned().and_then(|call| call.deadline)
    }

    /// Whether the call is a tell, whose caller waits for no result.
    #[must_use]
    pub fn is_tell(&self) -> bool {
        self.owned().is_some_and(|call| call.is_tell())
    }

    /// Waits until the call is cancelled, its deadline passes, or the session ends.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn cancelled(&self) -> RemoteError {
        match self.owned() {
            Some(call) => call.cancelled().await,
            None => RemoteError::Cancelled,
        }
    }

    /// Replies with the method's result, or its own error. The reply to a tell has no body.
    ///
    /// Returning a buffer of the request, or a part of one, copies and sends no bytes: the caller
    /// gets its own buffer.
    ///
    /// # Cancel safety
    /// Dropping the future replies that the handler was dropped.
    pub fn reply<'a>(
        self,
        status: Status,
        body: &'a (dyn Encode + 'a),
    ) -> impl Future<Output = ()> + Send + 'a {
        let call = self.without_body();
        async move { call.encode(status, body).await.send().await }
    }

    /// Encodes a reply, to be sent with [`Answer::send`]. In between, the result can be dropped, so
    /// that the request's buffers in it are released before the caller gets the reply.
    ///
    /// # Cancel safety
    /// Dropping the future replies that the handler was dropped.
    pub fn encode<'a>(
        self,
        status: Status,
        body: &'a (dyn Encode + 'a),
    ) -> impl Future<Output = Answer> + Send + 'a {
        self.without_body().encode(status, body)
    }

    /// Returns what the future of a reply captures: no more than it needs, since it is part of the
    /// future of every handler.
    fn without_body(self) -> Unanswered {
        let Self { body, call } = self;
        drop(body);
        call
    }

    /// Replies with an error of the runtime.
    pub fn fail(mut self, failure: &RemoteError) {
        self.body = None;
        self.call.end(failure);
    }
}

impl Answer {
    /// Sends the reply, and waits for room.
    ///
    /// # Cancel safety
    /// Dropping the future replies that the handler was dropped.
    pub fn send(self) -> impl Future<Output = ()> + Send {
        // The future captures the parts, since an `async fn` would hold the answer twice.
        let Self {
            mut call,
            mut frame,
        } = self;
        async move {
            let Some(frame) = &mut frame else {
                return;
            };
            loop {
                let Some(owned) = &call.owned else {
                    return;
                };
                let link = owned.link();
                let replied = owned
                    .calls
                    .table
                    .reply(&owned.cell, &*link.transport, frame);
                match replied {
                    Replied::Sent => {
                        link.metrics.sent(frame);
                        link.metrics.answered();
                        drop(call.owned.take());
                        return;
                    }
                    // Boxed: this rare path would make the future of every reply larger.
                    Replied::NotNow(why) => match Box::pin(call.prepare_again(frame, why)).await {
                        true => {}
                        false => return,
                    },
                    Replied::Over => return,
                }
            }
        }
    }
}

impl Unanswered {
    #[expect(
        clippy::manual_async_fn,
        reason = "an async fn would hold the call twice"
    )]
    fn encode<'a>(
        mut self,
        status: Status,
        body: &'a (dyn Encode + 'a),
    ) -> impl Future<Output = Answer> + Send + 'a {
        async move {
            let frame = match &self.owned {
                Some(call) => {
                    let body = if call.is_tell() { &() } else { body };
                    let attachments = Some(&self.attachments);
                    let (lane, prefix) = (Lane::Priority, Prefix::default());
                    let encoder = &call.link().encoder;
                    let encoded = match encoder.encode(lane, prefix, body, attachments) {
                        Ok(Attempt::Waiting(rest)) => finish(call, *rest).await,
                        Ok(Attempt::Encoded(encoded)) => Ok(Ok(encoded)),
                        Err(error) => Ok(Err(error)),
                    };
                    self.framed(call.reply_header(status), encoded)
                }
                None => None,
            };
            Answer { call: self, frame }
        }
    }

    /// Prepares another attempt to send a reply: it waits for room, or is encoded again. False if it is
    /// not to be sent.
    async fn prepare_again(&mut self, frame: &mut Frame, why: SendError) -> bool {
        let Some(owned) = &self.owned else {
            return false;
        };
        let (link, lane) = (owned.link(), Lane::Priority);
        if why != SendError::InFlight {
            let room = link.transport.ready(lane);
            let room = link.waits.during(owned.flow(), Need::Ring, room);
            let failure = tokio::select! {
                biased;
                room = room => return room.is_ok(),
                failure = owned.cancelled() => failure,
            };
            self.end(&failure);
            return false;
        }
        // Another frame with one of the buffers was sent first: encode again, with a copy of that
        // buffer.
        frame.give_up_transfers();
        let encoded = match link.encoder.re_encode(lane, frame) {
            Ok(Attempt::Waiting(rest)) => finish(owned, *rest).await,
            Ok(Attempt::Encoded(encoded)) => Ok(Ok(encoded)),
            Err(error) => Ok(Err(error)),
        };
        match self.framed(frame.header, encoded) {
            Some(again) => {
                *frame = again;
                true
            }
            None => false,
        }
    }

    /// Makes the frame of a reply. If encoding failed, or the call ended while it waited, replies with the reason and
    /// returns `None`; also `None` if the session is over.
    fn framed(
        &mut self,
        header: Header,
        encoded: Result<Result<EncodedPayload, PayloadError>, RemoteError>,
    ) -> Option<Frame> {
        let encoded = match encoded {
            Ok(encoded) => encoded,
            Err(failure) => {
                self.end(&failure);
                return None;
            }
        };
        let why = match encoded {
            Ok(encoded) => {
                return Some(Frame {
                    header: Header {
                        flags: encoded.flags,
                        ..header
                    },
                    payload: encoded.payload,
                    blobs: encoded.blobs,
                });
            }
            Err(PayloadError::Encode(why)) => why,
            Err(PayloadError::TooLarge { len, max }) => too_large(len, max),
            Err(PayloadError::NoSlot { len }) => no_slot(len),
            Err(PayloadError::Closed) => return None,
        };
        self.end(&RemoteError::BadResult(why));
        None
    }

    fn end(&mut self, failure: &RemoteError) {
        if let Some(call) = self.owned.take() {
            self.parts = None;
            call.fail(failure);
        }
    }
}

/// Encodes a reply that lacks buffers, unless its call ends before.
async fn finish(
    call: &OwnedCall,
    rest: Unfinished<'_>,
) -> Result<Result<EncodedPayload, PayloadError>, RemoteError> {
    let encoder = &call.link().encoder;
    let encoded = encoder.finish_later(rest, call.flow(), Lane::Priority);
    match select(encoded, Box::pin(call.cancelled())).await {
        Either::Left((encoded, _)) => Ok(encoded),
        Either::Right((failure, _)) => Err(failure),
    }
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        self.end(&RemoteError::Dropped);
    }
}

impl fmt::Debug for RunningCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunningCall")
            .field("call", &self.owned().map(|call| call.id))
            .field("deadline", &self.deadline())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("call", &self.call.owned.as_ref().map(|call| call.id))
            .finish_non_exhaustive()
    }
}

//! A call that has begun, in its handler's hands.

use std::fmt;
use std::time::Instant;

use crate::link::encoder::{Encode, EncodedPayload};
use crate::link::payload_error::{PayloadError, too_large};
use crate::link::prefix::Prefix;
use crate::serving::context::CallContext;
use crate::serving::held::HeldCall;
use crate::serving::table::Replied;
use crate::streams::halves::StreamParts;
use crate::streams::{StreamReceiver, StreamSender};
use crate::transport::{Lane, SendError};
use crate::wire::frame::{Frame, Header, Status};
use crate::wire::message_body::MessageBody;
use crate::wire::remote_error::RemoteError;
use crate::wire::returned::RequestAttachments;

/// A call that has begun. Dropping it answers that the handler went away.
pub struct RunningCall {
    /// Before the answer, so that the request's buffers go back first.
    body: Option<MessageBody>,
    call: Unanswered,
}

/// What still has to be answered.
struct Unanswered {
    held: Option<HeldCall>,
    /// Boxed, since few calls stream.
    parts: Option<Box<StreamParts>>,
    /// The request's buffers, which the answer need not carry.
    attachments: RequestAttachments,
}

/// An answer, ready to be sent. Dropping it answers that the handler went away.
#[must_use = "dropping it answers that the handler went away"]
pub struct Answer {
    call: Unanswered,
    /// `None` if there is nothing to send any more.
    frame: Option<Frame>,
}

impl RunningCall {
    pub(super) fn new(held: HeldCall, body: MessageBody, parts: Option<Box<StreamParts>>) -> Self {
        Self {
            body: Some(body),
            call: Unanswered {
                held: Some(held),
                parts,
                attachments: RequestAttachments::default(),
            },
        }
    }

    fn held(&self) -> Option<&HeldCall> {
        self.call.held.as_ref()
    }

    /// The method's number.
    #[must_use]
    pub fn method(&self) -> u32 {
        self.held().map_or(0, |call| call.method)
    }

    /// The arguments; the request's buffers go back when this is dropped.
    pub fn take_arguments(&mut self) -> Option<MessageBody> {
        let body = self.body.take()?;
        if !self.is_tell() {
            self.call.attachments = body.attachments();
        }
        Some(body)
    }

    /// The caller's items, if the call brought any. Left where it is, it is dropped with the call.
    pub fn take_receiver(&mut self) -> Option<StreamReceiver> {
        self.call.parts.as_mut()?.receiver.take()
    }

    /// Where items for the caller go, if it takes any. Dropping it ends its items with an error, and
    /// so does leaving it where it is.
    pub fn take_sender(&mut self) -> Option<StreamSender> {
        self.call.parts.as_mut()?.sender.take()
    }

    /// What the handler can know of its call. To be asked before the arguments are taken, which
    /// hold the metadata.
    #[must_use]
    pub fn context(&self) -> CallContext {
        let metadata = self.body.as_ref().map(MessageBody::metadata);
        let metadata = metadata.unwrap_or_default();
        match self.held() {
            Some(call) => CallContext::remote(&call.calls, &call.cell, metadata),
            // It is over.
            None => CallContext::local(None, metadata).0,
        }
    }

    /// When the answer is of no use to the caller any more.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.held().and_then(|call| call.deadline)
    }

    /// Whether nobody waits for the result.
    #[must_use]
    pub fn is_tell(&self) -> bool {
        self.held().is_some_and(|call| call.is_tell())
    }

    /// Waits until the caller gives up, the deadline passes or the session ends.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn cancelled(&self) -> RemoteError {
        let Some(call) = self.held() else {
            return RemoteError::Cancelled;
        };
        match call.deadline {
            None => {
                call.end.wait().await;
                RemoteError::Cancelled
            }
            // Boxed, since a timer would make every handler's future larger.
            Some(at) => Box::pin(tokio::time::timeout_at(at.into(), call.end.wait()))
                .await
                .map_or(RemoteError::DeadlineExceeded, |()| RemoteError::Cancelled),
        }
    }

    /// Answers with the method's result, or its own error. A tell's result is nobody's: of it, only
    /// the credit travels.
    ///
    /// A buffer of the request's goes back without its bytes, also a part of one: the caller has them.
    ///
    /// # Cancel safety
    /// Dropping the future answers that the handler went away.
    pub fn reply<'a>(
        self,
        status: Status,
        body: &'a (dyn Encode + 'a),
    ) -> impl Future<Output = ()> + Send + 'a {
        let encoded = self.encode(status, body);
        async move { encoded.await.send().await }
    }

    /// Encodes an answer, to be sent by [`Answer::send`]. In between the result can be dropped, so that
    /// the buffers of the request that it holds are the caller's again when the caller hears.
    ///
    /// # Cancel safety
    /// Dropping the future answers that the handler went away.
    pub fn encode<'a>(
        self,
        status: Status,
        body: &'a (dyn Encode + 'a),
    ) -> impl Future<Output = Answer> + Send + 'a {
        // The future holds what it needs and no more, since it is part of each handler's.
        let Self {
            body: request,
            call,
        } = self;
        drop(request);
        call.encode(status, body)
    }

    /// Answers with a failure of the runtime's.
    pub fn fail(mut self, failure: &RemoteError) {
        self.body = None;
        self.call.end(failure);
    }
}

impl Answer {
    /// Sends it, as soon as there is room.
    ///
    /// # Cancel safety
    /// Dropping the future answers that the handler went away.
    pub async fn send(self) {
        let Self { mut call, frame } = self;
        let Some(mut frame) = frame else {
            return;
        };
        loop {
            let Some(held) = &call.held else {
                return;
            };
            let link = held.link();
            let replied = held.calls.table.reply(&held.cell, &*link.transport, &frame);
            match replied {
                Replied::Sent => {
                    link.metrics.sent(&frame);
                    link.metrics.answered();
                    call.held = None;
                    return;
                }
                // Somebody else sent one of the buffers first: encode again, with a copy of it.
                Replied::NotNow(SendError::InFlight) => {
                    let encoded =
                        Box::pin(link.encoder.re_encode(Lane::Priority, &frame, None)).await;
                    match call.framed(frame.header, encoded) {
                        Some(again) => frame = again,
                        None => return,
                    }
                }
                Replied::NotNow(_) => {
                    if link.transport.ready(Lane::Priority).await.is_err() {
                        return;
                    }
                }
                Replied::Over => return,
            }
        }
    }
}

impl Unanswered {
    async fn encode(mut self, status: Status, body: &(dyn Encode + '_)) -> Answer {
        let mut frame = None;
        if let Some(call) = &self.held {
            let body = if call.is_tell() { &() } else { body };
            let attachments = Some(&self.attachments);
            let encoder = &call.link().encoder;
            let encoded = encoder.encode(Lane::Priority, Prefix::default(), body, attachments);
            let encoded = encoded.await;
            frame = self.framed(call.reply_header(status), encoded);
        }
        Answer { call: self, frame }
    }

    /// The frame of an answer. If there is none, the caller is told why, or the session is over.
    fn framed(
        &mut self,
        header: Header,
        encoded: Result<EncodedPayload, PayloadError>,
    ) -> Option<Frame> {
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
            Err(PayloadError::Closed) => return None,
        };
        self.end(&RemoteError::BadResult(why));
        None
    }

    fn end(&mut self, failure: &RemoteError) {
        if let Some(call) = self.held.take() {
            self.parts = None;
            call.fail(failure);
        }
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
            .field("call", &self.held().map(|call| call.id))
            .field("deadline", &self.deadline())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("call", &self.call.held.as_ref().map(|call| call.id))
            .finish_non_exhaustive()
    }
}

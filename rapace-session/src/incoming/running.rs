//! A call that has begun, in its handler's hands.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use crate::context::CallContext;
use crate::envelope::Envelope;
use crate::error::Failure;
use crate::frame::{Frame, Status};
use crate::incoming::CallCell;
use crate::incoming::table::Replied;
use crate::prefix::Prefix;
use crate::seal::{Encode, SealError};
use crate::session::Session;
use crate::stream::{StreamParts, StreamReceiver, StreamSender};
use crate::transport::{Lane, SendError};

/// A call that has begun. Dropping it answers that the handler went away.
pub struct RunningCall {
    /// Before the answer, so that the request's buffers go back first.
    envelope: Option<Envelope>,
    call: Unanswered,
}

/// What still has to be answered.
struct Unanswered {
    cell: Option<Arc<CallCell>>,
    /// Boxed, since few calls stream.
    parts: Option<Box<StreamParts>>,
}

impl RunningCall {
    pub(crate) fn new(
        cell: Arc<CallCell>,
        envelope: Envelope,
        parts: Option<Box<StreamParts>>,
    ) -> Self {
        Self {
            envelope: Some(envelope),
            call: Unanswered {
                cell: Some(cell),
                parts,
            },
        }
    }

    fn cell(&self) -> Option<&Arc<CallCell>> {
        self.call.cell.as_ref()
    }

    /// The method's number.
    #[must_use]
    pub fn method(&self) -> u32 {
        self.cell().map_or(0, |cell| cell.method())
    }

    /// The arguments; the request's buffers go back when this is dropped.
    pub fn take_arguments(&mut self) -> Option<Envelope> {
        self.envelope.take()
    }

    /// The caller's items, if the call brought any. Left where it is, it is dropped with the call.
    pub fn take_receiver(&mut self) -> Option<StreamReceiver> {
        self.call.parts.as_mut()?.receiver.take()
    }

    /// Where items for the caller go, if it takes any. Dropping it resets the stream, and so does
    /// leaving it where it is.
    pub fn take_sender(&mut self) -> Option<StreamSender> {
        self.call.parts.as_mut()?.sender.take()
    }

    /// What the handler can know of its call. To be asked before the arguments are taken, which
    /// hold the metadata.
    #[must_use]
    pub fn context(&self) -> CallContext {
        CallContext {
            deadline: self.deadline(),
            metadata: self
                .envelope
                .as_ref()
                .map(Envelope::metadata)
                .unwrap_or_default(),
            session: self
                .cell()
                .map(|cell| Session::of(Arc::clone(cell.shared()))),
        }
    }

    /// When the answer is of no use to the caller any more.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.cell().and_then(|cell| cell.deadline())
    }

    /// Whether nobody waits for the result.
    #[must_use]
    pub fn is_tell(&self) -> bool {
        self.cell().is_some_and(|cell| cell.is_tell())
    }

    /// Waits until the caller gives up, the deadline passes or the session ends.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn cancelled(&self) -> Failure {
        let Some(cell) = self.cell() else {
            return Failure::Cancelled;
        };
        match cell.deadline() {
            None => {
                cell.cancelled().await;
                Failure::Cancelled
            }
            // Boxed, since a timer would make every handler's future larger.
            Some(at) => Box::pin(tokio::time::timeout_at(at.into(), cell.cancelled()))
                .await
                .map_or(Failure::DeadlineExceeded, |()| Failure::Cancelled),
        }
    }

    /// Answers with the method's result, or its own error. A tell's result is nobody's: of it, only
    /// the credit travels.
    ///
    /// # Cancel safety
    /// Dropping the future answers that the handler went away.
    pub fn reply<'a>(
        self,
        status: Status,
        body: &'a (dyn Encode + 'a),
    ) -> impl Future<Output = ()> + Send + 'a {
        // The future holds what it needs and no more, since it is part of each handler's.
        let Self { envelope, call } = self;
        drop(envelope);
        call.reply(status, body)
    }

    /// Answers with a failure of the runtime's.
    pub fn fail(mut self, failure: &Failure) {
        self.envelope = None;
        self.call.end(failure);
    }
}

impl Unanswered {
    async fn reply(mut self, status: Status, body: &(dyn Encode + '_)) {
        let Some(cell) = self.cell.clone() else {
            return;
        };
        let shared = cell.shared();
        let body = if cell.is_tell() { &() } else { body };
        loop {
            let sealed = shared.packer.seal(Lane::Priority, Prefix::default(), body);
            let sealed = match sealed.await {
                Ok(sealed) => sealed,
                Err(SealError::Encode(why)) => return self.end(&Failure::BadResult(why)),
                Err(SealError::TooLarge { len, max }) => {
                    let why = format!("{len} bytes are over the limit of {max}");
                    return self.end(&Failure::BadResult(why));
                }
                // The session is over; so is the call.
                Err(SealError::Closed) => return,
            };
            let mut header = cell.reply_header(status);
            header.flags = sealed.flags;
            let frame = Frame {
                header,
                payload: sealed.payload,
                blobs: sealed.blobs,
            };
            loop {
                match shared.incoming.reply(&cell, &*shared.transport, &frame) {
                    Replied::Sent => {
                        self.cell = None;
                        shared.metrics.sent(&frame);
                        shared.metrics.answered();
                        return;
                    }
                    Replied::NotNow(SendError::InFlight) => break,
                    Replied::NotNow(_) => {
                        if shared.transport.ready(Lane::Priority).await.is_err() {
                            return;
                        }
                    }
                    Replied::Over => return,
                }
            }
        }
    }

    fn end(&mut self, failure: &Failure) {
        if let Some(cell) = self.cell.take() {
            self.parts = None;
            cell.fail(failure);
        }
    }
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        self.end(&Failure::Dropped);
    }
}

impl fmt::Debug for RunningCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunningCall")
            .field("call", &self.cell().map(|cell| cell.id()))
            .field("deadline", &self.deadline())
            .finish_non_exhaustive()
    }
}

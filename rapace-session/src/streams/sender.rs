//! The sending half of a stream.

use std::sync::Arc;

use futures_util::future::{Either, select};
use kameo::actor::ActorRef;

use crate::link::Link;
use crate::link::encode::Encode;
use crate::link::encoder::Attempt;
use crate::link::payload_error::{PayloadError, no_slot, too_large};
use crate::link::prefix::Prefix;
use crate::link::waits::{Flow, Need};
use crate::streams::actor::{LocalEnded, StreamActor, send_reset};
use crate::streams::error::StreamError;
use crate::streams::state::StreamState;
use crate::streams::window::{InFlight, Window};
use crate::transport::{Lane, SendError};
use crate::wire::frame::{ChannelId, Frame, FrameType, Header};

/// The sending half of a stream.
///
/// Dropping it without [`end`](Self::end) ends its direction with an error.
#[derive(Debug)]
pub struct StreamSender {
    link: Arc<Link>,
    id: ChannelId,
    stream: Arc<StreamState>,
    actor: ActorRef<StreamActor>,
    in_flight: InFlight,
    /// Who waits when an item does.
    flow: Flow,
    ended: bool,
}

/// Why an item was not sent.
///
/// Not `non_exhaustive`: the layer above maps each variant to an error of its own, and a new one must not be mapped by
/// accident.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StreamSendError {
    /// The receiver wants no more items. This is an early end, not an error.
    #[error("the receiver wants no more items")]
    Stopped,
    /// The stream is over.
    #[error("{0}")]
    Over(StreamError),
    /// The item could not be encoded, or is too large. The stream goes on.
    #[error("the item could not be sent: {0}")]
    BadItem(String),
}

impl StreamSender {
    pub(crate) fn new(
        link: Arc<Link>,
        id: ChannelId,
        stream: Arc<StreamState>,
        actor: ActorRef<StreamActor>,
        window: Window,
        flow: Flow,
    ) -> Self {
        Self {
            link,
            id,
            stream,
            actor,
            in_flight: InFlight::new(window),
            flow,
            ended: false,
        }
    }

    pub(crate) fn state(&self) -> &Arc<StreamState> {
        &self.stream
    }

    pub(super) fn actor(&self) -> &ActorRef<StreamActor> {
        &self.actor
    }

    /// Makes dropping the half send no frame.
    pub(crate) fn silence(&mut self) {
        self.ended = true;
    }

    /// Sends an item, and waits for a credit and for room.
    ///
    /// # Cancel safety
    /// Dropping the future before it is ready sends nothing.
    ///
    /// # Errors
    /// See [`StreamSendError`].
    pub async fn send(&mut self, item: &(dyn Encode + '_)) -> Result<(), StreamSendError> {
        loop {
            let (flow, waits) = (self.flow, &self.link.waits);
            let of = (flow, self.id);
            let credit = self.stream.credit(&mut self.in_flight, of, waits);
            let Some(credit) = credit.await else {
                return Err(self.over().await);
            };
            let encoder = &self.link.encoder;
            let encoded = match encoder.encode(Lane::Data, Prefix::default(), item, None) {
                Ok(Attempt::Waiting(rest)) => {
                    let finished = encoder.finish_later(*rest, flow, Lane::Data);
                    let over = Box::pin(self.stream.over());
                    match select(finished, over).await {
                        Either::Left((encoded, _)) => encoded,
                        Either::Right(_) => return Err(self.over().await),
                    }
                }
                Ok(Attempt::Encoded(encoded)) => Ok(encoded),
                Err(error) => Err(error),
            };
            let encoded = match encoded {
                Ok(encoded) => encoded,
                Err(PayloadError::Encode(why)) => return Err(StreamSendError::BadItem(why)),
                Err(PayloadError::TooLarge { len, max }) => {
                    return Err(StreamSendError::BadItem(too_large(len, max)));
                }
                Err(PayloadError::NoSlot { len }) => {
                    return Err(StreamSendError::BadItem(no_slot(len)));
                }
                Err(PayloadError::Closed) => return Err(self.over().await),
            };
            let mut header = Header::new(FrameType::Item, self.id);
            header.flags = encoded.flags;
            let frame = Frame {
                header,
                payload: encoded.payload,
                blobs: encoded.blobs,
            };
            if self.put(&frame).await? {
                credit.forget();
                let carried = frame.carried();
                self.in_flight.sent(carried);
                self.link.metrics.sent_bytes(carried);
                return Ok(());
            }
            // Another frame with one of the buffers was sent first: encode again, with a copy of
            // that buffer.
        }
    }

    /// Puts an item on the ring; false if one of its buffers is already in flight.
    async fn put(&self, frame: &Frame) -> Result<bool, StreamSendError> {
        loop {
            if self.stream.is_over() {
                return Err(self.over().await);
            }
            let transport = &self.link.transport;
            match self.stream.sending(|| transport.send(frame, Lane::Data)) {
                Ok(()) => return Ok(true),
                Err(SendError::InFlight) => return Ok(false),
                Err(SendError::Closed) => return Err(self.over().await),
                Err(SendError::Full) => {
                    let room = self.link.transport.ready(Lane::Data);
                    let room = self.link.waits.during(self.flow, Need::Ring, room);
                    tokio::select! {
                        room = room => {
                            if room.is_err() {
                                return Err(self.over().await);
                            }
                        }
                        () = self.stream.over() => {}
                    }
                }
            }
        }
    }

    /// Waits until the receiver wants no more, or the stream is over.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn stopped(&self) -> StreamSendError {
        self.over().await
    }

    /// Ends the items of this half. The other direction goes on.
    pub fn end(mut self) {
        self.ended = true;
        if !self.stream.is_over() {
            self.link.send_bare(FrameType::End, self.id);
            let _ = self.actor.tell(LocalEnded).try_send();
        }
    }

    /// Ends the items of this half with an error that the peer reads. The other direction goes on.
    pub fn reset(mut self, why: &str) {
        self.reset_with(why);
    }

    fn reset_with(&mut self, why: &str) {
        self.ended = true;
        if !self.stream.is_over() {
            send_reset(&self.link, self.id, why);
            let _ = self.actor.tell(LocalEnded).try_send();
        }
    }

    /// Waits until sending is over, and returns why. The transport may know before the stream does.
    async fn over(&self) -> StreamSendError {
        self.stream.over().await;
        self.stream
            .why_over()
            .map_or(StreamSendError::Stopped, StreamSendError::Over)
    }
}

impl Drop for StreamSender {
    fn drop(&mut self) {
        if !self.ended {
            self.reset_with("the sender was dropped");
        }
        self.stream.release_half();
    }
}

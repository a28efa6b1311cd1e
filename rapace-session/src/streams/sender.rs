//! The sending half of a stream.

use std::fmt;
use std::sync::Arc;

use crate::link::prefix::Prefix;
use crate::link::seal::{Encode, SealError};
use crate::session::shared::Shared;
use crate::streams::actor::LocalEnded;
use crate::streams::route::StreamRoute;
use crate::transport::{Lane, SendError};
use crate::wire::error::{StreamError, too_large};
use crate::wire::frame::{ChannelId, Frame, Header, Verb};

/// The sending half. Dropping it without [`end`](Self::end) ends its direction with an error.
#[derive(Debug)]
pub struct StreamSender {
    shared: Arc<Shared>,
    id: ChannelId,
    route: Arc<StreamRoute>,
    ended: bool,
}

/// Why an item was not sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StreamSendError {
    /// The receiver wants no more: an early end, not a fault.
    Stopped,
    /// The stream is over.
    Over(StreamError),
    /// The item could not be encoded, or is too large. The stream goes on.
    BadItem(String),
}

impl StreamSender {
    pub(crate) fn new(shared: Arc<Shared>, id: ChannelId, route: Arc<StreamRoute>) -> Self {
        Self {
            shared,
            id,
            route,
            ended: false,
        }
    }

    pub(crate) fn route(&self) -> &Arc<StreamRoute> {
        &self.route
    }

    /// Lets the half be dropped without a word.
    pub(crate) fn silence(&mut self) {
        self.ended = true;
    }

    /// Sends an item as soon as there are credits for it.
    ///
    /// # Cancel safety
    /// Dropping the future before it is ready sends nothing.
    ///
    /// # Errors
    /// See [`StreamSendError`].
    pub async fn send(&mut self, item: &(dyn Encode + '_)) -> Result<(), StreamSendError> {
        loop {
            let Some(credit) = self.route.credit().await else {
                return Err(self.over().await);
            };
            let packer = &self.shared.packer;
            let sealed = packer.seal(Lane::Data, Prefix::default(), item, None);
            let sealed = match sealed.await {
                Ok(sealed) => sealed,
                Err(SealError::Encode(why)) => return Err(StreamSendError::BadItem(why)),
                Err(SealError::TooLarge { len, max }) => {
                    return Err(StreamSendError::BadItem(too_large(len, max)));
                }
                Err(SealError::Closed) => return Err(self.over().await),
            };
            let mut header = Header::new(Verb::Item, self.id);
            header.flags = sealed.flags;
            let frame = Frame {
                header,
                payload: sealed.payload,
                blobs: sealed.blobs,
            };
            if self.put(&frame).await? {
                credit.forget();
                self.shared.metrics.sent(&frame);
                return Ok(());
            }
            // Somebody else sent one of the buffers first: seal again, with a copy of it.
        }
    }

    /// Puts an item on the ring; false if a buffer of it is on its way already.
    async fn put(&self, frame: &Frame) -> Result<bool, StreamSendError> {
        loop {
            if self.route.is_over() {
                return Err(self.over().await);
            }
            let transport = &self.shared.transport;
            match self.route.sending(|| transport.send(frame, Lane::Data)) {
                Ok(()) => return Ok(true),
                Err(SendError::InFlight) => return Ok(false),
                Err(SendError::Closed) => return Err(self.over().await),
                Err(SendError::Full) => {
                    let room = self.shared.transport.ready(Lane::Data);
                    tokio::select! {
                        room = room => {
                            if room.is_err() {
                                return Err(self.over().await);
                            }
                        }
                        () = self.route.over() => {}
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

    /// Says that there are no more items.
    pub fn end(mut self) {
        self.ended = true;
        if !self.route.is_over() {
            let frame = Frame::bare(Header::new(Verb::End, self.id));
            self.shared.outbox.send(frame);
            let _ = self.route.actor.tell(LocalEnded).try_send();
        }
    }

    /// Ends the items of this half with an error that the peer will read. The other direction goes on.
    pub fn reset(mut self, why: &str) {
        self.reset_with(why);
    }

    fn reset_with(&mut self, why: &str) {
        self.ended = true;
        if !self.route.is_over() {
            self.shared.send_reset(self.id, why);
            let _ = self.route.actor.tell(LocalEnded).try_send();
        }
    }

    /// Why sending is over, once it is. The transport may know before the stream does.
    async fn over(&self) -> StreamSendError {
        self.route.over().await;
        self.route
            .why_over()
            .map_or(StreamSendError::Stopped, StreamSendError::Over)
    }
}

impl Drop for StreamSender {
    fn drop(&mut self) {
        if !self.ended {
            self.reset_with("the sender went away");
        }
        self.route.let_go();
    }
}

impl fmt::Display for StreamSendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stopped => f.write_str("the receiver wants no more items"),
            Self::Over(why) => why.fmt(f),
            Self::BadItem(why) => write!(f, "the item could not be sent: {why}"),
        }
    }
}

impl std::error::Error for StreamSendError {}

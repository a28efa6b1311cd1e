//! The receiving half of a stream.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_util::Stream;
use kameo::actor::ActorRef;
use tokio::sync::mpsc;

use crate::link::Link;
use crate::streams::actor::{ReceiverLeft, StreamActor};
use crate::streams::error::StreamError;
use crate::streams::state::StreamState;
use crate::streams::window::Taken;
use crate::wire::frame::{ChannelId, Frame, FrameType, Header};
use crate::wire::message_body::MessageBody;

/// The receiving half of a stream.
///
/// It yields the items, and finally an error unless the sender ended the stream. Dropping it asks
/// the sender to stop.
#[derive(Debug)]
pub struct StreamReceiver {
    link: Arc<Link>,
    id: ChannelId,
    stream: Arc<StreamState>,
    actor: ActorRef<StreamActor>,
    items: mpsc::UnboundedReceiver<Result<Frame, StreamError>>,
    items_in_window: u32,
    taken: Taken,
    done: bool,
}

impl StreamReceiver {
    pub(crate) fn new(
        link: Arc<Link>,
        id: ChannelId,
        stream: Arc<StreamState>,
        actor: ActorRef<StreamActor>,
        items: mpsc::UnboundedReceiver<Result<Frame, StreamError>>,
        items_in_window: u32,
    ) -> Self {
        Self {
            link,
            id,
            stream,
            actor,
            items,
            items_in_window,
            taken: Taken::default(),
            done: false,
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
        self.done = true;
    }

    /// Counts a taken item, and grants new credits, half a window at a time (ST3).
    fn give_credit(&mut self, length: u64) {
        let allowance = &self.stream.allowance;
        let size = allowance.window.size();
        if let Some(taken) = self.taken.take(length, self.items_in_window, size) {
            // Before the peer can use the credits.
            let growth = allowance.give_back(taken);
            let mut header = Header::new(FrameType::Credit, self.id);
            header.credits = taken.items;
            header.method = growth;
            self.link.outbox.send(Frame::bare(header));
        }
    }

    /// Records that all items were taken and none follow.
    fn over(&mut self) {
        self.done = true;
        self.stream.allowance.window.end();
    }

    fn leave(&mut self) {
        self.done = true;
        let _ = self.actor.tell(ReceiverLeft).try_send();
    }
}

impl Stream for StreamReceiver {
    type Item = Result<MessageBody, StreamError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.done {
            return Poll::Ready(None);
        }
        Poll::Ready(match ready!(self.items.poll_recv(cx)) {
            None => {
                self.over();
                None
            }
            Some(Err(error)) => {
                self.over();
                Some(Err(error))
            }
            Some(Ok(frame)) => match MessageBody::parse(frame) {
                Ok(body) => {
                    self.give_credit(body.carried());
                    Some(Ok(body))
                }
                Err(what) => {
                    self.leave();
                    Some(Err(StreamError::Fault(what.into())))
                }
            },
        })
    }
}

impl Drop for StreamReceiver {
    fn drop(&mut self) {
        if !self.done {
            self.leave();
        }
        // What arrives from now on is dropped.
        self.stream.allowance.window.end();
        self.stream.release_half();
    }
}

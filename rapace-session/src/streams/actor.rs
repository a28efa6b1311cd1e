//! The actor of a stream.
//!
//! | message | from | kind |
//! |---|---|---|
//! | `Arrived`, `NoMemory`, `Overrun` | reader | tell |
//! | `LocalEnded`, `ReceiverLeft`, `NeverOpened` | the halves | tell |
//! | `SessionEnded` | the session's end | tell |
//!
//! When its runtime is shut down, the actor is dropped without `on_stop`. Its destructor then
//! notifies both halves and the peer (ST1).

use std::sync::Arc;

use kameo::Actor;
use kameo::actor::ActorRef;
use kameo::error::Infallible;
use kameo::message::{Context, Message};
use tokio::sync::mpsc;

use crate::link::Link;
use crate::link::end::EndReason;
use crate::streams::error::StreamError;
use crate::streams::state::StreamState;
use crate::wire::frame::{ChannelId, Frame, FrameType};
use crate::wire::text;

/// The state of the direction from the peer.
#[derive(Debug)]
enum ReceiveState {
    /// Items are passed to the receiver.
    Open(mpsc::UnboundedSender<Result<Frame, StreamError>>),
    /// The receiver was dropped and the peer told to stop; items that still arrive are dropped.
    Unwanted,
    /// The peer ended it, or the method has no such direction.
    Over,
    /// It ended with an error; items that still arrive are dropped.
    Failed,
}

/// The actor of a stream.
pub(crate) struct StreamActor {
    link: Arc<Link>,
    id: ChannelId,
    stream: Arc<StreamState>,
    /// Whether this side may still send items.
    ours: bool,
    theirs: ReceiveState,
    /// Whether this side has sent `Stop`.
    stopped: bool,
    /// Removes the stream from its session (ST4).
    on_over: Option<Box<dyn FnOnce() + Send>>,
}

/// A frame of the stream arrived. Items are already checked against the allowance.
pub(crate) struct Arrived(pub(crate) Frame);

/// An item arrived, and there was no memory for so many bytes of it.
pub(crate) struct NoMemory(pub(crate) u64);

/// The peer sent an item without credit.
pub(crate) struct Overrun;

/// The sending half sent its last frame, an `End` or a `Reset`.
pub(crate) struct LocalEnded;

/// The receiving half was dropped.
pub(crate) struct ReceiverLeft;

/// The request that would open the stream was not sent.
pub(crate) struct NeverOpened;

/// The session ended.
pub(crate) struct SessionEnded(pub(crate) EndReason);

impl StreamActor {
    pub(crate) fn new(
        link: Arc<Link>,
        id: ChannelId,
        stream: Arc<StreamState>,
        ours: bool,
        items: Option<mpsc::UnboundedSender<Result<Frame, StreamError>>>,
        on_over: impl FnOnce() + Send + 'static,
    ) -> Self {
        Self {
            link,
            id,
            stream,
            ours,
            theirs: items.map_or(ReceiveState::Over, ReceiveState::Open),
            stopped: false,
            on_over: Some(Box::new(on_over)),
        }
    }

    fn say(&self, frame_type: FrameType) {
        self.link.send_bare(frame_type, self.id);
    }

    /// Whether the peer may still send items.
    fn may_receive(&self) -> bool {
        matches!(self.theirs, ReceiveState::Open(_) | ReceiveState::Unwanted)
    }

    /// Ends the direction from the peer with an error (ST1).
    fn fail_receiving(&mut self, error: StreamError) {
        if let ReceiveState::Open(items) = &self.theirs {
            let _ = items.send(Err(error));
        }
        self.theirs = ReceiveState::Failed;
    }

    /// Ends both directions with an error (ST1).
    fn fail(&mut self, error: StreamError) {
        self.fail_receiving(error.clone());
        self.ours = false;
        self.stream.end_sending(Some(error));
    }

    /// Tells the peer that both directions are over (ST6).
    fn say_over(&self, why: &str) {
        let receives = self.may_receive() && !self.stopped;
        send_over(&self.link, self.id, why, receives);
    }

    /// Ends the stream because the peer broke one of its rules. The session goes on.
    fn fault(&mut self, what: &str) {
        self.say_over(what);
        self.fail(StreamError::Fault(what.into()));
    }

    /// Removes the stream from its session.
    fn over(&mut self) {
        if let Some(on_over) = self.on_over.take() {
            on_over();
        }
    }

    /// Whether both directions are over.
    fn is_settled(&self) -> bool {
        !self.ours && !self.may_receive()
    }

    /// Stops the actor and removes the route when both directions are over (ST4).
    fn settle(&mut self, ctx: &mut Context<Self, ()>) {
        if self.is_settled() {
            self.stream.end_sending(None);
            self.over();
            ctx.stop();
        }
    }
}

/// Sends a `Reset`: the items to the peer end with an error.
pub(crate) fn send_reset(link: &Link, stream: ChannelId, why: &str) {
    link.send_text(FrameType::Reset, stream, why);
}

/// Tells the peer that both directions of a stream are over; `receives` if the peer still sends
/// items (ST6).
pub(crate) fn send_over(link: &Link, stream: ChannelId, why: &str, receives: bool) {
    send_reset(link, stream, why);
    if receives {
        link.send_bare(FrameType::Stop, stream);
    }
}

impl Actor for StreamActor {
    type Args = Self;
    type Error = Infallible;

    async fn on_start(args: Self, _: ActorRef<Self>) -> Result<Self, Infallible> {
        Ok(args)
    }
}

impl Drop for StreamActor {
    fn drop(&mut self) {
        if self.is_settled() {
            return;
        }
        let reason = self.link.end.reason().unwrap_or_else(|| {
            self.say_over("the runtime of the other side was shut down");
            EndReason::RuntimeGone
        });
        self.fail(StreamError::SessionEnded(reason));
        self.over();
    }
}

impl Message<Arrived> for StreamActor {
    type Reply = ();

    async fn handle(&mut self, Arrived(frame): Arrived, ctx: &mut Context<Self, ()>) {
        match frame.header.frame_type {
            FrameType::Item => match &self.theirs {
                // If the receiver was dropped, `ReceiverLeft` follows.
                ReceiveState::Open(items) => drop(items.send(Ok(frame))),
                ReceiveState::Unwanted | ReceiveState::Failed => {}
                // An item can cross our `Stop`, and arrive after the `End` that answers it.
                ReceiveState::Over if self.stopped => {}
                ReceiveState::Over => self.fault("an item after the end"),
            },
            FrameType::End if self.may_receive() => self.theirs = ReceiveState::Over,
            FrameType::Stop if self.ours => {
                self.ours = false;
                self.stream.end_sending(None);
                self.say(FrameType::End);
            }
            FrameType::Reset if self.may_receive() => {
                let why = text::reason(frame.payload.bytes());
                self.fail_receiving(StreamError::Reset(why));
            }
            // A frame for a direction that is over.
            _ => self.link.metrics.arrived_late(),
        }
        self.settle(ctx);
    }
}

impl Message<NoMemory> for StreamActor {
    type Reply = ();

    async fn handle(&mut self, NoMemory(bytes): NoMemory, ctx: &mut Context<Self, ()>) {
        match &self.theirs {
            ReceiveState::Open(_) => {
                self.say_over(&format!(
                    "its receiver has no memory for {bytes} bytes of an item"
                ));
                self.fail(StreamError::NoMemory { bytes });
            }
            ReceiveState::Over if !self.stopped => self.fault("an item after the end"),
            ReceiveState::Over | ReceiveState::Unwanted | ReceiveState::Failed => {}
        }
        self.settle(ctx);
    }
}

impl Message<Overrun> for StreamActor {
    type Reply = ();

    async fn handle(&mut self, _: Overrun, ctx: &mut Context<Self, ()>) {
        self.fault("an item without credit");
        self.settle(ctx);
    }
}

impl Message<LocalEnded> for StreamActor {
    type Reply = ();

    async fn handle(&mut self, _: LocalEnded, ctx: &mut Context<Self, ()>) {
        self.ours = false;
        self.settle(ctx);
    }
}

impl Message<ReceiverLeft> for StreamActor {
    type Reply = ();

    async fn handle(&mut self, _: ReceiverLeft, ctx: &mut Context<Self, ()>) {
        if let ReceiveState::Open(_) = self.theirs {
            self.theirs = ReceiveState::Unwanted;
            self.stopped = true;
            self.say(FrameType::Stop);
        }
        self.settle(ctx);
    }
}

impl Message<NeverOpened> for StreamActor {
    type Reply = ();

    async fn handle(&mut self, _: NeverOpened, ctx: &mut Context<Self, ()>) {
        self.ours = false;
        self.theirs = ReceiveState::Over;
        self.settle(ctx);
    }
}

impl Message<SessionEnded> for StreamActor {
    type Reply = ();

    async fn handle(&mut self, SessionEnded(why): SessionEnded, ctx: &mut Context<Self, ()>) {
        self.fail(StreamError::SessionEnded(why));
        self.settle(ctx);
    }
}

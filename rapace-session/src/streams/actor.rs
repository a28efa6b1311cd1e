//! The actor that owns a stream's state.
//!
//! | message | from | kind |
//! |---|---|---|
//! | `Arrived`, `Overrun` | reader | tell |
//! | `LocalEnded`, `ReceiverLeft`, `NeverOpened` | the halves | tell |
//! | `SessionEnded` | the session's end | tell |
//!
//! A runtime that is shut down drops the actor without a word. Its destructor then tells both halves and the peer (S1).

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

/// Where a direction towards us is.
#[derive(Debug)]
enum Inbound {
    /// Items are passed on.
    Open(mpsc::UnboundedSender<Result<Frame, StreamError>>),
    /// Nobody takes them; the peer was told, and what it had sent by then is dropped.
    Unwanted,
    /// The peer ended it, or there never was one.
    Over,
    /// It ended with an error. What was on its way is dropped.
    Failed,
}

/// The actor.
pub(crate) struct StreamActor {
    link: Arc<Link>,
    id: ChannelId,
    stream: Arc<StreamState>,
    /// Whether this side may still send items.
    ours: bool,
    theirs: Inbound,
    /// We said that we want no more items.
    stopped: bool,
    /// Removes the stream from its session (S4).
    on_over: Option<Box<dyn FnOnce() + Send>>,
}

/// A stream frame that the reader read; items were checked against the allowance.
pub(crate) struct Arrived(pub(crate) Frame);

/// The peer sent more than it was granted.
pub(crate) struct Overrun;

/// Our half has said its last word: an end, or a reset.
pub(crate) struct LocalEnded;

/// Nobody will take items any more.
pub(crate) struct ReceiverLeft;

/// The request that was to open the stream was not sent.
pub(crate) struct NeverOpened;

/// The session is over.
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
            theirs: items.map_or(Inbound::Over, Inbound::Open),
            stopped: false,
            on_over: Some(Box::new(on_over)),
        }
    }

    fn say(&self, frame_type: FrameType) {
        self.link.send_bare(frame_type, self.id);
    }

    /// Whether the peer may still send items.
    fn is_fed(&self) -> bool {
        matches!(self.theirs, Inbound::Open(_) | Inbound::Unwanted)
    }

    /// Ends the direction towards us with an error (S1).
    fn fail_inbound(&mut self, error: StreamError) {
        if let Inbound::Open(items) = &self.theirs {
            let _ = items.send(Err(error));
        }
        self.theirs = Inbound::Failed;
    }

    /// Ends both directions with an error (S1).
    fn fail(&mut self, error: StreamError) {
        self.fail_inbound(error.clone());
        self.ours = false;
        self.stream.end_sending(Some(error));
    }

    /// Tells the peer that both directions are over (S6).
    fn say_over(&self, why: &str) {
        let receives = self.is_fed() && !self.stopped;
        send_over(&self.link, self.id, why, receives);
    }

    /// The peer broke a rule of the stream's: it alone ends.
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
        !self.ours && !self.is_fed()
    }

    /// Takes the route away when nothing is left to do (S4).
    fn settle(&mut self, ctx: &mut Context<Self, ()>) {
        if self.is_settled() {
            self.stream.end_sending(None);
            self.over();
            ctx.stop();
        }
    }
}

/// Says that the items towards the peer end with an error.
pub(crate) fn send_reset(link: &Link, stream: ChannelId, why: &str) {
    link.send_text(FrameType::Reset, stream, why);
}

/// Says that both directions of a stream are over; `receives` if the peer still sends items (S6).
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
            self.say_over("the runtime of its other side was shut down");
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
                // A consumer that left has said so, or will.
                Inbound::Open(items) => drop(items.send(Ok(frame))),
                Inbound::Unwanted | Inbound::Failed => {}
                // An item and our wish for no more can cross, also with the end that answers it.
                Inbound::Over if self.stopped => {}
                Inbound::Over => self.fault("an item after the end"),
            },
            FrameType::End if self.is_fed() => self.theirs = Inbound::Over,
            FrameType::Stop if self.ours => {
                self.ours = false;
                self.stream.end_sending(None);
                self.say(FrameType::End);
            }
            FrameType::Reset if self.is_fed() => {
                let why = text::reason(frame.payload.bytes());
                self.fail_inbound(StreamError::Reset(why));
            }
            // Of a direction that is over.
            _ => self.link.metrics.arrived_late(),
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
        if let Inbound::Open(_) = self.theirs {
            self.theirs = Inbound::Unwanted;
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
        self.theirs = Inbound::Over;
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

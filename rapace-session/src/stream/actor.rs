//! The actor that owns a stream's state.
//!
//! | message | from | kind |
//! |---|---|---|
//! | `Arrived`, `Overrun` | reader | tell |
//! | `LocalEnded`, `LocalReset`, `ReceiverLeft`, `NeverOpened` | the halves | tell |
//! | `SessionEnded` | the session's end | tell |
//!
//! A runtime that is shut down drops the actor without a word. Its destructor then tells both halves and the peer (S1).

use std::sync::Arc;

use kameo::Actor;
use kameo::actor::ActorRef;
use kameo::error::Infallible;
use kameo::message::{Context, Message};
use tokio::sync::mpsc;

use crate::error::{EndReason, StreamError};
use crate::frame::{ChannelId, Frame, Header, Verb};
use crate::shared::{Route, Shared, short_text};

/// Where a direction towards us is.
#[derive(Debug)]
enum Inbound {
    /// Items are passed on.
    Open(mpsc::UnboundedSender<Result<Frame, StreamError>>),
    /// Nobody takes them; the peer was told, and what it had sent by then is dropped.
    Unwanted,
    /// No more will come.
    Over,
}

/// The actor.
pub(crate) struct StreamActor {
    shared: Arc<Shared>,
    id: ChannelId,
    ours: bool,
    theirs: Inbound,
    /// We said that we want no more items.
    stopped: bool,
}

/// A stream frame that the reader read; items were checked against the allowance.
pub(crate) struct Arrived(pub(crate) Frame);

/// The peer sent more than it was granted.
pub(crate) struct Overrun;

/// Our half said that there are no more items.
pub(crate) struct LocalEnded;

/// Our half reset the stream both ways.
pub(crate) struct LocalReset(pub(crate) String);

/// Nobody will take items any more.
pub(crate) struct ReceiverLeft;

/// The request that was to open the stream was not sent.
pub(crate) struct NeverOpened;

/// The session is over.
pub(crate) struct SessionEnded(pub(crate) EndReason);

impl StreamActor {
    pub(crate) fn new(
        shared: Arc<Shared>,
        id: ChannelId,
        ours: bool,
        items: Option<mpsc::UnboundedSender<Result<Frame, StreamError>>>,
    ) -> Self {
        Self {
            shared,
            id,
            ours,
            theirs: items.map_or(Inbound::Over, Inbound::Open),
            stopped: false,
        }
    }

    fn say(&self, verb: Verb) {
        self.shared
            .outbox
            .send(Frame::bare(Header::new(verb, self.id)));
    }

    /// Ends both directions with an error (S1).
    fn fail(&mut self, error: StreamError) {
        if let Inbound::Open(items) = &self.theirs {
            let _ = items.send(Err(error.clone()));
        }
        self.theirs = Inbound::Over;
        self.ours = false;
        self.end_sending(Some(error));
    }

    /// The peer broke a rule of the stream's: it alone ends.
    fn reset(&mut self, what: &str) {
        self.shared.send_reset(self.id, what);
        self.fail(StreamError::Fault(what.into()));
    }

    fn end_sending(&self, why: Option<StreamError>) {
        if let Some(Route::Stream(route)) = self.shared.route(self.id) {
            route.end_sending(why);
        }
    }

    /// Whether both directions are over.
    fn is_settled(&self) -> bool {
        !self.ours && matches!(self.theirs, Inbound::Over)
    }

    /// Takes the route away when nothing is left to do (S4).
    fn settle(&mut self, ctx: &mut Context<Self, ()>) {
        if self.is_settled() {
            self.end_sending(None);
            self.shared.close_stream(self.id);
            ctx.stop();
        }
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
        let reason = self.shared.ended().unwrap_or_else(|| {
            self.shared
                .send_reset(self.id, "the runtime of its other side was shut down");
            EndReason::RuntimeGone
        });
        self.fail(StreamError::Lost(reason));
        self.shared.close_stream(self.id);
    }
}

impl Message<Arrived> for StreamActor {
    type Reply = ();

    async fn handle(&mut self, Arrived(frame): Arrived, ctx: &mut Context<Self, ()>) {
        match frame.header.verb {
            Verb::Item => match &self.theirs {
                // A consumer that left has said so, or will.
                Inbound::Open(items) => drop(items.send(Ok(frame))),
                Inbound::Unwanted => {}
                // An item and our wish for no more can cross, also with the end that answers it.
                Inbound::Over if self.stopped => {}
                Inbound::Over => self.reset("an item after the end"),
            },
            Verb::End => self.theirs = Inbound::Over,
            Verb::Stop if self.ours => {
                self.ours = false;
                self.end_sending(None);
                self.say(Verb::End);
            }
            Verb::Reset => {
                let why = short_text(frame.payload.bytes());
                self.fail(StreamError::Reset(why));
            }
            _ => {}
        }
        self.settle(ctx);
    }
}

impl Message<Overrun> for StreamActor {
    type Reply = ();

    async fn handle(&mut self, _: Overrun, ctx: &mut Context<Self, ()>) {
        self.reset("an item without credit");
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

impl Message<LocalReset> for StreamActor {
    type Reply = ();

    async fn handle(&mut self, LocalReset(why): LocalReset, ctx: &mut Context<Self, ()>) {
        self.fail(StreamError::Reset(why));
        self.settle(ctx);
    }
}

impl Message<ReceiverLeft> for StreamActor {
    type Reply = ();

    async fn handle(&mut self, _: ReceiverLeft, ctx: &mut Context<Self, ()>) {
        if let Inbound::Open(_) = self.theirs {
            self.theirs = Inbound::Unwanted;
            self.stopped = true;
            self.say(Verb::Stop);
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
        self.fail(StreamError::Lost(why));
        self.settle(ctx);
    }
}

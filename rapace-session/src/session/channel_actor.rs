//! The actor of a channel that this side opened.
//!
//! | state | calls | next |
//! |---|---|---|
//! | open | are made | draining, when the channel is closed |
//! | draining | calls under way finish, new ones fail | closed, when the last call is over |
//! | closed | none | |
//!
//! | message | from | kind |
//! |---|---|---|
//! | `Close` | the last handle when dropped, [`Channel::close`](crate::Channel::close), the peer | tell |
//!
//! - CA1: calls bypass the actor: the caller takes the credit, and the reader returns it. A close
//!   takes effect before the actor is told.
//! - CA2: the actor is linked to its session and stops with it. Other actors may link to it: it
//!   stops when the channel is closed.
//! - CA3: the peer is told that the channel is closed once no call is under way on it. The place
//!   and the number of the channel are free from then on.
//! - CA4: stopping or killing the actor closes the channel, if it is still open. The channel is
//!   still drained (CA3), after the actor's mailbox was closed.

use std::ops::ControlFlow;
use std::sync::Arc;

use kameo::Actor;
use kameo::actor::{ActorId, ActorRef, WeakActorRef};
use kameo::error::{ActorStopReason, Infallible};
use kameo::mailbox::{MailboxReceiver, Signal};
use kameo::message::{Context, Message};

use crate::calls::credits::{ClientChannel, Drain};

/// The actor of a channel that this side opened. It stops when the channel is closed, by either
/// side, or the session ends.
pub struct ChannelActor {
    channel: Arc<ClientChannel>,
    session: ActorId,
    /// Tells the peer and removes the channel (CA3).
    on_drained: Option<Box<dyn FnOnce() + Send>>,
    state: State,
}

enum State {
    Open,
    Draining(Drain),
    Closed,
}

/// The channel was closed, and must be drained.
pub(crate) struct Close;

impl ChannelActor {
    pub(crate) fn new(
        channel: &Arc<ClientChannel>,
        session: ActorId,
        on_drained: impl FnOnce() + Send + 'static,
    ) -> Self {
        Self {
            channel: Arc::clone(channel),
            session,
            on_drained: Some(Box::new(on_drained)),
            state: State::Open,
        }
    }

    fn start_draining(&mut self) {
        if let Some(drain) = self.channel.take_drain() {
            self.state = State::Draining(drain);
        }
    }

    /// Records the end of the drain (CA3).
    fn drained(&mut self, drained: bool) {
        if drained && let Some(on_drained) = self.on_drained.take() {
            self.channel.end();
            on_drained();
        }
        self.state = State::Closed;
    }
}

impl State {
    /// Waits until the last call is over, once the channel is closed.
    async fn drained(&mut self) -> bool {
        match self {
            Self::Draining(drain) => drain.drained().await,
            Self::Open | Self::Closed => std::future::pending().await,
        }
    }
}

impl Actor for ChannelActor {
    type Args = Self;
    type Error = Infallible;

    async fn on_start(args: Self, _: ActorRef<Self>) -> Result<Self, Infallible> {
        Ok(args)
    }

    async fn next(
        &mut self,
        _: WeakActorRef<Self>,
        mailbox: &mut MailboxReceiver<Self>,
    ) -> Result<Option<Signal<Self>>, Infallible> {
        tokio::select! {
            biased;
            drained = self.state.drained() => {
                self.drained(drained);
                Ok(Some(Signal::Stop))
            }
            signal = mailbox.recv() => Ok(signal),
        }
    }

    async fn on_link_died(
        &mut self,
        _: WeakActorRef<Self>,
        id: ActorId,
        _: ActorStopReason,
    ) -> Result<ControlFlow<ActorStopReason>, Infallible> {
        if id != self.session {
            return Ok(ControlFlow::Continue(()));
        }
        // CA2. The session's end settles the calls.
        self.state = State::Closed;
        Ok(ControlFlow::Break(ActorStopReason::Normal))
    }

    async fn on_stop(
        &mut self,
        _: WeakActorRef<Self>,
        _: ActorStopReason,
    ) -> Result<(), Infallible> {
        if matches!(self.state, State::Closed) {
            return Ok(());
        }
        // CA4
        self.channel.close("its actor was stopped");
        self.start_draining();
        if let State::Draining(drain) = &mut self.state {
            let drained = drain.drained().await;
            self.drained(drained);
        }
        Ok(())
    }
}

impl Drop for ChannelActor {
    fn drop(&mut self) {
        if !matches!(self.state, State::Closed) {
            self.channel.end();
        }
    }
}

impl Message<Close> for ChannelActor {
    type Reply = ();

    async fn handle(&mut self, Close: Close, _: &mut Context<Self, ()>) {
        self.start_draining();
    }
}
